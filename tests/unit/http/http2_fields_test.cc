#include "http/http2_fields.h"

#include <gtest/gtest.h>

#include "http/websocket.h"

namespace vg::http {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

struct Read {
  std::string text;
  std::string fault;
  bool too_large = false;
};

Read read(const Fields& fields, size_t most_bytes = 16 * 1024) {
  Http2RequestText text;
  text.reset(most_bytes);
  for (const auto& [name, value] : fields) text.add(name, value);
  const char* fault = text.finish();
  return {text.text(), fault != nullptr ? fault : "", text.too_large()};
}

Fields with(Fields more) {
  Fields all = {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/x?y=1"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(Http2RequestText, IsTheHeadOfAnHttp1Request) {
  EXPECT_EQ(read(with({{"accept", "*/*"}})).text, "GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\naccept: */*\r\n\r\n");
  EXPECT_EQ(read(with({})).text, "GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\n\r\n");
}

TEST(Http2RequestText, PutsCookiesTogetherAgain) {
  EXPECT_EQ(read(with({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}})).text,
            "GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\nx: y\r\ncookie: a=1; b=2\r\n\r\n");
}

TEST(Http2RequestText, HasOneHost) {
  EXPECT_EQ(read(with({{"host", "A.example"}})).text, "GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_EQ(read(with({{"host", "b.example"}})).fault, ":authority and Host disagree");
  // The second is not dropped: RequestParser refuses two.
  EXPECT_EQ(read({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "a"}, {"host", "b"}}).text,
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
}

TEST(Http2RequestText, RefusesWhatWouldEndAWordOrLine) {
  for (const std::string_view bad : {"/a b", "/a\tb", "/a\r\nx: y", "/ HTTP/1.1", "/\x7f"}) {
    EXPECT_NE(read({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", bad}}).fault, "") << bad;
  }
  EXPECT_NE(read({{":method", "GE T"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}}).fault, "");
  EXPECT_NE(read({{":method", "GET"}, {":scheme", "http"}, {":authority", "a b"}, {":path", "/"}}).fault, "");
  EXPECT_NE(read({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}).fault, "");
}

TEST(Http2RequestText, AsksForATunnelAsHttp1Does) {
  const Read r = read({{":method", "CONNECT"},
                       {":protocol", "websocket"},
                       {":scheme", "https"},
                       {":path", "/chat"},
                       {":authority", "a"},
                       {"sec-websocket-version", "13"}});
  EXPECT_TRUE(
      r.text.starts_with("GET /chat HTTP/1.1\r\nHost: a\r\nsec-websocket-version: 13\r\nConnection: Upgrade\r\n"
                         "Upgrade: websocket\r\nSec-WebSocket-Key: "))
      << r.text;
  EXPECT_TRUE(r.text.ends_with("A==\r\n\r\n"));
  EXPECT_EQ(read({{":method", "GET"}, {":protocol", "websocket"}, {":scheme", "http"}, {":path", "/"}}).fault,
            ":protocol without CONNECT");
}

TEST(Http2RequestText, KeepsNoMoreThanItsLimit) {
  const std::string large(200, 'l');
  EXPECT_TRUE(read(with({{"x", large}}), 128).too_large);
  EXPECT_TRUE(read(with({{"cookie", large}}), 128).too_large);
  EXPECT_TRUE(read({{":method", "GET"}, {":path", large}}, 128).too_large);
  EXPECT_LE(read(with({{"x", large}}), 128).text.size(), 130U);
  // What fits again behind it does not make it whole.
  EXPECT_TRUE(read(with({{"cookie", "a=1"}, {"x", large}, {"y", "z"}}), 128).too_large);
  EXPECT_TRUE(read({{":method", "GET"}, {":path", large}, {":authority", "a"}, {"y", "z"}}, 128).too_large);
}

TEST(Http2TrailerText, DropsWhatMayNotBeATrailer) {
  Http2TrailerText text;
  Head trailers;
  text.add("x-sum", "7");
  text.add("content-length", "5");
  EXPECT_TRUE(text.finish(&trailers, HeadLimits()));
  EXPECT_EQ(trailers.get("x-sum"), "7");
  EXPECT_EQ(trailers.fields().size(), 1U);
}

TEST(Http2FieldList, LeavesOutWhatIsOfAnHttp1Connection) {
  std::string lines =
      "X-One: 1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\nUpgrade: x\r\nEmpty: "
      "\r\n\r\nnot: seen\r\n";
  Http2FieldList list;
  list.add_lines(lines.data(), lines.size());
  ASSERT_EQ(list.size(), 2U);
  const auto text = [](const uint8_t* at, size_t n) { return std::string(reinterpret_cast<const char*>(at), n); };
  EXPECT_EQ(text(list.data()[0].name, list.data()[0].namelen), "x-one");
  EXPECT_EQ(text(list.data()[1].name, list.data()[1].namelen), "empty");
  EXPECT_EQ(list.data()[1].valuelen, 0U);
}

TEST(WebSocket, AcceptIsAsInTheRfc) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace vg::http
