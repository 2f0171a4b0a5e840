#include <gtest/gtest.h>

#include <random>

#include "http/chars.h"
#include "unit/http/head_feed.h"

namespace vg::http {
namespace {

using test::each;
using test::Fed;
using test::feed_request;
using test::whole;
using test::with_fields;

RequestHead parsed(std::string_view text) {
  RequestHead head;
  const Fed fed = feed_request(text, whole(), {}, &head);
  EXPECT_EQ(fed.status, ParseStatus::kDone) << text << "\n" << fed.reason;
  EXPECT_EQ(fed.consumed, text.size());
  return head;
}

TEST(RequestParser, GivesMethodTargetPathQueryAuthorityAndFields) {
  const RequestHead head =
      parsed("GET /a/b%20c?x=1&y HTTP/1.1\r\nHost: example.com:8080\r\nX-Empty:\r\nX-Trim: \t v w \t\r\n\r\n");
  EXPECT_EQ(head.method, Method::kGet);
  EXPECT_EQ(head.method_text(), "GET");
  EXPECT_EQ(head.target(), "/a/b%20c?x=1&y");
  EXPECT_EQ(head.path(), "/a/b%20c");
  EXPECT_TRUE(head.has_query);
  EXPECT_EQ(head.query(), "x=1&y");
  EXPECT_EQ(head.authority(), "example.com:8080");
  EXPECT_EQ(head.minor, 1);
  EXPECT_EQ(head.framing, Framing::kNone);
  ASSERT_EQ(head.fields().size(), 3U);
  EXPECT_EQ(head.get("x-empty"), "");
  EXPECT_EQ(head.get("x-trim"), "v w");
}

TEST(RequestParser, TellsAnEmptyQueryFromNone) {
  EXPECT_TRUE(parsed("GET /a? HTTP/1.1\r\nHost: a\r\n\r\n").has_query);
  EXPECT_FALSE(parsed("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").has_query);
  EXPECT_EQ(parsed("GET /a?b?c/d HTTP/1.1\r\nHost: a\r\n\r\n").query(), "b?c/d");
}

TEST(RequestParser, TakesNothingBehindTheEmptyLineInOnePieceOrMany) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
  const std::string text = head + "body\r\n\r\n!" + std::string(5000, 'x');
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, size_t{46}, head.size() - 2, head.size(), text.size()}) {
    RequestHead into;
    const Fed fed = feed_request(text, each(step), {}, &into);
    ASSERT_EQ(fed.status, ParseStatus::kDone) << step << fed.reason;
    EXPECT_EQ(fed.consumed, head.size()) << step;
    EXPECT_EQ(into.bytes(), head) << step;
    EXPECT_EQ(into.content_length, 9U);
  }
}

TEST(RequestParser, ParsesOneRequestAfterAnother) {
  RequestHead head;
  RequestParser parser;
  std::string_view rest = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTT";
  for (const char* path : {"/1", "/2"}) {
    parser.reset(&head, {});
    EXPECT_FALSE(parser.started());
    size_t consumed = 0;
    ASSERT_EQ(parser.feed(rest, &consumed), ParseStatus::kDone);
    EXPECT_EQ(head.path(), path);
    rest.remove_prefix(consumed);
  }
  parser.reset(&head, {});
  size_t consumed = 0;
  EXPECT_EQ(parser.feed(rest, &consumed), ParseStatus::kNeedMore);
  EXPECT_TRUE(parser.started());
}

TEST(RequestParser, SkipsAFewEmptyLinesBeforeTheRequestLine) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const auto& pieces : {whole(), each(1), each(3)}) {
    EXPECT_EQ(feed_request("\r\n\r\n" + request, pieces).status, ParseStatus::kDone);
    EXPECT_EQ(feed_request("\r\n\r\n" + request, pieces).consumed, request.size() + 4);
    EXPECT_EQ(feed_request("\r\n\r\n\r\n\r\n\r\n" + request, pieces).error, 400);
    EXPECT_EQ(feed_request("\r" + request, pieces).error, 400);
    EXPECT_EQ(feed_request("\n" + request, pieces).error, 400);
  }
}

TEST(RequestParser, IsNotStartedByEmptyLines) {
  RequestHead head;
  RequestParser parser;
  parser.reset(&head, {});
  size_t consumed = 0;
  EXPECT_EQ(parser.feed("\r\n\r", &consumed), ParseStatus::kNeedMore);
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.feed("\nG", &consumed), ParseStatus::kNeedMore);
  EXPECT_TRUE(parser.started());
}

TEST(RequestParser, AnEmptyPieceChangesNothing) {
  RequestHead head;
  RequestParser parser;
  parser.reset(&head, {});
  size_t consumed = 7;
  EXPECT_EQ(parser.feed("", &consumed), ParseStatus::kNeedMore);
  EXPECT_EQ(consumed, 0U);
  EXPECT_FALSE(parser.started());
}

TEST(RequestParser, AbsoluteTargetsGiveHostPathAndQuery) {
  RequestHead head = parsed("GET http://Example.com/a?b HTTP/1.1\r\nHost: example.com\r\n\r\n");
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.query(), "b");
  EXPECT_EQ(head.authority(), "Example.com");
  EXPECT_EQ(head.target(), "http://Example.com/a?b");
  head = parsed("GET HTTPS://example.com HTTP/1.1\r\nHost: EXAMPLE.com.:443\r\n\r\n");
  EXPECT_EQ(head.path(), "/");
  EXPECT_FALSE(head.has_query);
  head = parsed("GET http://[::1]:8080?q HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
  EXPECT_EQ(head.path(), "/");
  EXPECT_EQ(head.query(), "q");
  EXPECT_EQ(parsed("GET http://a/b HTTP/1.0\r\n\r\n").authority(), "a");
}

TEST(RequestParser, OptionsMayAskAboutTheServer) {
  const RequestHead head = parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.path(), "*");
  EXPECT_EQ(head.authority(), "a");
}

TEST(RequestParser, ConnectGivesItsAuthority) {
  const RequestHead head = parsed("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n");
  EXPECT_EQ(head.method, Method::kConnect);
  EXPECT_EQ(head.authority(), "example.com:443");
  EXPECT_EQ(head.path(), "");
}

TEST(RequestParser, OldClientsNeedNoHost) {
  const RequestHead head = parsed("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(head.minor, 0);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_EQ(head.authority(), "");
  EXPECT_TRUE(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(parsed("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST(RequestParser, ConnectionDecidesAboutTheConnection) {
  EXPECT_TRUE(parsed(with_fields("")).keep_alive);
  EXPECT_FALSE(parsed(with_fields("Connection: foo , Close\r\n")).keep_alive);
  EXPECT_FALSE(parsed(with_fields("Connection: foo\r\nConnection: close\r\n")).keep_alive);
  EXPECT_TRUE(parsed(with_fields("Connection: ,, foo,\r\n")).keep_alive);
  EXPECT_TRUE(parsed(with_fields("Connection: closed\r\n")).keep_alive);
}

TEST(RequestParser, UpgradeNeedsBothFieldsAndHttp11) {
  EXPECT_TRUE(parsed(with_fields("Connection: Upgrade\r\nUpgrade: websocket\r\n")).upgrade);
  EXPECT_TRUE(parsed(with_fields("Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n")).upgrade);
  EXPECT_FALSE(parsed(with_fields("Upgrade: websocket\r\n")).upgrade);
  EXPECT_FALSE(parsed(with_fields("Connection: upgrade\r\n")).upgrade);
  EXPECT_FALSE(parsed(with_fields("Connection: upgrade\r\nUpgrade: a\r\n", "GET / HTTP/1.0")).upgrade);
}

TEST(RequestParser, FramingIsNoneLengthOrChunked) {
  EXPECT_EQ(parsed(with_fields("")).framing, Framing::kNone);
  EXPECT_EQ(parsed(with_fields("Content-Length: 0\r\n")).framing, Framing::kLength);
  EXPECT_EQ(parsed(with_fields("content-length: 9223372036854775807\r\n")).content_length, 9223372036854775807U);
  EXPECT_EQ(parsed(with_fields("Transfer-Encoding: Chunked\r\n")).framing, Framing::kChunked);
}

TEST(RequestParser, ExpectIsKnownInHttp11AndIgnoredBefore) {
  EXPECT_TRUE(parsed(with_fields("Expect: 100-Continue\r\n")).expect_continue);
  EXPECT_FALSE(parsed(with_fields("Expect: 100-continue\r\n", "POST / HTTP/1.0")).expect_continue);
  EXPECT_FALSE(parsed(with_fields("Expect: tea\r\n", "POST / HTTP/1.0")).expect_continue);
  EXPECT_EQ(feed_request(with_fields("Expect: tea\r\n")).error, 417);
  EXPECT_EQ(feed_request(with_fields("Expect: 100-continue, tea\r\n")).error, 417);
  EXPECT_EQ(feed_request(with_fields("Expect:\r\n")).error, 417);
}

TEST(RequestParser, HostFormsThatAreValid) {
  for (const char* host :
       {"a", "a:", "a:0", "a:80", "a:65535", "1.2.3.4", "1.2.3.4:80", "[::1]", "[::1]:80",
        "[fe80::1:2]:", "a-b.c_d.example.", "xn--bcher-kva.example", "EXAMPLE.com", "[::ffff:1.2.3.4]", "a~b"}) {
    EXPECT_EQ(parsed("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n").authority(), host);
  }
}

// ---- bytes that may stand nowhere, or somewhere ----

TEST(RequestParser, EveryByteInAMethod) {
  for (unsigned c = 0; c < 256; ++c) {
    const std::string text = std::string("G") + static_cast<char>(c) + "T / HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(feed_request(text).status == ParseStatus::kDone, is_class(static_cast<char>(c), kTokenChar)) << c;
  }
}

TEST(RequestParser, EveryByteInAFieldName) {
  for (unsigned c = 0; c < 256; ++c) {
    const std::string line = std::string("X") + static_cast<char>(c) + "y: v\r\n";
    const bool valid = is_class(static_cast<char>(c), kTokenChar) || c == ':';  // "X:y: v" has the name X
    EXPECT_EQ(feed_request(with_fields(line)).status == ParseStatus::kDone, valid) << c;
    EXPECT_EQ(feed_request(with_fields(line), each(1)).status == ParseStatus::kDone, valid) << c;
  }
}

TEST(RequestParser, EveryByteInAFieldValue) {
  for (unsigned c = 0; c < 256; ++c) {
    const bool valid = c == '\t' || (c >= 0x20 && c != 0x7f);
    for (const size_t before : {size_t{0}, size_t{3}, size_t{40}}) {
      const std::string line = "X: a" + std::string(before, 'b') + static_cast<char>(c) + "c\r\n";
      EXPECT_EQ(feed_request(with_fields(line)).status == ParseStatus::kDone, valid) << c;
      EXPECT_EQ(feed_request(with_fields(line), each(1)).status == ParseStatus::kDone, valid) << c;
    }
  }
}

TEST(RequestParser, EveryByteInAPathAndInAQuery) {
  constexpr std::string_view kNeither = "#<>\\ ";
  for (unsigned c = 0; c < 256; ++c) {
    const char b = static_cast<char>(c);
    const bool visible = c > 0x20 && c < 0x7f && kNeither.find(b) == std::string_view::npos;
    const bool in_path = visible && std::string_view("\"^`{|}").find(b) == std::string_view::npos;
    const std::string path = std::string("GET /a") + b + "c HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string query = std::string("GET /?a") + b + "c HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(feed_request(path).status == ParseStatus::kDone, in_path) << c;
    EXPECT_EQ(feed_request(query).status == ParseStatus::kDone, visible) << c;
  }
}

TEST(RequestParser, EveryByteInAHost) {
  for (unsigned c = 0; c < 256; ++c) {
    const char b = static_cast<char>(c);
    const std::string text = std::string("GET / HTTP/1.1\r\nHost: a") + b + "1\r\n\r\n";
    const bool valid = is_class(b, kHostChar) || b == ':';
    EXPECT_EQ(feed_request(text).status == ParseStatus::kDone, valid) << c;
  }
}

// ---- as soon as it arrives ----

TEST(RequestParser, RefusesATlsClientHelloAtItsFirstByte) {
  EXPECT_EQ(feed_request("\x16").error, 400);
  EXPECT_EQ(feed_request(std::string_view("\x16\x03\x01\x02\0\x01", 6)).error, 400);
  EXPECT_EQ(feed_request("\x80").error, 400);
  EXPECT_EQ(feed_request(" ").error, 400);
  EXPECT_EQ(feed_request("(").error, 400);
}

TEST(RequestParser, RefusesBareLineEndsAndControlsBeforeTheHeadIsComplete) {
  for (const auto& pieces : {whole(), each(1)}) {
    EXPECT_EQ(feed_request("GET / HTTP/1.1\n", pieces).error, 400);
    EXPECT_EQ(feed_request("GET / HTTP/1.1\rH", pieces).error, 400);
    EXPECT_EQ(feed_request("GET / HTTP/1.1\r\nHost: a\n", pieces).error, 400);
    EXPECT_EQ(feed_request("GET / HTTP/1.1\r\nHost: a\rb", pieces).error, 400);
    EXPECT_EQ(feed_request("GET / HTTP/1.1\r\nX: a\x01", pieces).error, 400);
    EXPECT_EQ(feed_request("GET / HTTP/1.1\r\nHost: a\r\n\n", pieces).error, 400);
    EXPECT_EQ(feed_request("GET / HTTP/1.1\r\nHost: a\r\n\rx", pieces).error, 400);
  }
}

TEST(RequestParser, RefusesALongMethodAndALongTargetBeforeTheLineIsComplete) {
  for (const auto& pieces : {whole(), each(1)}) {
    EXPECT_EQ(feed_request(std::string(33, 'A'), pieces).error, 400);
    EXPECT_EQ(feed_request(std::string(32, 'A'), pieces).status, ParseStatus::kNeedMore);
    EXPECT_EQ(feed_request("GET /" + std::string(99, 'a'), pieces, {.uri_bytes = 100}).status, ParseStatus::kNeedMore);
    EXPECT_EQ(feed_request("GET /" + std::string(100, 'a'), pieces, {.uri_bytes = 100}).error, 414);
  }
}

TEST(RequestParser, AfterAFaultTheHeadHoldsWhatWasUnderstood) {
  for (const auto& pieces : {whole(), each(1)}) {
    RequestHead head;
    EXPECT_EQ(feed_request("GET /a?b HTTP/1.1\r\nX: y\r\nBad Name: z\r\n\r\n", pieces, {}, &head).error, 400);
    EXPECT_EQ(head.method_text(), "GET");
    EXPECT_EQ(head.path(), "/a");
    EXPECT_EQ(head.query(), "b");
    EXPECT_EQ(head.get("x"), "y");
    EXPECT_EQ(feed_request("GET /a HTTP/3.0\r\n", pieces, {}, &head).error, 505);
    EXPECT_EQ(head.target(), "/a");
    EXPECT_EQ(feed_request("G\x01", pieces, {}, &head).error, 400);
    EXPECT_EQ(head.method_text(), "");
  }
}

// ---- limits ----

TEST(RequestParser, TheTargetMayBeAsLongAsItsLimit) {
  const auto request = [](size_t n) { return "GET /" + std::string(n - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"; };
  for (const auto& pieces : {whole(), each(1), each(13)}) {
    EXPECT_EQ(feed_request(request(100), pieces, {.uri_bytes = 100}).status, ParseStatus::kDone);
    EXPECT_EQ(feed_request(request(101), pieces, {.uri_bytes = 100}).error, 414);
  }
}

TEST(RequestParser, TheHeadMayBeAsLargeAsItsLimit) {
  const std::string text = with_fields("X: " + std::string(50, 'a') + "\r\n");
  const auto limit = static_cast<uint32_t>(text.size());
  for (const auto& pieces : {whole(), each(1), each(13)}) {
    EXPECT_EQ(feed_request(text + "content", pieces, {.header_bytes = limit}).status, ParseStatus::kDone);
    EXPECT_EQ(feed_request(text + "content", pieces, {.header_bytes = limit - 1}).error, 431);
  }
}

TEST(RequestParser, AnEndlessHeadIsRefusedAtTheLimitAndNeverGathered) {
  const std::string text = with_fields("X: " + std::string(50000, 'a'));
  for (const auto& pieces : {whole(), each(1), each(1000)}) {
    RequestHead head;
    EXPECT_EQ(feed_request(text, pieces, {.header_bytes = 2000}, &head).error, 431);
    EXPECT_LE(head.bytes().size(), 2000U);
  }
}

TEST(RequestParser, ThereMayBeAsManyFieldsAsTheLimit) {
  std::string lines;
  for (int i = 0; i < 9; ++i) lines += "X: y\r\n";
  EXPECT_EQ(feed_request(with_fields(lines), whole(), {.headers = 10}).status, ParseStatus::kDone);
  EXPECT_EQ(feed_request(with_fields(lines), whole(), {.headers = 9}).error, 431);
  EXPECT_EQ(feed_request("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX", whole(), {.headers = 1}).error, 431);
}

TEST(RequestParser, AFieldNameBeyondItsOffsetsIsRefused) {
  const HeadLimits wide = {.header_bytes = 1 << 20};
  EXPECT_EQ(feed_request(with_fields(std::string(65535, 'a') + ": v\r\n"), whole(), wide).status, ParseStatus::kDone);
  EXPECT_EQ(feed_request(with_fields(std::string(65536, 'a') + ": v\r\n"), whole(), wide).error, 431);
}

}  // namespace
}  // namespace vg::http
