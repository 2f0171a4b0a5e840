// The head of a request that is passed on: the client's fields, less those of its hop, with those that a gateway adds.
#pragma once
#include "pipeline/context.h"
#include "view/header_edit.h"

namespace vg::view {

using pipeline::NamedTemplate;

/// The header fields that a proxy-fetch route adds, replaces and takes out.
struct ForwardFields {
  std::vector<NamedTemplate> of_upstream;
  std::vector<NamedTemplate> of_call;
  HeaderEdit edit;
  bool empty() const { return of_upstream.empty() && of_call.empty() && edit.empty(); }
};

/// What a proxy-fetch route says about its requests. Immutable.
struct ForwardSettings {
  std::unique_ptr<const ForwardFields> fields;  ///< nullptr: none, as on nearly every route
  bool preserve_host = false;
  tmpl::CallTarget target;
};

class ForwardedRequest final : public upstream::Request {
 public:
  ForwardedRequest(pipeline::Context& ctx, const ForwardSettings& settings) : ctx_(ctx), settings_(settings) {}
  Result<void> append_head(const upstream::Endpoint& endpoint, std::string& out) override;

 private:
  Result<void> append_target(const upstream::Endpoint& endpoint, std::string& out) const;
  void append_client_fields(std::string& out) const;
  void append_forwarding_fields(std::string& out) const;
  Result<void> append_fields(const ForwardFields& fields, std::string& out) const;
  Result<void> append_extra(const NamedTemplate& header, std::string& out) const;
  /// True if a setting writes or removes this field: ours and the client's are left out.
  bool is_replaced(std::string_view name) const;

  pipeline::Context& ctx_;
  const ForwardSettings& settings_;
};

}  // namespace vg::view
