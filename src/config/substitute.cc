#include "config/substitute.h"

#include "base/strings.h"
#include "config/path.h"

namespace vg::config {
namespace {

constexpr size_t kMostFileBytes = 1024 * 1024;
constexpr size_t kMostTotalBytes = 64 * 1024 * 1024;

bool is_variable_name(std::string_view name) {
  if (name.empty() || is_digit(name[0])) return false;
  for (const char c : name) {
    if (!is_alpha(c) && !is_digit(c) && c != '_') return false;
  }
  return true;
}

void append_literal(Substituter::Result& out, std::string_view text) {
  out.text += text;
  if (text.find_first_of("{}") == std::string_view::npos) {
    out.as_template += text;
    return;
  }
  for (const char c : text) {
    out.as_template += c;
    if (c == '{' || c == '}') out.as_template += c;
  }
}

void append_written(Substituter::Result& out, std::string_view text) {
  out.text += text;
  out.as_template += text;
}

std::string not_text(std::string_view value) {
  if (value.find('\0') != std::string_view::npos) return "holds a NUL byte";
  if (invalid_utf8_at(value) != std::string_view::npos) return "is not UTF-8";
  return {};
}

}  // namespace

Substituter::Result Substituter::substitute(std::string_view text, const std::string& folder) {
  Result out;
  while (!text.empty() && out.error.empty()) {
    const size_t at = text.find("${");
    if (at == std::string_view::npos) break;
    const size_t close = text.find('}', at);
    if (at > 0 && text[at - 1] == '$') {  // $${name} is the text ${name}, also in a template
      append_written(out, text.substr(0, at - 1));
      const size_t end = close == std::string_view::npos ? at + 2 : close + 1;
      append_literal(out, text.substr(at, end - at));
      text.remove_prefix(end);
      continue;
    }
    append_written(out, text.substr(0, at));
    if (close == std::string_view::npos) {
      out.error = "\"${\" is not closed by \"}\"; write $${ for a literal ${";
      return out;
    }
    const std::string value = value_of(text.substr(at + 2, close - at - 2), folder, out.error);
    total_bytes_ += value.size();
    if (total_bytes_ > kMostTotalBytes) out.error = "all substituted text together is larger than 64MiB";
    append_literal(out, value);
    text.remove_prefix(close + 1);
  }
  append_written(out, text);
  return out;
}

std::string Substituter::value_of(std::string_view reference, const std::string& folder, std::string& error) {
  if (reference.find("${") != std::string_view::npos) {
    error = "${…} can't stand inside another ${…}";
    return {};
  }
  if (!reference.starts_with("file:")) return variable(reference, error);
  const std::string path(reference.substr(5));
  if (path.empty()) {
    error = "${file:} names no file; write ${file:/path/to/file}";
    return {};
  }
  return file(path[0] == '/' ? path : folder + path, error);
}

std::string Substituter::variable(std::string_view reference, std::string& error) {
  const size_t colon = reference.find(":-");
  const std::string name(reference.substr(0, colon));
  if (!is_variable_name(name)) {
    error = quote("${" + std::string(reference) + "}") +
            " is not understood; write ${NAME}, ${NAME:-default} or ${file:/path}, and $${ for a literal ${";
    return {};
  }
  auto value = environment_.variable(name);
  if (colon != std::string_view::npos && (!value || value->empty())) return std::string(reference.substr(colon + 2));
  if (!value) {
    error = "environment variable " + quote(name) + " is not set and no default is given; set it, or write ${" + name +
            ":-default}";
    return {};
  }
  const std::string wrong = not_text(*value);
  if (!wrong.empty()) error = "environment variable " + quote(name) + ' ' + wrong;
  return std::move(*value);
}

std::string Substituter::file(const std::string& path, std::string& error) {
  const auto [at, is_new] = files_.try_emplace(path);
  if (is_new) {
    at->second = environment_.read(path, kMostFileBytes);
    std::string& content = at->second.content;
    if (content.ends_with('\n')) content.pop_back();
    const std::string wrong = not_text(content);
    if (at->second.error.empty() && !wrong.empty()) at->second.error = wrong;
  }
  if (at->second.error.empty()) return at->second.content;
  error = "the file " + quote(path) + ' ' + at->second.error;
  return {};
}

}  // namespace vg::config
