// Responses whose content is streamed from a body.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/http/serving.h"

namespace vg::http {
namespace {

using namespace std::chrono_literals;
using test::ScriptedBody;
using testing::ElementsAre;

constexpr std::string_view kChunkedHead = "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n";

coro::Task<void> impatient(test::FakeHandler& handler, Exchange& ex) {
  co_await test::answer_with_body(handler, ex);
  ex.response.stream_idle = 20ms;
}

class ResponseStreamTest : public test::ServingTest {
 protected:
  ResponseStreamTest() : ServingTest(test::answer_with_body) {}
  ScriptedBody& add_body(std::optional<uint64_t> length = std::nullopt) {
    handler_.bodies.push_back(std::make_unique<ScriptedBody>(length));
    return *handler_.bodies.back();
  }
  void ask(std::string_view method = "GET", std::string_view version = "1.1") {
    client_->send(std::string(method) + " / HTTP/" + std::string(version) + "\r\nHost: a\r\n\r\n");
  }
  void feed(ScriptedBody& body, std::string piece) {
    body.feed(std::move(piece));
    loop_.settle();
  }
};

TEST_F(ResponseStreamTest, AKnownLengthIsSentAsOne) {
  ScriptedBody& body = add_body(6);
  body.feed("abc");
  body.feed("def");
  body.end();
  serve();
  ask();
  const std::string expected = "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 6\r\n\r\nabcdef";
  EXPECT_EQ(hear(expected), expected);
  loop_.run_until([&] { return connection_->idle(); });
  EXPECT_EQ(body.released, 1u);
}

TEST_F(ResponseStreamTest, AnUnknownLengthIsChunkedAndTheConnectionGoesOn) {
  ScriptedBody& body = add_body();
  body.feed("abc");
  body.feed(std::string(20, 'd'));
  body.trailer("X-Sum", "7");
  body.trailer("Content-Length", "7");
  body.end();
  add_body(0).end();
  serve();
  ask();
  ask();
  const std::string expected = std::string(kChunkedHead) + "3\r\nabc\r\n14\r\n" + std::string(20, 'd') +
                               "\r\n0\r\nX-Sum: 7\r\n\r\n" +
                               "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(hear(expected), expected);
  EXPECT_THAT(handler_.sent_content, ElementsAre(23u, 0u));
}

TEST_F(ResponseStreamTest, Http10GetsAnUnknownLengthUntilTheEnd) {
  ScriptedBody& body = add_body();
  body.feed("abc");
  body.end();
  serve();
  client_->send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(hear_all(), "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\nabc");
}

TEST_F(ResponseStreamTest, HeadGetsTheLengthAndNoContent) {
  ScriptedBody& body = add_body(3);
  body.feed("abc");
  body.end();
  add_body().end();
  serve();
  ask("HEAD");
  ask("HEAD");
  const std::string expected =
      "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\nDate: now\r\n\r\n";
  EXPECT_EQ(hear(expected), expected);
  EXPECT_EQ(body.taken, 0u);
  loop_.run_until([&] { return handler_.ends.size() == 2; });
  EXPECT_EQ(body.released, 1u);
}

TEST_F(ResponseStreamTest, APieceIsSentBeforeTheNextExists) {
  ScriptedBody& body = add_body();
  serve();
  ask();
  EXPECT_EQ(hear(kChunkedHead), kChunkedHead);
  feed(body, "abc");
  EXPECT_EQ(hear("3\r\nabc\r\n"), "3\r\nabc\r\n");
  feed(body, "d");
  EXPECT_EQ(hear("1\r\nd\r\n"), "1\r\nd\r\n");
  body.end();
  EXPECT_EQ(hear("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(ResponseStreamTest, LargePiecesArriveWhole) {
  ScriptedBody& body = add_body();
  std::string expected(kChunkedHead);
  for (const size_t size : {1u, 16383u, 16384u, 16385u, 300000u, 7u}) {
    body.feed(std::string(size, 'x'));
    char head[16];
    snprintf(head, sizeof head, "%zx\r\n", size);
    expected += head + std::string(size, 'x') + "\r\n";
  }
  body.end();
  expected += "0\r\n\r\n";
  serve();
  ask();
  EXPECT_TRUE(hear(expected) == expected);
}

TEST_F(ResponseStreamTest, ABodyIsNotPulledWhileTheClientDoesNotRead) {
  ScriptedBody& body = add_body();
  const std::string piece(64 * 1024, 'x');
  constexpr size_t kPieces = 400;
  for (size_t i = 0; i < kPieces; ++i) body.feed(piece);
  body.end();
  serve();
  client_->ignore();
  ask();
  loop_.run_until([&] { return body.paused > 0; });
  const size_t taken = body.taken;
  EXPECT_LT(taken, kPieces / 2) << "what the kernel takes, and one piece";
  client_->listen();
  const std::string heard = hear(kPieces * (piece.size() + 9));
  EXPECT_EQ(body.taken, kPieces);
  EXPECT_EQ(std::count(heard.begin(), heard.end(), 'x'), static_cast<ptrdiff_t>(kPieces * piece.size()));
  EXPECT_THAT(handler_.sent_content, ElementsAre(kPieces * piece.size()));
}

TEST_F(ResponseStreamTest, AClientThatStopsReadingIsCutAndTheBodyReleased) {
  handler_.connection_limits.write_timeout = 20ms;
  ScriptedBody& body = add_body();
  for (size_t i = 0; i < 400; ++i) body.feed(std::string(64 * 1024, 'x'));
  serve(vg::test::tcp_wire(loop_.get()));
  client_->ignore();
  ask();
  run_until_closed();
  EXPECT_THAT(handler_.ends, ElementsAre("200 cut"));
  EXPECT_EQ(body.released, 1u);
}

TEST_F(ResponseStreamTest, ABodyThatFailsResetsTheConnection) {
  for (const bool sized : {false, true}) {
    handler_.connections_closed = 0;
    handler_.requests.clear();
    handler_.bodies.clear();
    ScriptedBody& body = add_body(sized ? std::optional<uint64_t>(10) : std::nullopt);
    serve(vg::test::tcp_wire(loop_.get()));
    ask();
    loop_.run_until([&] { return !client_->received.empty(); });
    feed(body, "abc");
    loop_.run_until([&] { return client_->received.find("abc") != std::string::npos; });
    body.fail();
    run_until_closed();
    hear_all();
    EXPECT_TRUE(client_->broken) << sized;
    EXPECT_EQ(body.released, 1u);
  }
  EXPECT_THAT(handler_.ends, ElementsAre("200 cut", "200 cut"));
}

TEST_F(ResponseStreamTest, ABodyWithoutAByteForTooLongIsCut) {
  add_body().feed("abc");
  serve(impatient);
  ask();
  run_until_closed();
  EXPECT_THAT(handler_.ends, ElementsAre("200 cut"));
}

TEST_F(ResponseStreamTest, AClientThatLeavesEndsTheWaitForTheBody) {
  ScriptedBody& body = add_body();
  serve(vg::test::tcp_wire(loop_.get()));
  ask();
  loop_.run_until([&] { return !client_->received.empty(); });
  client_->reset();
  run_until_closed();
  EXPECT_THAT(handler_.ends, ElementsAre("200 cut gone"));
  EXPECT_EQ(body.released, 1u);
}

}  // namespace
}  // namespace vg::http
