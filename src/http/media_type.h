// Content-Type taken apart: which media type, and its parameters. And the syntax of parameters itself, which
// Content-Disposition shares but for its quotes. RFC 9110 sections 5.6.6 and 8.3.1.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vg::http {

/// Parameters with their values, names in lower case, each once.
class Parameters {
 public:
  /// How a quoted value is read: with backslashes before what they quote, or by HTML's rules for forms, where a
  /// backslash is itself, and %22, %0D and %0A are the three characters that have no place there.
  enum class Quotes { kHttp, kForm };

  /// Reads `*( OWS ";" OWS [ name "=" value ] )`. False if that is not all of it, or a name stands there twice.
  bool parse(std::string_view text, Quotes quotes);
  /// By its lower-case name; nullptr if there is none.
  const std::string* find(std::string_view name) const;

 private:
  bool parse_one(std::string_view& text, Quotes quotes);
  std::vector<std::pair<std::string, std::string>> all_;
};

/// The value of a Content-Type field.
class MediaType {
 public:
  /// nullopt if it breaks the grammar, or names a parameter twice.
  static std::optional<MediaType> parse(std::string_view text);
  /// `type` in lower case: "application/json".
  bool is(std::string_view type) const { return type_ == type; }
  /// In lower case.
  const std::string& type() const { return type_; }
  const std::string* parameter(std::string_view name) const { return parameters_.find(name); }
  /// No charset is named, or UTF-8 or its subset US-ASCII.
  bool is_utf8() const;

 private:
  std::string type_;
  Parameters parameters_;
};

/// True for "utf-8" and "us-ascii", in any case.
bool is_utf8_charset(std::string_view charset);

}  // namespace vg::http
