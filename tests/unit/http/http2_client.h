// A client of HTTP/2 for tests, by nghttp2, at the other end of a wire: requests and what came of them, and frames of
// any kind, written by hand.
#pragma once
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/peer.h"

namespace vg::http::test {

/// One frame (RFC 9113 section 4.1).
inline std::string frame(uint8_t type, uint8_t flags, int32_t stream, std::string_view payload) {
  std::string out;
  const auto put = [&out](uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  };
  put(payload.size(), 3);
  put(type, 1);
  put(flags, 1);
  put(static_cast<uint32_t>(stream), 4);
  return out.append(payload);
}

class Http2Client {
 public:
  struct Answer {
    std::string status, fields, content, trailers;
    std::vector<std::string> interim;
    bool ended = false;
    std::optional<uint32_t> reset;
  };
  using Fields = std::vector<std::pair<std::string, std::string>>;

  explicit Http2Client(vg::test::Peer* peer, uint32_t window = 65535) : peer_(peer) {
    nghttp2_session_callbacks* c = nullptr;
    nghttp2_session_callbacks_new(&c);
    nghttp2_session_callbacks_set_on_header_callback(c, on_field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_client_new2(&session_, c, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(c);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
    send();
  }
  ~Http2Client() { nghttp2_session_del(session_); }
  Http2Client(const Http2Client&) = delete;

  std::map<int32_t, Answer> answers;
  std::vector<std::pair<int32_t, uint32_t>> goaways;  ///< last stream and code
  bool takes = true;                                  ///< content is consumed as it comes

  int32_t request(Fields fields, std::optional<std::string> content = std::nullopt) {
    std::vector<nghttp2_nv> list;
    for (auto& [name, value] : fields) list.push_back({bytes(name), bytes(value), name.size(), value.size(), 0});
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = give;
    const int32_t id =
        nghttp2_submit_request(session_, nullptr, list.data(), list.size(), content ? &provider : nullptr, nullptr);
    if (content) contents_[id] = *content;
    send();
    return id;
  }
  int32_t get(const std::string& path, Fields more = {}) {
    Fields all = {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}};
    all.insert(all.end(), more.begin(), more.end());
    return request(all);
  }
  int32_t post(const std::string& path, std::string content, Fields more = {}) {
    Fields all = {{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}};
    all.insert(all.end(), more.begin(), more.end());
    return request(all, std::move(content));
  }
  void reset(int32_t id, uint32_t code = NGHTTP2_CANCEL) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
    send();
  }
  void send() {
    const uint8_t* out = nullptr;
    for (ssize_t n = nghttp2_session_mem_send(session_, &out); n > 0; n = nghttp2_session_mem_send(session_, &out))
      peer_->send({reinterpret_cast<const char*>(out), static_cast<size_t>(n)});
  }
  /// Takes in what the peer has received.
  void hear() {
    const std::string came = peer_->take(peer_->received.size());
    nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(came.data()), came.size());
    send();
  }
  bool ended(int32_t id) {
    hear();
    return answers[id].ended || answers[id].reset.has_value();
  }

 private:
  static uint8_t* bytes(const std::string& s) { return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data())); }
  static Http2Client* of(void* self) { return static_cast<Http2Client*>(self); }
  static int on_field(nghttp2_session*, const nghttp2_frame* f, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* self) {
    Answer& a = of(self)->answers[f->hd.stream_id];
    const std::string n(reinterpret_cast<const char*>(name), name_size);
    const std::string v(reinterpret_cast<const char*>(value), value_size);
    if (n == ":status" && v[0] == '1') {
      a.interim.push_back(v);
    } else if (n == ":status") {
      a.status = v;
    } else if (f->headers.cat == NGHTTP2_HCAT_HEADERS && a.interim.empty()) {
      a.trailers += n + ": " + v + "\n";
    } else {
      a.fields += n + ": " + v + "\n";
    }
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* f, void* self) {
    if (f->hd.type == NGHTTP2_GOAWAY) of(self)->goaways.emplace_back(f->goaway.last_stream_id, f->goaway.error_code);
    const bool message = f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS;
    if (message && (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) of(self)->answers[f->hd.stream_id].ended = true;
    return 0;
  }
  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size, void* self) {
    of(self)->answers[id].content.append(reinterpret_cast<const char*>(data), size);
    if (of(self)->takes) nghttp2_session_consume(session, id, size);
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t code, void* self) {
    if (code != NGHTTP2_NO_ERROR) of(self)->answers[id].reset = code;
    return 0;
  }
  static ssize_t give(nghttp2_session*, int32_t id, uint8_t* into, size_t room, uint32_t* flags, nghttp2_data_source*,
                      void* self) {
    std::string& left = of(self)->contents_[id];
    const size_t n = std::min(room, left.size());
    std::copy_n(left.data(), n, into);
    left.erase(0, n);
    if (left.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  vg::test::Peer* peer_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::string> contents_;
};

}  // namespace vg::http::test
