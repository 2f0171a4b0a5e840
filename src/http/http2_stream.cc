#include "http/http2_stream.h"

#include "http/http2_session.h"
#include "http/response_writer.h"

namespace vg::http {

namespace {
constexpr size_t kKeptBytes = 16 * 1024;
}  // namespace

void Http2Stream::reset() {
  Inbox::reset();
  session_ = nullptr;
  id_ = -1;
  error_code_ = 0;
  whole_ = {};
  if (out_.capacity() > kKeptBytes) out_ = std::string();
  out_.clear();
  trailer_lines_.clear();
  out_at_ = held_credit_ = 0;
  sent_bytes_ = sent_content_ = 0;
  end_given_ = end_sent_ = deferred_ = false;
  room_.reset();
  closed_.reset();
}

void Http2Stream::send_whole(std::string_view content) {
  whole_ = content;
  end_given_ = true;
  resume();
}

void Http2Stream::send_piece(std::string_view piece) {
  if (closed() || piece.empty()) return;
  if (out_at_ == out_.size()) {
    out_.clear();
    out_at_ = 0;
  } else if (out_at_ >= kMostUnsentBytes) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
  out_.append(piece);
  resume();
}

void Http2Stream::send_end(const Head* trailers) {
  end_given_ = true;
  if (trailers != nullptr) append_end_to_end_fields(*trailers, trailer_lines_);
  resume();
}

void Http2Stream::resume() {
  if (session_ == nullptr || !std::exchange(deferred_, false)) return;
  nghttp2_session_resume_data(session_->session_, id_);
  session_->request_flush();
}

void Http2Stream::sent(size_t bytes) {
  sent_content_ += bytes;
  if (!whole_.empty()) {
    whole_.remove_prefix(bytes);
    return;
  }
  out_at_ += bytes;
  if (out_.size() - out_at_ <= kMostUnsentBytes / 2) room_.set();
}

void Http2Stream::on_consumed(size_t bytes) {
  if (session_ != nullptr) session_->took(*this, bytes);
}

}  // namespace vg::http
