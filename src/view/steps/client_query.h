// The client's query, parameter by parameter: what a list reads of it, passes on, and keeps in its links.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "template/encode.h"

namespace vg::view {

/// One parameter as it came, form-encoded.
struct QueryPair {
  std::string_view raw;  ///< name, '=' and value
  std::string_view name;
  std::string_view value;
  /// True if the name, decoded, is this one.
  bool named(std::string_view decoded) const;
  void append_value(std::string& out) const { tmpl::append_decoded(out, value, tmpl::Coding::kForm); }
};

/// Calls visit(pair) for each parameter; empty ones ("&&") are passed over.
template <typename Visit>
void for_each_pair(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view raw = query.substr(0, end);
    const size_t equals = std::min(raw.find('='), raw.size());
    if (!raw.empty()) visit(QueryPair{raw, raw.substr(0, equals), raw.substr(std::min(equals + 1, raw.size()))});
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

/// A parameter's name as it is sent.
std::string encoded_parameter(std::string_view name);
/// The 400 of a query that can't be had.
Error bad_query(std::string what);
/// Appends "&name=value" (without the '&' where `out` is empty), the value encoded anew.
void append_parameter(std::string& out, std::string_view encoded_name, std::string_view value, tmpl::Coding coding);
/// `path` with `query`, in which the parameter `name` now has `value`, and is added if it was not there. As text for
/// JSON or a header: the client's own bytes otherwise.
std::string with_parameter(std::string_view path, std::string_view query, std::string_view name,
                           std::string_view value);

}  // namespace vg::view
