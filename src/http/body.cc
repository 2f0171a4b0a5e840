#include "http/body.h"

#include <utility>

namespace vg::http {

namespace {
constexpr size_t kAgainBytes = 64 * 1024;  // a piece of what is read once more
}  // namespace

void StreamBody::clear(const Head& head, uint64_t limit_bytes) {
  stream_ = nullptr;
  inbox_ = nullptr;
  framing_ = head.framing;
  failed_ = waiting_ = false;
  received_ = 0;
  limit_ = limit_bytes;
  piece_size_ = piece_take_ = 0;
  length_.reset();
  remaining_ = 0;
  done_ = false;
  if (rewound_) forget_again();
  if (std::exchange(may_trail_, false)) trailers_.clear();
}

void StreamBody::begin(net::Stream* stream, const Head& head, uint64_t limit_bytes, const HeadLimits& limits) {
  clear(head, limit_bytes);
  stream_ = stream;
  switch (framing_) {
    case Framing::kNone:
      length_ = 0;
      done_ = true;
      break;
    case Framing::kLength:
      length_ = remaining_ = head.content_length;
      done_ = remaining_ == 0;
      break;
    case Framing::kChunked:
      may_trail_ = true;
      decoder_.reset(&trailers_, limits);
      break;
    case Framing::kUntilClose:
      break;
  }
}

void StreamBody::begin(Inbox* inbox, const Head& head, uint64_t limit_bytes) {
  clear(head, limit_bytes);
  inbox_ = inbox;
  if (framing_ == Framing::kLength) length_ = head.content_length;
  // What has come whole has a length that need not be told.
  if (inbox->ended() && inbox->trailers().fields().empty()) {
    length_ = inbox->data().size();
    framing_ = *length_ > 0 || framing_ == Framing::kLength ? Framing::kLength : Framing::kNone;
  }
  if (inbox->at_eof()) end_inbox();
}

std::string_view StreamBody::arrived() const {
  if (inbox_ != nullptr) return inbox_->data();
  return stream_ != nullptr ? stream_->data() : std::string_view();
}

void StreamBody::end_inbox() {
  done_ = true;
  may_trail_ = true;
  trailers_ = inbox_->trailers();
}

StreamBody::State StreamBody::peek_inbox(std::string_view* piece) {
  *piece = inbox_->data();
  if (piece->empty()) {
    if (inbox_->failed()) return fail(Error(ErrorKind::kReset, "the stream was reset"));
    if (!inbox_->ended()) return State::kWait;
    end_inbox();
    return State::kEnd;
  }
  if (received_ + piece->size() > limit_) return fail(Error(ErrorKind::kBadRequest, "the content is too large"));
  piece_take_ = piece_size_ = piece->size();
  return State::kData;
}

StreamBody::State StreamBody::fail(Error error) {
  failed_ = true;
  error_ = std::move(error);
  return State::kError;
}

StreamBody::State StreamBody::no_data(bool may_end) {
  if (stream_->failed() || stream_->closed()) return fail(Error(ErrorKind::kReset, "the connection was reset"));
  if (!stream_->at_eof()) return State::kWait;
  if (!may_end) return fail(Error(ErrorKind::kReset, "the message was cut short"));
  done_ = true;
  return State::kEnd;
}

StreamBody::State StreamBody::peek(std::string_view* piece) {
  if (failed_) return State::kError;
  if (done_) return State::kEnd;
  if (rewound_) {
    *piece = std::string_view(again_).substr(again_at_, kAgainBytes);
    piece_size_ = piece->size();
    return State::kData;
  }
  if (inbox_ != nullptr) return peek_inbox(piece);
  if (framing_ == Framing::kChunked) return peek_chunked(piece);
  const std::string_view data = stream_->data();
  if (data.empty()) return no_data(framing_ == Framing::kUntilClose);
  *piece = framing_ == Framing::kLength ? data.substr(0, remaining_) : data;
  if (received_ + piece->size() > limit_) return fail(Error(ErrorKind::kBadRequest, "the content is too large"));
  piece_take_ = piece_size_ = piece->size();
  return State::kData;
}

StreamBody::State StreamBody::peek_chunked(std::string_view* piece) {
  if (piece_size_ > 0) {
    *piece = stream_->data().substr(piece_at_, piece_size_);
    return State::kData;
  }
  for (;;) {
    const std::string_view data = stream_->data();
    if (data.empty()) return no_data(false);
    size_t taken = 0;
    std::string_view content;
    switch (decoder_.next(data, &taken, &content)) {
      case ChunkedDecoder::Step::kNeedMore:
        stream_->consume(taken);
        continue;
      case ChunkedDecoder::Step::kDone:
        stream_->consume(taken);
        done_ = true;
        return State::kEnd;
      case ChunkedDecoder::Step::kError: {
        return fail(Error(ErrorKind::kUpstreamProtocol, decoder_.error().reason));
      }
      case ChunkedDecoder::Step::kContent:
        break;
    }
    if (content.empty()) {
      stream_->consume(taken);
      continue;
    }
    // A chunk's size tells beforehand; its sum cannot wrap, both being below 2^63.
    if (received_ + content.size() + decoder_.chunk_left() > limit_) {
      return fail(Error(ErrorKind::kBadRequest, "the content is too large"));
    }
    piece_at_ = static_cast<size_t>(content.data() - data.data());
    piece_size_ = content.size();
    piece_take_ = taken;
    *piece = content;
    return State::kData;
  }
}

void StreamBody::rewind(std::string content) {
  if (rewound_) forget_again();
  if (content.empty()) return;
  again_ = std::move(content);
  rewound_ = true;
  done_ = false;
}

void StreamBody::forget_again() {
  rewound_ = false;
  again_at_ = 0;
  again_ = std::string();
}

void StreamBody::consume() {
  if (rewound_) {
    again_at_ += piece_size_;
    piece_size_ = piece_take_ = 0;
    done_ = again_at_ == again_.size();
    return;
  }
  received_ += piece_size_;
  if (inbox_ != nullptr) {
    inbox_->consume(piece_take_);
    piece_size_ = piece_take_ = 0;
    if (inbox_->at_eof()) end_inbox();
    return;
  }
  stream_->consume(piece_take_);
  if (framing_ == Framing::kLength) {
    remaining_ -= piece_size_;
    done_ = remaining_ == 0;
  }
  piece_size_ = piece_take_ = 0;
}

coro::Task<void> StreamBody::wait(coro::CancelSource* cancel) {
  waiting_ = true;
  bool came = true;
  if (inbox_ != nullptr) {
    came = co_await inbox_->arrival(cancel);
  } else {
    const net::ReadEvent event = co_await stream_->readable(cancel);
    came = event != net::ReadEvent::kCancelled;
  }
  waiting_ = false;
  if (!came) {
    const ErrorKind why = cancel->reason();
    fail(Error(why, why == ErrorKind::kTimeout ? "no bytes came in time" : "cancelled"));
  }
}

bool StreamBody::discard_buffered() {
  std::string_view piece;
  State state = peek(&piece);
  while (state == State::kData) {
    consume();
    state = peek(&piece);
  }
  return state == State::kEnd;
}

}  // namespace vg::http
