#include "view/steps/bulk_results.h"

#include <gtest/gtest.h>

namespace vg::view {
namespace {

source::Answer answered(uint16_t status) {
  source::Answer a;
  a.status = status;
  a.state = status < 300 ? source::Answer::State::kOk : source::Answer::State::kFailed;
  if (status >= 300) a.error = Error(ErrorKind::kStatus, "shop answered with " + std::to_string(status));
  return a;
}

TEST(BulkOutcome, OfACallGoesByItsStatus) {
  EXPECT_EQ(outcome_of(answered(200)).status, BulkStatus::kUpdated);
  EXPECT_EQ(outcome_of(answered(204)).status, BulkStatus::kUpdated);
  EXPECT_EQ(outcome_of(answered(404)).status, BulkStatus::kNotFound);
  EXPECT_EQ(outcome_of(answered(410)).status, BulkStatus::kNotFound);
  for (const int status : {301, 400, 409, 500, 503}) {
    const BulkOutcome out = outcome_of(answered(static_cast<uint16_t>(status)));
    EXPECT_EQ(out.status, BulkStatus::kError);
    EXPECT_EQ(out.message, "shop answered with " + std::to_string(status));
  }
  source::Answer none;
  none.state = source::Answer::State::kFailed;
  none.error = Error(ErrorKind::kConnect, "no connection");
  EXPECT_EQ(outcome_of(none).message, "no connection");
}

TEST(BulkOutcome, OfAnElementGoesByWhatItSays) {
  const auto of = [](std::string_view text) { return outcome_of(json::Value::of(text)); };
  EXPECT_EQ(of(R"({"id":1})").status, BulkStatus::kUpdated);
  EXPECT_EQ(of("null").status, BulkStatus::kUpdated);
  EXPECT_EQ(of(R"({"status":"not_found"})").status, BulkStatus::kNotFound);
  EXPECT_EQ(of(R"({"status":"skipped"})").status, BulkStatus::kSkipped);
  EXPECT_EQ(of(R"({"status":404})").status, BulkStatus::kNotFound);
  EXPECT_EQ(of(R"({"status":200})").status, BulkStatus::kUpdated);
  EXPECT_EQ(of(R"({"status":"published"})").status, BulkStatus::kUpdated);
  EXPECT_EQ(of(R"({"error":null})").status, BulkStatus::kUpdated);
  EXPECT_EQ(of(R"({"error":"no stock"})").message, "no stock");
  EXPECT_EQ(of(R"({"status":"error","message":"no\nway"})").message, "no\nway");
  EXPECT_EQ(of(R"({"status":422})").message, "was not updated");
}

TEST(BulkResults, AreCountedAndStandInOrder) {
  BulkResults results;
  results.add(json::Value::of("1"), {BulkStatus::kUpdated, {}});
  results.add(json::Value::of(R"("a\"b")"), {BulkStatus::kError, "bad \"thing\""});
  results.add(json::Value(), {BulkStatus::kSkipped, {}});
  results.add(json::Value::of("{}"), {BulkStatus::kNotFound, {}});
  EXPECT_EQ(results.take(),
            R"({"updated":1,"not_found":1,"errors":1,"skipped":1,"results":[{"id":1,"status":"updated"},)"
            R"({"id":"a\"b","status":"error","message":"bad \"thing\""},{"id":null,"status":"skipped"},)"
            R"({"id":null,"status":"not_found"}]})");
}

TEST(BulkResults, OfNothingAreEmpty) {
  EXPECT_EQ(BulkResults().take(), R"({"updated":0,"not_found":0,"errors":0,"skipped":0,"results":[]})");
}

}  // namespace
}  // namespace vg::view
