#include "http/server_connection.h"

#include "base/strings.h"
#include "http/http2_server.h"
#include "http/response_writer.h"
#include "http/tunnel.h"
#include "http/writer.h"
#include "net/flush.h"

namespace vg::http {

namespace {
// What a client that has ended its sending side is granted for its answer to begin. A client that half-closes gets its
// answer; one that left looks just the same until it is written to, and must not hold upstreams for long.
constexpr Duration kHalfClosedGrace = std::chrono::seconds(2);
// Pieces up to this size are copied behind what is already to be written: one write instead of two.
constexpr size_t kCoalesceBytes = 16 * 1024;
constexpr size_t kSliceBytes = 128 * 1024;
constexpr Duration kLingerTime = std::chrono::seconds(2);
constexpr size_t kLingerBytes = 1024 * 1024;
}  // namespace

void Response::clear() {
  status = 0;
  request_id = {};
  own.clear();
  head = &own;
  text.clear();
  if (text.capacity() > 64 * 1024) text.shrink_to_fit();
  if (kept.owner) kept = KeptAnswer();
  body.reset();
  told_length.reset();
  close = tunnel = false;
  stream_idle = tunnel_idle = Duration();
}

void Exchange::clear() {
  connection = nullptr;
  carrier = nullptr;
  response.clear();
  added_fields.clear();
  cancel.disarm();
  cancel.reset();
  side_cancel.reset();
  body.reset();
  head_bytes = sent_bytes = sent_content_bytes = 0;
  client_gone = cut = continued = outlives_client = false;
}

void Exchange::want_body() {
  if (!request.expect_continue || continued || body.at_end()) return;
  continued = true;
  if (body.received_bytes() == 0 && !body.has_arrived()) carrier->send_interim(*this, 100, {});
}

void Exchange::send_interim(const ResponseHead& head) {
  if (carrier == nullptr || request.minor < 1) return;
  std::string lines;
  append_end_to_end_fields(head, lines);
  carrier->send_interim(*this, head.status, lines);
}

namespace {
// Of all connections: an idle one pays nothing for it.
class Http1Carrier final : public Carrier {
 public:
  void send_interim(Exchange& ex, uint16_t status, std::string_view lines) override {
    if (ex.connection->stream().write_pending()) return;
    std::string head;
    append_status_line(head, status);
    ex.connection->stream().write_now({head, lines, "\r\n"});
  }
};
Http1Carrier http1_carrier;
}  // namespace

ServerConnection::ServerConnection(net::StreamPtr stream, Handler* handler, uint32_t listener)
    : stream_(std::move(stream)), handler_(handler), listener_(listener), alarm_(this) {}

const std::string& ServerConnection::peer_ip() {
  if (!peer_ip_.empty()) return peer_ip_;
  peer_ip_ = "unix";
  sockaddr_storage address{};
  int length = sizeof address;
  if (stream_->kind() == net::Stream::Kind::kTcp &&
      uv_tcp_getpeername(stream_->uv_tcp(), reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    const auto known =
        net::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
    if (known) peer_ip_ = known->ip();
  }
  return peer_ip_;
}

void ServerConnection::Alarm::on_fire(net::Timer* t) {
  ServerConnection* self = static_cast<Alarm*>(t)->self;
  if (self->exchange_ == nullptr) return self->stream_->close();
  // A client that has ended its side but still takes bytes is there: one that left answers them with a reset.
  const uint64_t sent = self->exchange_->sent_bytes;
  if (sent != self->sent_when_half_closed_) {
    self->sent_when_half_closed_ = sent;
    self->stream_->loop()->start_timer(self->alarm_, kHalfClosedGrace);
    return;
  }
  self->exchange_->client_left();
}

void ServerConnection::close_if_idle() {
  if (http2_ != nullptr) return http2_->drain();
  if (!idle()) return;
  if (served_ > 0) return stream_->close();
  // It was accepted and has not spoken: its first request may be on the way.
  stream_->loop()->start_timer(alarm_, kFirstRequestGrace);
}

void ServerConnection::abort() {
  if (http2_ != nullptr) return http2_->abort();
  if (exchange_ != nullptr) {
    exchange_->client_gone = true;
    exchange_->cancel.cancel(ErrorKind::kCancelled);
  }
  stream_->close();
}

void ServerConnection::on_unsolicited(net::Stream& stream, net::ReadEvent event) {
  if (exchange_ == nullptr || event == net::ReadEvent::kData) return;
  if (event == net::ReadEvent::kEof) {
    sent_when_half_closed_ = exchange_->sent_bytes;
    stream.loop()->start_timer(alarm_, kHalfClosedGrace);
    return;
  }
  exchange_->client_left();
}

coro::Detached ServerConnection::run() {
  After after = After::kKeep;
  if (!handler_->opening(listener_).plain()) {
    const Begins begins = co_await opened();
    alarm_.stop();  // of a stop while it opened
    if (begins == Begins::kHttp2) co_await serve_http2();
    if (begins != Begins::kHttp1) after = begins == Begins::kHttp2 ? After::kLinger : After::kClose;
  }
  while (after == After::kKeep) {
    if (stream_->data().empty() && !early_) {
      if (handler_->draining() && served_ > 0) break;
      stream_->loop()->start_timer(alarm_,
                                   handler_->draining() ? kFirstRequestGrace : handler_->current_limits().idle_timeout);
      const net::ReadEvent event = co_await stream_->readable(nullptr);
      alarm_.stop();
      if (event != net::ReadEvent::kData) break;
    }
    exchange_ = handler_->acquire(*this);
    after = co_await serve(*exchange_);
    Exchange* done = std::exchange(exchange_, nullptr);
    done->clear();
    handler_->release(done);
    ++served_;
  }
  if (after == After::kLinger) co_await linger();
  handler_->closed(*this);
  delete this;
}

ParseStatus ServerConnection::feed(Exchange& ex) {
  size_t taken = 0;
  if (early_) {
    const ParseStatus begun = ex.parser.feed(*early_, &taken);
    ex.head_bytes += taken;
    early_.reset();
    if (begun != ParseStatus::kNeedMore) return begun;
  }
  const ParseStatus status = ex.parser.feed(stream_->data(), &taken);
  stream_->consume(taken);
  ex.head_bytes += taken;
  return status;
}

// The slow path of a head that came in pieces. kNeedMore: the client went away, or never sent anything.
coro::Task<ParseStatus> ServerConnection::read_head(Exchange& ex) {
  net::DeadlineSource deadline(ex.loop, ex.started + handler_->limits(ex).header_timeout, nullptr);
  ParseStatus status = ParseStatus::kNeedMore;
  while (status == ParseStatus::kNeedMore) {
    const net::ReadEvent event = co_await stream_->readable(&deadline);
    if (event == net::ReadEvent::kCancelled && ex.parser.started()) {
      handler_->reject(ex, 408, "the request did not arrive in time");
      co_return ParseStatus::kError;
    }
    if (event != net::ReadEvent::kData) co_return ParseStatus::kNeedMore;
    status = feed(ex);
  }
  if (status == ParseStatus::kError) handler_->reject(ex, ex.parser.error().status, ex.parser.error().reason);
  co_return status;
}

coro::Task<ServerConnection::After> ServerConnection::serve(Exchange& ex) {
  ex.loop = stream_->loop();
  ex.connection = this;
  ex.carrier = &http1_carrier;
  ex.started = ex.loop->now();
  const ConnectionLimits& limits = handler_->limits(ex);
  ex.parser.reset(&ex.request, limits.head);
  ParseStatus status = feed(ex);
  if (status == ParseStatus::kNeedMore) {
    status = co_await read_head(ex);
    if (status == ParseStatus::kNeedMore) co_return After::kClose;
  } else if (status == ParseStatus::kError) {
    handler_->reject(ex, ex.parser.error().status, ex.parser.error().reason);
  }
  ex.head_done = ex.loop->now();
  if (status == ParseStatus::kDone) {
    ex.body.begin(stream_.get(), ex.request, limits.body_bytes, limits.head);
    stream_->set_observer(this);
    co_await handler_->handle(ex);
  }
  ex.cancel.disarm();
  alarm_.stop();
  After after = After::kClose;
  if (ex.response.status != 0 && !stream_->closed() && !stream_->failed()) {
    const bool readable = ex.request.method != Method::kOther || !ex.request.method_text().empty();
    const ResponseFraming framing = frame_response(ex, readable && may_keep(ex));
    const Rest rest = begin_answer(ex, framing);
    if (rest == Rest::kNothing) {
      after = after_answer(ex, framing, true);
    } else {
      after = co_await finish_answer(ex, framing, rest);
    }
  }
  if (ex.scope.running() > 0) {
    ex.side_cancel.cancel(ErrorKind::kCancelled);
    co_await ex.scope.join();
  }
  if (after == After::kKeep && !ex.body.at_end()) after = After::kLinger;
  stream_->set_observer(nullptr);
  alarm_.stop();
  handler_->finished(ex);
  co_return after;
}

// A connection goes on only if the next byte on it is sure to begin a request.
bool ServerConnection::may_keep(Exchange& ex) const {
  if (!ex.request.keep_alive || ex.response.close || ex.client_gone || handler_->draining()) return false;
  if (ex.body.at_end()) return true;
  // Content that is still being passed on when the answer begins: whether it ends in time is not known.
  if (ex.scope.running() > 0) return false;
  // A client that was not told to continue may send its content or not: nobody knows what comes next.
  if (ex.request.expect_continue && !ex.continued) return false;
  return ex.body.discard_buffered();
}

// Begins the answer, and mostly ends it: what is here and fits goes out with the head, in one write.
ServerConnection::Rest ServerConnection::begin_answer(Exchange& ex, const ResponseFraming& framing) {
  Response& r = ex.response;
  if (stream_->write_pending()) return Rest::kAll;
  std::string& out = ex.loop->scratch();
  append_response_head(ex, framing, out);
  const size_t head_bytes = out.size();
  std::string_view large;
  if (!r.tunnel && !gather_content(r, framing, out, &large)) return Rest::kStream;
  ex.sent_content_bytes += out.size() - head_bytes + large.size();
  ex.sent_bytes += out.size() + large.size();
  if (!large.empty()) return Rest::kLarge;
  const net::WriteEvent event = stream_->write_now({out});
  if (r.tunnel) return Rest::kTunnel;
  if (event == net::WriteEvent::kDone) return Rest::kNothing;
  return event == net::WriteEvent::kPending ? Rest::kFlush : Rest::kBroken;
}

ServerConnection::After ServerConnection::after_answer(Exchange& ex, const ResponseFraming& framing, bool whole) const {
  ex.cut = ex.cut || !whole;
  if (!whole) return After::kClose;
  if (framing.keep_alive) return After::kKeep;
  return ex.body.at_end() && stream_->data().empty() ? After::kClose : After::kLinger;
}

// What has to be waited for.
coro::Task<ServerConnection::After> ServerConnection::finish_answer(Exchange& ex, ResponseFraming framing, Rest rest) {
  const Duration write_timeout = handler_->limits(ex).write_timeout;
  if (rest == Rest::kAll) {
    const bool flushed = co_await net::flush_out(stream_.get(), write_timeout);
    if (!flushed) co_return After::kClose;
    rest = begin_answer(ex, framing);
  }
  bool whole = rest == Rest::kNothing;
  if (rest == Rest::kTunnel) {
    co_await tunnel(ex);
    co_return After::kClose;
  }
  if (rest == Rest::kFlush) whole = co_await net::flush_out(stream_.get(), write_timeout);
  if (rest == Rest::kLarge) whole = co_await write_large(ex, ex.response.content());
  if (rest == Rest::kStream) whole = co_await stream_body(ex, framing.framing);
  co_return after_answer(ex, framing, whole);
}

// Content that is here already goes out with the head: small content is copied behind it, large content stays where it
// lies. False: it must be streamed.
bool ServerConnection::gather_content(Response& r, const ResponseFraming& framing, std::string& out,
                                      std::string_view* large) {
  if (framing.framing == Framing::kNone) return true;
  if (!r.body) {
    if (r.content().size() <= kCoalesceBytes) {
      out.append(r.content());
    } else {
      *large = r.content();
    }
    return true;
  }
  std::string_view piece;
  if (framing.framing != Framing::kLength || r.body->peek(&piece) != BodySource::State::kData) return false;
  if (piece.size() != *framing.length || piece.size() > kCoalesceBytes) return false;
  out.append(piece);
  r.body->consume();
  return true;
}

// The loop's scratch buffer, then `large` slice by slice: what a slow reader has not taken is one slice, not all of it.
coro::Task<bool> ServerConnection::write_large(Exchange& ex, std::string_view large) {
  const Duration write_timeout = handler_->limits(ex).write_timeout;
  std::string_view slice = large.substr(0, kSliceBytes);
  net::WriteEvent event = stream_->write_now({ex.loop->scratch_as_is(), slice});
  for (;;) {
    if (event == net::WriteEvent::kError) co_return false;
    if (event == net::WriteEvent::kPending) {
      const bool flushed = co_await net::flush_out(stream_.get(), write_timeout);
      if (!flushed) co_return false;
    }
    large.remove_prefix(slice.size());
    if (large.empty()) co_return true;
    slice = large.substr(0, kSliceBytes);
    event = stream_->write_now({slice});
  }
}

void ServerConnection::close_cut() {
  // RST, since a FIN could pass for the end of a message that is framed by it.
  stream_->reset_and_close();
}

coro::Task<void> ServerConnection::tunnel(Exchange& ex) {
  net::Stream* upstream = ex.response.body ? ex.response.body->upgraded() : nullptr;
  if (upstream == nullptr) co_return;
  stream_->set_observer(nullptr);
  const TunnelBytes bytes = co_await run_tunnel(ex.loop, stream_.get(), upstream, ex.response.tunnel_idle);
  ex.sent_content_bytes += bytes.to_client;
  ex.sent_bytes += bytes.to_client;
}

// Closing with bytes unread would reset the connection and may destroy the answer on its way: the sending side is
// ended, and what still comes is read and thrown away for a moment (RFC 9112 section 9.6).
coro::Task<void> ServerConnection::linger() {
  stream_->shutdown_write();
  net::DeadlineSource deadline(stream_->loop(), stream_->loop()->now() + kLingerTime, nullptr);
  size_t thrown_away = 0;
  while (thrown_away < kLingerBytes) {
    thrown_away += stream_->data().size();
    stream_->consume(stream_->data().size());
    const net::ReadEvent event = co_await stream_->readable(&deadline);
    if (event != net::ReadEvent::kData) break;
  }
}

}  // namespace vg::http
