// The head of a request that is passed on: the client's fields, less those of its hop, with those that a gateway adds.
#pragma once
#include "pipeline/context.h"
#include "view/header_edit.h"

namespace vg::view {

/// What a proxy-fetch route says about its requests. Immutable.
struct ForwardSettings {
  tmpl::CallTarget target;
  std::vector<std::pair<std::string, tmpl::Template>> upstream_headers;
  std::vector<std::pair<std::string, tmpl::Template>> call_headers;
  HeaderEdit edit;
  bool preserve_host = false;
};

class ForwardedRequest final : public upstream::Request {
 public:
  ForwardedRequest(pipeline::Context& ctx, const ForwardSettings& settings) : ctx_(ctx), settings_(settings) {}
  Result<void> append_head(const upstream::Endpoint& endpoint, std::string& out) override;

 private:
  Result<void> append_target(const upstream::Endpoint& endpoint, std::string& out) const;
  void append_client_fields(std::string& out) const;
  void append_forwarding_fields(std::string& out) const;
  Result<void> append_extra(const std::vector<std::pair<std::string, tmpl::Template>>& headers, std::string& out) const;

  pipeline::Context& ctx_;
  const ForwardSettings& settings_;
};

/// True if `head` nominates a field in Connection beyond the usual words: its fields then go one by one.
bool has_nominated_fields(const http::Head& head);
bool is_nominated(const http::Head& head, std::string_view name);

}  // namespace vg::view
