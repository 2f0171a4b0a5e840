#include "config/errors.h"

#include <algorithm>
#include <tuple>

namespace vg::config {
namespace {

// What a file says reaches a terminal or a log through here: control characters are shown, not sent.
void append_printable(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
}

auto place(const ConfigError& e) { return std::tie(e.file, e.line, e.column); }

}  // namespace

std::string to_string(const ConfigError& error) {
  std::string out;
  append_printable(out, error.file);
  if (error.line != 0) out += ':' + std::to_string(error.line) + ':' + std::to_string(error.column);
  out += ": ";
  if (!error.path.empty()) {
    append_printable(out, error.path);
    out += ": ";
  }
  append_printable(out, error.message);
  return out;
}

void Errors::add(const Mark& mark, std::string path, std::string message) {
  if (list_.size() >= kMost) sorted();
  if (list_.size() >= kMost) return;
  list_.push_back(
      {mark.file != nullptr ? *mark.file : std::string(), mark.line, mark.column, std::move(path), std::move(message)});
  is_sorted_ = false;
}

void Errors::add(std::string file, std::string message) {
  list_.push_back({std::move(file), 0, 0, {}, std::move(message)});
  is_sorted_ = false;
}

const std::vector<ConfigError>& Errors::sorted() const {
  if (is_sorted_) return list_;
  is_sorted_ = true;
  std::stable_sort(list_.begin(), list_.end(), [](const auto& a, const auto& b) { return place(a) < place(b); });
  std::vector<ConfigError> once;
  size_t group = 0;  // where the errors of this place begin
  for (ConfigError& e : list_) {
    if (!once.empty() && place(once.back()) != place(e)) group = once.size();
    const bool repeated = std::any_of(once.begin() + static_cast<ptrdiff_t>(group), once.end(),
                                      [&](const ConfigError& o) { return o.message == e.message; });
    if (!repeated) once.push_back(std::move(e));
  }
  list_ = std::move(once);
  return list_;
}

std::string Errors::text() const {
  std::string out;
  for (const ConfigError& e : sorted()) out += to_string(e) + '\n';
  if (full()) out += "… and more: only the first " + std::to_string(kMost) + " errors are shown\n";
  return out;
}

}  // namespace vg::config
