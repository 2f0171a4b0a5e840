// What is wrong with a configuration: all of it, in one pass. Each error names its place and its setting, and is
// printed as `FILE:LINE:COLUMN: PATH.TO.KEY: what is wrong`. The list is sorted by place, and says the same thing of
// the same place once, however many routes share it.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "config/node.h"

namespace vg::config {

struct ConfigError {
  std::string file;
  uint32_t line = 0;  ///< 0: no line is known (a file that can't be read)
  uint32_t column = 0;
  std::string path;  ///< routes[3].timeout; empty where the error is of no setting
  std::string message;
};
std::string to_string(const ConfigError& error);

/// Owns: its texts, so that it may outlive the Document. Thread: one.
class Errors {
 public:
  void add(const Mark& mark, std::string path, std::string message);
  void add(std::string file, std::string message);

  bool empty() const { return list_.empty(); }
  bool full() const { return list_.size() >= kMost; }  ///< a file of nothing but errors is not reported to its end
  size_t size() const { return sorted().size(); }
  /// Sorted by file, line, column; without repetitions.
  const std::vector<ConfigError>& sorted() const;
  /// One line an error, each ended by a newline.
  std::string text() const;

  static constexpr size_t kMost = 10000;

 private:
  mutable std::vector<ConfigError> list_;
  mutable bool is_sorted_ = true;
};

}  // namespace vg::config
