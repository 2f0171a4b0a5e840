#include "observe/log_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "unit/observe/log_files.h"

namespace vg::observe {
namespace {

using Clock = std::chrono::steady_clock;

std::shared_ptr<LogWriter> start(const std::string& target) {
  auto writer = LogWriter::start(target);
  EXPECT_TRUE(writer.ok()) << (writer.ok() ? "" : writer.error().detail);
  return writer.ok() ? *writer : nullptr;
}

TEST(LogWriter, WritesAccessAndErrorLinesToOneFile) {
  const TempFolder folder;
  const auto writer = start(folder.file("log"));
  const auto ring = writer->add_ring();
  EXPECT_TRUE(ring->append("access\n"));
  EXPECT_TRUE(writer->append_error("error\n"));
  writer->stop();
  const auto lines = lines_of(content_of(folder.file("log")));
  EXPECT_THAT(lines, testing::UnorderedElementsAre("access", "error"));
  EXPECT_EQ(writer->stats().written_bytes, 13u);
  EXPECT_EQ(writer->stats().dropped_access, 0u);
}

TEST(LogWriter, AppendsToAnExistingFile) {
  const TempFolder folder;
  std::ofstream(folder.file("log")) << "before\n";
  const auto writer = start(folder.file("log"));
  writer->append_error("after\n");
  writer->stop();
  EXPECT_EQ(content_of(folder.file("log")), "before\nafter\n");
}

TEST(LogWriter, ANewFileIsNotForEveryone) {
  const TempFolder folder;
  start(folder.file("log"))->stop();
  struct stat st {};
  EXPECT_EQ(::stat(folder.file("log").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0027u, 0u);
}

TEST(LogWriter, LinesAppearWithoutBeingFlushed) {
  const TempFolder folder;
  EXPECT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  FdPair pipe;
  pipe.fds[0] = ::open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const auto writer = start(folder.file("pipe"));
  const auto ring = writer->add_ring();
  for (int i = 0; i < 10; ++i) {
    ring->append("line\n");
    EXPECT_EQ(read_from(pipe.fds[0], 5), "line\n");
  }
}

TEST(LogWriter, LoopsUnderLoadDoNotWakeItForEachLine) {
  const TempFolder folder;
  const auto writer = start(folder.file("log"));
  const auto ring = writer->add_ring();
  const auto begin = Clock::now();
  constexpr uint64_t kLines = 20'000;
  for (uint64_t i = 0; i < kLines; ++i) ring->append("GET / 200\n");
  const auto ticks = (Clock::now() - begin) / std::chrono::milliseconds(10);
  writer->stop();
  const LogStats stats = writer->stats();
  EXPECT_LE(stats.wakes, 3u + static_cast<uint64_t>(ticks));
  EXPECT_EQ(stats.written_bytes, kLines * 10);
}

void wait_until_written(const LogWriter& writer, uint64_t bytes) {
  const auto limit = Clock::now() + std::chrono::seconds(10);
  while (writer.stats().written_bytes < bytes && Clock::now() < limit) std::this_thread::yield();
}

TEST(LogWriter, ReopenAfterRenameWritesToANewFile) {
  const TempFolder folder;
  const auto writer = start(folder.file("log"));
  const auto ring = writer->add_ring();
  ring->append("old\n");
  wait_until_written(*writer, 4);
  std::filesystem::rename(folder.file("log"), folder.file("log.1"));
  ring->append("between\n");
  wait_until_written(*writer, 12);
  EXPECT_TRUE(writer->reopen().ok());
  ring->append("new\n");
  wait_until_written(*writer, 16);
  EXPECT_EQ(content_of(folder.file("log.1")), "old\nbetween\n");
  EXPECT_EQ(content_of(folder.file("log")), "new\n");
}

TEST(LogWriter, KeepsTheOldFileIfReopenFails) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.file("logs"));
  const auto writer = start(folder.file("logs/log"));
  std::filesystem::rename(folder.file("logs"), folder.file("moved"));
  const auto result = writer->reopen();
  EXPECT_FALSE(result.ok());
  writer->append_error("still here\n");
  writer->stop();
  EXPECT_EQ(content_of(folder.file("moved/log")), "still here\n");
}

TEST(LogWriter, RetargetMovesToAnotherFile) {
  const TempFolder folder;
  const auto writer = start(folder.file("a"));
  EXPECT_TRUE(writer->retarget(folder.file("b")).ok());
  writer->append_error("x\n");
  writer->stop();
  EXPECT_EQ(content_of(folder.file("a")), "");
  EXPECT_EQ(content_of(folder.file("b")), "x\n");
}

TEST(LogWriter, RefusesATargetThatCannotBeOpened) {
  const TempFolder folder;
  auto writer = LogWriter::start(folder.file("missing/log"));
  ASSERT_FALSE(writer.ok());
  EXPECT_THAT(writer.error().detail, testing::HasSubstr("missing/log: No such file"));
}

TEST(LogWriter, CheckCreatesNothing) {
  const TempFolder folder;
  EXPECT_TRUE(LogWriter::check("stderr").ok());
  EXPECT_TRUE(LogWriter::check(folder.file("log")).ok());
  EXPECT_FALSE(std::filesystem::exists(folder.file("log")));
  EXPECT_FALSE(LogWriter::check(folder.file("missing/log")).ok());
  EXPECT_FALSE(LogWriter::check(folder.file("")).ok()) << "a folder is no log file";
  EXPECT_FALSE(LogWriter::check("").ok());
}

TEST(LogWriter, LinesOfARemovedRingAreStillWritten) {
  const TempFolder folder;
  const auto writer = start(folder.file("log"));
  auto ring = writer->add_ring();
  const std::weak_ptr<AccessRing> watched = ring;
  ring->append("last words\n");
  writer->remove_ring(ring);
  ring.reset();
  writer->stop();
  EXPECT_EQ(content_of(folder.file("log")), "last words\n");
}

/// A reader that does not read: appending goes on, lines are dropped and counted, stop() comes back.
void expect_no_wait_on(LogWriter& writer) {
  const auto ring = writer.add_ring(4096);
  const std::string line = std::string(99, 'x') + "\n";
  uint64_t refused = 0;
  for (int i = 0; i < 20'000; ++i) refused += ring->append(line) ? 0 : 1;
  EXPECT_GT(refused, 0u);
  for (int i = 0; i < 20'000; ++i) writer.append_error(line);
  const auto begin = Clock::now();
  writer.stop();
  EXPECT_LT(Clock::now() - begin, LogWriter::kFlushLimit + std::chrono::seconds(4));
  EXPECT_GE(writer.stats().dropped_access, refused);
  EXPECT_GT(writer.stats().dropped_error, 0u);
}

TEST(LogWriter, AFullFifoBlocksNeitherLoopsNorStop) {
  const TempFolder folder;
  EXPECT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  FdPair pipe;
  pipe.fds[0] = ::open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  expect_no_wait_on(*start(folder.file("pipe")));
}

TEST(LogWriter, AFullStderrPipeBlocksNeitherLoopsNorStopAndKeepsItsFlags) {
  FdPair pipe;
  EXPECT_EQ(::pipe2(pipe.fds, O_CLOEXEC), 0);
  const StderrIs redirected(pipe.fds[1]);
  expect_no_wait_on(*start("stderr"));
  EXPECT_EQ(::fcntl(pipe.fds[1], F_GETFL) & O_NONBLOCK, 0) << "others share this description";
}

TEST(LogWriter, AFullStderrSocketBlocksNeitherLoopsNorStopAndKeepsItsFlags) {
  FdPair pair;
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.fds), 0);
  const StderrIs redirected(pair.fds[1]);
  expect_no_wait_on(*start("stderr"));
  EXPECT_EQ(::fcntl(pair.fds[1], F_GETFL) & O_NONBLOCK, 0);
}

TEST(LogWriter, WhatAFullPipeHeldUpArrivesWholeOnceItIsRead) {
  FdPair pipe;
  EXPECT_EQ(::pipe2(pipe.fds, O_CLOEXEC), 0);
  const StderrIs redirected(pipe.fds[1]);
  const auto writer = start("stderr");
  const auto ring = writer->add_ring(size_t{1} << 20);
  std::string sent;
  for (int i = 0; i < 5000; ++i) {
    const std::string line = std::to_string(i) + std::string(100, 'y') + "\n";
    EXPECT_TRUE(ring->append(line));
    sent += line;
  }
  EXPECT_EQ(read_from(pipe.fds[0], sent.size()), sent);
}

TEST(LogWriter, CountsWritesThatFail) {
  FdPair pipe;
  EXPECT_EQ(::pipe2(pipe.fds, O_CLOEXEC), 0);
  const StderrIs redirected(pipe.fds[1]);
  const auto writer = start("stderr");
  pipe.close_reader();
  writer->append_error("nobody reads\n");
  writer->stop();
  EXPECT_EQ(writer->stats().write_errors, 1u);
  EXPECT_EQ(writer->stats().dropped_error, 1u);
}

TEST(LogWriter, AFullDiskLosesLinesNotTheProcess) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  const auto writer = start("/dev/full");
  const auto ring = writer->add_ring();
  ring->append("a\n");
  writer->stop();
  EXPECT_EQ(writer->stats().write_errors, 1u);
  EXPECT_EQ(writer->stats().dropped_access, 1u);
}

TEST(LogWriter, ManyLoopsAndErrorsMixOnlyWholeLines) {
  const TempFolder folder;
  const auto writer = start(folder.file("log"));
  constexpr int kThreads = 4;
  constexpr int kLines = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto ring = writer->add_ring();
      for (int i = 0; i < kLines; ++i) {
        const std::string line = "t" + std::to_string(t) + " " + std::to_string(i) + "\n";
        EXPECT_TRUE(ring->append(line));
        if (i % 100 == 0) {
          EXPECT_TRUE(writer->append_error("error\n"));
          EXPECT_TRUE(writer->reopen().ok());
          EXPECT_LE(writer->stats().dropped_access, 0u);
        }
      }
      writer->remove_ring(ring);
    });
  }
  for (auto& t : threads) t.join();
  writer->stop();
  std::vector<int> next(kThreads, 0);
  int errors = 0;
  for (const std::string& line : lines_of(content_of(folder.file("log")))) {
    if (line == "error") {
      ++errors;
      continue;
    }
    const auto t = static_cast<size_t>(line.at(1) - '0');
    EXPECT_EQ(line.substr(3), std::to_string(next.at(t)++));
  }
  EXPECT_EQ(next, std::vector<int>(kThreads, kLines));
  EXPECT_EQ(errors, kThreads * kLines / 100);
}

TEST(LogWriter, StopIsIdempotent) {
  const TempFolder folder;
  const auto writer = start(folder.file("log"));
  writer->stop();
  writer->stop();
}

}  // namespace
}  // namespace vg::observe
