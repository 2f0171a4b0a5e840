#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>

#include "base/strings.h"
#include "json/decimal.h"
#include "json/number.h"
#include "json/schema_compiler.h"

namespace vg::json {
namespace {

using C = SchemaCompiler;

constexpr SchemaKeyword kKeywords[] = {
    {"type", &C::take_type},
    {"enum", &C::take_enum},
    {"const", &C::take_const},
    {"minimum", &C::take_minimum},
    {"maximum", &C::take_maximum},
    {"exclusiveMinimum", &C::take_exclusive_minimum},
    {"exclusiveMaximum", &C::take_exclusive_maximum},
    {"multipleOf", &C::take_multiple_of},
    {"minLength", &C::take_min_length},
    {"maxLength", &C::take_max_length},
    {"pattern", &C::take_pattern},
    {"format", &C::take_format},
    {"items", &C::take_items},
    {"minItems", &C::take_min_items},
    {"maxItems", &C::take_max_items},
    {"uniqueItems", &C::take_unique_items},
    {"properties", &C::take_properties},
    {"required", &C::take_required},
    {"additionalProperties", &C::take_additional},
    {"minProperties", &C::take_min_properties},
    {"maxProperties", &C::take_max_properties},
    {"allOf", &C::take_all_of},
    {"anyOf", &C::take_any_of},
    {"oneOf", &C::take_one_of},
    {"not", &C::take_not},
    {"$ref", &C::take_ref},
    {"$defs", &C::take_defs},
    {"title", &C::take_text},
    {"description", &C::take_text},
    {"$schema", &C::take_text},
    {"$id", &C::take_text},
    {"$comment", &C::take_text},
    {"deprecated", &C::take_flag},
    {"readOnly", &C::take_flag},
    {"writeOnly", &C::take_flag},
    {"examples", &C::take_list},
    {"default", &C::take_anything},
};

/// Of JSON Schema, in this draft or an older one, and not taken.
constexpr std::string_view kRefused[] = {"$anchor",
                                         "$dynamicAnchor",
                                         "$dynamicRef",
                                         "$recursiveAnchor",
                                         "$recursiveRef",
                                         "$vocabulary",
                                         "additionalItems",
                                         "contains",
                                         "contentEncoding",
                                         "contentMediaType",
                                         "contentSchema",
                                         "dependencies",
                                         "dependentRequired",
                                         "dependentSchemas",
                                         "else",
                                         "id",
                                         "if",
                                         "maxContains",
                                         "minContains",
                                         "patternProperties",
                                         "prefixItems",
                                         "propertyNames",
                                         "then",
                                         "unevaluatedItems",
                                         "unevaluatedProperties"};

struct TypeName {
  std::string_view name;
  TypeBit bit;
  std::string_view words;
};
constexpr TypeName kTypes[] = {
    {"string", kStringType, "text"},
    {"number", kNumberType, "a number"},
    {"integer", kIntegerType, "a whole number"},
    {"boolean", kBooleanType, "true or false"},
    {"array", kArrayType, "a list"},
    {"object", kObjectType, "an object"},
    {"null", kNullType, "null"},
};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

/// "a, b or c"
std::string alternatives(const std::vector<std::string_view>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

/// What a list of alternatives may take in a message.
constexpr size_t kMaxListed = 20, kMaxListedBytes = 200;

/// The values as a form's user would write them; empty if they are too many, or not of a kind that is written down.
std::string listed(const std::vector<std::string>& values) {
  std::string out;
  if (values.size() > kMaxListed) return out;
  for (const std::string& text : values) {
    const Value value = Value::of(text);
    if (!value.is_scalar() && !value.is_null()) return {};
    if (!out.empty()) out += ", ";
    if (value.text() == "\"\"" || value.is_null()) {
      out += value.text();
    } else {
      value.append_text(out);
    }
  }
  return out.size() > kMaxListedBytes ? std::string() : out;
}

}  // namespace

std::string type_message(uint8_t types) {
  std::vector<std::string_view> words;
  for (const TypeName& t : kTypes) {
    const bool covered = t.bit == kIntegerType && (types & kNumberType) != 0;
    if ((types & t.bit) != 0 && !covered) words.push_back(t.words);
  }
  return "must be " + alternatives(words);
}

const SchemaKeyword* find_keyword(std::string_view name) {
  const auto* end = std::end(kKeywords);
  const auto* found = std::find_if(std::begin(kKeywords), end, [&](const SchemaKeyword& k) { return k.name == name; });
  return found == end ? nullptr : found;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& candidates) {
  const std::string_view near = nearest(name, candidates);
  return near.empty() ? std::string() : ", did you mean " + quoted(near) + "?";
}

std::string unknown_keyword(std::string_view name) {
  if (name == "definitions") return "\"definitions\" is not supported; write \"$defs\"";
  if (std::find(std::begin(kRefused), std::end(kRefused), name) != std::end(kRefused)) {
    return "the keyword " + quoted(name) + " of JSON Schema is not supported";
  }
  std::vector<std::string_view> names;
  for (const SchemaKeyword& k : kKeywords) names.push_back(k.name);
  return "unknown keyword " + quoted(name) + did_you_mean(name, names);
}

std::optional<std::string> SchemaCompiler::text_of(Value value) {
  std::string text;
  if (value.is_string() && value.append_text(text)) return text;
  error("must be text");
  return std::nullopt;
}

bool SchemaCompiler::is_object(Value value) {
  if (!value.is_object()) error("must be an object");
  return value.is_object();
}

void SchemaCompiler::take_type(SchemaNode& node, Value value) {
  std::vector<std::string_view> known;
  for (const TypeName& t : kTypes) known.push_back(t.name);
  const auto one = [&](Value v) {
    const auto name = text_of(v);
    if (!name) return;
    const auto* type =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeName& t) { return t.name == *name; });
    if (type == std::end(kTypes)) {
      error(quoted(*name) + " is not a type; there are " + alternatives(known) + did_you_mean(*name, known));
    } else if ((node.types & type->bit) != 0) {
      error(quoted(*name) + " stands here twice");
    } else {
      node.types |= type->bit;
    }
  };
  if (value.is_array() && value.size() == 0) return error("must name at least one type");
  if (!value.is_array()) one(value);
  for (const Value v : value.elements()) one(v);
  node.type_message = type_message(node.types);
}

void SchemaCompiler::take_enum(SchemaNode& node, Value value) {
  if (!value.is_array() || value.size() == 0) return error("must be a list of at least one value");
  SchemaChoice choice;
  for (const Value v : value.elements()) choice.values.emplace_back(v.text());
  const std::string list = listed(choice.values);
  choice.message = list.empty() ? "is not one of the allowed values" : "must be one of: " + list;
  if (choice.values.size() == 1 && !list.empty()) choice.message = "must be " + list;
  node.choices.push_back(std::move(choice));
}

void SchemaCompiler::take_const(SchemaNode& node, Value value) {
  SchemaChoice choice;
  choice.values.emplace_back(value.text());
  const std::string list = listed(choice.values);
  choice.message = list.empty() ? "is not the value that is allowed" : "must be " + list;
  node.choices.push_back(std::move(choice));
}

void SchemaCompiler::take_bound(SchemaNode& node, Value value, bool upper, bool exclusive) {
  if (!value.is_number()) return error("must be a number");
  SchemaBound bound;
  bound.limit = value.text();
  bound.upper = upper;
  bound.exclusive = exclusive;
  bound.message = upper ? "must be at most " : "must be at least ";
  if (exclusive) bound.message = upper ? "must be less than " : "must be more than ";
  bound.message += bound.limit;
  node.bounds.push_back(std::move(bound));
}

void SchemaCompiler::take_multiple_of(SchemaNode& node, Value value) {
  if (!value.is_number()) return error("must be a number");
  const Decimal step(value.text());
  if (step.is_zero() || step.is_negative()) return error("must be more than 0");
  if (step.size() > Decimal::kStepDigits) return error("must have at most 18 digits");
  node.step = value.text();
  node.step_message = "must be a multiple of " + node.step;
}

void SchemaCompiler::take_count(Value value, size_t& count) {
  constexpr std::string_view kMost = "9007199254740992";  // up to here a double is exact
  if (!value.is_number() || !is_integer(value.text()) || compare_numbers(value.text(), "0") < 0) {
    return error("must be a whole number, 0 or more");
  }
  if (compare_numbers(value.text(), kMost) > 0) return error("must be at most " + std::string(kMost));
  double number = 0;
  std::from_chars(value.text().data(), value.text().data() + value.text().size(), number);
  count = static_cast<size_t>(number);
}

void SchemaCompiler::take_pattern(SchemaNode& node, Value value) {
  const auto text = text_of(value);
  if (!text) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto pattern = std::make_unique<const re2::RE2>(re2::StringPiece(text->data(), text->size()), options);
  if (!pattern->ok()) return error("is not a regular expression of RE2's syntax: " + pattern->error());
  node.pattern = std::move(pattern);
}

void SchemaCompiler::take_format(SchemaNode& node, Value value) {
  const auto name = text_of(value);
  if (!name) return;
  node.format = find_format(*name);
  if (node.format != nullptr) return;
  const auto known = format_names();
  error(quoted(*name) + " is not a format; there are " + alternatives(known) + did_you_mean(*name, known));
}

void SchemaCompiler::take_unique_items(SchemaNode& node, Value value) {
  if (!value.is_bool()) return error("must be true or false");
  node.unique = value.text() == "true";
}

void SchemaCompiler::take_properties(SchemaNode& node, Value value) {
  if (!is_object(value)) return;
  each_member(value, [&](const std::string& name, Value v) {
    const SchemaNode* schema = compile(v);
    node.properties.push_back({name, schema, false});
  });
}

void SchemaCompiler::take_required(SchemaNode& node, Value value) {
  if (!value.is_array()) return error("must be a list of names");
  std::set<std::string> names;
  for (const Value v : value.elements()) {
    auto name = text_of(v);
    if (!name) continue;
    if (!names.insert(*name).second) error(quoted(*name) + " stands here twice");
    node.properties.push_back({std::move(*name), nullptr, true});
    node.any_required = true;
  }
}

void SchemaCompiler::take_schemas(Value value, std::vector<const SchemaNode*>& list) {
  if (!value.is_array() || value.size() == 0) return error("must be a list of at least one schema");
  size_t index = 0;
  for (const Value v : value.elements()) {
    const Step step(*this, std::to_string(index++));
    list.push_back(compile(v));
  }
}

void SchemaCompiler::take_ref(SchemaNode& node, Value value) {
  constexpr std::string_view kPrefix = "#/$defs/";
  const auto text = text_of(value);
  if (!text) return;
  auto name = percent_decode(*text);
  if (!name || !name->starts_with(kPrefix) || name->find('/', kPrefix.size()) != std::string::npos) {
    return error("must be \"#/$defs/NAME\": only what stands under $defs of the same schema can be referred to");
  }
  name->erase(0, kPrefix.size());
  for (size_t at = name->find('~'); at != std::string::npos; at = name->find('~', at + 1)) {
    if (name->compare(at, 2, "~1") == 0 || name->compare(at, 2, "~0") == 0) {
      name->replace(at, 2, (*name)[at + 1] == '1' ? "/" : "~");
    }
  }
  const auto found = definitions_.find(*name);
  if (found == definitions_.end()) {
    std::vector<std::string_view> known;
    for (const auto& [defined, definition] : definitions_) known.push_back(defined);
    return error("there is no " + quoted(*name) + " under $defs" + did_you_mean(*name, known));
  }
  ++found->second.references;
  node.all_of.push_back(found->second.node);
}

void SchemaCompiler::take_defs(SchemaNode&, Value value) {
  if (pointer_ != "/$defs") return error("belongs at the top of the schema");
  if (!is_object(value)) return;
  each_member(value, [&](const std::string& name, Value v) {
    if (const auto found = definitions_.find(name); found != definitions_.end()) fill(*found->second.node, v);
  });
}

void SchemaCompiler::take_text(SchemaNode&, Value value) { text_of(value); }

void SchemaCompiler::take_flag(SchemaNode&, Value value) {
  if (!value.is_bool()) error("must be true or false");
}

void SchemaCompiler::take_list(SchemaNode&, Value value) {
  if (!value.is_array()) error("must be a list");
}

}  // namespace vg::json
