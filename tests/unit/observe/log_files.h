// What the tests of the log share: a folder that vanishes, and reading what was written.
#pragma once
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace vg::observe {

class TempFolder {
 public:
  TempFolder() {
    std::string shape = (std::filesystem::temp_directory_path() / "vg-observe-XXXXXX").string();
    path_ = ::mkdtemp(shape.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

/// Reads until `bytes` came, or nothing came for ten seconds.
inline std::string read_from(int fd, size_t bytes) {
  std::string out;
  while (out.size() < bytes) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) <= 0) break;
    char buffer[4096];
    const ssize_t n = ::read(fd, buffer, std::min(sizeof buffer, bytes - out.size()));
    if (n <= 0) break;
    out.append(buffer, static_cast<size_t>(n));
  }
  return out;
}

/// A pipe or a socket pair: [0] reads, [1] writes.
struct FdPair {
  int fds[2] = {-1, -1};
  ~FdPair() {
    for (const int fd : fds) {
      if (fd >= 0) ::close(fd);
    }
  }
  void close_reader() {
    ::close(fds[0]);
    fds[0] = -1;
  }
};

/// Puts another descriptor in the place of stderr for a while.
class StderrIs {
 public:
  explicit StderrIs(int fd) : saved_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
  ~StderrIs() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }
  StderrIs(const StderrIs&) = delete;
  StderrIs& operator=(const StderrIs&) = delete;

 private:
  int saved_;
};

}  // namespace vg::observe
