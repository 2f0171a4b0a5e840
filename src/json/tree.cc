#include "json/tree.h"

#include <array>
#include <utility>

#include "json/walk.h"

namespace vg::json {
namespace {

Kind scalar_kind(char first) {
  if (first == 'n') return Kind::kNull;
  return first == 't' || first == 'f' ? Kind::kBool : Kind::kNumber;
}

}  // namespace

/// The arrays and objects that are open, and the name that waits for its value.
struct Tree::Open {
  std::array<uint32_t, kMaxDepth> nodes;
  size_t depth = 0;
  uint32_t name = 0, name_end = 0;
};

void Tree::add(Kind kind, const char* begin, const char* end, Open& open) {
  Node& node = nodes_.emplace_back();
  node.kind = kind;
  node.begin = position(begin);
  node.end = position(end);
  node.name = std::exchange(open.name, 0);
  node.name_end = std::exchange(open.name_end, 0);
  node.next = static_cast<uint32_t>(nodes_.size());
  if (open.depth > 0) ++nodes_[open.nodes[open.depth - 1]].count;
}

/// A string, unless it turns out to be a name. Returns where it ends.
const char* Tree::add_string(const char* at, const char* end, Open& open) {
  bool escaped = false;
  const char* const close = step(closing_quote(at + 1, end, escaped), end);
  const char* const behind = skip_blanks(close, end);
  if (behind == end || *behind != ':') {
    add(Kind::kString, at, close, open);
    return close;
  }
  open.name = position(at);
  open.name_end = position(close);
  return behind + 1;
}

bool Tree::build(Value value) {
  text_ = value.text();
  nodes_.clear();
  if (text_.size() >= kMaxBytes) return false;
  nodes_.reserve(text_.size() / 16 + 4);
  Open open;
  const char* const end = text_.data() + text_.size();
  for (const char* at = skip_blanks(text_.data(), end); at < end; at = skip_blanks(at, end)) {
    const char c = *at;
    if (c == '{' || c == '[') {
      if (open.depth == kMaxDepth) return false;
      add(c == '{' ? Kind::kObject : Kind::kArray, at, at, open);
      open.nodes[open.depth++] = static_cast<uint32_t>(nodes_.size() - 1);
      ++at;
    } else if (c == '}' || c == ']') {
      Node& closed = nodes_[open.nodes[--open.depth]];
      closed.end = position(++at);
      closed.next = static_cast<uint32_t>(nodes_.size());
    } else if (c == '"') {
      at = add_string(at, end, open);
    } else if (c == ',') {
      ++at;
    } else {
      const char* const close = skip_value(at, end);
      add(scalar_kind(c), at, close, open);
      at = close;
    }
  }
  return true;
}

}  // namespace vg::json
