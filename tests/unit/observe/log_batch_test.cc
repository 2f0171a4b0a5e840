#include "observe/log_batch.h"

#include <gtest/gtest.h>

#include <string>

namespace vg::observe {
namespace {

std::string text_of(const LogBatch& batch) {
  std::string out;
  for (const iovec& piece : batch.pieces()) out.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return out;
}

class LogBatchTest : public testing::Test {
 protected:
  std::shared_ptr<AccessRing> ring_ = std::make_shared<AccessRing>(64, std::make_shared<WakeSignal>());
  LogBatch batch_;

  void collect(std::string_view errors) {
    batch_.clear();
    batch_.add(errors, nullptr);
    batch_.add(ring_->peek().first, ring_);
    batch_.add(ring_->peek().second, ring_);
  }
};

TEST_F(LogBatchTest, WrittenBytesGoBackToTheirRingAtOnce) {
  ring_->append("ring\n");
  collect("error\n");
  EXPECT_EQ(text_of(batch_), "error\nring\n");
  batch_.written(8);
  EXPECT_EQ(text_of(batch_), "ng\n");
  EXPECT_EQ(ring_->peek().size(), 3u);
  batch_.written(3);
  EXPECT_TRUE(batch_.empty());
  EXPECT_EQ(ring_->peek().size(), 0u);
}

TEST_F(LogBatchTest, LosingCountsLinesByKindAndFreesTheRing) {
  ring_->append("one\n");
  ring_->append("two\n");
  collect("e1\ne2\ne3\n");
  batch_.written(3);
  const LogBatch::Lost lost = batch_.lose();
  EXPECT_EQ(lost.error_lines, 2u);
  EXPECT_EQ(lost.access_lines, 2u);
  EXPECT_TRUE(batch_.empty());
  EXPECT_EQ(ring_->peek().size(), 0u);
}

TEST_F(LogBatchTest, ALineCutByAnErrorIsEndedBeforeTheNext) {
  ring_->append("first\n");
  collect("");
  batch_.written(2);
  EXPECT_EQ(batch_.lose().access_lines, 1u);
  ring_->append("next\n");
  collect("");
  EXPECT_EQ(text_of(batch_), "\nnext\n");
  batch_.written(6);
  ring_->append("third\n");
  collect("");
  EXPECT_EQ(text_of(batch_), "third\n");
}

TEST_F(LogBatchTest, TheNewlineThatEndsACutLineCountsAsNoLine) {
  collect("cut\n");
  batch_.written(1);
  EXPECT_EQ(batch_.lose().error_lines, 1u);
  collect("lost\n");
  EXPECT_EQ(batch_.lose().error_lines, 1u);
}

}  // namespace
}  // namespace vg::observe
