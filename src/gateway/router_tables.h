// The router's tables, shared by its builder and its lookup: a trie of segments in flat arrays. A node's literal
// children are found by one hash table for the whole trie; a node with a single one is compared without hashing.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/route_path.h"
#include "gateway/router.h"

namespace vg::gateway::trie {

/// Index of a node; no child is node 0, so that 0 says "none".
using NodeIndex = uint32_t;
/// Index of an endpoint plus one; 0 says "none".
using EndList = uint32_t;

/// Half a cache line, since a lookup among many routes is all cache misses.
struct alignas(32) Node {
  static constexpr NodeIndex kMany = static_cast<NodeIndex>(-1);
  NodeIndex parent = 0;
  uint32_t text_at = 0;        // of a literal: its bytes in Tables::text
  NodeIndex only_literal = 0;  // the literal child if there is one, kMany: look it up
  uint32_t forms = 0;          // children that are no literals: index in Tables::forms plus one, 0: none
  EndList ends = 0;            // routes that end here
  EndList rest = 0;            // routes whose {rest...} begins here
  uint8_t text_size = 0;
  bool literal = false;
  bool branches() const { return forms != 0 || rest != 0; }
};
static_assert(sizeof(Node) == 32);

/// The children of one node for int, uuid, slug and plain.
using Forms = std::array<NodeIndex, 4>;

/// A route at the node where its path ends. Those of one node have methods that do not overlap.
struct Endpoint {
  uint64_t methods = 0;
  uint32_t route = 0;
  EndList next = 0;
};

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
};
using RootByHost = std::unordered_map<std::string, NodeIndex, TextHash, std::equal_to<>>;

/// The roots of one listener's tries. `any`: of the routes without a host.
struct Listener {
  std::string name;
  RootByHost exact;
  RootByHost wildcard;  // "*.a.b" stands as ".a.b"
  size_t longest_wildcard = 0;
  NodeIndex any = 0;
};

/// Methods as bits: the nine of http::Method first, then those that only patterns name; the last bit is any other
/// method.
constexpr uint64_t method_bit(size_t i) { return uint64_t{1} << i; }
constexpr size_t kGet = 0, kHead = 1, kOptions = 6, kOtherMethod = 63;
constexpr uint64_t kAnyMethod = ~uint64_t{0};

inline uint64_t load64(const char* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}
inline uint64_t load32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}

/// Of a literal child's key. Its texts are the configuration's, so that clients cannot build collisions into the table.
inline uint64_t hash_edge(NodeIndex parent, std::string_view s) {
  constexpr uint64_t k = 0x9E3779B97F4A7C15ULL;
  uint64_t h = (uint64_t{parent} << 32 | s.size()) * k;
  const char* p = s.data();
  const size_t n = s.size();
  const auto mix = [&h](uint64_t v) {
    h = (h ^ v) * k;
    h ^= h >> 32;
  };
  if (n >= 8) {
    for (size_t i = 0; i + 8 < n; i += 8) mix(load64(p + i));
    mix(load64(p + n - 8));
  } else if (n >= 4) {
    mix(load32(p) << 32 | load32(p + n - 4));
  } else if (n > 0) {
    mix(static_cast<uint64_t>(static_cast<unsigned char>(p[0])) << 16 |
        static_cast<uint64_t>(static_cast<unsigned char>(p[n / 2])) << 8 | static_cast<unsigned char>(p[n - 1]));
  }
  h ^= h >> 29;
  return h;
}

struct Tables {
  TrailingSlash mode = TrailingSlash::kStrict;
  std::vector<Node> nodes;
  std::vector<Forms> forms;
  std::vector<Endpoint> ends;
  std::vector<NodeIndex> slots;  // open addressing, a power of two, at most half full
  std::string text;
  size_t longest_literal = 0;
  std::vector<std::string> methods;
  std::vector<Listener> listeners;

  std::string_view text_of(const Node& n) const { return std::string_view(text).substr(n.text_at, n.text_size); }
  /// The child of `parent` for the literal `s`, decoded; 0 if there is none.
  NodeIndex literal_child(NodeIndex parent, std::string_view s) const {
    const NodeIndex only = nodes[parent].only_literal;
    if (only == 0 || s.size() > longest_literal) return 0;
    if (only != Node::kMany) return text_of(nodes[only]) == s ? only : 0;
    const size_t mask = slots.size() - 1;
    for (size_t i = hash_edge(parent, s) & mask; slots[i] != 0; i = (i + 1) & mask) {
      const Node& n = nodes[slots[i]];
      if (n.parent == parent && text_of(n) == s) return slots[i];
    }
    return 0;
  }
  size_t method_index(std::string_view name) const {
    for (size_t i = 0; i < methods.size(); ++i) {
      if (methods[i] == name) return i;
    }
    return kOtherMethod;
  }
};

}  // namespace vg::gateway::trie
