#include "http/http2_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/http/http2_client.h"
#include "unit/http/serving.h"

namespace vg::http {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::answer_at_the_gate;
using test::answer_with_body;
using test::echo;
using test::FakeHandler;
using test::frame;
using test::Http2Client;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr int32_t kNoLast = 0x7fffffff;

coro::Task<void> big_answer(FakeHandler&, Exchange& ex) {
  test::say(ex, std::string(4 * 1024 * 1024, 'x'));
  co_return;
}
coro::Task<void> first_at_the_gate(FakeHandler& handler, Exchange& ex) {
  return handler.requests.size() == 1 ? answer_at_the_gate(handler, ex) : answer(handler, ex);
}
coro::Task<void> tell_early(FakeHandler&, Exchange& ex) {
  ex.want_body();
  ResponseHead hints;
  hints.status = 103;
  hints.add("Link", "</a.css>");
  ex.send_interim(hints);
  test::say(ex, "done");
  co_return;
}

class Http2ServerTest : public test::ServingTest {
 protected:
  Http2ServerTest() { handler_.connection_opening.http2 = true; }
  void serve2(FakeHandler::Act act, uint32_t window = 65535) {
    handler_.act = act;
    serve();
    h2_.emplace(client_.get(), window);
  }
  void TearDown() override {
    h2_.reset();
    test::ServingTest::TearDown();
  }
  Http2Client::Answer& answer_of(int32_t id) {
    loop_.run_until([&] { return h2_->ended(id) || client_->over(); });
    return h2_->answers[id];
  }
  void run_until_over() {
    loop_.run_until([&] { return client_->over(); });
    h2_->hear();
  }
  void run_until_requests(size_t n) {
    loop_.run_until([&] { return handler_.requests.size() >= n; });
  }
  std::optional<Http2Client> h2_;
};

TEST_F(Http2ServerTest, AnswersManyStreamsOfOneConnection) {
  serve2(answer);
  std::vector<int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(h2_->get("/" + std::to_string(i)));
  for (int i = 0; i < 50; ++i) {
    const auto& a = answer_of(ids[static_cast<size_t>(i)]);
    EXPECT_EQ(a.status, "200");
    EXPECT_EQ(a.content, "to /" + std::to_string(i));
  }
  EXPECT_EQ(handler_.connections_closed, 0);
}

TEST_F(Http2ServerTest, SendsALargeAnswerWhole) {
  serve2(big_answer);
  EXPECT_EQ(answer_of(h2_->get("/")).content, std::string(4 * 1024 * 1024, 'x'));
}

TEST_F(Http2ServerTest, SpeaksHttp1WithWhoDoesNotBeginWithThePreface) {
  serve();
  client_->send("P");
  client_->send("RI /x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(hear(10), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(handler_.requests, ElementsAre("PRI /x"));
}

TEST_F(Http2ServerTest, ReadsThePrefaceInPieces) {
  serve();
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(NGHTTP2_SETTINGS, 0, 0, "");
  for (const char c : preface) {
    client_->send({&c, 1});
    loop_.settle();
    uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
  }
  EXPECT_THAT(hear(9), HasSubstr(std::string("\x00\x03\x00\x00\x00\x80", 6)));
}

TEST_F(Http2ServerTest, PassesContentBothWays) {
  serve2(echo);
  const std::string large(900 * 1024, 'y');
  EXPECT_EQ(answer_of(h2_->post("/", large)).content, large);
  EXPECT_EQ(answer_of(h2_->post("/", "small", {{"content-length", "5"}})).content, "small");
}

TEST_F(Http2ServerTest, StreamsABodyWithItsTrailers) {
  serve2(answer_with_body);
  handler_.bodies.push_back(std::make_unique<test::ScriptedBody>());
  const int32_t id = h2_->get("/");
  run_until_requests(1);
  handler_.bodies[0]->feed("one ");
  loop_.run_until([&] { return h2_->hear(), h2_->answers[id].content == "one "; });
  handler_.bodies[0]->feed("two");
  handler_.bodies[0]->trailer("X-Sum", "7");
  handler_.bodies[0]->end();
  const auto& a = answer_of(id);
  EXPECT_EQ(a.content, "one two");
  EXPECT_EQ(a.trailers, "x-sum: 7\n");
}

TEST_F(Http2ServerTest, ABodyThatBreaksResetsItsStreamAlone) {
  serve2(answer_with_body);
  handler_.bodies.push_back(std::make_unique<test::ScriptedBody>());
  handler_.bodies.push_back(std::make_unique<test::ScriptedBody>());
  const int32_t broken = h2_->get("/1");
  const int32_t good = h2_->get("/2");
  run_until_requests(2);
  handler_.bodies[0]->feed("half");
  handler_.bodies[0]->fail();
  handler_.bodies[1]->feed("whole");
  handler_.bodies[1]->end();
  EXPECT_EQ(answer_of(broken).reset, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(answer_of(good).content, "whole");
  loop_.run_until([&] { return handler_.ends.size() == 2; });
  EXPECT_THAT(handler_.ends, Contains("200 cut"));
}

TEST_F(Http2ServerTest, TellsOfInterimAnswers) {
  serve2(tell_early);
  const auto& a = answer_of(h2_->get("/", {{"expect", "100-continue"}}));
  EXPECT_THAT(a.interim, ElementsAre("103"));  // there is no content to wait for
  EXPECT_EQ(a.content, "done");
}

TEST_F(Http2ServerTest, AResetCancelsTheHandler) {
  serve2(answer_at_the_gate);
  const int32_t id = h2_->get("/");
  run_until_requests(1);
  h2_->reset(id);
  loop_.run_until([&] { return !handler_.ends.empty(); });
  EXPECT_EQ(handler_.cancelled, ErrorKind::kCancelled);
  EXPECT_THAT(handler_.ends, ElementsAre("0 cut gone"));
}

TEST_F(Http2ServerTest, AClientThatLeavesCancelsAll) {
  serve2(answer_at_the_gate);
  h2_->get("/1");
  run_until_requests(1);
  client_->reset();
  EXPECT_TRUE(run_until_closed());
  EXPECT_THAT(handler_.ends, ElementsAre("0 cut gone"));
}

TEST_F(Http2ServerTest, AnIdleConnectionIsEnded) {
  serve2(answer);
  answer_of(h2_->get("/"));
  loop_.advance(handler_.connection_limits.idle_timeout + 1s);
  run_until_over();
  EXPECT_THAT(h2_->goaways, ElementsAre(Pair(1, NGHTTP2_NO_ERROR)));
}

TEST_F(Http2ServerTest, WithoutSettingsItEnds) {
  serve();
  client_->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  hear(9);
  loop_.advance(handler_.connection_limits.header_timeout + 1s);
  EXPECT_TRUE(run_until_closed());
}

TEST_F(Http2ServerTest, AHeaderSectionThatDoesNotEndIsNotWaitedFor) {
  serve2(answer);
  answer_of(h2_->get("/"));
  client_->send(frame(NGHTTP2_HEADERS, 0, 3, "\x82"));
  loop_.run_until([&] { return client_->unsent_bytes() == 0; });
  uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
  loop_.advance(handler_.connection_limits.header_timeout + 1s);
  run_until_over();
  EXPECT_THAT(h2_->goaways, ElementsAre(Pair(testing::_, NGHTTP2_ENHANCE_YOUR_CALM)));
}

TEST_F(Http2ServerTest, AStalledStreamIsCutAndTheConnectionGoesOn) {
  serve2(answer_with_body, 0);  // nothing may be sent
  handler_.bodies.push_back(std::make_unique<test::ScriptedBody>());
  handler_.bodies.push_back(std::make_unique<test::ScriptedBody>());
  const int32_t id = h2_->get("/");
  run_until_requests(1);
  handler_.bodies[0]->feed("text");
  handler_.bodies[0]->end();
  loop_.settle();
  loop_.advance(handler_.connection_limits.write_timeout + 1s);
  run_until_over();
  EXPECT_EQ(h2_->answers[id].content, "");
  EXPECT_THAT(h2_->goaways, ElementsAre(Pair(testing::_, NGHTTP2_ENHANCE_YOUR_CALM)));
}

TEST_F(Http2ServerTest, WhatIsNotTakenIsNotRead) {
  serve2(answer_with_body);
  h2_->takes = false;
  handler_.bodies.push_back(std::make_unique<test::ScriptedBody>());
  for (int i = 0; i < 100; ++i) handler_.bodies[0]->feed(std::string(32 * 1024, 'z'));
  handler_.bodies[0]->end();
  const int32_t id = h2_->get("/");
  loop_.run_until([&] { return h2_->hear(), handler_.bodies[0]->paused > 0; });
  EXPECT_LE(handler_.bodies[0]->taken, 8U);
  EXPECT_LE(h2_->answers[id].content.size(), 65535U);
}

TEST_F(Http2ServerTest, AMalformedRequestIsNoHeaderSectionThatIsLate) {
  serve2(first_at_the_gate);
  const int32_t id = h2_->get("/");
  run_until_requests(1);
  EXPECT_EQ(answer_of(h2_->get("/", {{"connection", "close"}})).reset, NGHTTP2_PROTOCOL_ERROR);
  loop_.advance(handler_.connection_limits.header_timeout + 1s);
  EXPECT_THAT(h2_->goaways, IsEmpty());
  handler_.gate.set();
  EXPECT_EQ(answer_of(id).content, "late");
}

TEST_F(Http2ServerTest, AClientThatEndsItsSideWhileAnAnswerWaitsToBeTakenGetsNothingOfOthers) {
  serve2(big_answer, 1 << 30);
  client_->send(frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string("\x3f\xff\0\0", 4)));
  client_->ignore();
  h2_->get("/");
  run_until_requests(1);
  for (int i = 0; i < 20; ++i) uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
  client_->end();
  loop_.run_until([&] { return !handler_.ends.empty(); });
  EXPECT_THAT(handler_.ends, ElementsAre("200 cut gone"));
  client_->listen();
  EXPECT_TRUE(run_until_closed());
  EXPECT_LT(client_->received.size(), size_t{2} * 1024 * 1024);
}

TEST_F(Http2ServerTest, AStopReachesAHandlerWhoseClientHasGone) {
  serve2([](FakeHandler& handler, Exchange& ex) -> coro::Task<void> {
    ex.keep_on();
    co_await handler.gate.wait(&ex.cancel);
    ex.leave_off();
  });
  const int32_t id = h2_->get("/");
  run_until_requests(1);
  h2_->reset(id);
  for (int i = 0; i < 5; ++i) uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
  EXPECT_THAT(handler_.ends, IsEmpty());
  connection_->abort();
  EXPECT_TRUE(run_until_closed());
}

TEST_F(Http2ServerTest, AConnectionWithoutRequestsIsIdle) {
  serve2(answer);
  loop_.run_until([&] { return client_->received.size() > 9; });
  loop_.advance(handler_.connection_limits.header_timeout + 1s);
  uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
  h2_->hear();
  EXPECT_THAT(h2_->goaways, IsEmpty());
}

TEST_F(Http2ServerTest, DrainsInTwoSteps) {
  serve2(first_at_the_gate);
  const int32_t first = h2_->get("/1");
  run_until_requests(1);
  connection_->close_if_idle();
  loop_.run_until([&] { return client_->received.size() > 40; });
  // It has not heard yet: what it begins now is served.
  const int32_t second = h2_->get("/2");
  run_until_requests(2);
  h2_->hear();
  loop_.run_until([&] { return h2_->hear(), h2_->goaways.size() == 2; });
  EXPECT_THAT(h2_->goaways, ElementsAre(Pair(kNoLast, NGHTTP2_NO_ERROR), Pair(second, NGHTTP2_NO_ERROR)));
  EXPECT_EQ(handler_.connections_closed, 0);
  handler_.gate.set();
  EXPECT_EQ(answer_of(first).content, "late");
}

class Http2FloodTest : public Http2ServerTest, public testing::WithParamInterface<std::string> {};

TEST_P(Http2FloodTest, IsEnded) {
  serve2(answer);
  answer_of(h2_->get("/"));
  for (int i = 0; i < 2000; ++i) client_->send(GetParam());
  loop_.run_until([&] { return client_->over(); });
  // By hand: a client that did not send the frames itself would find fault with the answers to them.
  std::string_view left = client_->received;
  std::optional<uint8_t> code;
  while (left.size() >= 9) {
    const auto size = size_t{9} + static_cast<uint8_t>(left[2]) + 256U * static_cast<uint8_t>(left[1]);
    if (left[3] == NGHTTP2_GOAWAY) code = static_cast<uint8_t>(left[16]);
    left.remove_prefix(std::min(left.size(), size));
  }
  EXPECT_EQ(code, NGHTTP2_ENHANCE_YOUR_CALM);
}

INSTANTIATE_TEST_SUITE_P(Frames, Http2FloodTest,
                         testing::Values(frame(NGHTTP2_PING, 0, 0, "12345678"), frame(NGHTTP2_SETTINGS, 0, 0, ""),
                                         frame(NGHTTP2_PRIORITY, 0, 1001, std::string(5, '\0')),
                                         frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string("\0\0\0\1", 4)),
                                         frame(0xbb, 0, 0, "")));

TEST_F(Http2ServerTest, ResetsWithoutEndAreEnded) {
  serve2(answer_at_the_gate);
  for (int i = 0; i < 2000 && !client_->over(); ++i) {
    const int32_t id = h2_->get("/");
    if (id < 0) break;
    h2_->reset(id);
    uv_run(loop_.get()->uv(), UV_RUN_NOWAIT);
    h2_->hear();
  }
  run_until_over();
  EXPECT_THAT(h2_->goaways, Contains(Pair(testing::_, NGHTTP2_ENHANCE_YOUR_CALM)));
  EXPECT_LE(handler_.exchanges_made, 300U);
}

TEST_F(Http2ServerTest, RequestsThatCannotBeUnderstoodAreRefusedOnTheirStream) {
  handler_.connection_limits.head.header_bytes = 4096;
  serve2(answer);
  const auto status = [&](Http2Client::Fields fields) { return answer_of(h2_->request(std::move(fields))).status; };
  const Http2Client::Fields plain = {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  const auto with = [&](std::string name, std::string value) {
    Http2Client::Fields f = plain;
    f.emplace_back(std::move(name), std::move(value));
    return f;
  };
  EXPECT_EQ(status(plain), "200");
  EXPECT_EQ(status(with("host", "b")), "400");
  EXPECT_EQ(status(with("host", "A")), "200");
  EXPECT_EQ(status(with("x-long", std::string(5000, 'l'))), "431");
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}), "400");
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "http"}, {":authority", "u@a"}, {":path", "/"}}), "400");
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/a#b"}}), "400");
  EXPECT_EQ(handler_.connections_closed, 0);
}

}  // namespace
}  // namespace vg::http
