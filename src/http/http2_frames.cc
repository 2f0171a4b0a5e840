// What nghttp2 tells of frames that come and asks for frames that go.
#include <algorithm>

#include "http/http2_session.h"

namespace vg::http {

namespace {

constexpr uint32_t kMalformedCost = 10;

Http2Session* of(void* self) { return static_cast<Http2Session*>(self); }

std::string_view text_of(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

}  // namespace

Http2Stream* Http2Session::find(int32_t id) const {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

int Http2Session::frame_begun(nghttp2_session*, const nghttp2_frame_hd* head, void* self) {
  Http2Session* session = of(self);
  if (head->type != NGHTTP2_CONTINUATION) session->on_frame_begin();
  switch (head->type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_GOAWAY:
      break;
    case NGHTTP2_DATA:
      if (head->length == 0 && (head->flags & NGHTTP2_FLAG_END_STREAM) == 0) session->tolerate(1);
      break;
    case NGHTTP2_SETTINGS:
      if ((head->flags & NGHTTP2_FLAG_ACK) == 0) session->tolerate(1);
      break;
    case NGHTTP2_PING:
    case NGHTTP2_WINDOW_UPDATE:
      // They come with what was sent: PING, too, of peers that measure the way.
      if ((head->flags & NGHTTP2_FLAG_ACK) != 0) break;
      if (session->earned_ > 0) {
        --session->earned_;
      } else {
        session->tolerate(1);
      }
      break;
    case NGHTTP2_RST_STREAM:
      // A stream has one end alone.
      if (session->find(head->stream_id) == nullptr) session->tolerate(1);
      break;
    default:
      session->tolerate(1);
  }
  return session->enough();
}

int Http2Session::head_begun(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  Http2Session* session = of(self);
  if (session->on_head_begin(*frame, session->find(frame->hd.stream_id))) return session->enough();
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Http2Session::field_came(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                             const uint8_t* value, size_t value_size, uint8_t, void* self) {
  Http2Session* session = of(self);
  Http2Stream* stream = session->find(frame->hd.stream_id);
  if (stream != nullptr) session->on_field(*frame, *stream, text_of(name, name_size), text_of(value, value_size));
  return session->enough();
}

// Without this nghttp2 passes over such a field, and a message is not to mean two things.
int Http2Session::bad_field_came(nghttp2_session*, const nghttp2_frame* frame, const uint8_t*, size_t, const uint8_t*,
                                 size_t, uint8_t, void* self) {
  of(self)->on_malformed(of(self)->find(frame->hd.stream_id), "an invalid field");
  return of(self)->tolerate(kMalformedCost) ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Http2Session::bad_frame_came(nghttp2_session*, const nghttp2_frame* frame, int error, void* self) {
  of(self)->on_malformed(of(self)->find(frame->hd.stream_id), nghttp2_strerror(error));
  of(self)->tolerate(kMalformedCost);
  return of(self)->enough();
}

int Http2Session::frame_came(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  Http2Session* session = of(self);
  const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) session->on_settings();
      break;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) session->on_ping_answered();
      break;
    case NGHTTP2_GOAWAY:
      session->on_goaway(frame->goaway.error_code);
      break;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
      if (Http2Stream* stream = session->find(frame->hd.stream_id)) {
        if (frame->hd.type == NGHTTP2_HEADERS) session->on_head(*frame, *stream);
        if (ends && !stream->failed()) stream->end();
      }
      break;
    default:
      break;
  }
  return session->enough();
}

int Http2Session::data_came(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* self) {
  Http2Session* session = of(self);
  Http2Stream* stream = session->find(id);
  if (stream == nullptr) {
    nghttp2_session_consume(session->session_, id, size);
    return 0;
  }
  session->inbox_bytes_ += size;
  if (session->inbox_bytes_ <= kConnectionWindowBytes) {
    nghttp2_session_consume_connection(session->session_, size);
  } else {
    stream->held_credit_ += size;
  }
  stream->put(text_of(data, size));
  return 0;
}

int Http2Session::stream_closed(nghttp2_session*, int32_t id, uint32_t code, void* self) {
  Http2Session* session = of(self);
  if (Http2Stream* stream = session->find(id)) {
    nghttp2_session_set_stream_user_data(session->session_, id, nullptr);
    session->close(*stream, code);
  }
  // An error while something is sent would have it sent again.
  return session->feeding_ ? session->enough() : 0;
}

// A stream that was closed here may still be one of nghttp2's: its content has gone with it.
ssize_t Http2Session::take_content(nghttp2_session* handle, int32_t id, uint8_t*, size_t room, uint32_t* flags,
                                   nghttp2_data_source*, void* self) {
  Http2Stream* stream = of(self)->find(id);
  if (stream == nullptr || of(self)->broken_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const size_t left = stream->unsent().size();
  const size_t n = std::min(left, room);
  if (n == 0 && !stream->end_given_) {
    stream->deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags = NGHTTP2_DATA_FLAG_NO_COPY;
  if (n < left || !stream->end_given_) return static_cast<ssize_t>(n);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!stream->trailer_lines_.empty()) {
    Http2FieldList fields;
    fields.add_lines(stream->trailer_lines_.data(), stream->trailer_lines_.size());
    if (nghttp2_submit_trailer(handle, id, fields.data(), fields.size()) == 0)
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }
  return static_cast<ssize_t>(n);
}

int Http2Session::send_content(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t size,
                               nghttp2_data_source*, void* self) {
  Http2Session* session = of(self);
  Http2Stream* stream = session->find(frame->hd.stream_id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (session->batch_->size() + size > kBatchBytes) return NGHTTP2_ERR_WOULDBLOCK;
  session->batch_->append(reinterpret_cast<const char*>(head), 9).append(stream->unsent().substr(0, size));
  stream->sent(size);
  session->progress_ = session->connection_->loop()->now();
  return 0;
}

int Http2Session::frame_sent(nghttp2_session* handle, const nghttp2_frame* frame, void* self) {
  if (frame->hd.type == NGHTTP2_GOAWAY) {
    of(self)->on_goaway_sent(frame->goaway.error_code,
                             text_of(frame->goaway.opaque_data, frame->goaway.opaque_data_len));
    of(self)->ended_ = of(self)->broken_;
    if (of(self)->announced_ && !of(self)->shut_down_) nghttp2_submit_ping(handle, NGHTTP2_FLAG_NONE, nullptr);
  }
  if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
  of(self)->earn();
  Http2Stream* stream = of(self)->find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  stream->sent_bytes_ += frame->hd.length + 9;
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  stream->end_sent_ = true;
  // The answer is complete: what the client has still to say is of no use to anybody (RFC 9113 section 8.1).
  if (of(self)->side_ == Side::kServer && !stream->ended())
    nghttp2_submit_rst_stream(handle, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  return 0;
}

}  // namespace vg::http
