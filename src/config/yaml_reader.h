// Reads the text of one YAML file into a tree of nodes, from the parser's events (four times as fast as a library's own
// trees, and they tell quoted from plain, and repeated keys). Duplicate keys, `<<`, tags, nesting and the expansion of
// aliases are judged here, and which characters a file may hold.
#pragma once
#include <string_view>

#include "config/errors.h"
#include "config/node.h"
#include "config/substitute.h"

namespace vg::config {

/// Shared by all files of one configuration.
struct ReadLimits {
  static constexpr size_t kMostFileBytes = size_t{64} * 1024 * 1024;
  static constexpr size_t kMostDepth = 64;
  static constexpr size_t kMostAliased = 1'000'000;  ///< nodes that aliases repeat
  size_t aliased = 0;
};

struct ReadContext {
  Document& document;
  Substituter& substituter;
  ReadLimits& limits;
  Errors& errors;
};

/// The tree of `text`; nullptr if it can't be read at all, which is then among the errors.
const Node* read_yaml(const ReadContext& context, const std::string* file, std::string_view text);

}  // namespace vg::config
