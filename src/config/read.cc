#include "config/read.h"

namespace vg::config {

const Node* child(const Node* map, std::string_view key) {
  const Node* node = map != nullptr ? map->get(key) : nullptr;
  return node != nullptr && !node->is_null() ? node : nullptr;
}

namespace {
template <typename T, typename Parse>
T read(const Node* map, std::string_view key, T fallback, Parse parse) {
  const Node* node = child(map, key);
  if (node == nullptr || !node->is_scalar()) return fallback;
  const auto value = parse(node->text());
  return value ? static_cast<T>(*value) : fallback;
}
}  // namespace

std::string text(const Node* map, std::string_view key, std::string_view fallback) {
  const Node* node = child(map, key);
  return std::string(node != nullptr && node->is_scalar() ? node->text() : fallback);
}

bool boolean(const Node* map, std::string_view key, bool fallback) { return read(map, key, fallback, parse_bool); }
int64_t integer(const Node* map, std::string_view key, int64_t fallback) {
  return read(map, key, fallback, parse_integer);
}
double number(const Node* map, std::string_view key, double fallback) { return read(map, key, fallback, parse_number); }
Nanoseconds duration(const Node* map, std::string_view key, Nanoseconds fallback) {
  return read(map, key, fallback, parse_duration);
}
uint64_t size_bytes(const Node* map, std::string_view key, uint64_t fallback) {
  return read(map, key, fallback, parse_size);
}
double percent(const Node* map, std::string_view key, double fallback) {
  return read(map, key, fallback, parse_percent);
}

std::vector<const Node*> each(const Node* map, std::string_view key) {
  const Node* node = child(map, key);
  if (node == nullptr) return {};
  if (!node->is_sequence()) return {node};
  return {node->items().begin(), node->items().end()};
}

std::vector<std::string> texts(const Node* map, std::string_view key) {
  std::vector<std::string> out;
  for (const Node* node : each(map, key)) out.emplace_back(node->text());
  return out;
}

std::string path_near(const Node& node) {
  const std::string_view path = node.text();
  if (path.starts_with('/') || node.mark().file == nullptr) return std::string(path);
  const size_t slash = node.mark().file->rfind('/');
  if (slash == std::string::npos) return std::string(path);
  return node.mark().file->substr(0, slash + 1).append(path);
}

std::string file_path(const Node* map, std::string_view key) {
  const Node* node = child(map, key);
  return node != nullptr ? path_near(*node) : std::string();
}

}  // namespace vg::config
