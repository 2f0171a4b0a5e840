// The distinct values of a member over all items of an array: what {items.a} stands for, and the keys that a join asks
// for. Compared as text, so that 7 and "7" are one, in the order of first occurrence.
#pragma once
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace vg::tmpl {

/// Lifetime: views the items' text.
class DistinctValues {
 public:
  struct Entry {
    std::string_view text;  ///< decoded
    json::Value value;      ///< as it came, the first time
  };
  /// An array counts as its elements. Null and other structures are no values. Sorts: n log n for n items, whoever
  /// sent them.
  DistinctValues(json::Value items, std::span<const std::string> path);
  DistinctValues(const DistinctValues&) = delete;  // entries view decoded_
  DistinctValues& operator=(const DistinctValues&) = delete;

  std::span<const Entry> entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  void append_joined(std::string& out) const;  ///< the texts, joined by commas
  void append_array(std::string& out) const;   ///< the values, as a JSON array

 private:
  void add(json::Value value);
  void drop_repetitions();
  std::vector<Entry> entries_;
  std::deque<std::string> decoded_;  // of strings with escapes
};

}  // namespace vg::tmpl
