// What the tests of schemas share: what a schema says of a value, and what is wrong with a schema, as one text.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "json/scan.h"
#include "json/schema.h"

namespace vg::json::test {

/// "/pointer: message", a line each; empty for a good schema.
inline std::string errors_of(std::string_view schema) {
  EXPECT_TRUE(is_json(schema)) << schema;
  std::string out;
  const auto compiled = Schema::compile(Value::of(schema), [&](std::string_view pointer, const std::string& message) {
    out += (out.empty() ? "" : "\n") + std::string(pointer) + ": " + message;
  });
  EXPECT_EQ(compiled == nullptr, !out.empty()) << schema;
  return out;
}

/// A schema that is good.
class Checked {
 public:
  explicit Checked(std::string_view schema) {
    EXPECT_TRUE(is_json(schema)) << schema;
    schema_ = Schema::compile(Value::of(schema), [&](std::string_view pointer, const std::string& message) {
      ADD_FAILURE() << schema << " at " << pointer << ": " << message;
    });
  }
  /// "field: message", a line each; empty for a valid value.
  std::string says(std::string_view instance) const {
    EXPECT_TRUE(is_json(instance)) << instance;
    std::string out;
    if (schema_ == nullptr) return "no schema";
    schema_->validate(Value::of(instance), [&](std::string_view field, const std::string& message) {
      out += (out.empty() ? "" : "\n") + std::string(field) + ": " + message;
    });
    return out;
  }
  bool takes(std::string_view instance) const { return says(instance).empty(); }

 private:
  std::shared_ptr<const Schema> schema_;
};

inline std::string says(std::string_view schema, std::string_view instance) { return Checked(schema).says(instance); }

}  // namespace vg::json::test
