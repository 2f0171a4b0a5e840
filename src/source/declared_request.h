// The request of a declared call, rendered once and written for each attempt. What it says of the client is what SPEC
// section 4, "What calls send", lists; nothing else of the client's request goes along.
#pragma once
#include <string>

#include "source/fetch.h"

namespace vg::source {

class DeclaredRequest final : public upstream::Request {
 public:
  /// `buffer`: where it renders; empty. Lifetime: def, caller and buffer outlive it.
  DeclaredRequest(const CallDef& def, const Caller& caller, std::string& buffer)
      : def_(def), caller_(caller), buffer_(buffer) {}
  /// Renders what no attempt changes, so that a value that is missing costs no connection: target, set fields, body.
  /// Errors: kMissingValue, kBadRequest.
  Result<void> prepare(std::optional<std::string_view> content);
  /// Path and query below the upstream's url. After prepare().
  std::string_view target() const { return std::string_view(buffer_).substr(0, target_size_); }
  /// Appends all that tells it from other calls of its upstream: method, target, what is set and what is forwarded.
  void append_identity(std::string& out) const;
  Result<void> append_head(const upstream::Endpoint& endpoint, std::string& out) override;

 private:
  Result<void> render_target();
  void append_own_fields(std::string& out) const;
  void append_unreplaced_fields(uint64_t left_ms, std::string& out) const;
  void append_forwarded_fields(std::string& out) const;
  void append_cookies(std::string& out) const;
  Result<void> render_set_fields();
  bool is_replaced(std::string_view name) const;

  const CallDef& def_;
  const Caller& caller_;
  std::string& buffer_;  // the target, below the upstream's url, then the fields that are set
  size_t target_size_ = 0;
  std::string rendered_;  // the body
};

/// True for what upstreams answered, as opposed to what the client sent.
bool is_of_an_answer(tmpl::Root root);
/// The error of a template whose value is missing or not of the kind asked for.
Error template_error(const tmpl::Rendered& rendered);

}  // namespace vg::source
