// The real world that configurations read from: variables of the process, files, and patterns of files.
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "config/loader.h"

namespace vg::config {
namespace {

std::string in_words(int error) {
  if (error == ENOENT || error == ENOTDIR) return "does not exist";
  if (error == EACCES) return "can't be read: permission denied";
  if (error == EISDIR) return "is a directory";
  char buffer[128];
  return std::string("can't be read: ") + strerror_r(error, buffer, sizeof buffer);
}

class RealEnvironment final : public Environment {
 public:
  std::optional<std::string> variable(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  }

  File read(const std::string& path, size_t limit) const override {
    struct Close {
      void operator()(FILE* f) const { std::fclose(f); }
    };
    // Not opened before it is known to be a file: opening a FIFO would wait for a writer.
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0) return {{}, in_words(errno)};
    if (S_ISDIR(info.st_mode)) return {{}, in_words(EISDIR)};
    if (!S_ISREG(info.st_mode) && !S_ISCHR(info.st_mode)) return {{}, "is not a file"};
    const std::unique_ptr<FILE, Close> file(std::fopen(path.c_str(), "re"));
    if (!file) return {{}, in_words(errno)};
    File out;
    char buffer[64 * 1024];
    while (const size_t got = std::fread(buffer, 1, sizeof buffer, file.get())) {
      out.content.append(buffer, got);
      if (out.content.size() > limit) return {{}, "is larger than " + format_size(limit)};
    }
    if (std::ferror(file.get()) != 0) return {{}, in_words(errno)};
    return out;
  }

  std::vector<std::string> glob(const std::string& pattern) const override {
    glob_t found = {};
    std::vector<std::string> out;
    if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
    }
    ::globfree(&found);
    std::sort(out.begin(), out.end());
    return out;
  }

  std::string identity(const std::string& path) const override {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    return real ? std::string(real.get()) : path;
  }
};

}  // namespace

const Environment& real_environment() {
  static const RealEnvironment environment;
  return environment;
}

}  // namespace vg::config
