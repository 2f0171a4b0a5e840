// The effective settings as lines for people: every value in its final form, with the place that it comes from.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "config/loader.h"

namespace vg::config {

/// One line of a description. A line without a place opens a map or a list, whose lines follow one level deeper.
struct DescribedLine {
  size_t depth = 0;
  std::string path;   ///< limits.body_bytes
  std::string text;   ///< body_bytes: 1MiB
  std::string place;  ///< FILE:LINE, or kBuiltIn
};
using DescribedLines = std::vector<DescribedLine>;

std::string place_of(const Mark& mark);  ///< FILE:LINE, or kBuiltIn

/// A route's settings. Here and below: what `${…}` brought into free text that may be secret (header fields, query
/// parameters, JSON) is not shown.
DescribedLines describe_route(const RouteConfig& route, const Schema& schema);
DescribedLines describe_upstream(const UpstreamConfig& upstream, const Schema& schema);
DescribedLines describe_server(const LoadResult& result, const Schema& schema);

}  // namespace vg::config
