#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/strings.h"
#include "json/canonical.h"
#include "json/decimal.h"
#include "json/number.h"
#include "json/schema.h"
#include "json/schema_compiler.h"
#include "json/schema_node.h"
#include "json/tree.h"

namespace vg::json {
namespace {

/// What comparing items may cost, in bytes: each byte so many times, but at least this much. Beyond it, schemas that
/// ask for unique items at every depth would be worth an attacker's while.
constexpr size_t kCompareTimes = 16, kCompareBytes = 1024 * 1024;

uint8_t type_bit(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return kBooleanType;
    case Kind::kNumber:
      return kNumberType;
    case Kind::kString:
      return kStringType;
    case Kind::kArray:
      return kArrayType;
    case Kind::kObject:
      return kObjectType;
    default:
      return kNullType;
  }
}

/// The types that a schema names, itself or by what it refers to; 0 if it names none.
uint8_t types_of(const SchemaNode& schema) {
  if (schema.types != 0) return schema.types;
  for (const SchemaNode* part : schema.all_of) {
    if (const uint8_t types = types_of(*part); types != 0) return types;
  }
  return 0;
}

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string how_many(size_t count, std::string_view one) {
  return std::to_string(count) + ' ' + std::string(one) + (count == 1 ? "" : "s");
}

/// One check of one value. A check returns whether the value is valid, and reports why not unless quiet_.
class Validation {
 public:
  Validation(const Tree& tree, size_t bytes, const Schema::Report& report)
      : tree_(tree), report_(report), compare_left_(std::max(kCompareBytes, kCompareTimes * bytes)) {}
  bool check(const SchemaNode& schema, uint32_t at);

 private:
  enum Known : uint8_t { kUnknown, kValid, kInvalid, kReported };

  bool check_here(const SchemaNode& schema, uint32_t at);
  bool check_content(const SchemaNode& schema, uint32_t at);
  bool check_type(const SchemaNode& schema, uint32_t at);
  bool check_choices(const SchemaNode& schema, uint32_t at);
  bool check_number(const SchemaNode& schema, uint32_t at);
  bool check_string(const SchemaNode& schema, uint32_t at);
  bool check_array(const SchemaNode& schema, uint32_t at);
  bool check_unique(uint32_t at);
  bool check_object(const SchemaNode& schema, uint32_t at);
  bool check_member(const SchemaNode& schema, uint32_t at, size_t seen);
  bool check_required(const SchemaNode& schema, size_t seen);
  bool check_together(const SchemaNode& schema, uint32_t at);
  bool check_any(const SchemaNode& schema, uint32_t at);
  bool check_one(const SchemaNode& schema, uint32_t at);
  bool is_valid(const SchemaNode& schema, uint32_t at);
  bool explain(const std::vector<const SchemaNode*>& schemas, uint32_t at);

  bool fits(uint8_t types, uint32_t at) const;
  std::string_view decoded(std::string_view quoted, std::string& scratch) const;
  bool fail(std::string message);
  bool fail_member(std::string_view name, std::string message);
  /// Nothing more is to be found out once something has failed.
  bool enough() const { return quiet_ > 0 || said_.size() >= Schema::kMaxErrors; }
  size_t enter(std::string_view name);
  void leave(size_t size) { field_.resize(size); }

  const Tree& tree_;
  const Schema::Report& report_;
  size_t compare_left_;
  int quiet_ = 0;  // within how many alternatives we are, whose errors are nobody's
  std::string field_;
  std::set<std::string> said_;  // two schemas may find the same
  std::vector<bool> seen_;      // for each object that is being checked, which of its schema's properties it has
  std::unordered_map<uint64_t, Known> known_;
  std::string scratch_;
};

bool Validation::fail(std::string message) {
  if (quiet_ == 0 && said_.size() < Schema::kMaxErrors && said_.insert(field_ + '\0' + message).second) {
    report_(field_, std::move(message));
  }
  return false;
}

bool Validation::fail_member(std::string_view name, std::string message) {
  const size_t size = enter(name);
  fail(std::move(message));
  leave(size);
  return false;
}

size_t Validation::enter(std::string_view name) {
  const size_t size = field_.size();
  if (quiet_ > 0) return size;
  if (size > 0) field_ += '.';
  field_ += name;
  return size;
}

/// The text of a string with its quotes. Lifetime: that of the tree's text, or of `scratch`.
std::string_view Validation::decoded(std::string_view quoted, std::string& scratch) const {
  const std::string_view inner = quoted.substr(1, quoted.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return inner;
  scratch.clear();
  Value::of(quoted).append_text(scratch);
  return scratch;
}

bool Validation::check(const SchemaNode& schema, uint32_t at) {
  if (quiet_ == 0 && enough()) return false;
  if (schema.shared == 0) return check_here(schema, at);
  // What leads to the same question by many ways is answered once: else a schema that offers itself twice as an
  // alternative takes time exponential in the depth of the value.
  Known& known = known_[uint64_t{schema.shared} << 32 | at];
  if (known == kUnknown || (known == kInvalid && quiet_ == 0)) {
    const bool valid = check_here(schema, at);
    known = valid ? kValid : quiet_ > 0 ? kInvalid : kReported;
  }
  return known == kValid;
}

bool Validation::check_here(const SchemaNode& schema, uint32_t at) {
  if (schema.never) return fail("is not allowed");
  // A value of another type, or none of the choices, would only add riddles to that.
  if (!check_type(schema, at) || !check_choices(schema, at)) return false;
  const bool valid = check_content(schema, at);
  if (!valid && enough()) return false;
  return check_together(schema, at) && valid;
}

// Not inlined: schemas that look at the same value go thirty levels deep for each level of it, and what this one needs
// of the stack would count for each of them.
[[gnu::noinline]] bool Validation::check_content(const SchemaNode& schema, uint32_t at) {
  switch (tree_[at].kind) {
    case Kind::kNumber:
      return check_number(schema, at);
    case Kind::kString:
      return check_string(schema, at);
    case Kind::kArray:
      return check_array(schema, at);
    case Kind::kObject:
      return check_object(schema, at);
    default:
      return true;
  }
}

bool Validation::fits(uint8_t types, uint32_t at) const {
  const Tree::Node& node = tree_[at];
  if (types == 0 || (types & type_bit(node.kind)) != 0) return true;
  return node.kind == Kind::kNumber && (types & kIntegerType) != 0 && is_integer(tree_.text(node));
}

bool Validation::check_type(const SchemaNode& schema, uint32_t at) {
  return fits(schema.types, at) || fail(schema.type_message);
}

bool Validation::check_choices(const SchemaNode& schema, uint32_t at) {
  for (const SchemaChoice& choice : schema.choices) {
    const Value value = Value::of(tree_.text(tree_[at]));
    const auto same = [&](const std::string& text) { return equal(value, Value::of(text)); };
    if (std::none_of(choice.values.begin(), choice.values.end(), same)) return fail(choice.message);
  }
  return true;
}

bool Validation::check_number(const SchemaNode& schema, uint32_t at) {
  const std::string_view number = tree_.text(tree_[at]);
  bool valid = true;
  for (const SchemaBound& bound : schema.bounds) {
    const int order = compare_numbers(number, bound.limit);
    const bool beyond = bound.upper ? order > 0 : order < 0;
    if (beyond || (bound.exclusive && order == 0)) valid = fail(bound.message);
  }
  if (!schema.step.empty() && !Decimal(number).is_multiple_of(Decimal(schema.step))) valid = fail(schema.step_message);
  return valid;
}

bool Validation::check_string(const SchemaNode& schema, uint32_t at) {
  const SchemaCount& length = schema.length;
  const bool counted = length.least > 0 || length.most != SchemaCount().most;
  if (!counted && schema.pattern == nullptr && schema.format == nullptr) return true;
  const std::string_view text = decoded(tree_.text(tree_[at]), scratch_);
  const size_t characters = counted ? count_characters(text) : 0;
  if (characters < length.least) {
    if (characters == 0) return fail("must not be empty");
    return fail("must be at least " + how_many(length.least, "character") + " long");
  }
  bool valid = true;
  if (characters > length.most) valid = fail("must be at most " + how_many(length.most, "character") + " long");
  if (!valid && enough()) return false;
  const re2::StringPiece piece(text.data(), text.size());
  if (schema.pattern != nullptr && !schema.pattern->Match(piece, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0)) {
    valid = fail("does not have the required form");
  }
  if (schema.format != nullptr && !schema.format->accepts(text)) valid = fail(std::string(schema.format->message));
  return valid;
}

bool Validation::check_array(const SchemaNode& schema, uint32_t at) {
  const Tree::Node& node = tree_[at];
  const SchemaCount& count = schema.items_count;
  bool valid = true;
  if (node.count < count.least) valid = fail("must have at least " + how_many(count.least, "item"));
  if (node.count > count.most) valid = fail("must have at most " + how_many(count.most, "item"));
  if (schema.unique && (valid || !enough())) valid = check_unique(at) && valid;
  if (schema.items == nullptr) return valid;
  size_t index = 0;
  for (uint32_t item = at + 1; item < node.next && (valid || !enough()); item = tree_[item].next) {
    const size_t size = enter(std::to_string(index++));
    valid = check(*schema.items, item) && valid;
    leave(size);
  }
  return valid;
}

bool Validation::check_unique(uint32_t at) {
  const size_t bytes = tree_[at].end - tree_[at].begin;
  if (bytes > compare_left_) return fail("is too large to compare its items");
  compare_left_ -= bytes;
  return !has_equal_elements(tree_, at) || fail("must not have the same item twice");
}

bool Validation::check_object(const SchemaNode& schema, uint32_t at) {
  const Tree::Node& node = tree_[at];
  const SchemaCount& count = schema.members_count;
  bool valid = true;
  if (node.count < count.least) valid = fail("must have at least " + how_many(count.least, "member"));
  if (node.count > count.most) valid = fail("must have at most " + how_many(count.most, "member"));
  if (schema.properties.empty() && schema.additional == nullptr) return valid;
  const size_t seen = seen_.size();
  if (schema.any_required) seen_.resize(seen + schema.properties.size());
  for (uint32_t member = at + 1; member < node.next && (valid || !enough()); member = tree_[member].next) {
    valid = check_member(schema, member, seen) && valid;
  }
  if (schema.any_required && (valid || !enough())) valid = check_required(schema, seen) && valid;
  seen_.resize(seen);
  return valid;
}

bool Validation::check_member(const SchemaNode& schema, uint32_t at, size_t seen) {
  std::string scratch;
  const std::string_view name = decoded(tree_.name(tree_[at]), scratch);
  const SchemaNode* child = schema.additional;
  const auto found = std::lower_bound(schema.properties.begin(), schema.properties.end(), name,
                                      [](const SchemaProperty& p, std::string_view n) { return p.name < n; });
  if (found != schema.properties.end() && found->name == name) {
    if (schema.any_required) seen_[seen + static_cast<size_t>(found - schema.properties.begin())] = true;
    if (found->schema != nullptr) child = found->schema;
  }
  if (child == nullptr) return true;
  const size_t size = enter(name);
  const bool valid = check(*child, at);
  leave(size);
  return valid;
}

bool Validation::check_required(const SchemaNode& schema, size_t seen) {
  bool valid = true;
  for (size_t i = 0; i < schema.properties.size() && (valid || !enough()); ++i) {
    const SchemaProperty& property = schema.properties[i];
    if (property.required && !seen_[seen + i]) valid = fail_member(property.name, "is required");
  }
  return valid;
}

/// The schemas that look at the same value.
bool Validation::check_together(const SchemaNode& schema, uint32_t at) {
  bool valid = true;
  for (const SchemaNode* part : schema.all_of) {
    valid = check(*part, at) && valid;
    if (!valid && enough()) return false;
  }
  if (!schema.any_of.empty()) valid = check_any(schema, at) && valid;
  if (!schema.one_of.empty() && (valid || !enough())) valid = check_one(schema, at) && valid;
  if (schema.negated != nullptr && (valid || !enough()) && is_valid(*schema.negated, at))
    valid = fail("is not allowed");
  return valid;
}

bool Validation::is_valid(const SchemaNode& schema, uint32_t at) {
  ++quiet_;
  const bool valid = check(schema, at);
  --quiet_;
  return valid;
}

bool Validation::check_any(const SchemaNode& schema, uint32_t at) {
  const auto valid = [&](const SchemaNode* one) { return is_valid(*one, at); };
  return std::any_of(schema.any_of.begin(), schema.any_of.end(), valid) || explain(schema.any_of, at);
}

bool Validation::check_one(const SchemaNode& schema, uint32_t at) {
  size_t valid = 0;
  for (const SchemaNode* one : schema.one_of) {
    if (is_valid(*one, at) && ++valid > 1) return fail("matches more than one of the allowed forms");
  }
  return valid == 1 || explain(schema.one_of, at);
}

/// Says why none of them takes the value. If a single one is for values of this type, it is the one that was meant.
bool Validation::explain(const std::vector<const SchemaNode*>& schemas, uint32_t at) {
  if (quiet_ > 0) return false;
  const SchemaNode* meant = nullptr;
  size_t fitting = 0;
  uint8_t types = 0;
  for (const SchemaNode* schema : schemas) {
    types |= types_of(*schema);
    if (schema->never || !fits(types_of(*schema), at)) continue;
    meant = schema;
    ++fitting;
  }
  if (fitting == 1) return check(*meant, at);
  return fail(fitting == 0 && types != 0 ? type_message(types) : "does not match any of the allowed forms");
}

}  // namespace

void Schema::validate(Value instance, const Report& report) const {
  if (instance.absent()) return report({}, "is required");
  Tree tree;
  if (!tree.build(instance)) return report({}, "is too large or nested too deeply");
  Validation(tree, instance.text().size(), report).check(nodes_->all.front(), 0);
}

}  // namespace vg::json
