#include "observe/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "observe/log_writer.h"
#include "unit/observe/json_line.h"
#include "unit/observe/log_files.h"

namespace vg {
namespace {

using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  void SetUp() override { attach(); }
  void TearDown() override {
    log::attach(nullptr);
    log::configure(log::Level::kInfo, log::Format::kText);
  }

  void attach() {
    auto writer = observe::LogWriter::start(folder_.file("log"));
    EXPECT_TRUE(writer.ok());
    writer_ = *writer;
    log::attach(writer_);
  }
  std::vector<std::string> lines() {
    log::attach(nullptr);
    writer_->stop();
    return observe::lines_of(observe::content_of(folder_.file("log")));
  }

  observe::TempFolder folder_;
  std::shared_ptr<observe::LogWriter> writer_;
};

TEST_F(LogTest, TextLinesHaveTimeLevelAndMessage) {
  log::info("listening on ", std::string("0.0.0.0:80"), " with ", 2u, " workers, ", true, ' ', -1, ' ', 0.5);
  log::warn("careful");
  log::error("broken");
  const auto out = lines();
  EXPECT_EQ(out.size(), 3u);
  EXPECT_THAT(out.at(0), MatchesRegex("20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z info "
                                      "listening on 0\\.0\\.0\\.0:80 with 2 workers, true -1 0\\.5"));
  EXPECT_THAT(out.at(1), MatchesRegex(".*Z warn careful"));
  EXPECT_THAT(out.at(2), MatchesRegex(".*Z error broken"));
}

TEST_F(LogTest, LevelsBelowTheConfiguredAreNotWritten) {
  log::configure(log::Level::kWarn, log::Format::kText);
  EXPECT_FALSE(log::enabled(log::Level::kInfo));
  log::debug("no");
  log::info("no");
  log::write(log::Level::kInfo, "no");
  log::warn("yes");
  log::configure(log::Level::kDebug, log::Format::kText);
  log::debug("yes");
  EXPECT_EQ(lines().size(), 2u);
}

TEST_F(LogTest, AMessageCannotBeginALineOfItsOwn) {
  log::info("path /x\n2026-11-22T00:00:00.000Z error forged\r\x1b[31m");
  const auto out = lines();
  EXPECT_EQ(out.size(), 1u);
  EXPECT_THAT(out.at(0), testing::HasSubstr("/x\\n2026-11-22T00:00:00.000Z error forged\\r\\x1b[31m"));
}

TEST_F(LogTest, JsonLinesAreValidWhateverTheMessage) {
  log::configure(log::Level::kInfo, log::Format::kJson);
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  log::info(all, " {} %v");
  log::error("plain");
  const auto out = lines();
  EXPECT_EQ(out.size(), 2u);
  for (const std::string& line : out) EXPECT_TRUE(observe::JsonLine::parse(line).has_value()) << line;
  EXPECT_THAT(out.at(0), testing::HasSubstr("\"level\":\"info\""));
  EXPECT_THAT(out.at(0), testing::HasSubstr(" {} %v\"}"));
  EXPECT_THAT(out.at(1), testing::EndsWith("\"level\":\"error\",\"message\":\"plain\"}"));
}

TEST_F(LogTest, WithoutAWriterLinesGoToStderr) {
  log::attach(nullptr);
  observe::FdPair pipe;
  EXPECT_EQ(::pipe2(pipe.fds, O_CLOEXEC), 0);
  {
    const observe::StderrIs redirected(pipe.fds[1]);
    log::error("early");
  }
  EXPECT_THAT(observe::read_from(pipe.fds[0], 37), testing::EndsWith("Z error early\n"));
}

TEST_F(LogTest, ErrorsShowKindAndBothDetails) {
  Error error(ErrorKind::kConnect, "catalog refused");
  error.internal = "10.0.0.1:80";
  EXPECT_EQ(log::cat("failed: ", error), "failed: connect: catalog refused (10.0.0.1:80)");
  EXPECT_EQ(log::cat(Error(ErrorKind::kTimeout, "")), "timeout");
}

TEST(LogNames, AreThoseOfTheConfiguration) {
  for (const auto level : {log::Level::kDebug, log::Level::kInfo, log::Level::kWarn, log::Level::kError}) {
    EXPECT_EQ(log::parse_level(log::to_string(level)), level);
  }
  EXPECT_EQ(log::parse_level("warning"), std::nullopt);
  EXPECT_EQ(log::parse_format("json"), log::Format::kJson);
  EXPECT_EQ(log::parse_format("xml"), std::nullopt);
}

}  // namespace
}  // namespace vg
