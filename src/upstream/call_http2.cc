// A call on a stream of an HTTP/2 connection.
#include "upstream/call.h"

namespace vg::upstream {

// The head was written as for HTTP/1.1.
Result<void> Call::send_stream(const Request& request, std::string& head) {
  static thread_local http::Http2FieldList fields;
  const std::string& name = pool_->upstream().name();
  if (request.upgrade) {
    Error e(ErrorKind::kStatus, name + " is asked by HTTP/2, which changes to no other protocol");
    e.status = 501;
    return e;
  }
  const std::string_view content = request.content.value_or(replay_);
  const bool follows = !content.empty() || !upload_complete_;
  fields.clear();
  fields.add_request(head, endpoint_->settings.https ? "https" : "http");
  if (!stream_->begin(fields, follows)) return stream_->failure(name);
  stream_->send_piece(content);
  if (follows && upload_complete_) stream_->send_end(nullptr);
  return {};
}

coro::Task<Result<void>> Call::await_stream_head(coro::CancelSource* cancel) {
  const std::string& name = pool_->upstream().name();
  const bool came = co_await stream_->head(cancel);
  if (!stream_->heads().empty()) co_return Result<void>();
  if (came) co_return stream_->failure(name);
  const ErrorKind why = cancel->reason();
  co_return Error(why, why == ErrorKind::kTimeout ? name + " did not answer in time" : "cancelled");
}

// As upload(): piece by piece, as the upstream's windows let it.
coro::Task<void> Call::upload_stream(http::Exchange* ex) {
  while (!stream_->closed()) {
    std::string_view piece;
    const http::StreamBody::State state = co_await next_content(ex, &piece);
    if (state == http::StreamBody::State::kError) break;
    if (state == http::StreamBody::State::kEnd) {
      stream_->send_end(&ex->body.trailers());
      upload_complete_ = true;
      break;
    }
    if (!stream_->has_room()) {
      const bool room = co_await stream_->room(&ex->side_cancel);
      if (!room) break;
      continue;
    }
    upload_begun_ = true;
    stream_->send_piece(piece);
    ex->body.consume();
    if (head_awaited_) deadline_.arm(ex->loop, ex->loop->now() + pool_->upstream().settings().timeout);
  }
  uploading_ = false;
}

}  // namespace vg::upstream
