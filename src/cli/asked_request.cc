#include "cli/asked_request.h"

#include <algorithm>

#include "base/strings.h"
#include "config/path.h"
#include "config/values.h"
#include "http/target.h"

namespace vg::cli {

namespace {

using config::quote;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

// The length of "http://" or "https://" at the beginning; 0 if there is none.
size_t scheme_size(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (iequals(target.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

}  // namespace

std::optional<AskedRequest> asked_request(const std::string& method, const std::string& target, const std::string& host,
                                          const std::string& listener, std::string* error) {
  const auto fail = [error](std::string what) {
    *error = std::move(what);
    return std::nullopt;
  };
  if (!config::is_token(method) || method != upper(method))
    return fail(quote(method) + " is not a method; write for example " +
                (config::is_token(method) ? upper(method) : std::string("GET")));
  AskedRequest out{method, target, {}, listener};
  std::string authority = host;
  if (const size_t scheme = scheme_size(target); scheme != 0) {
    if (!host.empty()) return fail("the host stands in the URL and in --host; write it in one place");
    const size_t end = std::min(target.find_first_of("/?#", scheme), target.size());
    authority = target.substr(scheme, end - scheme);
    out.target = target.substr(end, target.find('#') - end);
    if (!out.target.starts_with('/')) out.target.insert(0, "/");
    if (authority.empty()) return fail(quote(target) + " names no host");
  } else if (!target.starts_with('/')) {
    return fail(quote(target) + " is not a path; write for example /products/5, or http://HOST/products/5");
  }
  if (authority.empty()) return out;
  std::string_view name, port;
  if (!http::split_authority(authority, name, port)) return fail(quote(authority) + " is not a host");
  out.host = lower(name);
  return out;
}

}  // namespace vg::cli
