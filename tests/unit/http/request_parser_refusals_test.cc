// Every form of a request that two servers could read differently, by name.
#include <gtest/gtest.h>

#include <random>

#include "unit/http/head_feed.h"

namespace vg::http {
namespace {

using test::each;
using test::Fed;
using test::feed_request;
using test::whole;
using test::with_fields;

struct Refused {
  const char* name;
  int status;
  std::string text;
};

std::string get(std::string_view target) { return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n"; }
std::string line(std::string_view start) { return std::string(start) + "\r\nHost: a\r\n\r\n"; }
std::string host(std::string_view value) { return "GET / HTTP/1.1\r\nHost: " + std::string(value) + "\r\n\r\n"; }
std::string coding(std::string_view value) { return with_fields("Transfer-Encoding: " + std::string(value) + "\r\n"); }
std::string length(std::string_view value) { return with_fields("Content-Length: " + std::string(value) + "\r\n"); }

std::vector<Refused> lines_and_names() {
  return {
      {"bare LF after the request line", 400, "GET / HTTP/1.1\nHost: a\r\n\r\n"},
      {"bare LF after a field", 400, "GET / HTTP/1.1\r\nHost: a\n\r\n"},
      {"bare LF at the end", 400, "GET / HTTP/1.1\r\nHost: a\r\n\n"},
      {"bare LF everywhere", 400, "GET / HTTP/1.1\nHost: a\n\n"},
      {"bare CR at a line's end", 400, "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"},
      {"bare CR in a value", 400, with_fields("X: a\rb\r\n")},
      {"CR CR LF", 400, with_fields("X: a\r\r\n")},
      {"folded line with a space", 400, with_fields("X: a\r\n b\r\n")},
      {"folded line with a tab", 400, with_fields("X: a\r\n\tb\r\n")},
      {"folded Transfer-Encoding", 400, with_fields("Transfer-Encoding:\r\n chunked\r\n")},
      {"folded Content-Length", 400, with_fields("Content-Length: 1\r\n 2\r\n")},
      {"blank line before the first field", 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {"space before the colon", 400, with_fields("X : a\r\n")},
      {"tab before the colon", 400, with_fields("X\t: a\r\n")},
      {"space before the colon of Content-Length", 400, with_fields("Content-Length : 1\r\n")},
      {"space in a name", 400, with_fields("X y: a\r\n")},
      {"empty name", 400, with_fields(": a\r\n")},
      {"no colon", 400, with_fields("X\r\n")},
      {"no colon behind a name of ours", 400, "GET / HTTP/1.1\r\nHost\r\n\r\n"},
      {"no colon behind Content-Length", 400, with_fields("Content-Length\r\n")},
      {"no colon behind Connection", 400, with_fields("Connection\r\nX: y\r\n")},
      {"NUL in a name", 400, with_fields(std::string("X\0y: a\r\n", 8))},
      {"NUL in a value", 400, with_fields(std::string("X: a\0b\r\n", 8))},
      {"DEL in a value", 400, with_fields("X: a\x7f\r\n")},
      {"vertical tab before chunked", 400,
       with_fields("Transfer-Encoding: \x0b"
                   "chunked\r\n")},
      {"quotes in a name", 400, with_fields("\"X\": a\r\n")},
      {"byte above ASCII in a name", 400, with_fields("X\xc3\xa9: a\r\n")},
      {"Content-Length with a byte order mark", 400,
       with_fields("\xef\xbb\xbf"
                   "Content-Length: 1\r\n")},
  };
}

std::vector<Refused> request_lines() {
  return {
      {"two spaces after the method", 400, line("GET  / HTTP/1.1")},
      {"two spaces before the version", 400, line("GET /  HTTP/1.1")},
      {"tab after the method", 400, line("GET\t/ HTTP/1.1")},
      {"space at the line's end", 400, line("GET / HTTP/1.1 ")},
      {"space at the line's start", 400, line(" GET / HTTP/1.1")},
      {"HTTP/0.9", 400, line("GET /")},
      {"method alone", 400, line("GET")},
      {"lower-case version", 400, line("GET / http/1.1")},
      {"another protocol", 400, line("SOURCE / ICE/1.0")},
      {"version of two digits", 400, line("GET / HTTP/1.10")},
      {"version without a dot", 400, line("GET / HTTP/11")},
      {"version cut short", 400, line("GET / HTTP/1.")},
      {"HTTP/0.9 named", 505, line("GET / HTTP/0.9")},
      {"HTTP/1.2", 505, line("GET / HTTP/1.2")},
      {"HTTP/2.0", 505, line("GET / HTTP/2.0")},
      {"HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"no method", 400, line(" / HTTP/1.1")},
      {"method with a slash", 400, line("GE/T / HTTP/1.1")},
      {"method of 33 bytes", 400, line(std::string(33, 'M') + " / HTTP/1.1")},
      {"asterisk with GET", 400, get("*")},
      {"asterisk and more with OPTIONS", 400, line("OPTIONS *x HTTP/1.1")},
      {"relative path", 400, get("a/b")},
      {"query alone", 400, get("?a")},
      {"authority with GET", 400, get("a:80")},
      {"path with CONNECT", 400, line("CONNECT / HTTP/1.1")},
      {"host without port with CONNECT", 400, line("CONNECT a HTTP/1.1")},
      {"host with empty port with CONNECT", 400, line("CONNECT a: HTTP/1.1")},
      {"URL with CONNECT", 400, line("CONNECT http://a:80/ HTTP/1.1")},
      {"fragment", 400, get("/a#b")},
      {"fragment in the query", 400, get("/a?b#c")},
      {"fragment of a URL", 400, get("http://a#b")},
      {"user information", 400, get("http://user@a/")},
      {"user and password", 400, get("http://u:p@a/")},
      {"URL of another scheme", 400, get("ftp://a/")},
      {"URL without a host", 400, get("http:///a")},
      {"URL without slashes", 400, get("http:a")},
      {"URL with a bad port", 400, get("http://a:x/")},
      {"URL that disagrees with Host", 400, get("http://b/")},
      {"URL whose port disagrees with Host", 400, get("http://a:8080/")},
      {"URL whose scheme's port disagrees with Host", 400, line("GET https://a:80/ HTTP/1.1")},
      {"raw byte above ASCII in the path", 400, get("/\xc3\xa9")},
      {"raw byte above ASCII in the query", 400, get("/?\xc3\xa9")},
      {"backslash in the path", 400, get("/a\\b")},
      {"backslash in the query", 400, get("/?a\\b")},
      {"angle brackets in the query", 400, get("/?<a>")},
      {"braces in the path", 400, get("/{a}")},
      {"NUL in the path", 400, get(std::string_view("/a\0b", 4))},
  };
}

std::vector<Refused> hosts() {
  return {
      {"no Host", 400, "GET / HTTP/1.1\r\nX: a\r\n\r\n"},
      {"no field at all", 400, "GET / HTTP/1.1\r\n\r\n"},
      {"two Hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"the same Host twice", 400, "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"},
      {"two Hosts in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"no Host with a URL", 400, "GET http://a/ HTTP/1.1\r\n\r\n"},
      {"bad Host in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost: a b\r\n\r\n"},
      {"empty Host", 400, host("")},
      {"port alone", 400, host(":80")},
      {"dot alone", 400, host(".")},
      {"empty label", 400, host("a..b")},
      {"leading dot", 400, host(".a")},
      {"space in Host", 400, host("a b")},
      {"list of Hosts", 400, host("a, b")},
      {"comma in Host", 400, host("a,b")},
      {"user information in Host", 400, host("u@a")},
      {"path in Host", 400, host("a/b")},
      {"URL in Host", 400, host("http://a")},
      {"query in Host", 400, host("a?b")},
      {"fragment in Host", 400, host("a#b")},
      {"escape in Host", 400, host("a%20b")},
      {"port of letters", 400, host("a:http")},
      {"port with a sign", 400, host("a:+80")},
      {"port above 65535", 400, host("a:65536")},
      {"port of many digits", 400, host("a:000080")},
      {"two ports", 400, host("a:80:80")},
      {"IPv6 without brackets", 400, host("::1")},
      {"bracket not closed", 400, host("[::1")},
      {"bracket closed alone", 400, host("::1]")},
      {"name in brackets", 400, host("[a]")},
      {"empty brackets", 400, host("[]")},
      {"bad IPv6", 400, host("[1:2:3]")},
      {"IPv6 with a zone", 400, host("[fe80::1%25eth0]")},
      {"text behind the bracket", 400, host("[::1]a")},
      {"byte above ASCII in Host", 400, host("\xc3\xa9")},
  };
}

std::vector<Refused> framing() {
  return {
      {"Content-Length twice", 400, with_fields("Content-Length: 1\r\nContent-Length: 2\r\n")},
      {"the same Content-Length twice", 400, with_fields("Content-Length: 1\r\ncontent-length: 1\r\n")},
      {"Content-Length as a list", 400, length("1, 1")},
      {"Content-Length with a plus", 400, length("+1")},
      {"Content-Length with a minus", 400, length("-1")},
      {"Content-Length with zeros in front", 400, length("0001")},
      {"Content-Length 00", 400, length("00")},
      {"Content-Length 2^63", 400, length("9223372036854775808")},
      {"Content-Length 2^64-1", 400, length("18446744073709551615")},
      {"Content-Length 2^64", 400, length("18446744073709551616")},
      {"Content-Length of twenty digits", 400, length("10000000000000000000")},
      {"Content-Length empty", 400, length("")},
      {"Content-Length in hexadecimal", 400, length("0x10")},
      {"Content-Length with a fraction", 400, length("1.0")},
      {"Content-Length with an exponent", 400, length("1e3")},
      {"Content-Length with a blank inside", 400, length("1 2")},
      {"Content-Length with a semicolon", 400, length("1;")},
      {"Content-Length with an underscore", 400, length("1_0")},
      {"Content-Length then Transfer-Encoding", 400,
       with_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")},
      {"Transfer-Encoding then Content-Length", 400,
       with_fields("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")},
      {"Transfer-Encoding in HTTP/1.0", 400, with_fields("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0")},
      {"Transfer-Encoding twice", 400, with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {"gzip, chunked", 501, coding("gzip, chunked")},
      {"gzip", 501, coding("gzip")},
      {"identity", 501, coding("identity")},
      {"xchunked", 501, coding("xchunked")},
      {"chunked twice", 501, coding("chunked, chunked")},
      {"chunked, identity", 501, coding("chunked, identity")},
      {"chunked with a parameter", 501, coding("chunked;a=b")},
      {"coding with quoted parameters", 501, coding("a ; b = \"c\\\" d\" ;e=f, chunked")},
      {"comma before chunked", 400, coding(", chunked")},
      {"comma behind chunked", 400, coding("chunked,")},
      {"empty Transfer-Encoding", 400, coding("")},
      {"chunked in quotes", 400, coding("\"chunked\"")},
      {"two words", 400, coding("chunked chunked")},
      {"parameter without a name", 400, coding("chunked;")},
      {"parameter without a value", 400, coding("chunked;a")},
      {"parameter with an open quote", 400, coding("gzip;a=\"b")},
      {"parameter with an open escape", 400, coding("gzip;a=\"b\\")},
      {"chunked with a byte above ASCII", 400, coding("chunked\xa0")},
      {"Connection names Content-Length", 400, with_fields("Connection: close, Content-Length\r\n")},
      {"Connection names Transfer-Encoding", 400, with_fields("Connection: transfer-encoding\r\n")},
      {"Connection names Host", 400, with_fields("Connection: host\r\n")},
      {"Connection that is no list of tokens", 400, with_fields("Connection: a b\r\n")},
      {"unknown expectation", 417, with_fields("Expect: 200-ok\r\n")},
  };
}

std::vector<Refused> all_refusals() {
  std::vector<Refused> all;
  for (auto part : {lines_and_names(), request_lines(), hosts(), framing()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(RequestRefusals, EachIsRefusedWithItsStatusInOnePieceAndByteByByte) {
  for (const Refused& r : all_refusals()) {
    for (const auto& pieces : {whole(), each(1), each(5)}) {
      const Fed fed = feed_request(r.text, pieces);
      EXPECT_EQ(fed.status, ParseStatus::kError) << r.name;
      EXPECT_EQ(fed.error, r.status) << r.name << ": " << fed.reason;
      EXPECT_FALSE(fed.reason.empty()) << r.name;
    }
  }
}

TEST(RequestRefusals, TheReasonNamesTheFault) {
  EXPECT_EQ(feed_request("GET / HTTP/1.1\nHost: a\r\n\r\n").reason, "line ends with a bare LF");
  EXPECT_EQ(feed_request(with_fields("X: a\r\n b\r\n")).reason, "folded line");
  EXPECT_EQ(feed_request(with_fields("X : a\r\n")).reason, "blank in or after a field name");
  EXPECT_EQ(feed_request("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n").reason, "two Host fields");
  EXPECT_EQ(feed_request(get("/a#b")).reason, "fragment in the request target");
}

// ---- however it is cut, the same comes out ----

std::vector<std::string> accepted() {
  return {
      get("/"),
      get("/a/b/c?d=e&f=%20|{}"),
      get("http://a:80/x"),
      line("OPTIONS * HTTP/1.1"),
      line("CONNECT a:1 HTTP/1.1"),
      line("\r\n\r\nM-SEARCH /x HTTP/1.1"),
      "GET / HTTP/1.0\r\n\r\n",
      with_fields("Content-Length: 12\r\nExpect: 100-continue\r\nX-Empty:\r\nX: \t a \t b \t\r\n"),
      with_fields("Transfer-Encoding: chunked\r\nTrailer: a\r\nTE: trailers\r\nConnection: TE\r\n"),
      with_fields("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
      with_fields("Cookie: a=b; c=\"\xc3\xa9\"\r\nAccept: */*\r\nUser-Agent: x/1 (y; z)\r\nX: " +
                  std::string(300, 'v') + "\r\n"),
  };
}

TEST(RequestSplits, EveryTwoPiecesGiveWhatOneGives) {
  for (const std::string& text : accepted()) {
    const Fed expected = feed_request(text + "rest");
    ASSERT_EQ(expected.status, ParseStatus::kDone) << text << expected.reason;
    for (size_t cut = 1; cut < text.size() + 4; ++cut) {
      EXPECT_EQ(feed_request(text + "rest", [cut](size_t at) { return at == 0 ? cut : std::string::npos; }), expected)
          << cut;
    }
    EXPECT_EQ(feed_request(text + "rest", each(1)), expected);
  }
}

TEST(RequestSplits, RandomPiecesOfRandomlyBrokenRequestsGiveTheSameVerdict) {
  std::mt19937 random(2112);
  std::vector<std::string> corpus = accepted();
  for (const Refused& r : all_refusals()) corpus.push_back(r.text);
  constexpr std::string_view kBytes = "\r\n\t :,;/?#%*\0\x7f\x80[]@0aA\"";
  for (int round = 0; round < 20000; ++round) {
    std::string text = corpus[random() % corpus.size()];
    for (size_t n = random() % 3; n > 0; --n) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = kBytes[random() % kBytes.size()];
      else
        text.insert(at, 1, kBytes[random() % kBytes.size()]);
    }
    const HeadLimits limits = {.header_bytes = 400, .headers = 6, .uri_bytes = 60};
    const Fed one = feed_request(text, whole(), limits);
    const Fed many = feed_request(
        text, [&](size_t) { return 1 + random() % 40; }, limits);
    EXPECT_EQ(one.status, many.status) << testing::PrintToString(text) << one.reason << many.reason;
    EXPECT_EQ(one.dump, many.dump);
    EXPECT_EQ(one.consumed, many.consumed);
  }
}

}  // namespace
}  // namespace vg::http
