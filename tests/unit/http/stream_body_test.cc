#include <gtest/gtest.h>

#include "http/body.h"
#include "unit/http/serving.h"

namespace vg::http {
namespace {

using test::read_all;
using vg::test::Loop;
using vg::test::Wire;
using State = StreamBody::State;

class StreamBodyTest : public testing::Test {
 protected:
  void begin(Wire ends, Framing framing, uint64_t length = 0, uint64_t limit = UINT64_MAX) {
    ends_ = std::move(ends);
    head_.framing = framing;
    head_.content_length = length;
    body_.begin(ends_.stream.get(), head_, limit, {});
  }
  void begin(Framing framing, uint64_t length = 0, uint64_t limit = UINT64_MAX) {
    begin(vg::test::wire(loop_.get()), framing, length, limit);
  }
  std::optional<std::string> read() { return loop_.run(read_all(&body_, nullptr)); }
  /// Sends, and waits until it has come.
  void arrive(std::string_view text) {
    ends_.stream->resume_reading();
    ends_.peer->send(text);
    loop_.run_until([&] { return ends_.stream->data().size() == text.size(); });
  }
  ErrorKind failure() {
    EXPECT_EQ(read(), std::nullopt);
    return body_.error().kind;
  }

  Loop loop_;
  Wire ends_;
  RequestHead head_;
  StreamBody body_;
};

TEST_F(StreamBodyTest, NoContentIsAtItsEndAtOnce) {
  begin(Framing::kNone);
  std::string_view piece;
  EXPECT_TRUE(body_.at_end());
  EXPECT_EQ(body_.peek(&piece), State::kEnd);
  EXPECT_EQ(body_.length(), 0u);
}

TEST_F(StreamBodyTest, ALengthIsReadToItsEndAndNothingBehindIt) {
  begin(Framing::kLength, 11);
  EXPECT_EQ(body_.length(), 11u);
  arrive("hello worldGET /");
  EXPECT_EQ(read(), "hello world");
  EXPECT_TRUE(body_.at_end());
  EXPECT_EQ(body_.received_bytes(), 11u);
  EXPECT_EQ(ends_.stream->data(), "GET /");
}

TEST_F(StreamBodyTest, ALengthOfNothingIsAtItsEnd) {
  begin(Framing::kLength, 0);
  EXPECT_EQ(read(), "");
}

TEST_F(StreamBodyTest, WhatIsRewoundIsReadOnceMoreAndNothingBehindIt) {
  for (const Framing framing : {Framing::kLength, Framing::kChunked}) {
    begin(framing, 11);
    arrive(framing == Framing::kLength ? "hello worldGET /" : "b\r\nhello world\r\n0\r\n\r\nGET /");
    EXPECT_EQ(read(), "hello world");
    body_.rewind("hello world");
    EXPECT_FALSE(body_.at_end());
    EXPECT_EQ(body_.framing(), framing);
    EXPECT_EQ(body_.length().has_value(), framing == Framing::kLength);
    EXPECT_EQ(read(), "hello world");
    EXPECT_TRUE(body_.at_end());
    EXPECT_EQ(body_.received_bytes(), 11u) << "it came once";
    EXPECT_EQ(ends_.stream->data(), "GET /");
  }
}

TEST_F(StreamBodyTest, MuchThatIsRewoundComesInPieces) {
  const std::string content(300'000, 'x');
  begin(Framing::kNone);
  body_.rewind(content);
  std::string_view piece;
  ASSERT_EQ(body_.peek(&piece), State::kData);
  EXPECT_LT(piece.size(), content.size());
  EXPECT_EQ(read(), content);
  body_.rewind(content);
  EXPECT_TRUE(body_.discard_buffered());
  body_.rewind("");
  EXPECT_TRUE(body_.at_end());
}

TEST_F(StreamBodyTest, ANewMessageForgetsWhatWasRewound) {
  begin(Framing::kNone);
  body_.rewind("old");
  begin(Framing::kLength, 3);
  arrive("new");
  EXPECT_EQ(read(), "new");
}

TEST_F(StreamBodyTest, APieceStaysUntilItIsConsumed) {
  begin(Framing::kLength, 6);
  arrive("abc");
  std::string_view piece, again;
  EXPECT_EQ(body_.peek(&piece), State::kData);
  EXPECT_EQ(body_.peek(&again), State::kData);
  EXPECT_EQ(piece, "abc");
  EXPECT_EQ(again, piece);
  body_.consume();
  EXPECT_EQ(body_.peek(&piece), State::kWait);
  arrive("def");
  EXPECT_EQ(read(), "def");
}

TEST_F(StreamBodyTest, ChunksAreDecodedHoweverTheyArrive) {
  const std::string text = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 7\r\n\r\n";
  for (size_t at = 1; at < text.size(); ++at) {
    begin(Framing::kChunked);
    EXPECT_EQ(body_.length(), std::nullopt);
    arrive(text.substr(0, at));
    std::optional<std::optional<std::string>> got;
    coro::Scope scope;
    scope.spawn(vg::test::keep_result(read_all(&body_, nullptr), &got));
    ends_.peer->send(text.substr(at) + "GET");
    loop_.run_until([&] { return got.has_value(); });
    EXPECT_EQ(*got, "hello world") << at;
    EXPECT_EQ(body_.trailers().get("x-sum"), "7") << at;
    EXPECT_EQ(body_.received_bytes(), 11u) << at;
    ends_.stream->resume_reading();
    loop_.run_until([&] { return !ends_.stream->data().empty(); });
    EXPECT_TRUE(std::string_view("GET").starts_with(ends_.stream->data())) << at;
  }
}

TEST_F(StreamBodyTest, TrailersOfOneMessageAreGoneInTheNext) {
  begin(Framing::kChunked);
  arrive("0\r\nX-Sum: 7\r\n\r\n");
  EXPECT_EQ(read(), "");
  body_.begin(ends_.stream.get(), head_, UINT64_MAX, {});
  arrive("1\r\na\r\n0\r\n\r\n");
  EXPECT_EQ(read(), "a");
  EXPECT_TRUE(body_.trailers().fields().empty());
}

TEST_F(StreamBodyTest, UntilCloseEndsWithTheConnection) {
  begin(Framing::kUntilClose);
  ends_.peer->send("all of it");
  ends_.peer->end();
  EXPECT_EQ(read(), "all of it");
  EXPECT_TRUE(body_.at_end());
}

TEST_F(StreamBodyTest, AConnectionThatEndsEarlyCutsTheMessage) {
  begin(Framing::kLength, 5);
  ends_.peer->send("four");
  ends_.peer->end();
  EXPECT_EQ(failure(), ErrorKind::kReset);
  for (const char* text : {"5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0", "5\r\nhello\r\n0\r\n", ""}) {
    begin(Framing::kChunked);
    ends_.peer->send(text);
    ends_.peer->end();
    EXPECT_EQ(failure(), ErrorKind::kReset) << text;
    EXPECT_FALSE(body_.at_end());
  }
}

TEST_F(StreamBodyTest, AResetCutsEveryMessage) {
  for (const Framing framing : {Framing::kLength, Framing::kChunked, Framing::kUntilClose}) {
    begin(vg::test::tcp_wire(loop_.get()), framing, 5);
    ends_.peer->reset();
    EXPECT_EQ(failure(), ErrorKind::kReset) << static_cast<int>(framing);
  }
}

TEST_F(StreamBodyTest, WhatIsNotChunkedCodingIsAProtocolError) {
  begin(Framing::kChunked);
  ends_.peer->send("5\r\nhello\nX");
  EXPECT_EQ(failure(), ErrorKind::kUpstreamProtocol);
  EXPECT_STRNE(body_.error().detail.c_str(), "");
}

TEST_F(StreamBodyTest, TheLimitIsInclusive) {
  begin(Framing::kLength, 5, 5);
  arrive("hello");
  EXPECT_EQ(read(), "hello");
  begin(Framing::kChunked, 0, 5);
  arrive("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  EXPECT_EQ(read(), "hello");
}

TEST_F(StreamBodyTest, MoreThanTheLimitIsAnError) {
  begin(Framing::kUntilClose, 0, 4);
  arrive("hello");
  EXPECT_EQ(failure(), ErrorKind::kBadRequest);
  begin(Framing::kChunked, 0, 4);
  arrive("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  EXPECT_EQ(failure(), ErrorKind::kBadRequest);
  EXPECT_EQ(body_.received_bytes(), 2u);
}

TEST_F(StreamBodyTest, AChunksSizeTellsOfTheLimitBeforeItHasCome) {
  begin(Framing::kChunked, 0, 1000);
  arrive("fffff\r\nx");
  std::string_view piece;
  EXPECT_EQ(body_.peek(&piece), State::kError);
  EXPECT_EQ(body_.error().kind, ErrorKind::kBadRequest);
}

TEST_F(StreamBodyTest, ALimitThatIsSetLaterHolds) {
  begin(Framing::kLength, 5);
  body_.set_limit(4);
  arrive("hello");
  EXPECT_EQ(failure(), ErrorKind::kBadRequest);
}

TEST_F(StreamBodyTest, ACancelledWaitFailsTheBodyWithTheReason) {
  for (const ErrorKind why : {ErrorKind::kTimeout, ErrorKind::kCancelled}) {
    begin(Framing::kLength, 5);
    coro::CancelSource cancel;
    coro::Scope scope;
    scope.spawn(body_.wait(&cancel));
    EXPECT_TRUE(body_.waiting());
    cancel.cancel(why);
    loop_.settle();
    EXPECT_EQ(scope.running(), 0u);
    EXPECT_FALSE(body_.waiting());
    std::string_view piece;
    EXPECT_EQ(body_.peek(&piece), State::kError);
    EXPECT_EQ(body_.error().kind, why);
  }
}

TEST_F(StreamBodyTest, DiscardingTellsWhetherThatWasAll) {
  begin(Framing::kLength, 5);
  arrive("hel");
  EXPECT_FALSE(body_.discard_buffered());
  EXPECT_EQ(body_.received_bytes(), 3u);
  arrive("loGET");
  EXPECT_TRUE(body_.discard_buffered());
  EXPECT_EQ(ends_.stream->data(), "GET");
}

TEST_F(StreamBodyTest, AStreamThatIsNotReadStopsTheSender) {
  begin(Framing::kUntilClose);
  const std::string much(8 * 1024 * 1024, 'x');
  ends_.peer->send(much);
  // What the kernel holds, and what one read brought: the rest stays with the sender.
  loop_.run_until([&] { return !ends_.stream->data().empty(); });
  EXPECT_LE(ends_.stream->data().size(), net::EventLoop::kReadBufferBytes);
  EXPECT_GT(ends_.peer->unsent_bytes(), much.size() / 2);
  ends_.peer->end();
  EXPECT_EQ(read()->size(), much.size());
}

}  // namespace
}  // namespace vg::http
