// Says in plain words what is wrong where YAML can't be read. Parsers report where they gave up, which is seldom where
// the mistake is; here the lines around are looked at for what people really write: a value that begins with `{` or `*`
// without quotes, a tab, a colon without a blank, a quote that is never closed.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vg::config {

/// Line and column count from 1.
struct SyntaxError {
  uint32_t line = 0;
  uint32_t column = 0;
  std::string message;
};

/// The problem that the reader itself finds: an alias of a name that no anchor above has.
inline constexpr std::string_view kUnknownAnchor = "the referenced anchor is not defined";

/// `at` is where the parser gave up and what it said; `last_line` is the line of the last thing it understood.
SyntaxError explain_syntax(std::string_view text, const SyntaxError& at, uint32_t last_line);

/// The offset behind the quoted text that begins at `at` of `text`; npos if it does not end.
size_t quoted_end(std::string_view text, size_t at);

/// How the text must be written to be text: in quotes that suit it.
std::string in_quotes(std::string_view text);

}  // namespace vg::config
