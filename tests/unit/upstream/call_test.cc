#include "upstream/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/loop.h"
#include "support/scripted_upstream.h"
#include "unit/upstream/settings.h"

namespace vg::upstream {
namespace {

using namespace std::chrono_literals;
using http::Method;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using vg::test::RefusingPort;
using vg::test::ScriptedUpstream;
using vg::test::Wire;
using State = http::BodySource::State;

const char* name_of(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPut:
      return "PUT";
    case Method::kPost:
      return "POST";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    default:
      return "OPTIONS";
  }
}

class FakeRequest final : public Request {
 public:
  explicit FakeRequest(Method how) { method = how; }
  std::optional<Error> refuses;
  Result<void> append_head(const Endpoint& endpoint, std::string& out) override {
    if (refuses) return *refuses;
    out.append(name_of(method)).append(" /x HTTP/1.1\r\nHost: ").append(endpoint.settings.authority).append("\r\n");
    return {};
  }
};

coro::Task<std::string> read_content(Call* call) {
  std::string out;
  for (;;) {
    std::string_view piece;
    const State state = call->peek(&piece);
    if (state == State::kEnd) co_return out;
    if (state == State::kError) co_return out + " (cut)";
    if (state == State::kWait) {
      co_await call->wait(nullptr);
      continue;
    }
    out.append(piece);
    call->consume();
  }
}

class CallTest : public testing::Test {
 protected:
  CallTest() { exchange_.loop = loop_.get(); }
  void TearDown() override {
    call_.reset();
    client_.stream.reset();
    pool_.reset();
  }
  void make(config::UpstreamSettings settings) {
    pool_.reset();
    upstream_ = std::make_shared<Upstream>(std::move(settings));
    pool_ = Pool::create(loop_.get(), nullptr, upstream_, 0);
  }
  Result<void> fetch(FakeRequest& request) {
    if (!pool_) make(settings_);
    call_ = calls_.take();
    stats_ = CallStats();
    return loop_.run(call_->fetch(pool_.get(), request, exchange_, stats_, 1s));
  }
  Result<void> fetch(Method method) {
    FakeRequest request(method);
    return fetch(request);
  }
  /// "200 content", or the error's kind.
  std::string result(Method method) {
    FakeRequest request(method);
    return result(request);
  }
  std::string result(FakeRequest& request) {
    const Result<void> r = fetch(request);
    if (!r) return std::string(to_string(r.error().kind));
    return std::to_string(call_->head().status) + " " + loop_.run(read_content(call_.get()));
  }
  void done() {
    call_.reset();
    loop_.settle();
  }
  /// The client's content, as `head` frames it.
  void content(http::Framing framing, uint64_t length, std::string_view text) {
    client_ = vg::test::wire(loop_.get());
    http::RequestHead head;
    head.framing = framing;
    head.content_length = length;
    exchange_.body.begin(client_.stream.get(), head, UINT64_MAX, {});
    send(text);
  }
  void send(std::string_view text) { client_.peer->send(text); }
  void join_upload() {
    loop_.run_until([this] { return exchange_.scope.running() == 0; });
  }

  vg::test::Loop loop_;
  ScriptedUpstream server_{loop_.get()};
  config::UpstreamSettings settings_ = test::settings({server_.port()});
  std::shared_ptr<Upstream> upstream_;
  std::shared_ptr<Pool> pool_;
  Wire client_;
  http::Exchange exchange_;
  Call::Cache calls_;
  CallPtr call_;
  CallStats stats_;
};

TEST_F(CallTest, FetchesAndGivesItsConnectionBack) {
  EXPECT_EQ(result(Method::kGet), "200 ok");
  EXPECT_EQ(stats_.attempts, 1u);
  EXPECT_EQ(stats_.endpoint, &upstream_->endpoint(0));
  EXPECT_EQ(upstream_->endpoint(0).outstanding, 1u);
  done();
  EXPECT_EQ(upstream_->endpoint(0).outstanding, 0u);
  EXPECT_EQ(pool_->idle_count(), 1u);
  EXPECT_EQ(result(Method::kGet), "200 ok");
  EXPECT_EQ(server_.connections(), 1u);
  EXPECT_EQ(server_.requests.at(0),
            "GET /x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server_.port()) + "\r\n\r\n");
}

TEST_F(CallTest, AMethodThatUsuallyHasContentSaysThatItHasNone) {
  for (const Method m : {Method::kPost, Method::kPut, Method::kPatch}) {
    result(m);
    done();
    EXPECT_THAT(server_.requests.back(), HasSubstr("\r\nContent-Length: 0\r\n")) << name_of(m);
  }
}

TEST_F(CallTest, AResponseMayComeInPiecesAndBehindInterimOnes) {
  server_.script = {ScriptedUpstream::say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Enc")};
  FakeRequest request(Method::kGet);
  make(settings_);
  call_ = calls_.take();
  std::optional<Result<void>> got;
  coro::Scope scope;
  scope.spawn(vg::test::keep_result(call_->fetch(pool_.get(), request, exchange_, stats_, 1s), &got));
  loop_.run_until([&] { return server_.requests.size() == 1; });
  server_.connection(0).send("oding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n");
  loop_.run_until([&] { return got.has_value(); });
  ASSERT_TRUE(got->ok());
  EXPECT_EQ(loop_.run(read_content(call_.get())), "ab");
  EXPECT_EQ(call_->trailers()->get("x-sum"), "7");
}

TEST_F(CallTest, AConnectionIsKeptOnlyBehindACompleteAnswer) {
  const std::pair<const char*, bool> answers[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", false},
      {"HTTP/1.1 204 No Content\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
  };
  for (const auto& [text, kept] : answers) {
    make(settings_);
    server_.script = {ScriptedUpstream::say(text)};
    result(Method::kGet);
    done();
    EXPECT_EQ(pool_->idle_count(), kept ? 1u : 0u) << text;
  }
  make(settings_);
  server_.script = {ScriptedUpstream::say("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok")};
  EXPECT_TRUE(fetch(Method::kGet).ok());
  done();
  EXPECT_EQ(pool_->idle_count(), 0u) << "its content was not read to the end";
  EXPECT_EQ(upstream_->connections(), 0u);
}

TEST_F(CallTest, AnAnswerThatIsCutIsTold) {
  server_.script = {ScriptedUpstream::say_and_end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")};
  EXPECT_EQ(result(Method::kGet), "200 ok (cut)");
  EXPECT_EQ(call_->error().kind, ErrorKind::kReset);
}

// What an attempt failed by, and whether a method is repeated for it.
struct Failure {
  const char* name;
  ScriptedUpstream::Act act;
  bool idempotent_again;
  std::string in_the_end;
};

TEST_F(CallTest, OnlyIdempotentMethodsAreRepeatedOnceTheRequestWasSent) {
  const Failure failures[] = {
      {"reset", ScriptedUpstream::reset(), true, "reset"},
      {"end", ScriptedUpstream::hang_up(), true, "reset"},
      {"503", ScriptedUpstream::status(503), true, "503 "},
      {"silence", ScriptedUpstream::silence(), true, "timeout"},
      {"500", ScriptedUpstream::status(500), false, "500 "},
      {"404", ScriptedUpstream::status(404), false, "404 "},
      {"nonsense", ScriptedUpstream::say("HTTP/9 what\r\n\r\n"), false, "protocol"},
  };
  settings_.retry.attempt_timeout = 60ms;
  for (const Failure& f : failures) {
    for (const Method m : {Method::kGet, Method::kHead, Method::kPut, Method::kDelete, Method::kPost, Method::kPatch}) {
      const bool again = f.idempotent_again && http::is_idempotent(m);
      make(settings_);
      server_.requests.clear();
      server_.script = {f.act};
      const std::string got = result(m);
      EXPECT_EQ(server_.requests.size(), again ? 2u : 1u) << f.name << " " << name_of(m);
      EXPECT_EQ(stats_.attempts, again ? 2u : 1u) << f.name << " " << name_of(m);
      if (again && m != Method::kHead) {
        EXPECT_EQ(got, "200 ok") << f.name << " " << name_of(m);
      }
      if (!again) {
        EXPECT_THAT(got, testing::StartsWith(f.in_the_end)) << f.name << " " << name_of(m);
      }
      done();
    }
  }
}

TEST_F(CallTest, ARefusedConnectionIsRepeatedElsewhereWhateverTheMethod) {
  const RefusingPort nobody;
  for (const Method m : {Method::kGet, Method::kPost}) {
    config::UpstreamSettings s = test::settings({nobody.port(), server_.port()});
    s.retry.on_statuses.clear();
    make(s);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(result(m), "200 ok") << name_of(m);
      done();
    }
    EXPECT_GE(upstream_->endpoint(0).failures, 1u);
    EXPECT_EQ(upstream_->endpoint(1).failures, 0u);
  }
}

TEST_F(CallTest, AttemptsAreCountedToTheSetting) {
  for (const uint32_t attempts : {0u, 1u, 3u}) {
    settings_.retry.attempts = attempts;
    make(settings_);
    server_.requests.clear();
    server_.otherwise = ScriptedUpstream::status(503);
    EXPECT_EQ(result(Method::kGet), "503 ") << "the last answer is passed on";
    EXPECT_EQ(server_.requests.size(), attempts + 1);
    done();
  }
}

TEST_F(CallTest, WhatIsSwitchedOffIsNotRepeated) {
  settings_.retry.on_reset = false;
  settings_.retry.on_connect = false;
  settings_.retry.on_statuses.clear();
  server_.script = {ScriptedUpstream::reset(), ScriptedUpstream::status(503)};
  EXPECT_EQ(result(Method::kGet), "reset");
  done();
  EXPECT_EQ(result(Method::kGet), "503 ");
  done();
  const RefusingPort nobody;
  config::UpstreamSettings s = settings_;
  s.endpoints = test::settings({nobody.port(), server_.port()}).endpoints;
  make(s);
  std::vector<std::string> got;
  for (int i = 0; i < 2; ++i) {
    got.push_back(result(Method::kGet));
    done();
  }
  EXPECT_THAT(got, testing::UnorderedElementsAre("connect", "200 ok"));
}

TEST_F(CallTest, TheBudgetStopsRetries) {
  settings_.retry.budget_percent = 0;
  make(settings_);
  server_.otherwise = ScriptedUpstream::status(503);
  uint32_t attempts = 0;
  for (int i = 0; i < 8; ++i) {
    result(Method::kGet);
    attempts += stats_.attempts;
    done();
  }
  EXPECT_GE(attempts, 8u);
  EXPECT_LE(attempts, 8u + 2 * RetryBudget::kMinimumPerSecond);
}

TEST_F(CallTest, AnIdleConnectionThatDiesUnderTheRequestIsReplacedOnce) {
  settings_.retry.attempts = 0;
  make(settings_);
  EXPECT_EQ(result(Method::kGet), "200 ok");
  done();
  server_.script = {ScriptedUpstream::hang_up()};
  EXPECT_EQ(result(Method::kGet), "200 ok");
  EXPECT_EQ(server_.connections(), 2u);
  EXPECT_EQ(stats_.attempts, 1u) << "no retry of the configuration's";
  done();
  server_.script = {ScriptedUpstream::hang_up()};
  EXPECT_EQ(result(Method::kPost), "reset") << "it may have been acted on";
  done();
  server_.script = {ScriptedUpstream::hang_up()};
  EXPECT_EQ(result(Method::kGet), "reset") << "a fresh connection is no excuse";
}

TEST_F(CallTest, TheTimeoutCoversAllAttempts) {
  settings_.timeout = 40ms;
  settings_.retry.attempts = 100;
  settings_.retry.attempt_timeout = 15ms;
  make(settings_);
  server_.otherwise = ScriptedUpstream::silence();
  EXPECT_EQ(result(Method::kGet), "timeout");
  EXPECT_LE(stats_.attempts, 4u);
  EXPECT_EQ(upstream_->connections(), 1u) << "of the last attempt, until the call is released";
  done();
  EXPECT_EQ(upstream_->connections(), 0u);
}

TEST_F(CallTest, ACancelledExchangeEndsTheCall) {
  make(settings_);
  server_.otherwise = ScriptedUpstream::silence();
  FakeRequest request(Method::kGet);
  call_ = calls_.take();
  std::optional<Result<void>> got;
  coro::Scope scope;
  scope.spawn(vg::test::keep_result(call_->fetch(pool_.get(), request, exchange_, stats_, 1s), &got));
  loop_.run_until([&] { return server_.requests.size() == 1; });
  exchange_.cancel.cancel(ErrorKind::kCancelled);
  loop_.run_until([&] { return got.has_value(); });
  EXPECT_EQ(got->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(stats_.attempts, 1u);
  done();
  loop_.run_until([&] { return server_.open_connections() == 0; });
}

TEST_F(CallTest, AHeadThatCannotBeComposedCostsTheUpstreamNothing) {
  FakeRequest request(Method::kGet);
  request.refuses = Error(ErrorKind::kMissingValue, "missing");
  EXPECT_EQ(result(request), to_string(ErrorKind::kMissingValue));
  EXPECT_THAT(server_.requests, ElementsAre());
  EXPECT_EQ(upstream_->endpoint(0).failures, 0u);
}

TEST_F(CallTest, AnUpgradeThatNobodyAskedForIsRefused) {
  server_.script = {
      ScriptedUpstream::say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")};
  EXPECT_EQ(result(Method::kGet), to_string(ErrorKind::kUpstreamProtocol));
}

TEST_F(CallTest, SizedContentGoesAlong) {
  FakeRequest request(Method::kPost);
  request.forward_body = true;
  content(http::Framing::kLength, 11, "hello");
  make(settings_);
  call_ = calls_.take();
  std::optional<Result<void>> got;
  coro::Scope scope;
  scope.spawn(vg::test::keep_result(call_->fetch(pool_.get(), request, exchange_, stats_, 1s), &got));
  loop_.run_until([&] { return server_.connections() == 1 && server_.connection(0).received.ends_with("hello"); });
  send(" world");
  loop_.run_until([&] { return got.has_value(); });
  EXPECT_TRUE(got->ok());
  join_upload();
  EXPECT_THAT(server_.requests, ElementsAre(EndsWith("\r\nContent-Length: 11\r\n\r\nhello world")));
  EXPECT_EQ(loop_.run(read_content(call_.get())), "ok");
  done();
  EXPECT_EQ(pool_->idle_count(), 1u);
}

TEST_F(CallTest, ChunkedContentGoesAlongWithItsTrailers) {
  FakeRequest request(Method::kPost);
  request.forward_body = true;
  content(http::Framing::kChunked, 0, "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 7\r\n\r\n");
  EXPECT_EQ(result(request), "200 ok");
  join_upload();
  ASSERT_EQ(server_.requests.size(), 1u);
  EXPECT_THAT(server_.requests[0], HasSubstr("\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_THAT(server_.requests[0], EndsWith("\r\n0\r\nX-Sum: 7\r\n\r\n"));
}

TEST_F(CallTest, StreamedContentIsNeverSentTwice) {
  FakeRequest request(Method::kPut);
  request.forward_body = true;
  content(http::Framing::kChunked, 0, "5\r\nhello\r\n0\r\n\r\n");
  server_.otherwise = ScriptedUpstream::reset();
  EXPECT_EQ(result(request), "reset");
  EXPECT_EQ(server_.requests.size(), 1u);
  join_upload();
}

TEST_F(CallTest, AClientThatLeavesAmidItsContentCancelsTheCall) {
  FakeRequest request(Method::kPost);
  request.forward_body = true;
  content(http::Framing::kLength, 11, "hello");
  client_.peer->end();
  EXPECT_EQ(result(request), to_string(ErrorKind::kCancelled));
  EXPECT_THAT(server_.requests, ElementsAre());
  done();
  EXPECT_EQ(upstream_->connections(), 0u) << "what was sent cannot be completed";
}

TEST_F(CallTest, BrokenContentIsTheClientsFault) {
  FakeRequest request(Method::kPost);
  request.forward_body = true;
  content(http::Framing::kChunked, 0, "5\r\nhello\nX");
  const Result<void> got = fetch(request);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind, ErrorKind::kBadRequest);
  EXPECT_EQ(got.error().status, 400);
}

TEST_F(CallTest, ContentThatDoesNotComeIsA408) {
  FakeRequest request(Method::kPost);
  request.forward_body = true;
  content(http::Framing::kLength, 11, "hello");
  make(settings_);
  call_ = calls_.take();
  const Result<void> got = loop_.run(call_->fetch(pool_.get(), request, exchange_, stats_, 20ms));
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().status, 408);
}

TEST_F(CallTest, CallsAreUsedAgain) {
  result(Method::kGet);
  const Call* const first = call_.get();
  done();
  EXPECT_EQ(result(Method::kGet), "200 ok");
  EXPECT_EQ(call_.get(), first);
}

}  // namespace
}  // namespace vg::upstream
