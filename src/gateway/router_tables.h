// The router's tables, shared by its builder and its lookup: a trie of segments in flat arrays. A node's literal
// children are found by one hash table for the whole trie; a node with a single one is compared without hashing. A
// lookup among many routes is all cache misses, one after the other: a slot, a node (and the next one, which is mostly
// its child) are all that it reads.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/route_path.h"
#include "gateway/router.h"

namespace vg::gateway::trie {

/// Index of a node; no child is node 0, so that 0 says "none".
using NodeIndex = uint32_t;
/// Routes that end at a node: 0 says "none"; with kSingle one route, and which set of methods it takes; else the index
/// of an endpoint plus one.
using EndList = uint32_t;
constexpr EndList kSingle = 1U << 31;
constexpr uint32_t kSingleSets = 1U << 7, kSingleRoutes = 1U << 24;

/// Half a cache line.
struct alignas(32) Node {
  static constexpr NodeIndex kMany = static_cast<NodeIndex>(-1);
  static constexpr size_t kInline = 11;
  NodeIndex parent = 0;
  NodeIndex only_literal = 0;  // the literal child if there is one, kMany: look it up
  uint32_t forms = 0;          // children that are no literals: index in Tables::forms plus one, 0: none
  EndList ends = 0;            // routes that end here
  EndList rest = 0;            // routes whose {rest...} begins here
  uint8_t text_size = 0;
  std::array<char, kInline> text{};  // of a literal: its bytes, or where they begin in Tables::text
  bool branches() const { return forms != 0 || rest != 0; }
};
static_assert(sizeof(Node) == 32);

/// Of the hash table: a literal child, and in the bits that no index needs (outside Tables::index_bits) some of its
/// hash, so that a neighbour's node is not read. Of 32 bits, so that the table stays in the caches.
using Slot = uint32_t;

/// Two nodes to a cache line, and never one in two.
template <typename T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  LineAllocator() = default;
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, size_t) { ::operator delete(p, kLine); }
  bool operator==(const LineAllocator&) const = default;
};

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

/// All 128 bits of the product, folded: each bit of the arguments reaches each of the result.
inline uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Of a literal child's key. Its texts are the configuration's, so that clients cannot build collisions into the table.
/// Names that differ in a digit at their end are the rule: that digit must reach the low bits.
inline uint64_t hash_edge(NodeIndex parent, std::string_view s) {
  constexpr uint64_t k = 0x9E3779B97F4A7C15ULL;
  uint64_t h = (uint64_t{parent} << 32 | s.size()) * k;
  const char* p = s.data();
  const size_t n = s.size();
  if (n >= 8) {
    for (size_t i = 0; i + 8 < n; i += 8) h = fold(h ^ load64(p + i), k);
    return fold(h ^ load64(p + n - 8), k);
  }
  if (n >= 4) return fold(h ^ (load32(p) << 32 | load32(p + n - 4)), k);
  if (n == 0) return fold(h, k);
  const auto byte = [p](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(p[i])); };
  return fold(h ^ (byte(0) << 16 | byte(n / 2) << 8 | byte(n - 1)), k);
}

struct Tables {
  TrailingSlash mode = TrailingSlash::kStrict;
  std::vector<Node, LineAllocator<Node>> nodes;
  std::vector<Forms> forms;
  std::vector<Endpoint> ends;
  std::vector<uint64_t> method_sets;  // of the routes that are alone at a node
  std::vector<Slot> slots;  // of literals with siblings; open addressing, a power of two, at most two thirds full
  uint32_t index_bits = ~uint32_t{0};  // the bits of a slot that are an index
  std::string text;                    // of the literals that are too long for their node
  size_t longest_literal = 0;
  std::vector<std::string> methods;
  std::vector<Listener> listeners;

  std::string_view text_of(const Node& n) const {
    if (n.text_size <= Node::kInline) return {n.text.data(), n.text_size};
    return std::string_view(text).substr(load32(n.text.data()), n.text_size);
  }
  /// The child of `parent` for the literal `s`, decoded; 0 if there is none.
  NodeIndex literal_child(NodeIndex parent, std::string_view s) const {
    const NodeIndex only = nodes[parent].only_literal;
    if (only == 0 || s.size() > longest_literal) return 0;
    if (only != Node::kMany) return text_of(nodes[only]) == s ? only : 0;
    const size_t mask = slots.size() - 1;
    const uint64_t hash = hash_edge(parent, s);
    for (size_t i = hash & mask; slots[i] != 0; i = (i + 1) & mask) {
      if (((slots[i] ^ hash >> 32) & ~index_bits) != 0) continue;
      const Node& n = nodes[slots[i] & index_bits];
      __builtin_prefetch(&n + 1);
      if (n.parent == parent && text_of(n) == s) return slots[i] & index_bits;
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
