#include "config/syntax_hints.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "config/path.h"

namespace vg::config {

std::string in_quotes(std::string_view text) {
  if (text.find_first_of("\"\\") == std::string_view::npos) return '"' + std::string(text) + '"';
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + '\'';
}

size_t quoted_end(std::string_view s, size_t at) {
  const char quote = s[at];
  for (size_t i = at + 1; i < s.size(); ++i) {
    if (s[i] == '\\' && quote == '"') {
      ++i;
    } else if (s[i] == quote) {
      const bool doubled = quote == '\'' && i + 1 < s.size() && s[i + 1] == '\'';
      if (!doubled) return i + 1;
      ++i;
    }
  }
  return std::string_view::npos;
}

namespace {

constexpr std::string_view kLookalikes = "{[*&!%@`";

// Why a value that begins so is not the text that was meant.
std::string_view meaning(char first) {
  switch (first) {
    case '{':
      return "a value that begins with { is a map in YAML";
    case '[':
      return "a value that begins with [ is a list in YAML";
    case '*':
      return "a value that begins with * refers to an anchor in YAML";
    case '&':
      return "a value that begins with & names an anchor in YAML";
    case '!':
      return "a value that begins with ! is a tag in YAML";
    case '%':
      return "a value can't begin with % in YAML";
    case '@':
      return "a value can't begin with @ in YAML";
    default:
      return "a value can't begin with ` in YAML";
  }
}

struct Hint {
  size_t offset = 0;  // in the line
  std::string message;
};

std::string write_quoted(std::string_view why, std::string_view value) {
  return std::string(why) + "; for a text write " + in_quotes(value) + ", in quotes";
}

// The offset behind the bracket that closes the one at `at`; npos if it is not closed on this line.
size_t bracket_end(std::string_view s, size_t at) {
  size_t depth = 0;
  for (size_t i = at; i < s.size(); ++i) {
    if (s[i] == '{' || s[i] == '[') ++depth;
    if ((s[i] == '}' || s[i] == ']') && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

size_t skip_blanks(std::string_view s, size_t at) {
  while (at < s.size() && s[at] == ' ') ++at;
  return at;
}

// The value behind `key: ` in s from `at`, or `at` itself where no key stands.
size_t value_begin(std::string_view s, size_t at) {
  if (at < s.size() && (s[at] == '"' || s[at] == '\'')) {
    const size_t end = quoted_end(s, at);
    return end != std::string_view::npos && end < s.size() && s[end] == ':' ? skip_blanks(s, end + 1) : at;
  }
  if (at < s.size() && kLookalikes.find(s[at]) != std::string_view::npos) return at;
  for (size_t i = at; i < s.size(); ++i) {
    if (s[i] == '{' || s[i] == '[' || s[i] == '"') return at;
    if (s[i] == ':' && (i + 1 == s.size() || s[i + 1] == ' ')) return skip_blanks(s, i + 1);
  }
  return at;
}

std::optional<Hint> look_at_flow(std::string_view s, size_t offset);

// {id} and {query.page:int|1} are references, {a: b} and {a, b} are maps.
bool is_reference(std::string_view braces) {
  const std::string_view inner = braces.size() > 2 ? braces.substr(1, braces.size() - 2) : std::string_view();
  return !inner.empty() && inner.find(", ") == std::string_view::npos && inner.find(": ") == std::string_view::npos &&
         (is_alpha(inner[0]) || inner[0] == '{' || inner[0] == '_');
}

// One whole value, at `offset` of its line.
std::optional<Hint> look_at_value(std::string_view value, size_t offset, bool in_flow) {
  value = trim(value);
  if (value.empty()) return std::nullopt;
  const char first = value[0];
  if (first == '"' || first == '\'') {
    const size_t end = quoted_end(value, 0);
    if (end == std::string_view::npos) {
      return Hint{offset, "the quote that begins here is not closed on this line"};
    }
    const std::string_view rest = trim(value.substr(end));
    if (rest.empty() || rest[0] == '#') return std::nullopt;
    return Hint{offset, "more text follows the closing quote; put all of it into one pair of quotes"};
  }
  if (first == '{' || first == '[') {
    const size_t end = bracket_end(value, 0);
    const bool whole = end == value.size();
    if (end != std::string_view::npos && !whole && value.find_first_not_of("]} ", end) == std::string_view::npos) {
      return Hint{offset + end, "a } or ] stands here that closes nothing"};
    }
    if (end != std::string_view::npos && (!whole || (first == '{' && is_reference(value)))) {
      return Hint{offset, write_quoted(meaning(first), value)};
    }
    return look_at_flow(value.substr(1, whole ? value.size() - 2 : std::string_view::npos), offset + 1);
  }
  if (kLookalikes.find(first) != std::string_view::npos) return Hint{offset, write_quoted(meaning(first), value)};
  if (in_flow && value.find_first_of("{[") != std::string_view::npos) {
    return Hint{offset, write_quoted("inside {…} and […] the characters { and [ begin a map or a list", value)};
  }
  const size_t colon = value.find(": ");
  const size_t blank = value.rfind(' ', colon);
  if (in_flow && colon != std::string_view::npos && blank != std::string_view::npos) {
    const std::string key(value.substr(blank + 1, colon - blank));
    return Hint{offset + blank + 1, "a comma is missing before \"" + key + "\", or the whole text needs quotes"};
  }
  if (colon != std::string_view::npos) {
    return Hint{offset, write_quoted("a colon followed by a blank begins a value in YAML", value)};
  }
  return std::nullopt;
}

// The inside of {…} or […]: its parts between commas, of which brackets and quotes are not cut.
std::optional<Hint> look_at_flow(std::string_view s, size_t offset) {
  for (size_t at = 0; at < s.size();) {
    at = skip_blanks(s, at);
    size_t end = at;
    while (end < s.size() && s[end] != ',') {
      const bool bracket = s[end] == '{' || s[end] == '[';
      const bool quote = (s[end] == '"' || s[end] == '\'') && (end == at || s[end - 1] == ' ');
      const size_t behind = bracket ? bracket_end(s, end) : quote ? quoted_end(s, end) : end + 1;
      end = std::min(behind, s.size());
    }
    const std::string_view part = s.substr(at, end - at);
    const size_t value = value_begin(part, 0);
    if (value < part.size()) {
      if (auto hint = look_at_value(part.substr(value), offset + at + value, true)) return hint;
    }
    at = end + 1;
  }
  return std::nullopt;
}

std::string_view without_comment(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ')) return line.substr(0, i);
    if ((line[i] == '"' || line[i] == '\'') &&
        (i == 0 || std::string_view(" [{,:").find(line[i - 1]) != std::string_view::npos)) {
      const size_t end = quoted_end(line, i);
      if (end == std::string_view::npos) return line;
      i = end - 1;
    }
  }
  return line;
}

// `timeout:3s`, where a blank is missing. Not http://…, not [::].
std::optional<Hint> look_for_missing_blank(std::string_view line, size_t begin) {
  size_t at = begin;
  while (at < line.size() && (is_alpha(line[at]) || is_digit(line[at]) || line[at] == '_' || line[at] == '-')) ++at;
  if (at == begin || at + 1 >= line.size() || line[at] != ':' || line[at + 1] == ' ' || line[at + 1] == '/')
    return std::nullopt;
  const std::string key(line.substr(begin, at - begin));
  return Hint{begin,
              "a blank is missing behind the colon; write \"" + key + ": " + std::string(line.substr(at + 1)) + "\""};
}

std::optional<Hint> look_at_line(std::string_view line) {
  size_t at = 0;
  while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) {
    if (line[at] == '\t') return Hint{at, "a tab stands in the indentation; YAML takes blanks alone"};
    ++at;
  }
  line = without_comment(line);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
  if (at >= line.size()) return std::nullopt;
  while (line.substr(at).starts_with("- ")) at = skip_blanks(line, at + 2);
  if (line.substr(at).starts_with(": ")) return Hint{at, "a key is missing before the colon"};
  if (auto hint = look_for_missing_blank(line, at)) return hint;
  const size_t value = value_begin(line, at);
  if (value >= line.size()) return std::nullopt;
  if (line.ends_with(',') && value > at) return look_at_flow(line.substr(at), at);
  return look_at_value(line.substr(value), value, false);
}

constexpr const char* kNoneAbove = ", and there is none of this name above";
constexpr std::string_view kNoAnchorName = "did not find expected alphabetic or numeric character";

// The problems of libyaml, by how they begin.
constexpr std::pair<std::string_view, std::string_view> kPlainWords[] = {
    {"did not find expected key",
     "the indentation does not fit what stands above; the keys of one map must begin in the same column"},
    {"did not find expected '-' indicator",
     "the indentation does not fit what stands above; the items of one list must begin in the same column"},
    {"did not find expected ',' or '}'", "a { is not closed by }, or a comma is missing"},
    {"did not find expected ',' or ']'", "a [ is not closed by ], or a comma is missing"},
    {"did not find expected node content", "a value is expected here; a text that begins so needs quotes"},
    {"did not find expected <document start>",
     "this stands behind the end of the configuration; is the indentation right?"},
    {"mapping values are not allowed",
     "a colon is not expected here; is the indentation right? A text that holds a colon and a blank needs quotes"},
    {"mapping keys are not allowed", "a key is not expected here; is the indentation right?"},
    {"could not find expected ':'", "a key stands here without a colon behind it; is the indentation right?"},
    {"block sequence entries are not allowed",
     "an item of a list (\"- \") is not expected here; is the indentation right?"},
    {"found character that cannot start any token",
     "a value can't begin with this character; put the text into quotes"},
    {"found unexpected ':'", "a colon stands here inside {…} or […]; put the text into quotes"},
    {"found unknown escape character",
     "an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes"},
    {"did not find expected hexdecimal number",
     "the escape in double quotes needs more hexadecimal digits: \\x41, \\u0041; write \\\\ for a backslash"},
    {"found invalid Unicode character", "the escape in double quotes is the number of no character"},
    {"found a tab character", "a tab stands in the indentation; YAML takes blanks alone"},
    {kNoAnchorName, "a name of letters and digits is expected behind & or *; for a text, use quotes"},
    {kUnknownAnchor, "no anchor of this name stands above; for a text, use quotes"},
    {"found undefined tag handle", "a value that begins with ! is a YAML tag, which has no meaning here; use quotes"},
    {"found unexpected document indicator", "a text in quotes is not closed before --- or ... begins another document"},
    {"found incompatible YAML document", "this version of YAML is not known; leave the %YAML line out"},
    {"found unknown directive name", "a line that begins with % is a directive of YAML, and this one is not known"},
    {"found an indentation indicator equal to 0", "the digit behind | or > must be from 1 to 9; leave it out"},
    {"did not find expected comment or line break",
     "more text stands here than fits; what belongs to a | or > begins in the next line"},
};

std::string plain_words(std::string_view said) {
  for (const auto& [theirs, ours] : kPlainWords) {
    if (said.starts_with(theirs)) return std::string(ours);
  }
  return "this is not YAML: " + std::string(said);
}

std::string_view line_of(std::string_view text, uint32_t line) {
  for (uint32_t i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// Where the parser's own place is the right one, whatever the line looks like.
std::optional<SyntaxError> exact(std::string_view text, const SyntaxError& at) {
  const bool directive =
      at.message == "found incompatible YAML document" || at.message == "found unknown directive name";
  if (directive) return SyntaxError{at.line, at.column, plain_words(at.message)};
  if (text.starts_with('%') && at.message == "did not find expected <document start>") {
    return SyntaxError{at.line, at.column, "a line --- is missing here, behind the lines that begin with %"};
  }
  const std::string_view line = line_of(text, at.line);
  const size_t offset = std::min(size_t{at.column} - 1, line.size());
  if (at.message == kUnknownAnchor) {
    const auto hint = look_at_line(line);
    if (hint && hint->offset == offset) return std::nullopt;
    const std::string_view alias = line.substr(offset, line.find_first_of(" \t\r,]}", offset) - offset);
    return SyntaxError{at.line, at.column, write_quoted(std::string(meaning('*')) + kNoneAbove, alias)};
  }
  if (at.message == "found character that cannot start any token" && line.substr(offset).starts_with('\t')) {
    return SyntaxError{at.line, at.column, "a tab stands in the indentation; YAML takes blanks alone"};
  }
  return std::nullopt;
}

}  // namespace

SyntaxError explain_syntax(std::string_view text, const SyntaxError& at, uint32_t last_line) {
  if (auto error = exact(text, at)) return *error;
  // Where the parser stopped, what it had understood last, and the lines between: the mistake is nearly always there.
  std::vector<uint32_t> lines = {at.line};
  for (uint32_t line = std::max(last_line, 1U); line < at.line && lines.size() < 20; ++line) lines.push_back(line);
  if (at.line > 1) lines.push_back(at.line - 1);
  for (const uint32_t line : lines) {
    const std::string_view written = line_of(text, line);
    if (written.size() > 4096) continue;
    if (auto hint = look_at_line(written)) {
      constexpr std::string_view kAlias = "refers to an anchor in YAML";
      const size_t alias = hint->message.find(kAlias);
      const bool no_name = at.message == kUnknownAnchor || at.message.starts_with(kNoAnchorName);
      if (no_name && alias != std::string::npos) {
        hint->message.insert(alias + kAlias.size(), kNoneAbove);
      }
      return {line, static_cast<uint32_t>(hint->offset) + 1, std::move(hint->message)};
    }
  }
  return {at.line, at.column, plain_words(at.message)};
}

}  // namespace vg::config
