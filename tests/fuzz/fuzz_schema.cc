// A schema, a newline and a value: whatever they are, the check ends soon, reports at most so many errors, says the
// same twice, and a value is valid for a schema if and only if it is not for `not` of that schema.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "base/utf8.h"
#include "fuzz/fuzz_support.h"
#include "json/scan.h"
#include "json/schema.h"

namespace {

using namespace vg::json;

std::shared_ptr<const Schema> compiled(std::string_view text) {
  size_t errors = 0;
  auto schema = Schema::compile(Value::of(text), [&](std::string_view pointer, const std::string& message) {
    FUZZ_CHECK(pointer.empty() || pointer.starts_with('/'));
    FUZZ_CHECK(!message.empty());
    ++errors;
  });
  FUZZ_CHECK((schema == nullptr) == (errors > 0));
  return schema;
}

std::set<std::string> errors_of(const Schema& schema, std::string_view instance) {
  std::set<std::string> found;
  schema.validate(Value::of(instance), [&](std::string_view field, const std::string& message) {
    FUZZ_CHECK(vg::is_utf8(field) && vg::is_utf8(message));
    FUZZ_CHECK(found.insert(std::string(field) + '\n' + message).second);
  });
  FUZZ_CHECK(found.size() <= Schema::kMaxErrors);
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), input.size());
  const std::string_view text = input.substr(0, line), instance = input.substr(std::min(line + 1, input.size()));
  if (!is_json(text)) return 0;
  const auto schema = compiled(text);
  if (schema == nullptr || !is_json(instance)) return 0;
  const auto found = errors_of(*schema, instance);
  FUZZ_CHECK(found == errors_of(*schema, instance));

  // Definitions stand at the top alone, so that a schema with any can't be put into another.
  if (text.find("defs") != std::string_view::npos || text.find("\\u") != std::string_view::npos ||
      !is_json(text, kMaxDepth - 1))
    return 0;
  bool too_deep = false;
  const std::string negated = "{\"not\":" + std::string(text) + "}";
  const auto opposite = Schema::compile(Value::of(negated), [&](std::string_view, const std::string& message) {
    too_deep = message.find("stand in each other") != std::string::npos;
  });
  FUZZ_CHECK(opposite != nullptr || too_deep);
  if (opposite != nullptr) FUZZ_CHECK(errors_of(*opposite, instance).empty() != found.empty());
  return 0;
}
