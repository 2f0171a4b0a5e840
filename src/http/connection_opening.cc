// ServerConnection's beginning: what stands in front of HTTP, and which HTTP it is.
#include "http/http2_server.h"
#include "http/proxy_header.h"
#include "http/server_connection.h"
#include "net/tls_session.h"

namespace vg::http {

namespace {
// The request was made where TLS is spoken.
constexpr std::string_view kPlainHttpAnswer =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: 108\r\nConnection: "
    "close\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"this port is for "
    "HTTPS: write https://\"}\n";
// RFC 9113 section 3.4: of it, what no request of HTTP/1.1 begins with.
constexpr std::string_view kPrefaceStart = "PRI * HTTP/2.0\r\n";
static_assert(kPlainHttpAnswer.size() - kPlainHttpAnswer.find("{\"type") == 108);
}  // namespace

// A peer that does not finish what comes first holds its place no longer than one that does not finish its request.
coro::Task<ServerConnection::Begins> ServerConnection::opened() {
  const Opening opening = handler_->opening(listener_);
  net::EventLoop* loop = stream_->loop();
  net::DeadlineSource deadline(loop, loop->now() + handler_->current_limits().header_timeout, nullptr);
  if (opening.proxy_protocol) {
    const std::string_view wrong = co_await read_proxy_header(&deadline);
    if (!wrong.empty()) {
      handler_->refused(*this, wrong);
      co_return Begins::kRefused;
    }
  }
  if (!opening.tls) {
    deadline.disarm();
    if (!opening.http2) co_return Begins::kHttp1;
    const bool preface = co_await begins_with_preface();
    co_return preface ? Begins::kHttp2 : Begins::kHttp1;
  }
  std::unique_ptr<net::TlsSession> session = opening.tls->accept();
  if (!session) co_return Begins::kRefused;
  stream_->use_tls(std::move(session));
  const bool ended = co_await stream_->handshake(&deadline);
  const net::TlsSession& tls = *stream_->tls();
  if (ended && !tls.failed()) co_return tls.alpn() == "h2" ? Begins::kHttp2 : Begins::kHttp1;
  if (tls.plain_http()) stream_->say_plainly(kPlainHttpAnswer);
  std::string_view why = "TLS: no handshake in time";
  if (ended) why = tls.reason();
  handler_->refused(*this, why);
  co_return Begins::kRefused;
}

// Prior knowledge (RFC 9113 section 3.3). What was read to see it is in early_, for whoever reads on.
coro::Task<bool> ServerConnection::begins_with_preface() {
  Duration patience = handler_->current_limits().idle_timeout;
  for (;;) {
    stream_->loop()->start_timer(alarm_, handler_->draining() ? kFirstRequestGrace : patience);
    const net::ReadEvent event = co_await stream_->readable(nullptr);
    alarm_.stop();
    if (event != net::ReadEvent::kData) co_return false;
    const std::string_view data = stream_->data();
    if (!early_ && data.front() != kPrefaceStart.front()) co_return false;
    if (!early_) early_ = std::make_unique<std::string>();
    const size_t n = std::min(data.size(), kPrefaceStart.size() - early_->size());
    early_->append(data.substr(0, n));
    stream_->consume(n);
    if (!kPrefaceStart.starts_with(*early_)) co_return false;
    if (early_->size() == kPrefaceStart.size()) co_return true;
    patience = handler_->current_limits().header_timeout;
  }
}

coro::Task<void> ServerConnection::serve_http2() {
  std::string first;
  if (early_) first = std::move(*early_);
  early_.reset();
  Http2Server server(this, handler_);
  http2_ = &server;
  co_await server.run(std::move(first));
  http2_ = nullptr;
}

// Empty: it was read. Else what is wrong.
coro::Task<std::string_view> ServerConnection::read_proxy_header(coro::CancelSource* deadline) {
  std::string before;  // of earlier reads
  for (;;) {
    ProxyHeader header;
    const std::string_view data = stream_->data();
    const ProxyHeaderStatus status = parse_proxy_header(before + std::string(data), header);
    if (status == ProxyHeaderStatus::kInvalid) co_return "it does not begin with a header of the PROXY protocol";
    if (status == ProxyHeaderStatus::kDone) {
      stream_->consume(header.size - before.size());
      if (!header.source_ip.empty()) peer_ip_ = std::move(header.source_ip);
      co_return std::string_view();
    }
    before.append(data);
    stream_->consume(data.size());
    const net::ReadEvent event = co_await stream_->readable(deadline);
    if (event == net::ReadEvent::kCancelled) co_return "no header of the PROXY protocol in time";
    if (event != net::ReadEvent::kData) co_return "it ended within the header of the PROXY protocol";
  }
}

}  // namespace vg::http
