#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"
#include "json/number.h"
#include "json/schema_compiler.h"

namespace vg::json {
namespace {

/// Schemas for one and the same value that may stand in each other, by allOf, $ref and their like. With kMaxDepth it
/// bounds how deep a check recurses.
constexpr size_t kMaxChain = 32;

template <typename Each>
void each_for_the_same_value(const SchemaNode& node, const Each& each) {
  for (const SchemaNode* n : node.all_of) each(*n);
  for (const SchemaNode* n : node.any_of) each(*n);
  for (const SchemaNode* n : node.one_of) each(*n);
  if (node.negated != nullptr) each(*node.negated);
}

}  // namespace

SchemaCompiler::Step::Step(SchemaCompiler& compiler, std::string_view name)
    : pointer_(compiler.pointer_), size_(pointer_.size()) {
  pointer_ += '/';
  for (const char c : name) {
    if (c == '~' || c == '/') {
      pointer_ += c == '~' ? "~0" : "~1";
    } else {
      pointer_ += c;
    }
  }
}

void SchemaCompiler::error_at(std::string_view pointer, std::string message) {
  failed_ = true;
  errors_(pointer, std::move(message));
}

bool SchemaCompiler::run(Value root) {
  SchemaNode& node = nodes_.all.emplace_back();
  declare_definitions(root);
  fill(node, root);
  if (failed_) return false;
  share_definitions();
  std::vector<const SchemaNode*> above;
  for (const SchemaNode& n : nodes_.all) {
    if (chain_from(n, above) <= kMaxChain) continue;
    error_at(places_[&n], "more than 32 schemas stand in each other here for the same value");
    break;
  }
  return !failed_;
}

/// Before anything refers to them. What is no object is reported where it is read.
void SchemaCompiler::declare_definitions(Value root) {
  for (const Member& m : root.member("$defs").members()) {
    std::string name;
    m.append_name(name);
    Definition& definition = definitions_[std::move(name)];
    if (definition.node == nullptr) definition.node = &nodes_.all.emplace_back();
  }
}

/// One that a single place leads to is checked once for a value anyway.
void SchemaCompiler::share_definitions() {
  uint32_t number = 0;
  for (auto& [name, definition] : definitions_) {
    if (definition.references > 1) definition.node->shared = ++number;
  }
}

const SchemaNode* SchemaCompiler::compile(Value value) {
  SchemaNode& node = nodes_.all.emplace_back();
  fill(node, value);
  return &node;
}

/// Calls each(name, value) for every member, with the pointer at it.
void SchemaCompiler::each_member(Value object, const EachMember& each) {
  std::set<std::string> names;
  for (const Member& m : object.members()) {
    std::string name;
    m.append_name(name);
    const Step step(*this, name);
    if (names.insert(name).second) {
      each(name, m.value);
    } else {
      error("stands here twice");
    }
  }
}

void SchemaCompiler::fill(SchemaNode& node, Value value) {
  places_[&node] = pointer_;
  if (value.is_bool()) {
    node.never = value.text() == "false";
    return;
  }
  if (!value.is_object()) return error("a schema is an object, true or false");
  each_member(value, [&](const std::string& name, Value v) {
    const SchemaKeyword* keyword = find_keyword(name);
    keyword == nullptr ? error(unknown_keyword(name)) : (this->*keyword->take)(node, v);
  });
  settle_properties(node);
  check_order(node.length, "minLength", "maxLength");
  check_order(node.items_count, "minItems", "maxItems");
  check_order(node.members_count, "minProperties", "maxProperties");
  check_bounds(node);
  check_required(node);
}

/// By name, with what `properties` and `required` say of one in one.
void SchemaCompiler::settle_properties(SchemaNode& node) {
  auto& list = node.properties;
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  size_t kept = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    if (kept == 0 || list[kept - 1].name != list[i].name) {
      if (kept != i) list[kept] = std::move(list[i]);
      ++kept;
      continue;
    }
    SchemaProperty& one = list[kept - 1];
    if (one.schema == nullptr) one.schema = list[i].schema;
    one.required = one.required || list[i].required;
  }
  list.resize(kept);
}

void SchemaCompiler::check_order(const SchemaCount& count, std::string_view least, std::string_view most) {
  if (count.least <= count.most) return;
  const Step step(*this, least);
  error("is more than " + std::string(most) + ": nothing can be valid");
}

void SchemaCompiler::check_bounds(const SchemaNode& node) {
  for (const SchemaBound& low : node.bounds) {
    for (const SchemaBound& high : node.bounds) {
      if (low.upper || !high.upper) continue;
      const int order = compare_numbers(low.limit, high.limit);
      if (order < 0 || (order == 0 && !low.exclusive && !high.exclusive)) continue;
      const Step step(*this, low.exclusive ? "exclusiveMinimum" : "minimum");
      error("leaves nothing below " + std::string(high.exclusive ? "exclusiveMaximum" : "maximum") +
            ": nothing can be valid");
    }
  }
}

/// Under `additionalProperties: false`, what is required must be among the properties.
void SchemaCompiler::check_required(const SchemaNode& node) {
  if (node.additional == nullptr || !node.additional->never) return;
  std::vector<std::string_view> known;
  for (const SchemaProperty& p : node.properties) {
    if (p.schema != nullptr) known.push_back(p.name);
  }
  const Step step(*this, "required");
  for (const SchemaProperty& p : node.properties) {
    if (p.schema != nullptr) continue;
    error('"' + p.name + "\" is not among the properties, and others are not allowed" + did_you_mean(p.name, known));
  }
}

/// How many schemas stand in each other here for one and the same value, this one included; kMaxChain + 1 if they are
/// too many. `above` leads to it.
size_t SchemaCompiler::chain_from(const SchemaNode& node, std::vector<const SchemaNode*>& above) {
  if (const auto known = chains_.find(&node); known != chains_.end()) return known->second;
  if (std::find(above.begin(), above.end(), &node) != above.end()) return report_cycle(above, node), 0;
  if (above.size() == kMaxChain) return kMaxChain;
  size_t below = 0;
  above.push_back(&node);
  each_for_the_same_value(node, [&](const SchemaNode& n) { below = std::max(below, chain_from(n, above)); });
  above.pop_back();
  return chains_[&node] = std::min(below, kMaxChain) + 1;
}

void SchemaCompiler::report_cycle(const std::vector<const SchemaNode*>& chain, const SchemaNode& again) {
  std::string way;
  std::string_view place;
  for (auto at = std::find(chain.begin(), chain.end(), &again); at != chain.end(); ++at) {
    for (const auto& [name, definition] : definitions_) {
      if (definition.node != *at) continue;
      if (way.empty()) place = places_[*at];
      way += name + " -> ";
    }
  }
  way += way.substr(0, way.find(" -> "));
  error_at(place, "refers to itself for one and the same value: " + way);
}

std::shared_ptr<const Schema> Schema::compile(Value schema, const CompileError& errors) {
  auto nodes = std::make_unique<SchemaNodes>();
  if (!SchemaCompiler(*nodes, errors).run(schema)) return nullptr;
  return std::shared_ptr<const Schema>(new Schema(std::move(nodes)));
}

Schema::Schema(std::unique_ptr<const SchemaNodes> nodes) : nodes_(std::move(nodes)) {}
Schema::~Schema() = default;

}  // namespace vg::json
