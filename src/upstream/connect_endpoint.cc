#include "upstream/connect_endpoint.h"

namespace vg::upstream {

coro::Task<Result<net::StreamPtr>> connect_endpoint(net::EventLoop* loop, std::shared_ptr<Upstream> upstream,
                                                    size_t endpoint, net::Address address,
                                                    std::shared_ptr<net::TlsResumption> resumption,
                                                    coro::CancelSource* cancel) {
  const config::EndpointSettings& settings = upstream->endpoint(endpoint).settings;
  Result<net::StreamPtr> stream = co_await net::connect(loop, address, cancel);
  if (!stream || !settings.https) co_return std::move(stream);
  const std::shared_ptr<const net::TlsClient> client = upstream->tls();
  std::unique_ptr<net::TlsSession> tls;
  if (client) tls = client->connect(settings.host, settings.is_ip, {}, std::move(resumption));
  co_return co_await net::secure(std::move(stream.value()), std::move(tls), settings.authority, cancel);
}

}  // namespace vg::upstream
