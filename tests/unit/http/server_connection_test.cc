#include "http/server_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/http/serving.h"

namespace vg::http {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::answer_at_the_gate;
using test::echo;
using test::FakeHandler;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string ok(std::string_view content, std::string_view fields = {}) {
  return "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: " + std::to_string(content.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(content);
}
std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

coro::Task<void> note_peer(FakeHandler&, Exchange& ex) {
  test::say(ex, ex.connection->peer_ip());
  co_return;
}
coro::Task<void> ask_for_the_body_twice(FakeHandler&, Exchange& ex) {
  ex.want_body();
  ex.want_body();
  const std::optional<std::string> content = co_await test::read_all(&ex.body, &ex.cancel);
  test::say(ex, content.value_or("none"));
}
coro::Task<void> no_answer(FakeHandler&, Exchange&) { co_return; }
coro::Task<void> big_answer(FakeHandler&, Exchange& ex) {
  test::say(ex, std::string(16 * 1024 * 1024, 'x'));
  co_return;
}
// Small enough to go out with its head in one write.
const std::string kPage(12 * 1024, 'x');
constexpr size_t kPages = 2000;  // more than the sockets hold
coro::Task<void> page(FakeHandler&, Exchange& ex) {
  test::say(ex, kPage);
  co_return;
}
std::string times(size_t n, std::string_view text) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out.append(text);
  return out;
}
coro::Task<void> wait_on_the_side(FakeHandler* handler, Exchange* ex) {
  const bool opened = co_await handler->gate.wait(&ex->side_cancel);
  if (!opened) handler->cancelled = ex->side_cancel.reason();
}
coro::Task<void> answer_with_side_work(FakeHandler& handler, Exchange& ex) {
  ex.scope.spawn(wait_on_the_side(&handler, &ex));
  test::say(ex, "done");
  co_return;
}

class ServerConnectionTest : public test::ServingTest {};

TEST_F(ServerConnectionTest, AnswersOneRequestAfterTheOther) {
  serve();
  for (const char* target : {"/1", "/2", "/3"}) {
    client_->send(get(target));
    const std::string expected = ok("to " + std::string(target));
    EXPECT_EQ(hear(expected), expected);
  }
  EXPECT_EQ(handler_.exchanges_made, 1u) << "an exchange is used again";
  EXPECT_THAT(handler_.ends, ElementsAre("200", "200", "200"));
  EXPECT_EQ(handler_.connections_closed, 0);
  EXPECT_TRUE(connection_->idle());
}

TEST_F(ServerConnectionTest, AHeadMayComeByteByByte) {
  serve();
  for (const char c : get("/slow")) {
    client_->send(std::string_view(&c, 1));
    loop_.run_until([&] { return connection_->stream().data().empty(); });
  }
  EXPECT_EQ(hear(ok("to /slow")), ok("to /slow"));
}

TEST_F(ServerConnectionTest, PipelinedRequestsAreAnsweredInOrder) {
  serve(answer_at_the_gate);
  client_->send(get("/1") + get("/2") + get("/3"));
  loop_.run_until([&] { return handler_.requests.size() == 1; });
  EXPECT_EQ(client_->received, "");
  handler_.act = answer;
  handler_.gate.set();
  const std::string expected = ok("late") + ok("to /2") + ok("to /3");
  EXPECT_EQ(hear(expected), expected);
  EXPECT_THAT(handler_.requests, ElementsAre("GET /1", "GET /2", "GET /3"));
}

TEST_F(ServerConnectionTest, APipelinedHeadMayBeCutAnywhere) {
  const std::string text =
      get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  serve();
  for (size_t at = 1; at < text.size(); at += 7) {
    client_->send(text.substr(0, at));
    loop_.run_until([&] { return connection_->stream().data().empty() || !connection_->idle(); });
    client_->send(text.substr(at));
    const std::string expected = ok("to /1") + ok("to /2");
    EXPECT_EQ(hear(expected), expected) << at;
    ASSERT_EQ(handler_.connections_closed, 0) << at;
  }
}

TEST_F(ServerConnectionTest, ContentReachesTheHandlerAndTheNextRequestFollows) {
  serve(echo);
  client_->send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloPOST / HTTP/1.1\r\nHost: a\r\n"
      "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
  loop_.run_until([&] { return handler_.requests.size() == 2; });
  client_->send("1\r\nc\r\n0\r\nX: y\r\n\r\n" + get("/"));
  const std::string expected = ok("hello") + ok("abc") + ok("");
  EXPECT_EQ(hear(expected), expected);
  EXPECT_THAT(handler_.contents, ElementsAre("hello", "abc", ""));
}

TEST_F(ServerConnectionTest, ContentThatNobodyReadIsSkippedIfItIsHere) {
  serve();
  client_->send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/2"));
  EXPECT_EQ(hear(ok("to /1") + ok("to /2")), ok("to /1") + ok("to /2"));
}

TEST_F(ServerConnectionTest, ContentThatIsStillToComeEndsTheConnection) {
  serve();
  client_->send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nhello");
  EXPECT_EQ(hear_all(), ok("to /1", "Connection: close\r\n"));
  EXPECT_TRUE(client_->eof) << "ended, not reset, so that the answer is not lost";
  client_->send(std::string(495, 'x'));
  client_->end();
  run_until_closed();
  EXPECT_EQ(handler_.requests.size(), 1u);
}

TEST_F(ServerConnectionTest, ContentThatIsCutShortIsTold) {
  for (const char* head : {"Content-Length: 5\r\n\r\nhell", "Transfer-Encoding: chunked\r\n\r\n5\r\nhell"}) {
    handler_.connections_closed = 0;
    serve(echo);
    client_->send("POST / HTTP/1.1\r\nHost: a\r\n" + std::string(head));
    client_->end();
    EXPECT_THAT(hear_all(), HasSubstr("Connection: close\r\n"));
    run_until_closed();
  }
  EXPECT_THAT(handler_.content_errors, ElementsAre(ErrorKind::kReset, ErrorKind::kReset));
  EXPECT_THAT(handler_.contents, ElementsAre());
}

TEST_F(ServerConnectionTest, ABrokenChunkIsTold) {
  serve(echo);
  client_->send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" +
                get("/smuggled"));
  EXPECT_THAT(hear_all(), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(handler_.content_errors, ElementsAre(ErrorKind::kUpstreamProtocol));
  EXPECT_THAT(handler_.requests, ElementsAre("POST /")) << "nothing behind it is a request";
}

TEST_F(ServerConnectionTest, ALimitOfContentIsInForce) {
  handler_.connection_limits.body_bytes = 4;
  serve(echo);
  client_->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(hear_all(), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(handler_.content_errors, ElementsAre(ErrorKind::kBadRequest));
}

TEST_F(ServerConnectionTest, WhoWantsToCloseIsClosed) {
  serve();
  client_->send(get("/1", "Connection: close\r\n") + get("/2"));
  EXPECT_EQ(hear_all(), ok("to /1", "Connection: close\r\n"));
  client_->end();
  run_until_closed();
  EXPECT_EQ(handler_.requests.size(), 1u);
}

TEST_F(ServerConnectionTest, Http10EndsUnlessItAsksToStay) {
  serve();
  client_->send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(hear_all(), ok("to /1", "Connection: keep-alive\r\n") + ok("to /2", "Connection: close\r\n"));
}

TEST_F(ServerConnectionTest, AHeadThatCannotBeReadIsRejectedAndEndsTheConnection) {
  serve();
  client_->send(get("/1") + "GET  / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/3"));
  const std::string heard = hear_all();
  EXPECT_THAT(heard, StartsWith(ok("to /1") + "HTTP/1.1 400 "));
  EXPECT_THAT(heard, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(handler_.rejected.size(), 1u);
  EXPECT_THAT(handler_.requests, ElementsAre("GET /1"));
  EXPECT_THAT(handler_.ends, ElementsAre("200", "400"));
}

TEST_F(ServerConnectionTest, ARejectedHeadMayComeInPieces) {
  serve();
  client_->send("GET / HTTP/1.1\r\nHo");
  loop_.run_until([&] { return !connection_->idle(); });
  client_->send("st : a\r\n\r\n");
  EXPECT_THAT(hear_all(), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ServerConnectionTest, AClientThatLeavesBeforeARequestIsGoneQuietly) {
  serve();
  client_->send("GET / HT");
  client_->end();
  EXPECT_EQ(hear_all(), "");
  run_until_closed();
  EXPECT_THAT(handler_.requests, ElementsAre());
  EXPECT_THAT(handler_.rejected, ElementsAre());
}

TEST_F(ServerConnectionTest, AnIdleConnectionIsClosedWithoutAWord) {
  handler_.connection_limits.idle_timeout = 20ms;
  serve();
  client_->send(get("/1"));
  EXPECT_EQ(hear_all(), ok("to /1"));
  EXPECT_EQ(handler_.ends.size(), 1u);
}

TEST_F(ServerConnectionTest, AHeadThatDoesNotArriveInTimeGets408) {
  handler_.connection_limits.header_timeout = 20ms;
  serve();
  client_->send("GET / HTTP/1.1\r\nHost: a\r\n");
  EXPECT_THAT(hear_all(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(handler_.rejected.at(0).substr(0, 3), "408");
}

TEST_F(ServerConnectionTest, EmptyLinesAreNoRequestThatIsOwedAnAnswer) {
  handler_.connection_limits.header_timeout = 20ms;
  serve();
  client_->send("\r\n");
  EXPECT_EQ(hear_all(), "");
  EXPECT_THAT(handler_.rejected, ElementsAre());
}

TEST_F(ServerConnectionTest, AClientThatResetsCancelsItsRequest) {
  serve(vg::test::tcp_wire(loop_.get()));
  handler_.act = answer_at_the_gate;
  client_->send(get("/"));
  loop_.run_until([&] { return handler_.requests.size() == 1; });
  client_->reset();
  run_until_closed();
  EXPECT_EQ(handler_.cancelled, ErrorKind::kCancelled);
  EXPECT_THAT(handler_.ends, ElementsAre("0 gone"));
}

TEST_F(ServerConnectionTest, AClientThatEndsItsSendingSideGetsItsAnswer) {
  serve(answer_at_the_gate);
  client_->send(get("/"));
  client_->end();
  loop_.run_until([&] { return handler_.requests.size() == 1; });
  handler_.gate.set();
  EXPECT_EQ(hear_all(), ok("late"));
  run_until_closed();
}

TEST_F(ServerConnectionTest, AbortCancelsAndCloses) {
  serve(answer_at_the_gate);
  client_->send(get("/"));
  loop_.run_until([&] { return handler_.requests.size() == 1; });
  connection_->abort();
  run_until_closed();
  EXPECT_EQ(handler_.cancelled, ErrorKind::kCancelled);
  EXPECT_EQ(hear_all(), "");
}

TEST_F(ServerConnectionTest, AnExchangeWithoutAnAnswerClosesTheConnection) {
  serve(no_answer);
  client_->send(get("/"));
  EXPECT_EQ(hear_all(), "");
  EXPECT_THAT(handler_.ends, ElementsAre("0"));
}

TEST_F(ServerConnectionTest, ADrainEndsAConnectionAfterItsAnswer) {
  serve(answer_at_the_gate);
  client_->send(get("/1") + get("/2"));
  loop_.run_until([&] { return handler_.requests.size() == 1; });
  handler_.is_draining = true;
  connection_->close_if_idle();
  handler_.gate.set();
  EXPECT_EQ(hear_all(), ok("late", "Connection: close\r\n"));
}

TEST_F(ServerConnectionTest, ADrainClosesWhatIsIdle) {
  serve();
  client_->send(get("/1"));
  hear(ok("to /1"));
  handler_.is_draining = true;
  loop_.run_until([&] { return connection_->idle(); });
  connection_->close_if_idle();
  EXPECT_EQ(hear_all(), "");
}

TEST_F(ServerConnectionTest, ADrainGrantsAFirstRequestToWhoJustConnected) {
  serve();
  handler_.is_draining = true;
  connection_->close_if_idle();
  client_->send(get("/1"));
  EXPECT_EQ(hear_all(), ok("to /1", "Connection: close\r\n"));
}

TEST_F(ServerConnectionTest, ContinueIsSaidOnceAndOnlyIfTheContentIsNotHere) {
  serve(ask_for_the_body_twice);
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  client_->send(head);
  EXPECT_EQ(hear(go_on), go_on);
  client_->send("hello" + head + "hello");
  EXPECT_EQ(hear(ok("hello") + ok("hello")), ok("hello") + ok("hello"));
}

TEST_F(ServerConnectionTest, AnAnswerInsteadOfContinueEndsTheConnection) {
  serve();
  client_->send("POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(hear_all(), ok("to /1", "Connection: close\r\n"));
}

TEST_F(ServerConnectionTest, AnAnswerThatTheSocketDoesNotTakeAtOnceIsWhole) {
  serve(big_answer);
  client_->ignore();
  client_->send(get("/"));
  loop_.run_until([&] { return connection_->stream().write_pending(); });
  client_->listen();
  const std::string expected = ok(std::string(16 * 1024 * 1024, 'x'));
  EXPECT_EQ(hear(expected) == expected, true);
  EXPECT_THAT(handler_.ends, ElementsAre("200"));
  EXPECT_THAT(handler_.sent_content, ElementsAre(16u * 1024 * 1024));
}

TEST_F(ServerConnectionTest, AClientThatDoesNotReadIsCutOff) {
  handler_.connection_limits.write_timeout = 20ms;
  serve(vg::test::tcp_wire(loop_.get()));
  handler_.act = big_answer;
  client_->ignore();
  client_->send(get("/"));
  run_until_closed();
  EXPECT_THAT(handler_.ends, ElementsAre("200 cut"));
  client_->listen();
  hear_all();
  EXPECT_TRUE(client_->broken) << "reset, so that nobody takes it for the whole";
}

TEST_F(ServerConnectionTest, SmallAnswersThatTheSocketDoesNotTakeAtOnceAreWhole) {
  serve(page);
  client_->ignore();
  client_->send(times(kPages, get("/")));
  loop_.run_until([&] { return connection_->stream().write_pending(); });
  EXPECT_LT(handler_.ends.size(), kPages);
  client_->listen();
  const std::string expected = times(kPages, ok(kPage));
  EXPECT_EQ(hear(expected) == expected, true);
  EXPECT_EQ(handler_.ends, std::vector<std::string>(kPages, "200"));
}

TEST_F(ServerConnectionTest, AClientThatDoesNotReadASmallAnswerIsCutOff) {
  handler_.connection_limits.write_timeout = 20ms;
  serve(vg::test::tcp_wire(loop_.get()));
  handler_.act = page;
  client_->ignore();
  client_->send(times(kPages, get("/")));
  run_until_closed();
  ASSERT_LT(handler_.ends.size(), kPages);
  EXPECT_EQ(handler_.ends.back(), "200 cut");
}

TEST_F(ServerConnectionTest, WorkBesideTheAnswerIsCancelledAndJoinedBeforeTheNext) {
  serve(answer_with_side_work);
  client_->send(get("/1"));
  EXPECT_EQ(hear(ok("done")), ok("done"));
  loop_.run_until([&] { return handler_.ends.size() == 1; });
  EXPECT_EQ(handler_.cancelled, ErrorKind::kCancelled);
  handler_.act = answer;
  client_->send(get("/2"));
  EXPECT_EQ(hear(ok("to /2")), ok("to /2"));
}

TEST_F(ServerConnectionTest, ThePeersAddressIsKnown) {
  serve(vg::test::tcp_wire(loop_.get()));
  handler_.act = note_peer;
  client_->send(get("/"));
  EXPECT_EQ(hear(ok("127.0.0.1")), ok("127.0.0.1"));
}

TEST_F(ServerConnectionTest, APeerOnAUnixSocketIsCalledUnix) {
  serve(note_peer);
  client_->send(get("/"));
  EXPECT_EQ(hear(ok("unix")), ok("unix"));
}

}  // namespace
}  // namespace vg::http
