#include "json/select.h"

#include "base/strings.h"

namespace vg::json {
namespace {

/// A step of a pointer with ~1 and ~0 read (RFC 6901 section 4); nullopt if a ~ is neither.
std::optional<std::string> pointer_step(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') {
      out += text[i];
      continue;
    }
    const char code = ++i < text.size() ? text[i] : '\0';
    if (code != '0' && code != '1') return std::nullopt;
    out += code == '0' ? '~' : '/';
  }
  return out;
}

std::nullopt_t refuse(std::string* error, std::string_view text, const char* why) {
  if (error != nullptr) *error = "\"" + std::string(text) + "\" " + why;
  return std::nullopt;
}

}  // namespace

std::optional<Selector> Selector::parse(std::string_view text, std::string* error) {
  Selector selector;
  if (text.empty()) return selector;
  const bool pointer = text[0] == '/';
  for (const std::string_view part : split(pointer ? text.substr(1) : text, pointer ? '/' : '.')) {
    if (!pointer && part.empty()) {
      return refuse(error, text, "has an empty step: write data.items, or a JSON Pointer such as /data/items");
    }
    auto step = pointer ? pointer_step(part) : std::string(part);
    if (!step) return refuse(error, text, "has a ~ that is neither ~0 (for ~) nor ~1 (for /)");
    selector.steps_.push_back(std::move(*step));
  }
  return selector;
}

}  // namespace vg::json
