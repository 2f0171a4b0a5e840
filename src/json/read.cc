// What reads JSON text: RapidJSON, iterative, with UTF-8 checked, numbers left as text and depth counted.
#include "json/flatten.h"
#include "json/rapidjson.h"
#include "json/writer.h"

namespace vg::json {
namespace {

constexpr size_t kMaxDepth = 100;

/// True if the whole text is JSON and the handler refused nothing.
template <typename Handler>
bool read(std::string_view text, Handler& handler) {
  // The reader takes NUL for the end of its input.
  if (text.find('\0') != std::string_view::npos) return false;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  return !reader.Parse<kReadFlags>(stream, handler).IsError();
}

/// Follows the depth. Handlers return false to end the reading.
struct Depth : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Depth> {
  size_t depth = 0, most = kMaxDepth;
  bool StartObject() { return ++depth <= most; }
  bool StartArray() { return ++depth <= most; }
  bool EndObject(rapidjson::SizeType) { return depth-- > 0; }
  bool EndArray(rapidjson::SizeType) { return depth-- > 0; }
};

/// Takes the text of a scalar or of an array of them; follows the rest to its end, to know whether it is JSON.
struct Flattener : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Flattener> {
  explicit Flattener(std::string& text) : out(text) {}
  std::string& out;
  size_t depth = 0, members = 0;
  Flat result = Flat::kText;

  bool scalar(std::string_view text) {
    if (members++ > 0) out += ',';
    out += text;
    return true;
  }
  bool Null() {
    result = depth == 0 ? Flat::kNull : Flat::kStructure;
    return true;
  }
  bool Bool(bool b) { return scalar(b ? "true" : "false"); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) { return scalar({text, size}); }
  bool String(const char* text, rapidjson::SizeType size, bool) { return scalar({text, size}); }
  bool Key(const char*, rapidjson::SizeType, bool) { return true; }
  bool StartObject() {
    result = Flat::kStructure;
    return ++depth <= kMaxDepth;
  }
  bool StartArray() {
    if (depth > 0) result = Flat::kStructure;
    return ++depth <= kMaxDepth;
  }
  bool EndObject(rapidjson::SizeType) { return depth-- > 0; }
  bool EndArray(rapidjson::SizeType) { return depth-- > 0; }
};

}  // namespace

bool is_json(std::string_view text, size_t max_depth) {
  Depth depth;
  depth.most = max_depth;
  return read(text, depth);
}

Flat flatten(std::string_view json, std::string& out) {
  Flattener flattener(out);
  return read(json, flattener) ? flattener.result : Flat::kInvalid;
}

}  // namespace vg::json
