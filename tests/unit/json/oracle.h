// RapidJSON's opinion of a text, for comparison with ours, and what is known to differ.
#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "support/rapidjson.h"

namespace vg::json::test {

struct Verdict {
  bool taken = false;
  rapidjson::ParseErrorCode error = rapidjson::kParseErrorNone;
  size_t depth = 0;  ///< the deepest seen
};

/// It reads numbers even where it keeps their text, and refuses those that are too big for a double.
inline bool too_big(const Verdict& v) { return v.error == rapidjson::kParseErrorNumberTooBig; }

struct DepthHandler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, DepthHandler> {
  size_t depth = 0, deepest = 0;
  bool open() {
    deepest = std::max(deepest, ++depth);
    return true;
  }
  bool StartObject() { return open(); }
  bool StartArray() { return open(); }
  bool EndObject(rapidjson::SizeType) { return depth-- > 0; }
  bool EndArray(rapidjson::SizeType) { return depth-- > 0; }
};

/// It takes NUL for the end of its input: never taken here, as by us.
inline Verdict ask_rapidjson(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return {};
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  DepthHandler handler;
  const rapidjson::ParseResult result = reader.Parse<kReadFlags>(stream, handler);
  return {!result.IsError(), result.Code(), handler.deepest};
}

/// The text with every escaped half of a surrogate pair (of those that go together too) made an `A`: RapidJSON refuses
/// the first half alone. Whether the text is JSON is the same before and after.
inline std::string without_surrogates(std::string_view text) {
  std::string out(text);
  for (size_t i = 0; i + 1 < out.size(); ++i) {
    if (out[i] != '\\') continue;
    ++i;
    if (out[i] != 'u' || i + 4 >= out.size()) continue;
    const bool digits = hex_value(out[i + 3]) >= 0 && hex_value(out[i + 4]) >= 0;
    if (digits && ascii_lower(out[i + 1]) == 'd' && hex_value(out[i + 2]) >= 8) out.replace(i + 1, 4, "0041");
  }
  return out;
}

}  // namespace vg::json::test
