#include "http/response_writer.h"

#include <gtest/gtest.h>

#include "unit/http/head_feed.h"

namespace vg::http {
namespace {

using test::Fed;
using test::feed_response;

// What is left of a response's fields for the next hop.
std::string copied(const Head& head) {
  std::string out = "before\r\n";
  append_end_to_end_fields(head, out);
  return out.substr(std::string_view("before\r\n").size());
}

class CopiedFieldsTest : public testing::Test {
 protected:
  void parse(std::string_view lines, const test::Pieces& pieces = test::whole()) {
    const Fed fed =
        feed_response("HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n", Method::kGet, pieces, {}, &head_);
    ASSERT_EQ(fed.status, ParseStatus::kDone) << fed.reason;
  }
  ResponseHead head_;
};

TEST_F(CopiedFieldsTest, StayAsTheyAreAndInOrder) {
  parse("A: 1\r\nb-B: two words\r\nA: 3\r\nempty: \r\n");
  EXPECT_EQ(copied(head_), "A: 1\r\nb-B: two words\r\nA: 3\r\nempty: \r\n");
}

TEST_F(CopiedFieldsTest, AreWrittenInOneWayHoweverTheyCame) {
  parse("none:1\r\nmany:  2\r\ntab:\t3\r\nbehind: 4 \t \r\nplain: 5\r\nnothing:\r\n");
  EXPECT_EQ(copied(head_), "none: 1\r\nmany: 2\r\ntab: 3\r\nbehind: 4\r\nplain: 5\r\nnothing: \r\n");
}

TEST_F(CopiedFieldsTest, LeaveOutThoseOfTheHopWhereverTheyStand) {
  parse("Connection: keep-alive\r\nA: 1\r\nContent-Length: 2\r\nB: 2\r\nC: 3\r\nKeep-Alive: timeout=5\r\n");
  EXPECT_EQ(copied(head_), "A: 1\r\nB: 2\r\nC: 3\r\n");
}

TEST_F(CopiedFieldsTest, AreThoseThatAnEditLeft) {
  parse("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n");
  head_.remove("b");
  head_.add("E", "5");
  head_.add("F", ": 6");
  head_.set("C", "\"; \"");
  EXPECT_EQ(copied(head_), "A: 1\r\nD: 4\r\nE: 5\r\nF: : 6\r\nC: \"; \"\r\n");
}

TEST_F(CopiedFieldsTest, OfAHeadMadeHere) {
  head_.add("A", "");
  head_.add("B", ": ");
  head_.add("Content-Length", "1", FieldId::kContentLength);
  EXPECT_EQ(copied(head_), "A: \r\nB: : \r\n");
}

TEST_F(CopiedFieldsTest, AreTheSameHoweverTheHeadWasCut) {
  const std::string lines = "A: 1\r\nConnection: close\r\nB:2\r\nC: 3\r\nD: 4\r\n";
  for (size_t at = 1; at < lines.size() + 17; ++at) {
    parse(lines, [at](size_t begun) { return begun == 0 ? at : std::string::npos; });
    EXPECT_EQ(copied(head_), "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n") << at;
  }
}

}  // namespace
}  // namespace vg::http
