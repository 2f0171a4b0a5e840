#include "http/http2_session.h"

#include <algorithm>

#include "net/flush.h"

namespace vg::http {

namespace {

// What floods are made of: frames that cost their sender nothing and have no end of their own.
constexpr uint32_t kNoiseAtOnce = 1000, kNoisePerSecond = 100;

}  // namespace

bool Allowance::take(uint32_t n, TimePoint now) {
  if (at_ != TimePoint()) {
    const double seconds = std::chrono::duration<double>(now - at_).count();
    left_ = std::min<double>(most_, left_ + seconds * per_second_);
  }
  at_ = now;
  if (left_ < n) return false;
  left_ -= n;
  return true;
}

Http2Session::Http2Session(net::Stream* stream, Side side, Duration write_timeout, uint32_t most_continuations)
    : TurnEnd(stream->loop()),
      connection_(stream),
      write_timeout_(write_timeout),
      side_(side),
      noise_(kNoiseAtOnce, kNoisePerSecond),
      progress_(stream->loop()->now()) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_continuations(option, most_continuations);
  // Frames of unknown types are passed over, but counted.
  for (unsigned type = 0x0a; type <= 0xff; ++type)
    nghttp2_option_set_user_recv_extension_type(option, static_cast<uint8_t>(type));
  // Ours comes first, and says ENHANCE_YOUR_CALM.
  nghttp2_option_set_stream_reset_rate_limit(option, 100'000, 100'000);
  const int rc = side == Side::kServer ? nghttp2_session_server_new2(&session_, callbacks(), this, option)
                                       : nghttp2_session_client_new2(&session_, callbacks(), this, option);
  nghttp2_option_del(option);
  if (rc != 0) throw std::bad_alloc();
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

nghttp2_session_callbacks* Http2Session::callbacks() {
  static nghttp2_session_callbacks* const made = [] {
    nghttp2_session_callbacks* c = nullptr;
    if (nghttp2_session_callbacks_new(&c) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, frame_begun);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, head_begun);
    nghttp2_session_callbacks_set_on_header_callback(c, field_came);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c, bad_field_came);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, frame_came);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, bad_frame_came);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, data_came);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, stream_closed);
    nghttp2_session_callbacks_set_send_data_callback(c, send_content);
    nghttp2_session_callbacks_set_on_extension_chunk_recv_callback(
        c, [](nghttp2_session*, const nghttp2_frame_hd*, const uint8_t*, size_t, void*) { return 0; });
    nghttp2_session_callbacks_set_unpack_extension_callback(
        c, [](nghttp2_session*, void**, const nghttp2_frame_hd*, void*) -> int { return NGHTTP2_ERR_CANCEL; });
    return c;
  }();
  return made;
}

void Http2Session::begin(const nghttp2_settings_entry* settings, size_t count) {
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, count);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes);
  request();
}

bool Http2Session::feed(std::string_view bytes) {
  if (broken_) return false;
  feeding_ = true;
  const ssize_t rc = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  feeding_ = false;
  request();
  switch (rc) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      terminate(NGHTTP2_PROTOCOL_ERROR, "it does not begin with the preface of HTTP/2");
      break;
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      terminate(NGHTTP2_ENHANCE_YOUR_CALM, "a flood of frames");
      break;
    default:
      if (rc < 0) terminate(NGHTTP2_INTERNAL_ERROR, nghttp2_strerror(static_cast<int>(rc)));
  }
  return !broken_;
}

void Http2Session::terminate(uint32_t code, const char* why) {
  if (std::exchange(broken_, true)) return;
  why_ = why;
  nghttp2_session_terminate_session(session_, code);
  request();
}

bool Http2Session::tolerate(uint32_t cost) {
  if (noise_.take(cost, connection_->loop()->now())) return true;
  terminate(NGHTTP2_ENHANCE_YOUR_CALM, "a flood of frames");
  return false;
}

// Two steps, so that a stream that is begun while the first is on its way is served (RFC 9113 section 6.8). The PING
// that asks whether it was heard follows once it has gone: nghttp2 would send it first.
void Http2Session::announce_shutdown() {
  if (std::exchange(announced_, true)) return;
  nghttp2_submit_shutdown_notice(session_);
  request();
}

void Http2Session::shut_down() {
  if (std::exchange(shut_down_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  request();
}

void Http2Session::flush() {
  if (feeding_ || connection_->closed()) return;
  while (!connection_->write_pending()) {
    std::string& batch = connection_->loop()->scratch();
    const bool good = fill(batch);
    if (batch.empty()) {
      if (!good) over_.cancel(ErrorKind::kReset);
      break;
    }
    if (connection_->write_now({batch}) == net::WriteEvent::kError) return over_.cancel(ErrorKind::kReset);
  }
  if (ended_) over_.cancel(ErrorKind::kCancelled);
  if (connection_->write_pending()) {
    if (!std::exchange(writing_, true)) scope_.spawn(write_on());
    return;
  }
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0)
    over_.cancel(ErrorKind::kCancelled);
}

// False: the session is of no further use.
bool Http2Session::fill(std::string& batch) {
  batch_ = &batch;
  ssize_t n = 1;
  while (n > 0 && batch.size() < kBatchBytes) {
    const uint8_t* bytes = nullptr;
    n = nghttp2_session_mem_send(session_, &bytes);
    if (n > 0) batch.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
  }
  batch_ = nullptr;
  return n >= 0;
}

coro::Task<void> Http2Session::write_on() {
  while (connection_->write_pending()) {
    const bool flushed = co_await net::flush_out(connection_, write_timeout_);
    if (!flushed) break;
    flush();
  }
  writing_ = false;
  if (connection_->closed() || connection_->write_failed()) over_.cancel(ErrorKind::kReset);
}

void Http2Session::submit_response(Http2Stream& stream, const Http2FieldList& fields, bool content) {
  if (stream.closed()) return;
  nghttp2_data_provider provider{};
  provider.read_callback = take_content;
  if (!content) stream.end_given_ = true;
  nghttp2_submit_response(session_, stream.id_, fields.data(), fields.size(), content ? &provider : nullptr);
  request();
}

void Http2Session::submit_interim(Http2Stream& stream, const Http2FieldList& fields) {
  if (stream.closed()) return;
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, fields.data(), fields.size(), nullptr);
  request();
}

bool Http2Session::submit_request(Http2Stream& stream, const Http2FieldList& fields, bool content) {
  if (broken_) return false;
  nghttp2_data_provider provider{};
  provider.read_callback = take_content;
  if (!content) stream.end_given_ = true;
  const int32_t id =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), content ? &provider : nullptr, &stream);
  if (id < 0) return false;
  adopt(stream, id);
  request();
  return true;
}

void Http2Session::reset(Http2Stream& stream, uint32_t code) {
  if (stream.session_ == nullptr) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, code);
  request();
}

void Http2Session::adopt(Http2Stream& stream, int32_t id) {
  stream.session_ = this;
  stream.id_ = id;
  stream.prev_ = nullptr;
  stream.next_ = first_;
  if (first_ != nullptr) first_->prev_ = &stream;
  first_ = &stream;
  ++streams_;
  nghttp2_session_set_stream_user_data(session_, id, &stream);
}

void Http2Session::unlink(Http2Stream& stream) {
  const size_t unread = stream.data().size();
  inbox_bytes_ -= unread;
  if (stream.held_credit_ > 0) nghttp2_session_consume_connection(session_, std::exchange(stream.held_credit_, 0));
  (stream.prev_ != nullptr ? stream.prev_->next_ : first_) = stream.next_;
  if (stream.next_ != nullptr) stream.next_->prev_ = stream.prev_;
  stream.prev_ = stream.next_ = nullptr;
  stream.session_ = nullptr;
  --streams_;
}

void Http2Session::close(Http2Stream& stream, uint32_t code) {
  stream.error_code_ = code;
  if (!stream.ended()) stream.fail();
  unlink(stream);
  stream.closed_.set();
  stream.room_.set();
  on_stream_closed(stream);
}

void Http2Session::close_streams() {
  while (first_ != nullptr) {
    Http2Stream& stream = *first_;
    nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
    close(stream, NGHTTP2_CANCEL);
  }
}

// The reader's own window is given back as it reads; the connection's at once, so that a stream that nobody reads holds
// up no other, until all together hold more than the connection is worth.
void Http2Session::took(Http2Stream& stream, size_t bytes) {
  inbox_bytes_ -= bytes;
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  const size_t held = std::min(bytes, stream.held_credit_);
  if (held > 0) nghttp2_session_consume_connection(session_, held);
  stream.held_credit_ -= held;
  request();
}

}  // namespace vg::http
