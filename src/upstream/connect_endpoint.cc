#include "upstream/connect_endpoint.h"

namespace vg::upstream {

namespace {

// RFC 9113 section 3.2: by TLS it is the handshake that says so.
Result<net::StreamPtr> speaking_http2(net::StreamPtr stream, const std::string& where) {
  const std::string_view chosen = stream->tls()->alpn();
  if (chosen == "h2") return stream;
  Error e(ErrorKind::kConnect, "no connection", true);
  e.internal = where + " does not speak HTTP/2: ALPN chose " + (chosen.empty() ? "nothing" : std::string(chosen));
  return e;
}

}  // namespace

coro::Task<Result<net::StreamPtr>> connect_endpoint(net::EventLoop* loop, std::shared_ptr<Upstream> upstream,
                                                    size_t endpoint, net::Address address,
                                                    std::shared_ptr<net::TlsResumption> resumption,
                                                    coro::CancelSource* cancel) {
  const config::EndpointSettings& settings = upstream->endpoint(endpoint).settings;
  Result<net::StreamPtr> stream = co_await net::connect(loop, address, cancel);
  if (!stream || !settings.https) co_return std::move(stream);
  const std::shared_ptr<const net::TlsClient> client = upstream->tls().get();
  const bool http2 = upstream->settings().http2;
  std::vector<std::string> alpn;
  if (http2) alpn.emplace_back("h2");
  std::unique_ptr<net::TlsSession> tls;
  if (client) tls = client->connect(settings.host, settings.is_ip, alpn, std::move(resumption));
  stream = co_await net::secure(std::move(stream.value()), std::move(tls), settings.authority, cancel);
  if (!stream || !http2) co_return std::move(stream);
  co_return speaking_http2(std::move(stream.value()), settings.authority);
}

}  // namespace vg::upstream
