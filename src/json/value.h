// Finds one's way in JSON text that was validated (json/scan.h), without a document: a Value is the bytes of one value
// where they stand, and asking it for a member walks over them. So what passes through stays as it came: order, the
// text of numbers, escapes. Walking costs about a nanosecond for each few bytes that are passed over; who needs many
// members goes over members() once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "json/scan.h"

namespace vg::json {

class ElementRange;
class MemberRange;

enum class Kind : uint8_t { kAbsent, kNull, kBool, kNumber, kString, kArray, kObject };

/// One value, or none: its bytes without blanks around them. Cheap to copy. Every question may be asked of every kind;
/// what makes no sense is absent, empty or false. Lifetime: that of the text. Thread: any.
class Value {
 public:
  Value() = default;
  /// Precondition: is_json(valid_json), nested up to kDepthLimit. Blanks around it are left out.
  static Value of(std::string_view valid_json);

  Kind kind() const;
  bool absent() const { return text_.empty(); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_number() const { return kind() == Kind::kNumber; }
  bool is_bool() const { return kind() == Kind::kBool; }
  /// A string, a number, true or false.
  bool is_scalar() const { return is_string() || is_number() || is_bool(); }
  /// false for what is absent, null, false, "", [] and {}; true for every number.
  bool truthy() const;
  /// The bytes as they came: `"a"` with its quotes, `1.10`, `{...}`. Empty if absent.
  std::string_view text() const { return text_; }

  /// The member of this (decoded) name: of several the last, as every JSON.parse has it.
  Value member(std::string_view name) const;
  Value element(size_t index) const;
  /// Follows the steps: each a member, or in an array the element of this index (plain decimal, no leading zeros).
  Value at(std::span<const std::string> path) const;
  /// How many members or elements; members of one name count as often as they stand there.
  size_t size() const;
  MemberRange members() const;
  ElementRange elements() const;

  /// Appends the text of a scalar: a string decoded (half a surrogate pair becomes U+FFFD), numbers and booleans as
  /// written. False for the others, and nothing is appended.
  bool append_text(std::string& out) const;

 private:
  friend class ElementRange;
  friend class MemberRange;
  explicit Value(std::string_view text) : text_(text) {}
  std::string_view text_;
};

/// The same by meaning: numbers by their exact value (1, 1.0 and 1e0; those with exponents of more than 18 digits only
/// if written the same), strings decoded, objects in any order with the last of several members of one name, arrays in
/// order. Two that are absent are equal.
bool equal(Value a, Value b);

/// True if some object in it, at any depth, has two members of one (decoded) name. Takes memory in proportion to the
/// names, and time to sort them. Precondition: is_json(valid_json).
bool has_duplicate_members(std::string_view valid_json);

/// A name and its value. Lifetime: that of the text.
struct Member {
  std::string_view raw_name;  ///< between the quotes, escapes as they came
  Value value;
  bool escaped = false;  ///< there is a backslash in raw_name

  /// True if this is the name, decoded.
  bool named(std::string_view name) const;
  void append_name(std::string& out) const;  ///< decoded, as Value::append_text does it
};

/// The members of an object in their order, for a range-based for: `for (const Member& m : value.members())`.
class MemberRange {
 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Member;
    const Member& operator*() const { return current_; }
    const Member* operator->() const { return &current_; }
    iterator& operator++() {
      next();
      return *this;
    }
    void operator++(int) { next(); }
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.done_; }

   private:
    friend class MemberRange;
    iterator(const char* at, const char* end) : at_(at), end_(end) { next(); }
    void next();
    const char* at_;
    const char* end_;
    Member current_;
    bool done_ = false;
  };
  iterator begin() const { return {text_.data(), text_.data() + text_.size()}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class Value;
  explicit MemberRange(std::string_view text) : text_(text) {}
  std::string_view text_;  // between the braces; empty for all but objects
};

/// The elements of an array in their order: `for (Value v : value.elements())`.
class ElementRange {
 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Value;
    const Value& operator*() const { return current_; }
    const Value* operator->() const { return &current_; }
    iterator& operator++() {
      next();
      return *this;
    }
    void operator++(int) { next(); }
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.done_; }

   private:
    friend class ElementRange;
    iterator(const char* at, const char* end) : at_(at), end_(end) { next(); }
    void next();
    const char* at_;
    const char* end_;
    Value current_;
    bool done_ = false;
  };
  iterator begin() const { return {text_.data(), text_.data() + text_.size()}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class Value;
  explicit ElementRange(std::string_view text) : text_(text) {}
  std::string_view text_;  // between the brackets; empty for all but arrays
};

}  // namespace vg::json
