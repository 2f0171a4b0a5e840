// Where in the configuration something stands, as errors print it: `routes[3].timeout`. A chain on the stack, made into
// text only when there is an error to print.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace vg::config {

/// Lifetime: the parent and the key outlive it.
class Path {
 public:
  explicit Path(std::string_view key) : key_(key) {}
  Path(const Path& parent, std::string_view key) : parent_(&parent), key_(key) {}
  Path(const Path& parent, size_t index) : parent_(&parent), index_(index), is_index_(true) {}

  std::string str() const {
    std::string out = parent_ != nullptr ? parent_->str() : std::string();
    if (is_index_) return out + '[' + std::to_string(index_) + ']';
    if (!out.empty() && !key_.empty()) out += '.';
    return out + std::string(key_);
  }

 private:
  const Path* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
  bool is_index_ = false;
};

/// A piece of the user's text for a message: in quotes, cut where it is long.
std::string quote(std::string_view text);

}  // namespace vg::config
