// The head of a request that is passed on: the client's fields, less those of its hop, with those that a gateway adds.
#pragma once
#include "pipeline/context.h"
#include "view/header_edit.h"

namespace vg::view {

using pipeline::NamedTemplate;

/// What a proxy-fetch route says about its requests beside their target. Immutable.
struct ForwardSettings {
  std::optional<std::string> method;  ///< nullopt: the client's
  std::vector<NamedTemplate> upstream_headers;
  std::vector<NamedTemplate> call_headers;
  HeaderEdit edit;
  bool preserve_host = false;
  bool edits_fields() const { return !edit.empty() || !upstream_headers.empty() || !call_headers.empty(); }
};

class ForwardedRequest final : public upstream::Request {
 public:
  ForwardedRequest(pipeline::Context& ctx, const tmpl::CallTarget& target, const ForwardSettings& settings)
      : ctx_(ctx), target_(target), settings_(settings) {}
  Result<void> append_head(const upstream::Endpoint& endpoint, std::string& out) override;

 private:
  Result<void> append_target(const upstream::Endpoint& endpoint, std::string& out) const;
  void append_client_fields(std::string& out) const;
  void append_forwarding_fields(std::string& out) const;
  Result<void> append_extra(const NamedTemplate& header, std::string& out) const;
  /// True if a setting writes or removes this field: ours and the client's are left out.
  bool is_replaced(std::string_view name) const;

  pipeline::Context& ctx_;
  const tmpl::CallTarget& target_;
  const ForwardSettings& settings_;
};

}  // namespace vg::view
