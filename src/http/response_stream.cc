// ServerConnection's streaming of a response body: piece by piece, never more than one in memory. Small pieces are
// copied behind what waits to be written and go out together; large ones are written from where they lie.
#include "http/response_writer.h"
#include "http/server_connection.h"
#include "http/writer.h"
#include "net/flush.h"

namespace vg::http {

namespace {

constexpr size_t kCoalesceBytes = 16 * 1024;

void append_last_chunk(const BodySource& body, std::string& out) {
  out.append("0\r\n");
  if (const Head* trailers = body.trailers()) append_end_to_end_fields(*trailers, out);
  out.append("\r\n");
}

}  // namespace

// `out` is the loop's scratch buffer, with the head in it: it is written before anything is awaited.
net::WriteEvent ServerConnection::write_piece(Exchange& ex, Framing framing, std::string_view piece, std::string& out) {
  if (framing == Framing::kChunked) append_chunk_size(out, piece.size());
  const std::string_view end = framing == Framing::kChunked ? "\r\n" : "";
  ex.sent_content_bytes += piece.size();
  if (out.size() + piece.size() <= kCoalesceBytes) {
    out.append(piece).append(end);
    return net::WriteEvent::kDone;
  }
  ex.sent_bytes += out.size() + piece.size() + end.size();
  const net::WriteEvent event = stream_->write_now({out, piece, end});
  out.clear();
  return event;
}

net::WriteEvent ServerConnection::write_gathered(Exchange& ex, std::string& out) {
  if (out.empty()) return net::WriteEvent::kDone;
  ex.sent_bytes += out.size();
  const net::WriteEvent event = stream_->write_now({out});
  out.clear();
  return event;
}

coro::Task<bool> ServerConnection::stream_body(Exchange& ex, Framing framing) {
  BodySource& body = *ex.response.body;
  const Duration write_timeout = handler_->limits(ex).write_timeout;
  for (;;) {
    std::string& out = ex.loop->scratch_as_is();
    std::string_view piece;
    const BodySource::State state = body.peek(&piece);
    net::WriteEvent event = net::WriteEvent::kDone;
    if (state == BodySource::State::kData) {
      event = write_piece(ex, framing, piece, out);
      body.consume();
    } else {
      if (state == BodySource::State::kEnd && framing == Framing::kChunked) append_last_chunk(body, out);
      event = write_gathered(ex, out);
    }
    if (event == net::WriteEvent::kPending) {
      body.pause();
      const bool flushed = co_await net::flush_out(stream_.get(), write_timeout);
      ex.loop->scratch();
      if (!flushed) co_return false;
    } else if (event == net::WriteEvent::kError) {
      co_return false;
    }
    if (state == BodySource::State::kEnd) co_return true;
    if (state == BodySource::State::kError) {
      close_cut();
      co_return false;
    }
    if (state == BodySource::State::kWait) {
      const TimePoint until =
          ex.response.stream_idle.count() > 0 ? ex.loop->now() + ex.response.stream_idle : TimePoint::max();
      net::DeadlineSource idle(ex.loop, until, &ex.cancel);
      co_await body.wait(&idle);
      ex.loop->scratch();
    }
  }
}

}  // namespace vg::http
