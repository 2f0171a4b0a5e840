// A redis-server of a test's own, on a unix socket in a directory of its own. Ended, and the directory removed, with
// it.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace vg::test {

class RedisServer {
 public:
  RedisServer() {
    char directory[] = "/tmp/vg-redis-XXXXXX";
    EXPECT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    start();
  }
  ~RedisServer() {
    stop();
    std::filesystem::remove_all(directory_);
  }
  RedisServer(const RedisServer&) = delete;

  std::string socket() const { return directory_ + "/redis.sock"; }
  pid_t pid() const { return pid_; }

  /// Returns when it takes connections.
  void start() {
    int out[2];
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket().c_str(), "--dir",
             directory_.c_str(), "--save", "", "--appendonly", "no", "--loglevel", "notice", nullptr);
      _exit(127);
    }
    close(out[1]);
    out_ = fdopen(out[0], "r");
    char line[512];
    bool ready = false;
    while (!ready && std::fgets(line, sizeof line, out_) != nullptr)
      ready = std::string_view(line).find("eady to accept connections") != std::string_view::npos;
    EXPECT_TRUE(ready) << "redis-server did not start";
  }
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
    std::fclose(out_);
    std::filesystem::remove(socket());
  }

 private:
  std::string directory_;
  pid_t pid_ = 0;
  std::FILE* out_ = nullptr;
};

}  // namespace vg::test
