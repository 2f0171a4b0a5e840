// Splicing: an object of an upstream's with members that calls add, kept, renamed or narrowed. Whatever the bytes, the
// result is JSON, has what was added, and of the object's own members what the settings leave.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_support.h"
#include "json/scan.h"
#include "view/steps/shape.h"

namespace {

using vg::json::Value;
using vg::view::Extra;
using vg::view::Name;
using vg::view::Shape;

void check_added(Value result, std::span<const Extra> extras) {
  for (const Extra& e : extras) FUZZ_CHECK(result.member(e.name).text() == e.value.text());
}

// Without settings: the object's own members are there as they came, but for those that gave way.
void check_plain(Value object, std::span<const Extra> extras) {
  std::string out;
  Shape().append(object, extras, {}, out);
  FUZZ_CHECK(vg::json::is_json(out, vg::json::kDepthLimit));
  const Value result = Value::of(out);
  if (!object.is_object()) return;
  check_added(result, extras);
  for (const vg::json::Member& m : object.members()) {
    std::string name;
    m.append_name(name);
    bool taken = false;
    for (const Extra& e : extras) taken = taken || e.name == name;
    if (!taken) FUZZ_CHECK(result.member(name).text() == object.member(name).text());
  }
}

void check_shaped(Value object, std::span<const Extra> extras) {
  static const Shape kShapes[] = {Shape({"id", "a", "extra"}, {}), Shape({}, {{"id", "key"}, {"a", "b"}, {"b", "a"}}),
                                  Shape({"key", "b"}, {{"id", "key"}, {"extra", "more"}})};
  static const std::vector<std::string_view> kOnly[] = {{}, {"id", "more"}};
  for (const Shape& shape : kShapes) {
    for (const std::vector<std::string_view>& only : kOnly) {
      std::string out;
      shape.append(object, extras, only, out);
      FUZZ_CHECK(vg::json::is_json(out, vg::json::kDepthLimit));
      const Value result = Value::of(out);
      if (!object.is_object()) continue;
      FUZZ_CHECK(result.is_object());
      if (only.empty()) continue;
      for (const vg::json::Member& m : result.members()) FUZZ_CHECK(m.named("id") || m.named("more"));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  // OBJECT \n VALUE \n VALUE, where the values are added as "extra" and "a\u0022b".
  std::vector<std::string_view> parts;
  while (parts.size() < 2 && text.find('\n') != std::string_view::npos) {
    parts.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(text.find('\n') + 1);
  }
  parts.push_back(text);
  for (const std::string_view part : parts) {
    if (!vg::json::is_json(part)) return 0;
  }
  static const Name kNames[] = {Name("extra"), Name("a\"b")};
  std::vector<Extra> extras;
  for (size_t i = 1; i < parts.size(); ++i) extras.push_back(kNames[i - 1].extra(Value::of(parts[i])));
  check_plain(Value::of(parts[0]), extras);
  check_shaped(Value::of(parts[0]), extras);
  return 0;
}
