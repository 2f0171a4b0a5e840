// The configuration as a tree that remembers where everything stood: each Node is null, a scalar, a sequence or a map,
// with the file, line and column that it was written at. A tree is immutable once loaded; its Document owns all nodes
// and texts in an arena. A map that was merged from several places is a new node, whose members are the nodes of the
// places they came from: so `explain` and every error can say where a value was written.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vg::config {

/// A place in a file: line and column count from 1, columns in bytes; 0 where there is none. Lifetime: `file` is the
/// Document's. A place whose file is kBuiltIn is no file's: the gateway's own default.
struct Mark {
  const std::string* file = nullptr;
  uint32_t line = 0;
  uint32_t column = 0;
};
inline constexpr std::string_view kBuiltIn = "(built-in)";
std::string to_string(const Mark& mark);  ///< FILE:LINE:COLUMN, without what is not known

enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

class Node;

/// One `key: value` of a map. A key always stands in the file of its value.
struct Member {
  std::string_view key;
  const Node* value = nullptr;
  uint32_t line = 0;
  uint32_t column = 0;
  Mark key_mark() const;
};

/// Thread: immutable after loading, read from any. Lifetime: its Document's.
class Node {
 public:
  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_scalar() const { return kind_ == Kind::kScalar; }
  bool is_sequence() const { return kind_ == Kind::kSequence; }
  bool is_map() const { return kind_ == Kind::kMap; }
  const Mark& mark() const { return mark_; }

  /// A scalar that stood in quotes (or as a block): it is text, never a number, a boolean or null. JSON needs this.
  bool quoted() const { return quoted_; }
  /// A scalar with something that ${…} brought in: its quotes may be there for YAML's sake alone, so numbers and
  /// booleans are taken from it even if it is quoted().
  bool substituted() const { return substituted_; }
  /// A map or sequence written as {…} or […].
  bool flow() const { return flow_; }

  /// Null in the place of a value that was reported as an error when it was read: nothing more is to be said of it.
  bool broken() const { return broken_; }

  /// A scalar's text after substitution; empty for other kinds. Never compile a template from this: see
  /// template_text().
  std::string_view text() const {
    return is_scalar() ? std::string_view(static_cast<const char*>(data_), size_) : std::string_view();
  }
  /// A scalar's text as a template: as text(), but with the braces that ${…} brought in doubled, so that a substituted
  /// value is literal text and never becomes a reference. Everything that compiles templates starts from this.
  std::string_view template_text() const;
  /// A sequence's items; empty for other kinds.
  std::span<const Node* const> items() const {
    return is_sequence() ? std::span(static_cast<const Node* const*>(data_), size_) : std::span<const Node* const>();
  }
  /// A map's members in their order; empty for other kinds.
  std::span<const Member> members() const {
    return is_map() ? std::span(static_cast<const Member*>(data_), size_) : std::span<const Member>();
  }
  /// A map's value for `key`; nullptr where it has none, or is no map.
  const Node* get(std::string_view key) const;
  const Member* find(std::string_view key) const;

 private:
  friend class Document;
  Mark mark_;
  const void* data_ = nullptr;
  uint32_t size_ = 0;
  Kind kind_ = Kind::kNull;
  bool quoted_ : 1 = false;
  bool flow_ : 1 = false;
  bool broken_ : 1 = false;
  bool substituted_ : 1 = false;
  bool has_template_ : 1 = false;  // data_ is followed by the length and the bytes of the template's text
};
static_assert(sizeof(Node) == 32, "ten thousand routes are a hundred thousand nodes");

/// Owns the nodes of one configuration, their texts and the names of their files. The nodes are made here alone.
/// Thread: one while it is filled.
class Document {
 public:
  Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  ~Document();

  const std::string* add_file(std::string name);
  std::string_view copy(std::string_view text);
  /// The same bytes for equal texts: for keys, of which a large configuration has few.
  std::string_view intern(std::string_view text);

  const Node* null(const Mark& mark);
  const Node* broken(const Mark& mark);
  const Node* scalar(const Mark& mark, std::string_view text, bool quoted);
  /// A scalar into which `${…}` was substituted: `as_template` is what template_text() gives.
  const Node* substituted(const Mark& mark, std::string_view text, std::string_view as_template, bool quoted);
  const Node* sequence(const Mark& mark, std::span<const Node* const> items, bool flow);
  /// The keys must live as long as the document: see intern().
  const Node* map(const Mark& mark, std::span<const Member> members, bool flow);

  size_t nodes() const { return nodes_; }
  size_t bytes() const { return bytes_; }  ///< what the arena took from the system

 private:
  void* allocate(size_t bytes, size_t alignment);
  Node* make(Kind kind, const Mark& mark);

  struct InternTable;
  std::deque<std::string> files_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::unique_ptr<InternTable> interned_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace vg::config
