// A ServerConnection on one end of a wire, a handler that does what the test says, and bodies that the test feeds.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/server_connection.h"
#include "support/loop.h"
#include "support/peer.h"

namespace vg::http::test {

using vg::test::Loop;
using vg::test::Peer;
using vg::test::Wire;

/// A response body that is written down: pieces, then its end or an error. Lifetime: the test's.
class ScriptedBody final : public BodySource {
 public:
  explicit ScriptedBody(std::optional<uint64_t> length = std::nullopt) : length_(length) {}
  void feed(std::string piece) {
    pieces_.push_back(std::move(piece));
    more_.set();
  }
  void end() {
    ended_ = true;
    more_.set();
  }
  void fail() {
    failed_ = true;
    more_.set();
  }
  void trailer(std::string_view name, std::string_view value) { trailers_.add(name, value); }

  State peek(std::string_view* piece) override {
    if (!pieces_.empty()) {
      *piece = pieces_.front();
      return State::kData;
    }
    if (failed_) return State::kError;
    return ended_ ? State::kEnd : State::kWait;
  }
  void consume() override {
    pieces_.pop_front();
    ++taken;
  }
  coro::Task<void> wait(coro::CancelSource* cancel) override {
    more_.reset();
    const bool came = co_await more_.wait(cancel);
    if (!came) failed_ = true;
  }
  const Error& error() const override { return error_; }
  std::optional<uint64_t> length() const override { return length_; }
  const Head* trailers() const override { return &trailers_; }
  void pause() override { ++paused; }
  void release() override { ++released; }

  size_t taken = 0, paused = 0, released = 0;

 private:
  std::optional<uint64_t> length_;
  std::deque<std::string> pieces_;
  bool ended_ = false, failed_ = false;
  coro::Event more_;
  Head trailers_;
  Error error_ = Error(ErrorKind::kReset, "cut");
};

class FakeHandler final : public Handler {
 public:
  using Act = coro::Task<void> (*)(FakeHandler&, Exchange&);
  explicit FakeHandler(Act how) : act(how) {}

  Act act;
  ConnectionLimits connection_limits;
  Opening connection_opening;
  bool is_draining = false;
  std::deque<std::unique_ptr<ScriptedBody>> bodies;  ///< for `answer_with_body`, in order
  coro::Event gate;                                  ///< for `answer_at_the_gate`
  // What happened.
  std::vector<std::string> requests;  ///< "METHOD target"
  std::vector<std::string> contents;
  std::vector<ErrorKind> content_errors;
  std::vector<std::string> rejected;
  std::vector<std::string> ends;  ///< of each exchange: "STATUS", with " cut" and " gone"
  std::vector<uint64_t> sent_content;
  std::optional<ErrorKind> cancelled;
  int connections_closed = 0;
  size_t exchanges_made = 0;

  Exchange* acquire(ServerConnection&) override {
    if (pool_.empty()) {
      ++exchanges_made;
      return new Exchange;
    }
    Exchange* exchange = pool_.back().release();
    pool_.pop_back();
    return exchange;
  }
  void release(Exchange* exchange) override { pool_.emplace_back(exchange); }
  const ConnectionLimits& limits(const Exchange&) override { return connection_limits; }
  coro::Task<void> handle(Exchange& ex) override {
    requests.push_back(std::string(ex.request.method_text()) + " " + std::string(ex.request.target()));
    return act(*this, ex);
  }
  void reject(Exchange& ex, uint16_t status, std::string_view reason) override {
    rejected.push_back(std::to_string(status) + " " + std::string(reason));
    ex.response.status = status;
    ex.response.close = true;
  }
  void finished(Exchange& ex) override {
    ends.push_back(std::to_string(ex.response.status) + (ex.cut ? " cut" : "") + (ex.client_gone ? " gone" : ""));
    sent_content.push_back(ex.sent_content_bytes);
  }
  bool draining() const override { return is_draining; }
  const ConnectionLimits& current_limits() const override { return connection_limits; }
  const Opening& opening(uint32_t) override { return connection_opening; }
  void refused(ServerConnection&, std::string_view) override {}
  void closed(ServerConnection&) override { ++connections_closed; }

 private:
  std::vector<std::unique_ptr<Exchange>> pool_;
};

/// The whole content; nullopt: an error, which `body` tells.
inline coro::Task<std::optional<std::string>> read_all(StreamBody* body, coro::CancelSource* cancel) {
  std::string out;
  for (;;) {
    std::string_view piece;
    const StreamBody::State state = body->peek(&piece);
    if (state == StreamBody::State::kEnd) co_return out;
    if (state == StreamBody::State::kError) co_return std::nullopt;
    if (state == StreamBody::State::kWait) {
      co_await body->wait(cancel);
      continue;
    }
    out.append(piece);
    body->consume();
  }
}

inline void say(Exchange& ex, std::string text) {
  ex.response.status = 200;
  ex.response.text = std::move(text);
  ex.response.own.add("Date", "now", FieldId::kDate);
}

// What handlers do.

/// Answers with the target, and does not look at the content.
inline coro::Task<void> answer(FakeHandler&, Exchange& ex) {
  say(ex, "to " + std::string(ex.request.target()));
  co_return;
}

/// Reads the content, and says what it was.
inline coro::Task<void> echo(FakeHandler& handler, Exchange& ex) {
  ex.want_body();
  std::optional<std::string> content = co_await read_all(&ex.body, &ex.cancel);
  if (!content) {
    handler.content_errors.push_back(ex.body.error().kind);
    ex.response.status = 400;
    ex.response.own.add("Date", "now", FieldId::kDate);
    ex.response.close = true;
    co_return;
  }
  handler.contents.push_back(*content);
  say(ex, std::move(*content));
}

/// Waits for `gate`, or until it is cancelled.
inline coro::Task<void> answer_at_the_gate(FakeHandler& handler, Exchange& ex) {
  const bool opened = co_await handler.gate.wait(&ex.cancel);
  if (!opened) {
    handler.cancelled = ex.cancel.reason();
    co_return;
  }
  say(ex, "late");
}

/// Streams the next of `bodies`.
inline coro::Task<void> answer_with_body(FakeHandler& handler, Exchange& ex) {
  const size_t turn = handler.requests.size() - 1;
  ex.response.status = 200;
  ex.response.own.add("Date", "now", FieldId::kDate);
  ex.response.body = BodyPtr(handler.bodies.at(turn).get());
  ex.response.told_length = handler.bodies.at(turn)->length();
  co_return;
}

/// One connection and its client.
class ServingTest : public testing::Test {
 protected:
  explicit ServingTest(FakeHandler::Act act = answer) : handler_(act) {}
  void serve(Wire ends) {
    client_ = std::move(ends.peer);
    connection_ = ServerConnection::create(std::move(ends.stream), &handler_, 0);
    connection_->start();
  }
  void serve() { serve(vg::test::wire(loop_.get())); }
  void serve(FakeHandler::Act act) {
    handler_.act = act;
    serve();
  }
  void TearDown() override {
    if (connection_ != nullptr && handler_.connections_closed == 0) {
      connection_->abort();
      loop_.run_until([this] { return handler_.connections_closed > 0; });
    }
  }
  /// Waits until the client has heard at least so much, and gives all of it.
  std::string hear(size_t bytes) {
    loop_.run_until([&] { return client_->received.size() >= bytes || client_->over(); });
    return client_->take(client_->received.size());
  }
  std::string hear(std::string_view expected) { return hear(expected.size()); }
  std::string hear_all() {
    loop_.run_until([&] { return client_->over(); });
    return client_->take(client_->received.size());
  }
  bool run_until_closed() {
    return loop_.run_until([this] { return handler_.connections_closed > 0; });
  }

  Loop loop_;
  FakeHandler handler_;
  std::unique_ptr<Peer> client_;
  ServerConnection* connection_ = nullptr;  // gone once closed() was called
};

}  // namespace vg::http::test
