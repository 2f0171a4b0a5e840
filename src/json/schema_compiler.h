// Turns the text of a schema into SchemaNodes, and collects everything that is wrong with it. Internal to
// schema_compile.cc (structure, $ref, cycles) and schema_keywords.cc (a function a keyword).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/schema.h"
#include "json/schema_node.h"

namespace vg::json {

/// Used once: run().
class SchemaCompiler {
 public:
  SchemaCompiler(SchemaNodes& nodes, const Schema::CompileError& errors) : nodes_(nodes), errors_(errors) {}
  /// False if something was reported.
  bool run(Value root);

  // The keywords: each is given its value and writes into the node. The place is where the keyword stands.
  void take_type(SchemaNode& node, Value value);
  void take_enum(SchemaNode& node, Value value);
  void take_const(SchemaNode& node, Value value);
  void take_minimum(SchemaNode& node, Value value) { take_bound(node, value, false, false); }
  void take_maximum(SchemaNode& node, Value value) { take_bound(node, value, true, false); }
  void take_exclusive_minimum(SchemaNode& node, Value value) { take_bound(node, value, false, true); }
  void take_exclusive_maximum(SchemaNode& node, Value value) { take_bound(node, value, true, true); }
  void take_multiple_of(SchemaNode& node, Value value);
  void take_min_length(SchemaNode& node, Value value) { take_count(value, node.length.least); }
  void take_max_length(SchemaNode& node, Value value) { take_count(value, node.length.most); }
  void take_pattern(SchemaNode& node, Value value);
  void take_format(SchemaNode& node, Value value);
  void take_items(SchemaNode& node, Value value) { node.items = compile(value); }
  void take_min_items(SchemaNode& node, Value value) { take_count(value, node.items_count.least); }
  void take_max_items(SchemaNode& node, Value value) { take_count(value, node.items_count.most); }
  void take_unique_items(SchemaNode& node, Value value);
  void take_properties(SchemaNode& node, Value value);
  void take_required(SchemaNode& node, Value value);
  void take_additional(SchemaNode& node, Value value) { node.additional = compile(value); }
  void take_min_properties(SchemaNode& node, Value value) { take_count(value, node.members_count.least); }
  void take_max_properties(SchemaNode& node, Value value) { take_count(value, node.members_count.most); }
  void take_all_of(SchemaNode& node, Value value) { take_schemas(value, node.all_of); }
  void take_any_of(SchemaNode& node, Value value) { take_schemas(value, node.any_of); }
  void take_one_of(SchemaNode& node, Value value) { take_schemas(value, node.one_of); }
  void take_not(SchemaNode& node, Value value) { node.negated = compile(value); }
  void take_ref(SchemaNode& node, Value value);
  void take_defs(SchemaNode& node, Value value);
  // Annotations, which check nothing.
  void take_text(SchemaNode& node, Value value);
  void take_flag(SchemaNode& node, Value value);
  void take_list(SchemaNode& node, Value value);
  void take_anything(SchemaNode&, Value) {}

 private:
  struct Definition {
    SchemaNode* node = nullptr;
    uint32_t references = 0;
  };
  /// One more step of pointer_, as long as it lives.
  class Step {
   public:
    Step(SchemaCompiler& compiler, std::string_view name);
    ~Step() { pointer_.resize(size_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    std::string& pointer_;
    size_t size_;
  };

  const SchemaNode* compile(Value value);
  void fill(SchemaNode& node, Value value);
  using EachMember = std::function<void(const std::string& name, Value value)>;
  void each_member(Value object, const EachMember& each);
  void declare_definitions(Value root);
  void share_definitions();

  void settle_properties(SchemaNode& node);
  void check_order(const SchemaCount& count, std::string_view least, std::string_view most);
  void check_bounds(const SchemaNode& node);
  void check_required(const SchemaNode& node);
  size_t chain_from(const SchemaNode& node, std::vector<const SchemaNode*>& above);
  void report_cycle(const std::vector<const SchemaNode*>& chain, const SchemaNode& again);

  void take_bound(SchemaNode& node, Value value, bool upper, bool exclusive);
  void take_count(Value value, size_t& count);
  void take_schemas(Value value, std::vector<const SchemaNode*>& list);
  std::optional<std::string> text_of(Value value);
  bool is_object(Value value);

  void error(std::string message) { error_at(pointer_, std::move(message)); }
  void error_at(std::string_view pointer, std::string message);

  SchemaNodes& nodes_;
  const Schema::CompileError& errors_;
  std::string pointer_;
  bool failed_ = false;
  std::map<std::string, Definition, std::less<>> definitions_;
  std::map<const SchemaNode*, std::string> places_;
  std::map<const SchemaNode*, size_t> chains_;  // the most schemas for one value that stand in each other, from here
};

struct SchemaKeyword {
  std::string_view name;
  void (SchemaCompiler::*take)(SchemaNode&, Value);
};
/// nullptr if there is none of this name.
const SchemaKeyword* find_keyword(std::string_view name);
/// What is to be said of a name that is no keyword here.
std::string unknown_keyword(std::string_view name);
/// `, did you mean "…"?` if a candidate is near, else nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& candidates);
/// "must be text or null", for bits of TypeBit.
std::string type_message(uint8_t types);

}  // namespace vg::json
