#include "http/media_type.h"

#include <algorithm>

#include "base/strings.h"
#include "http/chars.h"

namespace vg::http {
namespace {

std::string_view take_token(std::string_view& text) {
  size_t size = 0;
  while (size < text.size() && is_class(text[size], kTokenChar)) ++size;
  const std::string_view token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

void skip_blanks(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size())); }

/// From the opening quote to behind the closing one.
bool take_http_quoted(std::string_view& text, std::string& value) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\' && ++i == text.size()) return false;
    if (!is_class(text[i], kFieldChar)) return false;
    value += text[i];
  }
  return false;
}

/// What "%22", "%0D" or "%0A" at the beginning stands for; NUL if it is none of them.
char form_escape(std::string_view text) {
  for (const auto& [escape, c] : {std::pair("%22", '"'), std::pair("%0D", '\r'), std::pair("%0A", '\n')}) {
    if (iequals(text.substr(0, 3), escape)) return c;
  }
  return '\0';
}

bool take_form_quoted(std::string_view& text, std::string& value) {
  const size_t close = text.find('"', 1);
  if (close == std::string_view::npos) return false;
  for (size_t i = 1; i < close; ++i) {
    if (!is_class(text[i], kFieldChar)) return false;
    const char escaped = form_escape(text.substr(i, close - i));
    value += escaped == '\0' ? text[i] : escaped;
    if (escaped != '\0') i += 2;
  }
  text.remove_prefix(close + 1);
  return true;
}

}  // namespace

bool Parameters::parse_one(std::string_view& text, Quotes quotes) {
  std::string name = lower(take_token(text));
  if (name.empty() || find(name) != nullptr || !text.starts_with('=')) return false;
  text.remove_prefix(1);
  std::string value;
  if (text.starts_with('"')) {
    if (!(quotes == Quotes::kForm ? take_form_quoted : take_http_quoted)(text, value)) return false;
  } else {
    value = take_token(text);
    if (value.empty()) return false;
  }
  all_.emplace_back(std::move(name), std::move(value));
  return true;
}

bool Parameters::parse(std::string_view text, Quotes quotes) {
  for (skip_blanks(text); !text.empty(); skip_blanks(text)) {
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_blanks(text);
    if (text.empty() || text.starts_with(';')) continue;
    if (!parse_one(text, quotes)) return false;
  }
  return true;
}

const std::string* Parameters::find(std::string_view name) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& one) { return one.first == name; });
  return found == all_.end() ? nullptr : &found->second;
}

std::optional<MediaType> MediaType::parse(std::string_view text) {
  skip_blanks(text);
  const std::string_view type = take_token(text);
  if (type.empty() || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  const std::string_view subtype = take_token(text);
  if (subtype.empty()) return std::nullopt;
  MediaType media;
  media.type_ = lower(type) + '/' + lower(subtype);
  if (!media.parameters_.parse(text, Parameters::Quotes::kHttp)) return std::nullopt;
  return media;
}

bool is_utf8_charset(std::string_view charset) { return iequals(charset, "utf-8") || iequals(charset, "us-ascii"); }

bool MediaType::is_utf8() const {
  const std::string* charset = parameter("charset");
  return charset == nullptr || is_utf8_charset(*charset);
}

}  // namespace vg::http
