#include <gtest/gtest.h>

#include <random>

#include "unit/http/head_feed.h"

namespace vg::http {
namespace {

using test::each;
using test::Fed;
using test::feed_response;
using test::whole;

ResponseHead parsed(std::string_view text, Method method = Method::kGet) {
  ResponseHead head;
  const Fed fed = feed_response(text, method, whole(), {}, &head);
  EXPECT_EQ(fed.status, ParseStatus::kDone) << text << "\n" << fed.reason;
  EXPECT_EQ(fed.consumed, text.size());
  return head;
}

std::string with_fields(std::string_view lines, std::string_view start = "HTTP/1.1 200 OK") {
  return std::string(start) + "\r\n" + std::string(lines) + "\r\n";
}

TEST(ResponseParser, GivesStatusReasonAndFields) {
  const ResponseHead head = parsed("HTTP/1.1 404 Not \tFound \xc3\xa9\r\nX: y\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason(), "Not \tFound \xc3\xa9");
  EXPECT_EQ(head.get("x"), "y");
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 3U);
  EXPECT_TRUE(head.keep_alive);
}

TEST(ResponseParser, TheReasonMayBeMissing) {
  EXPECT_EQ(parsed("HTTP/1.1 200 \r\n\r\n").reason(), "");
  EXPECT_EQ(parsed("HTTP/1.1 200\r\n\r\n").reason(), "");
  EXPECT_EQ(parsed("HTTP/1.1 200  x\r\n\r\n").reason(), " x");
}

TEST(ResponseParser, WithoutFramingTheContentEndsWithTheConnection) {
  const ResponseHead head = parsed(with_fields(""));
  EXPECT_EQ(head.framing, Framing::kUntilClose);
  EXPECT_FALSE(head.keep_alive);
}

TEST(ResponseParser, KeepAliveIsByVersionAndConnection) {
  EXPECT_TRUE(parsed(with_fields("Content-Length: 0\r\n")).keep_alive);
  EXPECT_FALSE(parsed(with_fields("Content-Length: 0\r\nConnection: close\r\n")).keep_alive);
  EXPECT_FALSE(parsed(with_fields("Content-Length: 0\r\n", "HTTP/1.0 200 OK")).keep_alive);
  EXPECT_TRUE(parsed(with_fields("Content-Length: 0\r\nConnection: keep-alive\r\n", "HTTP/1.0 200 OK")).keep_alive);
  EXPECT_TRUE(parsed(with_fields("Transfer-Encoding: chunked\r\n")).keep_alive);
}

TEST(ResponseParser, AnswersToHeadAnd304KeepTheLengthButHaveNoContent) {
  ResponseHead head = parsed(with_fields("Content-Length: 7\r\n"), Method::kHead);
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_EQ(head.content_length, 7U);
  EXPECT_TRUE(head.keep_alive);
  head = parsed(with_fields("Content-Length: 7\r\n", "HTTP/1.1 304 Not Modified"));
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_EQ(head.content_length, 7U);
  EXPECT_TRUE(head.keep_alive);
  head = parsed(with_fields("Transfer-Encoding: chunked\r\n"), Method::kHead);
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(parsed(with_fields(""), Method::kHead).keep_alive);
}

TEST(ResponseParser, A204HasNoContentAndWithFramingItsConnectionIsNotKept) {
  EXPECT_EQ(parsed(with_fields("", "HTTP/1.1 204 No Content")).framing, Framing::kNone);
  EXPECT_TRUE(parsed(with_fields("", "HTTP/1.1 204 No Content")).keep_alive);
  EXPECT_TRUE(parsed(with_fields("Content-Length: 0\r\n", "HTTP/1.1 204 No Content")).keep_alive);
  const ResponseHead sized = parsed(with_fields("Content-Length: 5\r\n", "HTTP/1.1 204 No Content"));
  EXPECT_EQ(sized.framing, Framing::kNone);
  EXPECT_FALSE(sized.keep_alive);
  EXPECT_FALSE(parsed(with_fields("Transfer-Encoding: chunked\r\n", "HTTP/1.1 204 No Content")).keep_alive);
}

TEST(ResponseParser, InterimHeadsAreCompleteAndHaveNoContent) {
  for (const char* start : {"HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints", "HTTP/1.1 199 x"}) {
    const ResponseHead head = parsed(with_fields("Link: </a>\r\n", start));
    EXPECT_EQ(head.framing, Framing::kNone) << start;
    EXPECT_TRUE(head.keep_alive) << start;
    EXPECT_EQ(feed_response(with_fields("Content-Length: 5\r\n", start)).error, 502) << start;
    EXPECT_EQ(feed_response(with_fields("Transfer-Encoding: chunked\r\n", start)).error, 502) << start;
  }
}

TEST(ResponseParser, SwitchingProtocolsIsTold) {
  const ResponseHead head = parsed(with_fields("Connection: Upgrade\r\nUpgrade: websocket\r\n", "HTTP/1.1 101 x"));
  EXPECT_EQ(head.status, 101);
  EXPECT_TRUE(head.upgrade);
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_FALSE(parsed(with_fields("", "HTTP/1.1 101 x")).upgrade);
}

TEST(ResponseParser, ASuccessfulConnectHasNoContent) {
  EXPECT_EQ(parsed(with_fields("Content-Length: 5\r\n"), Method::kConnect).framing, Framing::kNone);
  EXPECT_EQ(parsed(with_fields("Content-Length: 5\r\n", "HTTP/1.1 403 x"), Method::kConnect).framing, Framing::kLength);
}

TEST(ResponseParser, TakesNothingBehindTheEmptyLine) {
  const std::string head = with_fields("Content-Length: 9\r\n");
  for (const size_t step : {size_t{1}, size_t{3}, size_t{20}, head.size() - 1, head.size(), size_t{5000}}) {
    EXPECT_EQ(feed_response(head + "\r\n\r\n" + std::string(4000, 'x'), Method::kGet, each(step)).consumed,
              head.size());
  }
}

struct Refused {
  const char* name;
  std::string text;
};

std::vector<Refused> refusals() {
  return {
      {"status 099", with_fields("", "HTTP/1.1 099 x")},
      {"status 000", with_fields("", "HTTP/1.1 000 x")},
      {"status 600", with_fields("", "HTTP/1.1 600 x")},
      {"status 999", with_fields("", "HTTP/1.1 999 x")},
      {"status of two digits", with_fields("", "HTTP/1.1 20 x")},
      {"status of four digits", with_fields("", "HTTP/1.1 2000 x")},
      {"status of letters", with_fields("", "HTTP/1.1 2x0 x")},
      {"no status", with_fields("", "HTTP/1.1")},
      {"no status but a space", with_fields("", "HTTP/1.1 ")},
      {"two spaces before the status", with_fields("", "HTTP/1.1  200 OK")},
      {"reason without a space", with_fields("", "HTTP/1.1 200OK")},
      {"tab before the reason", with_fields("", "HTTP/1.1 200\tOK")},
      {"HTTP/2.0", with_fields("", "HTTP/2.0 200 OK")},
      {"HTTP/1.2", with_fields("", "HTTP/1.2 200 OK")},
      {"HTTP/0.9", "<html></html>\r\n\r\n"},
      {"lower-case version", with_fields("", "http/1.1 200 OK")},
      {"ICY", with_fields("", "ICY 200 OK")},
      {"NUL in the reason", with_fields("", std::string_view("HTTP/1.1 200 O\0K", 16))},
      {"control in the reason", with_fields("", "HTTP/1.1 200 O\x01K")},
      {"bare LF after the status line", "HTTP/1.1 200 OK\nX: y\r\n\r\n"},
      {"bare LF after a field", "HTTP/1.1 200 OK\r\nX: y\n\r\n"},
      {"bare LF at the end", "HTTP/1.1 200 OK\r\nX: y\r\n\n"},
      {"bare CR in a value", with_fields("X: a\rb\r\n")},
      {"empty line before the status line", "\r\n" + with_fields("")},
      {"folded line", with_fields("X: a\r\n b\r\n")},
      {"space before the colon", with_fields("X : a\r\n")},
      {"empty name", with_fields(": a\r\n")},
      {"no colon", with_fields("X\r\n")},
      {"no colon behind a name of ours", with_fields("Connection\r\nX: y\r\n")},
      {"Content-Length twice", with_fields("Content-Length: 1\r\nContent-Length: 2\r\n")},
      {"the same Content-Length twice", with_fields("Content-Length: 1\r\nContent-Length: 1\r\n")},
      {"Content-Length as a list", with_fields("Content-Length: 1, 1\r\n")},
      {"Content-Length with a sign", with_fields("Content-Length: +1\r\n")},
      {"Content-Length with zeros in front", with_fields("Content-Length: 01\r\n")},
      {"Content-Length 2^63", with_fields("Content-Length: 9223372036854775808\r\n")},
      {"bad Content-Length of an answer that has no content", with_fields("Content-Length: x\r\n", "HTTP/1.1 304 x")},
      {"both framings", with_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")},
      {"both framings, the other way", with_fields("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")},
      {"Transfer-Encoding in HTTP/1.0", with_fields("Transfer-Encoding: chunked\r\n", "HTTP/1.0 200 OK")},
      {"Transfer-Encoding twice", with_fields("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n")},
      {"gzip, chunked", with_fields("Transfer-Encoding: gzip, chunked\r\n")},
      {"identity", with_fields("Transfer-Encoding: identity\r\n")},
      {"empty Transfer-Encoding", with_fields("Transfer-Encoding:\r\n")},
      {"Connection names a framing field", with_fields("Connection: Transfer-Encoding\r\n")},
  };
}

TEST(ResponseRefusals, EachIs502InOnePieceAndByteByByte) {
  for (const Refused& r : refusals()) {
    for (const auto& pieces : {whole(), each(1), each(6)}) {
      const Fed fed = feed_response(r.text, Method::kGet, pieces);
      EXPECT_EQ(fed.status, ParseStatus::kError) << r.name;
      EXPECT_EQ(fed.error, 502) << r.name;
      EXPECT_FALSE(fed.reason.empty()) << r.name;
    }
  }
}

TEST(ResponseRefusals, WhatIsNoHttpIsSeenAtOnce) {
  EXPECT_EQ(feed_response("S").error, 502);
  EXPECT_EQ(feed_response("HTTP/2").error, 502);
  EXPECT_EQ(feed_response("HTTP/1.").status, ParseStatus::kNeedMore);
}

TEST(ResponseRefusals, LimitsAre502Too) {
  const std::string text = with_fields("X: " + std::string(100, 'a') + "\r\nY: b\r\n");
  const auto size = static_cast<uint32_t>(text.size());
  for (const auto& pieces : {whole(), each(1)}) {
    EXPECT_EQ(feed_response(text, Method::kGet, pieces, {.header_bytes = size}).status, ParseStatus::kDone);
    EXPECT_EQ(feed_response(text, Method::kGet, pieces, {.header_bytes = size - 1}).error, 502);
    EXPECT_EQ(feed_response(text, Method::kGet, pieces, {.headers = 1}).error, 502);
  }
}

TEST(ResponseSplits, RandomPiecesOfRandomlyBrokenResponsesGiveTheSameVerdict) {
  std::mt19937 random(1887);
  std::vector<std::string> corpus = {
      with_fields("Content-Length: 12\r\nX: y\r\n"), with_fields("Transfer-Encoding: chunked\r\nTrailer: a\r\n"),
      with_fields("", "HTTP/1.0 200"), with_fields("Upgrade: a\r\nConnection: upgrade\r\n", "HTTP/1.1 101 Switching")};
  for (const Refused& r : refusals()) corpus.push_back(r.text);
  constexpr std::string_view kBytes = "\r\n\t :,\0\x7f\x80/012Aa";
  for (int round = 0; round < 20000; ++round) {
    std::string text = corpus[random() % corpus.size()] + "rest\r\n\r\n";
    if (random() % 2 == 0) text[random() % text.size()] = kBytes[random() % kBytes.size()];
    const Fed one = feed_response(text, Method::kGet, whole(), {.header_bytes = 90});
    const Fed many = feed_response(text, Method::kGet, [&](size_t) { return 1 + random() % 30; }, {.header_bytes = 90});
    EXPECT_EQ(one.status, many.status) << testing::PrintToString(text) << one.reason << many.reason;
    EXPECT_EQ(one.dump, many.dump);
    EXPECT_EQ(one.consumed, many.consumed);
  }
}

}  // namespace
}  // namespace vg::http
