// One value of JSON with all that is in it, laid out flat: each node knows its bytes, its first child stands right
// behind it, and it knows where it ends. For who must look at everything many times, as a schema does; a Value
// (json/value.h) walks over the text anew each time it is asked. Nothing is copied or decoded.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace vg::json {

/// Lifetime: that of the text. Thread: any, once it is built.
class Tree {
 public:
  struct Node {
    uint32_t begin = 0, end = 0;      ///< its bytes in the text
    uint32_t name = 0, name_end = 0;  ///< of a member: the bytes of its name with the quotes
    uint32_t count = 0;               ///< members or elements
    uint32_t next = 0;                ///< behind the last node that is in it
    Kind kind = Kind::kNull;
  };

  /// Texts from this size on are not taken: positions have 32 bits.
  static constexpr size_t kMaxBytes = UINT32_MAX;

  /// Replaces what was there. False if the text is too long or nested deeper than kMaxDepth. Precondition: the value is
  /// not absent.
  bool build(Value value);

  const Node& operator[](uint32_t i) const { return nodes_[i]; }
  size_t size() const { return nodes_.size(); }
  std::string_view text(const Node& node) const { return text_.substr(node.begin, node.end - node.begin); }
  std::string_view name(const Node& node) const { return text_.substr(node.name, node.name_end - node.name); }

 private:
  struct Open;
  void add(Kind kind, const char* begin, const char* end, Open& open);
  const char* add_string(const char* at, const char* end, Open& open);
  uint32_t position(const char* at) const { return static_cast<uint32_t>(at - text_.data()); }

  std::string_view text_;
  std::vector<Node> nodes_;
};

}  // namespace vg::json
