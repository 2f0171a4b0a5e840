// The client's content on its way to an upstream, beside the wait for the answer.
#include "http/request_content.h"
#include "http/response_writer.h"
#include "upstream/call.h"

namespace vg::upstream {

// Ends the upload that runs beside, so that another attempt may begin one.
coro::Task<void> Call::stop_upload(http::Exchange& ex) {
  ex.side_cancel.cancel(ErrorKind::kCancelled);
  co_await ex.scope.join();
  ex.side_cancel.reset();
  ex.body.forgive_cancel();
}

// Waits for what comes next of it: kData or kEnd. kError: what is wrong has been told, and nothing more is sent.
coro::Task<http::StreamBody::State> Call::next_content(http::Exchange* ex, std::string_view* piece) {
  http::StreamBody::State state = ex->body.peek(piece);
  while (state == http::StreamBody::State::kWait) {
    ex->want_body();
    const bool open_end = stream_ && !head_awaited_;  // see fetch()
    net::DeadlineSource patience(ex->loop, open_end ? TimePoint::max() : ex->loop->now() + body_timeout_,
                                 &ex->side_cancel);
    patience_ = &patience;
    co_await ex->body.wait(&patience);
    patience_ = nullptr;
    state = ex->body.peek(piece);
  }
  if (state == http::StreamBody::State::kError && !ex->side_cancel.cancelled()) upload_failed(ex->body.error());
  co_return state;
}

// Streams the client's content, one piece at a time. Runs in ex.scope, until it is all sent, side_cancel, or an error;
// ends before the call is released.
coro::Task<void> Call::upload(http::Exchange* ex) {
  for (;;) {
    std::string_view piece;
    const http::StreamBody::State state = co_await next_content(ex, &piece);
    if (state == http::StreamBody::State::kError) break;
    net::WriteEvent event = net::WriteEvent::kDone;
    net::Stream& stream = connection_->stream();
    if (stream.write_pending()) event = co_await stream.flushed(&ex->side_cancel);
    if (event != net::WriteEvent::kDone) break;
    std::string& out = ex->loop->scratch();
    if (state == http::StreamBody::State::kEnd) {
      if (upload_chunked_) {
        out.append("0\r\n");
        http::append_end_to_end_fields(ex->body.trailers(), out);
        out.append("\r\n");
        event = stream.write_now({out});
      }
      upload_complete_ = event != net::WriteEvent::kError;
      break;
    }
    const bool again = ex->body.peek(&piece) == http::StreamBody::State::kData;  // it may have moved while we waited
    if (!again) continue;
    upload_begun_ = true;
    if (upload_chunked_) {
      http::append_chunk_size(out, piece.size());
      event = stream.write_now({out, piece, "\r\n"});
    } else {
      event = stream.write_now({piece});
    }
    ex->body.consume();
    if (head_awaited_) deadline_.arm(ex->loop, ex->loop->now() + pool_->upstream().settings().timeout);
    if (event == net::WriteEvent::kPending) event = co_await stream.flushed(&ex->side_cancel);
    if (event != net::WriteEvent::kDone) break;
  }
  uploading_ = false;
}

// What is wrong with the client's content ends the call; once its answer is on its way, the answer is cut.
void Call::upload_failed(Error error) {
  upload_error_ = http::content_error(std::move(error));
  if (head_awaited_) {
    deadline_.cancel(ErrorKind::kCancelled);
  } else if (stream_) {
    stream_->cut();
  } else {
    connection_->stream().close();
  }
}

}  // namespace vg::upstream
