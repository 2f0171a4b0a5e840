#include "upstream/http2_client.h"

#include <algorithm>

namespace vg::upstream {

namespace {

// What a call's stream may hold that nobody has read, and what its peer may send on it within one round trip.
constexpr uint32_t kWindowBytes = 256 * 1024;
constexpr uint32_t kMostContinuations = 16;
// A header section beyond its limit ends its call; one that goes on all the same, the connection.
constexpr size_t kMostSections = 16;

}  // namespace

Http2Client::Http2Client(net::Stream* stream, std::shared_ptr<void> keeps, Duration write_timeout)
    : Http2Session(stream, Side::kClient, write_timeout, kMostContinuations),
      loop_(stream->loop()),
      keeps_(std::move(keeps)),
      begun_(loop_->now()),
      idle_since_(begun_),
      heard_(begun_) {}

Http2Client::~Http2Client() = default;

std::shared_ptr<Http2Client> Http2Client::start(net::Stream* stream, std::shared_ptr<void> keeps,
                                                Duration write_timeout) {
  std::shared_ptr<Http2Client> client(new Http2Client(stream, std::move(keeps), write_timeout));
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, Http2Call::kLimits.header_bytes},
  };
  client->begin(settings, std::size(settings));
  run(client);
  return client;
}

coro::Detached Http2Client::run(std::shared_ptr<Http2Client> self) {
  net::Stream& connection = self->connection();
  coro::CancelSource& over = self->over();
  bool goes_on = true;
  while (goes_on && !over.cancelled()) {
    const net::ReadEvent event = co_await connection.readable(&over);
    if (event != net::ReadEvent::kData) break;
    self->heard_ = self->loop_->now();
    const std::string_view bytes = connection.data();
    goes_on = self->feed(bytes);
    if (!connection.closed()) connection.consume(bytes.size());
  }
  self->end();
  co_await self->scope().join();
  connection.close();  // it goes with the last call
}

void Http2Client::end() {
  flush();  // what is said of a peer's fault, before the calls are told
  ended_ = true;
  close_streams();
  greeting_.set();
  if (Owner* owner = std::exchange(owner_, nullptr)) owner->on_ended(*this);
}

uint32_t Http2Client::most_calls() const {
  return std::min(kMostCalls, nghttp2_session_get_remote_settings(const_cast<Http2Client*>(this)->handle(),
                                                                  NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
}

bool Http2Client::has_room() const {
  return greeted_ && !retired_ && !ended_ && stream_count() + reserved_ < most_calls();
}

Http2CallPtr Http2Client::take() {
  if (!has_room()) return nullptr;
  ++reserved_;
  Http2CallPtr call(new Http2Call(shared_from_this()));
  call->reused_ = has_carried_;
  return call;
}

void Http2Client::retire() {
  retired_ = true;
  if (!busy() && !ended_) terminate(NGHTTP2_NO_ERROR, "");
}

// A stream that is not closed stays until it is: nghttp2 may be in the midst of its content.
void Http2Client::release(Http2Call& call) {
  if (call.has_begun_ && !call.closed()) {
    call.orphan_ = true;
    ++orphans_;
    reset(call, NGHTTP2_CANCEL);
    return end_if_useless();
  }
  const bool unused = !call.has_begun_;
  delete &call;
  if (!unused) return;
  --reserved_;
  made_room();
}

// A request that the peer lets nobody begin is never closed by nghttp2: what is left of such ones holds no connection.
void Http2Client::end_if_useless() {
  if (retired_ && reserved_ == 0 && orphans_ == stream_count()) close();
}

void Http2Client::made_room() {
  idle_since_ = loop_->now();
  if (ended_) return;
  if (retired_) return retire();
  if (owner_ != nullptr) owner_->on_room(*this);
}

bool Http2Client::on_head_begin(const nghttp2_frame& frame, http::Http2Stream*) {
  section_bytes_ = 0;
  return frame.hd.type == NGHTTP2_HEADERS;  // nothing is to be pushed
}

void Http2Client::on_field(const nghttp2_frame&, http::Http2Stream& stream, std::string_view name,
                           std::string_view value) {
  auto& call = static_cast<Http2Call&>(stream);
  section_bytes_ += name.size() + value.size() + 32;
  if (section_bytes_ > kMostSections * Http2Call::kLimits.header_bytes)
    return terminate(NGHTTP2_ENHANCE_YOUR_CALM, "a header section without end");
  if (section_bytes_ <= Http2Call::kLimits.header_bytes) return call.add_field(name, value);
  if (!call.fault_.empty()) return;
  call.fault_ = "a header section that is too large";
  call.fail();
  reset(call, NGHTTP2_ENHANCE_YOUR_CALM);
}

void Http2Client::on_head(const nghttp2_frame&, http::Http2Stream& stream) {
  auto& call = static_cast<Http2Call&>(stream);
  if (!call.fault_.empty()) return;
  call.end_section();
  if (call.fault_.empty()) return;
  call.fail();  // what came is no whole answer, whatever comes
  reset(call, NGHTTP2_PROTOCOL_ERROR);
}

void Http2Client::on_stream_closed(http::Http2Stream& stream) {
  auto& call = static_cast<Http2Call&>(stream);
  call.came_.set();
  if (call.orphan_) {
    --orphans_;
    delete &call;
  }
  made_room();
}

void Http2Client::on_settings() {
  if (most_calls() == 0 && greeted_) retired_ = true;
  if (!std::exchange(greeted_, true)) {
    greeting_.set();
  } else if (owner_ != nullptr && has_room()) {
    owner_->on_room(*this);
  }
}

void Http2Client::on_goaway(uint32_t code) {
  retired_ = true;
  if (code != NGHTTP2_NO_ERROR) farewell_ = std::string("GOAWAY with ") + nghttp2_http2_strerror(code);
}

void Http2Client::on_malformed(http::Http2Stream* stream, const char* why) {
  std::string& fault = stream != nullptr ? static_cast<Http2Call*>(stream)->fault_ : fault_;
  if (fault.empty()) fault = why;
}

void Http2Client::on_goaway_sent(uint32_t code, std::string_view words) {
  if (code == NGHTTP2_NO_ERROR || !fault_.empty()) return;
  // Our own judgement of how much is too much says nothing of the answers that are cut with it.
  if (code == NGHTTP2_ENHANCE_YOUR_CALM) {
    farewell_ = why();
    return;
  }
  fault_ = !words.empty() ? words : *why() != '\0' ? std::string_view(why()) : nghttp2_http2_strerror(code);
}

void Http2CallReleaser::operator()(Http2Call* call) const {
  const std::shared_ptr<Http2Client> client = call->client_;
  client->release(*call);
}

bool Http2Call::begin(const http::Http2FieldList& fields, bool content) {
  begun_ = client_->loop_->now();
  if (client_->ended_ || !client_->submit_request(*this, fields, content)) {
    client_->retire();
    return false;
  }
  has_begun_ = client_->has_carried_ = true;
  --client_->reserved_;
  return true;
}

void Http2Call::add_field(std::string_view name, std::string_view value) {
  if (answered_) return trailer_text_.add(name, value);
  if (name == ":status") {
    section_at_ = heads_.size();
    heads_.append("HTTP/1.1 ").append(value).append("\r\n");
  } else {
    heads_.append(name).append(": ", 2).append(value).append("\r\n", 2);
  }
}

void Http2Call::end_section() {
  if (answered_) {
    if (!trailer_text_.finish(&Inbox::trailers(), kLimits)) fault_ = "invalid trailers";
    return;
  }
  heads_.append("\r\n", 2);
  answered_ = heads_.compare(section_at_ + 9, 1, "1") != 0;
  // Interim ones that nobody has had the time to read.
  if (heads_.size() > kLimits.header_bytes * size_t{2}) fault_ = "heads without end";
  came_.set();
}

Error Http2Call::failure(const std::string& name) const {
  const bool alone = !client_->ended_;  // the connection goes on
  const std::string& fault = fault_.empty() && !alone ? client_->fault_ : fault_;
  Error e(ErrorKind::kReset, name + (alone ? " reset the stream" : " closed the connection") + " before it answered",
          true);
  e.internal = alone || client_->farewell_.empty() ? nghttp2_http2_strerror(error_code()) : client_->farewell_;
  if (refused()) {
    e.kind = ErrorKind::kConnect;
    e.detail = name + " refused the request";
  } else if (!fault.empty()) {
    e.kind = ErrorKind::kUpstreamProtocol;
    e.detail = name + " sent an invalid response";
    e.internal = fault;
  }
  return e;
}

bool Http2Call::connection_ended() const { return client_->ended_; }

void Http2Call::cut() { client_->reset(*this, NGHTTP2_CANCEL); }

void Http2Call::timed_out() {
  if (client_->heard_ <= begun_) client_->retire();
}

}  // namespace vg::upstream
