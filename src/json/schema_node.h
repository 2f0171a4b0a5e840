// A schema as it is once compiled: what each keyword needs at hand when a value is checked, messages included. Internal
// to schema_compile, schema_keywords and schema_validate.
#pragma once
#include <re2/re2.h>

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "json/schema_format.h"
#include "json/value.h"

namespace vg::json {

/// Bits of `type:`. A whole number is a kIntegerType, whatever its text: 5.0 is one.
enum TypeBit : uint8_t {
  kNullType = 1,
  kBooleanType = 2,
  kNumberType = 4,
  kIntegerType = 8,
  kStringType = 16,
  kArrayType = 32,
  kObjectType = 64,
};

struct SchemaNode;

/// `enum` or `const`. Owns: the texts, which values are made of when they are asked for.
struct SchemaChoice {
  std::vector<std::string> values;
  std::string message;
};

/// minimum, maximum and their exclusive forms.
struct SchemaBound {
  std::string limit;   // the number's text
  bool upper = false;  // a maximum
  bool exclusive = false;
  std::string message;
};

struct SchemaProperty {
  std::string name;
  const SchemaNode* schema = nullptr;  // none: named by `required` alone
  bool required = false;
};

/// A least and a greatest count, of characters, items or members.
struct SchemaCount {
  size_t least = 0, most = std::numeric_limits<size_t>::max();
};

struct SchemaNode {
  bool never = false;  // the schema `false`

  uint8_t types = 0;  // of TypeBit; 0: any
  std::string type_message;
  std::vector<SchemaChoice> choices;

  std::vector<SchemaBound> bounds;
  std::string step;  // multipleOf; empty: none
  std::string step_message;

  SchemaCount length;
  std::unique_ptr<const re2::RE2> pattern;
  const Format* format = nullptr;

  SchemaCount items_count;
  bool unique = false;
  const SchemaNode* items = nullptr;

  SchemaCount members_count;
  std::vector<SchemaProperty> properties;  // by name
  bool any_required = false;
  const SchemaNode* additional = nullptr;

  std::vector<const SchemaNode*> all_of;  // the target of $ref, too
  std::vector<const SchemaNode*> any_of, one_of;
  const SchemaNode* negated = nullptr;

  /// Not 0: more than one place leads here, so that what was found out for a value is worth keeping under this number.
  uint32_t shared = 0;
};

/// All nodes of a schema, the first of them its root. Pointers to them stay good.
struct SchemaNodes {
  std::deque<SchemaNode> all;
};

}  // namespace vg::json
