// JSON Schema, as far as forms and bodies need it: compiled once when the configuration loads, where every keyword that
// is not known is an error, and then asked for every body. A schema answers with all errors at once, each at its field,
// in words for the one who filled in the form. The keywords are those of draft 2020-12; which of them there are, and
// how they are taken, stands in config/README.md.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "json/value.h"

namespace vg::json {

struct SchemaNodes;

/// Immutable. Thread: any number at once.
class Schema {
 public:
  /// More errors than this are not looked for in one body.
  static constexpr size_t kMaxErrors = 100;

  /// `pointer` is a JSON Pointer (RFC 6901) into the schema: "/properties/email/format".
  using CompileError = std::function<void(std::string_view pointer, std::string message)>;
  /// `field` is dotted: "address.city", "items.0.sku"; empty for the whole.
  using Report = std::function<void(std::string_view field, std::string message)>;

  /// Errors: all of them are reported, and the result is nullptr. Owns: what it needs of `schema`.
  static std::shared_ptr<const Schema> compile(Value schema, const CompileError& errors);

  /// Reports nothing for what is valid. Takes time in proportion to the size of the instance times that of the schema,
  /// and no more: no instance makes it try alternatives again and again.
  void validate(Value instance, const Report& report) const;

  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

 private:
  explicit Schema(std::unique_ptr<const SchemaNodes> nodes);
  std::unique_ptr<const SchemaNodes> nodes_;
};

}  // namespace vg::json
