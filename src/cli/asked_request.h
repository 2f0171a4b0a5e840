// The request that `viewgate explain` is asked about, as its arguments say it.
#pragma once
#include <optional>
#include <string>

namespace vg::cli {

struct AskedRequest {
  std::string method;
  std::string target;    ///< path and query, as a request line has them
  std::string host;      ///< in lower case, without port; empty: none was named
  std::string listener;  ///< empty: one without a name

  std::string path() const { return target.substr(0, target.find('?')); }
};

/// `target`: a path with or without a query, or http://HOST/PATH. `host`: empty, or HOST with or without a port.
/// Errors: nullopt, and `error` says what is wrong with the arguments.
std::optional<AskedRequest> asked_request(const std::string& method, const std::string& target, const std::string& host,
                                          const std::string& listener, std::string* error);

}  // namespace vg::cli
