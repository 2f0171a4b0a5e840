// Answers on the streams of an HTTP/2 connection.
#include "http/http2_server_stream.h"
#include "http/response_writer.h"
#include "http/tunnel.h"
#include "http/websocket.h"
#include "http/writer.h"

namespace vg::http {

namespace {

constexpr size_t kKeptStreams = 256;

Http2FieldList& empty_list() {
  static thread_local Http2FieldList list;
  list.clear();
  return list;
}

}  // namespace

Http2Server::ServerStream* Http2Server::ServerStream::take() {
  auto& free = free_list();
  if (free.empty()) return new ServerStream;
  ServerStream* s = free.back().release();
  free.pop_back();
  return s;
}

void Http2Server::ServerStream::give_back(ServerStream* s) {
  std::unique_ptr<ServerStream> owned(s);
  if (free_list().size() >= kKeptStreams) return;
  s->reset();
  s->server = nullptr;
  s->refusal = {0, ""};
  s->head_done = s->running = s->tunnelled = s->cut = false;
  free_list().push_back(std::move(owned));
}

std::vector<std::unique_ptr<Http2Server::ServerStream>>& Http2Server::ServerStream::free_list() {
  static thread_local std::vector<std::unique_ptr<ServerStream>> list;
  return list;
}

void Http2Server::ServerStream::send_interim(Exchange& ex, uint16_t status, std::string_view lines) {
  std::string& out = ex.loop->scratch();
  out.append(lines);
  Http2FieldList& fields = empty_list();
  fields.add(":status", status_text(status));
  fields.add_lines(out.data(), out.size());
  server->submit_interim(*this, fields);
}

// The same head as for HTTP/1.1, without what frames it there. True: content follows.
bool Http2Server::submit_head(ServerStream& s) {
  Exchange& ex = *s.exchange;
  const Response& r = ex.response;
  ResponseFraming framing = frame_response(ex, true);
  if (framing.framing == Framing::kChunked) framing.framing = Framing::kUntilClose;
  bool content = r.tunnel || framing.framing != Framing::kNone;
  if (!r.body && r.content().empty()) content = false;
  std::string_view piece;
  if (content && r.body && !r.tunnel && r.body->peek(&piece) == BodySource::State::kEnd) {
    const Head* trailers = r.body->trailers();
    content = trailers != nullptr && !trailers->fields().empty();
  }
  std::string& text = ex.loop->scratch();
  append_response_head(ex, framing, text);
  const size_t status_line = text.find('\n') + 1;
  Http2FieldList& fields = empty_list();
  fields.add(":status", status_text(r.tunnel ? uint16_t{200} : r.status));
  fields.add_lines(text.data() + status_line, text.size() - status_line);
  submit_response(s, fields, content);
  return content;
}

// A 2xx tells the client that its tunnel stands. Its WebSocket handshake with the upstream was ours, and is ours to
// check.
void Http2Server::refuse_false_tunnel(ServerStream& s) {
  Exchange& ex = *s.exchange;
  Response& r = ex.response;
  if (!s.tunnelled || (!r.tunnel && r.status / 100 != 2)) return;
  if (r.tunnel && r.head->get("sec-websocket-accept") == websocket_accept(ex.request.get("sec-websocket-key")))
    return r.head->remove("sec-websocket-accept");
  const bool was_tunnel = r.tunnel;
  r.clear();
  if (was_tunnel) return handler_->reject(ex, 502, "the WebSocket handshake with the upstream failed");
  handler_->reject(ex, 501, "nothing here opens a tunnel");
}

coro::Task<void> Http2Server::respond(ServerStream& s) {
  Exchange& ex = *s.exchange;
  const Response& r = ex.response;
  if (r.status == 0) {
    cut(s, NGHTTP2_CANCEL);
    co_return;
  }
  refuse_false_tunnel(s);
  const bool content = submit_head(s);
  if (r.tunnel) {
    co_await tunnel(s);
  } else if (content && r.body) {
    co_await stream_body(s);
  } else if (content) {
    s.send_whole(r.content());
  }
  if (!s.closed()) co_await taken(s, true);
}

// Piece by piece: what the client does not take is not read from the source.
coro::Task<void> Http2Server::stream_body(ServerStream& s) {
  Exchange& ex = *s.exchange;
  BodySource& body = *ex.response.body;
  while (!s.closed()) {
    std::string_view piece;
    const BodySource::State state = body.peek(&piece);
    if (state == BodySource::State::kEnd) co_return s.send_end(body.trailers());
    if (state == BodySource::State::kError) co_return cut(s, NGHTTP2_INTERNAL_ERROR);
    if (state == BodySource::State::kWait) {
      const TimePoint until =
          ex.response.stream_idle.count() > 0 ? ex.loop->now() + ex.response.stream_idle : TimePoint::max();
      net::DeadlineSource idle(ex.loop, until, &ex.cancel);
      co_await body.wait(&idle);
    } else if (s.has_room()) {
      s.send_piece(piece);
      body.consume();
    } else {
      body.pause();
      const bool room = co_await taken(s, false);
      if (!room) co_return;
    }
  }
}

// Waits until there is room for more, or until `all` was taken and the stream is closed. A client that takes nothing
// for the whole of write_timeout has its stream cut; if nothing went out on any other stream either, its connection
// too.
coro::Task<bool> Http2Server::taken(ServerStream& s, bool all) {
  for (;;) {
    const uint64_t before = s.sent_content_bytes();
    net::EventLoop* loop = connection().loop();
    const Duration write_timeout = handler_->limits(*s.exchange).write_timeout;
    net::DeadlineSource patience(loop, loop->now() + write_timeout, nullptr);
    bool done = false;
    if (all) {
      done = co_await s.closed_event().wait(&patience);
    } else {
      done = co_await s.room(&patience);
    }
    if (done) co_return !s.closed();
    if (s.sent_content_bytes() != before) continue;
    cut(s, NGHTTP2_CANCEL);
    if (loop->now() - progress() >= write_timeout)
      terminate(NGHTTP2_ENHANCE_YOUR_CALM, "it takes nothing of what it asked for");
    co_return false;
  }
}

coro::Task<void> Http2Server::tunnel(ServerStream& s) {
  Exchange& ex = *s.exchange;
  net::Stream* upstream = ex.response.body ? ex.response.body->upgraded() : nullptr;
  if (upstream == nullptr) co_return cut(s, NGHTTP2_CONNECT_ERROR);
  const bool whole = co_await run_tunnel(ex.loop, &s, upstream, ex.response.tunnel_idle, &ex.cancel);
  if (!whole) cut(s, NGHTTP2_CONNECT_ERROR);
}

}  // namespace vg::http
