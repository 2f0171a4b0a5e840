// The key that an answer is kept under: the route as it is declared, host, path, query, and every value of the client's
// that the view's calls carry. What two requests have in common by this key, they get alike. SPEC section 6, "cache".
// Immutable. Thread: any.
#pragma once
#include <string>
#include <vector>

#include "pipeline/view.h"

namespace vg::policy {

class CacheKey {
 public:
  /// `settings`: of the policy; its `key` takes the place of path and query. Mistakes go to `build`.
  static CacheKey create(const config::Node& settings, pipeline::Build& build);
  static std::string check_item(std::string_view item);

  void append(const pipeline::Context& ctx, std::string& out) const;
  /// True if the request carries a credential that is not in the key: Authorization, or cookies that go along.
  bool lacks_credential(const http::RequestHead& request) const;
  /// True if the upstream sees such a credential, so that its answer may depend on it.
  bool passes_credentials() const { return all_fields_; }
  /// "host", "path", "query", "header:accept-language": for `explain`.
  std::vector<std::string> describe() const;

 private:
  void append_query_values(std::string_view query, std::string_view name, std::string& out) const;

  std::string route_;  // what makes it another route, hashed
  bool path_ = true, query_ = true, client_ip_ = false, subject_ = false, all_fields_ = false;
  bool has_authorization_ = false, has_cookie_ = false;
  std::vector<uint32_t> params_;  // where the path is not in it
  std::vector<std::string> param_names_;
  std::vector<std::string> query_names_, headers_, cookies_;
};

}  // namespace vg::policy
