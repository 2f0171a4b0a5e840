#include "net/flush.h"

namespace vg::net {

coro::Task<bool> flush_out(Stream* stream, Duration timeout) {
  size_t left = SIZE_MAX;
  while (stream->write_pending() && stream->unsent_bytes() < left) {
    left = stream->unsent_bytes();
    DeadlineSource deadline(stream->loop(), stream->loop()->now() + timeout, nullptr);
    const WriteEvent event = co_await stream->flushed(&deadline);
    if (event == WriteEvent::kError) co_return false;
  }
  if (stream->write_pending()) {
    stream->reset_and_close();
    co_return false;
  }
  co_return !stream->write_failed() && !stream->closed();
}

}  // namespace vg::net
