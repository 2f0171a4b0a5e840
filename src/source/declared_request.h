// The request of a declared call, rendered once and written for each attempt. What it says of the client is what SPEC
// section 4, "What calls send", lists; nothing else of the client's request goes along.
#pragma once
#include <string>

#include "source/fetch.h"

namespace vg::source {

class DeclaredRequest final : public upstream::Request {
 public:
  /// Lifetime: def and caller outlive it.
  DeclaredRequest(const CallDef& def, const Caller& caller) : def_(def), caller_(caller) {}
  /// Renders what no attempt changes: the body. Errors: kBadRequest.
  Result<void> prepare(std::optional<std::string_view> content);
  Result<void> append_head(const upstream::Endpoint& endpoint, std::string& out) override;

 private:
  Result<void> append_target(const std::string& base, std::string& out) const;
  void append_own_fields(std::string& out) const;
  void append_forwarded_fields(std::string& out) const;
  void append_cookies(std::string& out) const;
  Result<void> append_set_fields(std::string& out) const;
  bool is_replaced(std::string_view name) const;

  const CallDef& def_;
  const Caller& caller_;
  std::string rendered_;
};

/// The error of a template whose value is missing or not of the kind asked for.
Error template_error(const tmpl::Rendered& rendered);

}  // namespace vg::source
