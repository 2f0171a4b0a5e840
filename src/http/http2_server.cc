#include "http/http2_server.h"

#include "http/http2_server_stream.h"

namespace vg::http {

namespace {

// What a browser may give up at once, and in the long run.
constexpr uint32_t kResetsAtOnce = 200, kResetsPerSecond = 50;
// Requests whose handlers still run: also such whose streams were reset already.
constexpr size_t kMostRunning = 2 * size_t{Http2Server::kMostStreams};
// Of a header section, in shares of its limit: what is beyond the limit gets 431, what is beyond this ends it all.
constexpr size_t kMostSections = 16;
// What a client that was told of the end is granted for what it has sent before it knew.
constexpr Duration kShutdownGrace = std::chrono::milliseconds(500);

uint32_t continuations(const HeadLimits& limits) { return 8 + limits.header_bytes / (8 * 1024); }

}  // namespace

Http2Server::Http2Server(ServerConnection* owner, Handler* handler)
    : Http2Session(&owner->stream(), Side::kServer, handler->current_limits().write_timeout,
                   continuations(handler->current_limits().head)),
      owner_(owner),
      handler_(handler),
      limits_(handler->current_limits().head),
      header_timeout_(handler->current_limits().header_timeout),
      resets_(kResetsAtOnce, kResetsPerSecond),
      patience_(this, &Http2Server::patience_ended),
      head_alarm_(this, &Http2Server::head_overdue) {}

Http2Server::~Http2Server() = default;

Http2Server::ServerStream& Http2Server::of(Http2Stream& stream) { return static_cast<ServerStream&>(stream); }

coro::Task<void> Http2Server::run(std::string first) {
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMostStreams},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits_.header_bytes},
                                             {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}};
  begin(settings, std::size(settings));
  connection().loop()->start_timer(patience_, header_timeout_);
  bool goes_on = take(first);
  first = std::string();
  if (handler_->draining()) drain();
  while (goes_on && !over().cancelled()) {
    const net::ReadEvent event = co_await connection().readable(&over());
    if (event != net::ReadEvent::kData) break;
    const std::string_view bytes = connection().data();
    goes_on = take(bytes);
    if (!connection().closed()) connection().consume(bytes.size());
  }
  patience_.stop();
  head_alarm_.stop();
  if (*why() != '\0') handler_->refused(*owner_, why());
  close_streams();
  flush();
  co_await scope().join();
}

// Handlers begin once nghttp2 has let go: what came with a head is there then, too.
bool Http2Server::take(std::string_view bytes) {
  const bool goes_on = feed(bytes);
  for (size_t i = 0; goes_on && i < ready_.size(); ++i) {
    ServerStream* s = ready_[i];
    if (s->cut) continue;  // it goes when it is closed
    enlist(*s);
    scope().spawn(serve(s));
  }
  if (goes_on) ready_.clear();
  watch_time();
  return goes_on;
}

// A client that says nothing, or not all, is not waited for: without a greeting, within a head, and with nothing to do.
void Http2Server::watch_time() {
  net::EventLoop* loop = connection().loop();
  if (!heading_) {
    head_alarm_.stop();
  } else if (!head_alarm_.running()) {
    loop->start_timer(head_alarm_, header_timeout_);
  }
  if (!greeted_ || draining_) return;
  if (stream_count() > 0) {
    patience_.stop();
  } else if (!patience_.running()) {
    loop->start_timer(patience_, handler_->current_limits().idle_timeout);
  }
}

void Http2Server::patience_ended() {
  if (draining_) return shut_down();
  if (!greeted_) return terminate(NGHTTP2_SETTINGS_TIMEOUT, "no SETTINGS in time");
  terminate(NGHTTP2_NO_ERROR, "");
}

void Http2Server::head_overdue() { terminate(NGHTTP2_ENHANCE_YOUR_CALM, "a header section did not end in time"); }

void Http2Server::drain() {
  if (std::exchange(draining_, true)) return;
  announce_shutdown();
  connection().loop()->start_timer(patience_, kShutdownGrace);
}

void Http2Server::abort() {
  for (ServerStream* s = running_; s != nullptr; s = s->after) {
    s->exchange->client_gone = true;
    s->exchange->cancel.cancel(ErrorKind::kCancelled);
  }
  connection().close();
}

void Http2Server::enlist(ServerStream& s) {
  s.running = true;
  s.before = nullptr;
  s.after = running_;
  if (running_ != nullptr) running_->before = &s;
  running_ = &s;
}

bool Http2Server::on_head_begin(const nghttp2_frame& frame, Http2Stream* stream) {
  heading_ = true;
  section_bytes_ = 0;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) begin_request(frame.hd.stream_id);
  if (stream != nullptr) of(*stream).trailers.reset();
  return true;
}

void Http2Server::begin_request(int32_t id) {
  // After the last that GOAWAY names nothing is begun, also while it is on its way.
  if (scope().running() >= kMostRunning || shutting_down()) {
    heading_ = false;
    nghttp2_submit_rst_stream(handle(), NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    tolerate(1);
    return;
  }
  ServerStream* s = ServerStream::take();
  Exchange& ex = *handler_->acquire(*owner_);
  s->exchange = &ex;
  s->server = this;
  ex.loop = connection().loop();
  ex.connection = owner_;
  ex.carrier = s;
  ex.started = ex.loop->now();
  s->text.reset(handler_->limits(ex).head.header_bytes);
  adopt(*s, id);
}

void Http2Server::on_field(const nghttp2_frame&, Http2Stream& stream, std::string_view name, std::string_view value) {
  ServerStream& s = of(stream);
  section_bytes_ += name.size() + value.size() + 32;
  if (section_bytes_ > kMostSections * limits_.header_bytes)
    return terminate(NGHTTP2_ENHANCE_YOUR_CALM, "a header section without end");
  if (!s.head_done) return s.text.add(name, value);
  if (section_bytes_ > limits_.header_bytes) return cut(s, NGHTTP2_ENHANCE_YOUR_CALM);
  s.trailers.add(name, value);
}

void Http2Server::on_head(const nghttp2_frame&, Http2Stream& stream) {
  heading_ = false;
  ServerStream& s = of(stream);
  if (!std::exchange(s.head_done, true)) return end_head(s);
  if (s.trailers.finish(&s.Inbox::trailers(), limits_)) return;
  tolerate(1);
  cut(s, NGHTTP2_PROTOCOL_ERROR);
}

void Http2Server::end_head(ServerStream& s) {
  Exchange& ex = *s.exchange;
  const char* fault = s.text.finish();
  s.tunnelled = !s.text.protocol().empty();
  size_t taken = 0;
  ex.parser.reset(&ex.request, handler_->limits(ex).head);
  if (s.text.too_large()) {
    s.refusal = {431, "the header section is larger than its limit"};
  } else if (fault != nullptr) {
    s.refusal = {400, fault};
  } else if (s.tunnelled && s.text.protocol() != "websocket") {
    s.refusal = {501, "tunnels are opened for WebSockets alone"};
  } else if (ex.parser.feed(s.text.text(), &taken) != ParseStatus::kDone) {
    s.refusal = ex.parser.error();
    if (s.refusal.status == 0 || *s.refusal.reason == '\0') s.refusal = {400, "the request cannot be understood"};
  } else if (taken != s.text.text().size()) {
    s.refusal = {400, "more than one head"};
  }
  ex.request.major = 2;
  ex.head_bytes = s.text.text().size();
  ready_.push_back(&s);
}

// What the client gave up, whatever it did to bring that about: work that was begun for nothing.
void Http2Server::on_stream_closed(Http2Stream& stream) {
  ServerStream& s = of(stream);
  const bool unanswered = !s.all_sent();
  if (unanswered && !s.cut && !resets_.take(1, connection().loop()->now()))
    terminate(NGHTTP2_ENHANCE_YOUR_CALM, "too many streams were reset");
  if (!s.running) {
    std::erase(ready_, &s);
    release(s);
  } else if (unanswered) {
    s.exchange->cut = true;
    if (!s.cut) {
      s.exchange->client_left();
    } else if (!s.exchange->outlives_client) {
      s.exchange->cancel.cancel(ErrorKind::kCancelled);
    }
  }
}

void Http2Server::cut(ServerStream& s, uint32_t code) {
  s.cut = true;
  if (s.running) s.exchange->cut = true;
  if (!s.ended()) s.fail();  // what came of it is no whole message, whatever comes
  reset(s, code);
}

void Http2Server::release(ServerStream& s) {
  if (s.running) {
    (s.before != nullptr ? s.before->after : running_) = s.after;
    if (s.after != nullptr) s.after->before = s.before;
  }
  Exchange* done = std::exchange(s.exchange, nullptr);
  done->clear();
  handler_->release(done);
  ServerStream::give_back(&s);
}

coro::Task<void> Http2Server::serve(ServerStream* s) {
  Exchange& ex = *s->exchange;
  ex.head_done = ex.loop->now();
  if (s->refusal.status != 0) {
    handler_->reject(ex, s->refusal.status, s->refusal.reason);
  } else {
    // Frames end the content, not a field: only its length may be told beforehand.
    const bool has_content = !s->ended() || !s->data().empty() || !s->Inbox::trailers().fields().empty();
    if (has_content && !s->tunnelled && ex.request.framing == Framing::kNone) ex.request.framing = Framing::kChunked;
    ex.body.begin(s, ex.request, handler_->limits(ex).body_bytes);
    co_await handler_->handle(ex);
  }
  ex.cancel.disarm();
  if (!s->closed()) co_await respond(*s);
  if (ex.scope.running() > 0) {
    ex.side_cancel.cancel(ErrorKind::kCancelled);
    co_await ex.scope.join();
  }
  if (!s->closed()) co_await s->closed_event().wait();
  ex.sent_bytes = s->sent_bytes();
  ex.sent_content_bytes = s->sent_content_bytes();
  handler_->finished(ex);
  release(*s);
  watch_time();
}

}  // namespace vg::http
