// Typed reading of nodes that validation has accepted. Each function takes a map and a key and gives the value, or
// `fallback` where the key is absent or null, or the map itself is nullptr. Values of the wrong type can't be met here;
// if one is (a node that was never validated), the fallback is given.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "config/values.h"

namespace vg::config {

const Node* child(const Node* map, std::string_view key);  ///< nullptr where absent or null
std::string text(const Node* map, std::string_view key, std::string_view fallback = {});
bool boolean(const Node* map, std::string_view key, bool fallback);
int64_t integer(const Node* map, std::string_view key, int64_t fallback);
double number(const Node* map, std::string_view key, double fallback);
Nanoseconds duration(const Node* map, std::string_view key, Nanoseconds fallback);
uint64_t size_bytes(const Node* map, std::string_view key, uint64_t fallback);
double percent(const Node* map, std::string_view key, double fallback);
/// The items of a list, the one value that stands for a list of one, nothing where it is absent or null.
std::vector<const Node*> each(const Node* map, std::string_view key);
std::vector<std::string> texts(const Node* map, std::string_view key);
/// The path that `node` names, relative to the file that says so.
std::string path_near(const Node& node);
std::string file_path(const Node* map, std::string_view key);  ///< the same of a key; empty where it is absent or null

}  // namespace vg::config
