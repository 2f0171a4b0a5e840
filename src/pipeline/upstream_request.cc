#include "pipeline/upstream_request.h"

#include "upstream/balance.h"

namespace vg::pipeline {

using http::FieldId;

ForwardedFor::ForwardedFor(const Context& ctx)
    : client(ctx.client_ip()), proto(ctx.secure ? "https" : "http"), host(ctx.request.authority()) {
  if (!ctx.trusted_peer) return;
  const http::RequestHead& request = ctx.request;
  for (const http::Field& f : request.fields()) {
    if (f.id == FieldId::kXForwardedFor) chain_.append(request.value(f)).append(", ");
  }
  client = chain_.append(ctx.peer_ip());
  if (request.has(FieldId::kXForwardedProto)) proto = request.get(FieldId::kXForwardedProto);
  if (request.has(FieldId::kXForwardedHost)) host = request.get(FieldId::kXForwardedHost);
}

uint64_t balance_hash(const Context& ctx, const config::UpstreamSettings& upstream) {
  if (upstream.balance != config::Balance::kHash) return 0;
  switch (upstream.hash_by) {
    case config::HashBy::kClientIp:
      return upstream::hash_of(ctx.client_ip());
    case config::HashBy::kPath:
      return upstream::hash_of(ctx.request.path());
    case config::HashBy::kHeader:
      return upstream::hash_of(ctx.header(upstream.hash_header).value_or(std::string_view()));
  }
  return 0;
}

}  // namespace vg::pipeline
