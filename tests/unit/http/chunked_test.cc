#include <gtest/gtest.h>

#include <random>

#include "http/chars.h"
#include "unit/http/head_feed.h"

namespace vg::http {
namespace {

using test::each;
using test::Pieces;
using test::whole;

struct Decoded {
  ChunkedDecoder::Step end = ChunkedDecoder::Step::kNeedMore;
  int error = 0;
  std::string reason, content, trailers;
  size_t consumed = 0;
};

Decoded decode(std::string_view text, const Pieces& pieces = whole(), const HeadLimits& limits = {}) {
  Decoded out;
  Head trailers;
  ChunkedDecoder decoder;
  decoder.reset(&trailers, limits);
  for (size_t at = 0; at < text.size() && out.end < ChunkedDecoder::Step::kDone;) {
    const std::string piece(text.substr(at, std::max<size_t>(1, pieces(at))));
    at += piece.size();
    std::string_view rest = piece;
    do {
      size_t consumed = 0;
      std::string_view content;
      out.end = decoder.next(rest, &consumed, &content);
      out.content += content;
      out.consumed += consumed;
      rest.remove_prefix(consumed);
    } while (out.end == ChunkedDecoder::Step::kContent);
    EXPECT_TRUE(rest.empty() || out.end != ChunkedDecoder::Step::kNeedMore);
  }
  for (const Field& f : trailers.fields()) {
    out.trailers += std::string(trailers.name(f)) + "=" + std::string(trailers.value(f)) + ";";
  }
  if (out.end == ChunkedDecoder::Step::kError) {
    out.error = decoder.error().status;
    out.reason = decoder.error().reason;
  }
  return out;
}

constexpr auto kDone = ChunkedDecoder::Step::kDone;
constexpr auto kError = ChunkedDecoder::Step::kError;

TEST(ChunkedDecoder, GivesTheContentAndStopsBehindTheLastLine) {
  const std::string text = "5\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\n";
  for (size_t step = 1; step < text.size() + 5; ++step) {
    const Decoded out = decode(text + "GET ", each(step));
    EXPECT_EQ(out.end, kDone) << step << out.reason;
    EXPECT_EQ(out.content, "hello0123456789") << step;
    EXPECT_EQ(out.consumed, text.size()) << step;
  }
}

TEST(ChunkedDecoder, ContentIsAPartOfWhatWasGiven) {
  Head trailers;
  ChunkedDecoder decoder;
  decoder.reset(&trailers, {});
  const std::string_view text = "5\r\nhello\r\n";
  size_t consumed = 0;
  std::string_view content;
  ASSERT_EQ(decoder.next(text, &consumed, &content), ChunkedDecoder::Step::kContent);
  EXPECT_EQ(content.data(), text.data() + 3);
  EXPECT_EQ(consumed, 8U);
}

TEST(ChunkedDecoder, ALargeChunkComesInPieces) {
  const std::string body(100000, 'b');
  const Decoded out = decode("186a0\r\n" + body + "\r\n0\r\n\r\n", each(777));
  EXPECT_EQ(out.end, kDone);
  EXPECT_EQ(out.content, body);
}

TEST(ChunkedDecoder, StaysDoneAndStaysFailed) {
  Head trailers;
  ChunkedDecoder decoder;
  size_t consumed = 9;
  std::string_view content;
  decoder.reset(&trailers, {});
  ASSERT_EQ(decoder.next("0\r\n\r\nx", &consumed, &content), kDone);
  EXPECT_EQ(decoder.next("x", &consumed, &content), kDone);
  EXPECT_EQ(consumed, 0U);
  decoder.reset(&trailers, {});
  ASSERT_EQ(decoder.next("g", &consumed, &content), kError);
  EXPECT_EQ(decoder.next("0\r\n\r\n", &consumed, &content), kError);
  decoder.reset(&trailers, {});
  EXPECT_EQ(decoder.next("0\r\n\r\n", &consumed, &content), kDone);
}

TEST(ChunkedDecoder, ValidExtensionsAreDropped) {
  for (const char* ext :
       {";a", ";a=b", ";a=b;c=d", ";a=\"b c\"", ";a=\"\"", ";a=\"\\\"\\\\\";b", ";a=\"\t\xc3\xa9\"", ";a;b;c"}) {
    for (const auto& pieces : {whole(), each(1)}) {
      const Decoded out = decode("1" + std::string(ext) + "\r\nx\r\n0" + std::string(ext) + "\r\n\r\n", pieces);
      EXPECT_EQ(out.end, kDone) << ext << out.reason;
      EXPECT_EQ(out.content, "x") << ext;
    }
  }
}

TEST(ChunkedDecoder, ExtensionsAreBoundedInALineAndInAMessage) {
  EXPECT_EQ(decode("1;" + std::string(255, 'a') + "\r\nx\r\n0\r\n\r\n").end, kDone);
  EXPECT_EQ(decode("1;" + std::string(256, 'a') + "\r\nx\r\n0\r\n\r\n").end, kError);
  std::string text;
  for (int i = 0; i < 60; ++i) text += "1;" + std::string(250, 'a') + "\r\nx\r\n";
  EXPECT_EQ(decode(text + "0\r\n\r\n").end, kDone);
  for (int i = 0; i < 10; ++i) text += "1;" + std::string(250, 'a') + "\r\nx\r\n";
  EXPECT_EQ(decode(text + "0\r\n\r\n").end, kError);
}

TEST(ChunkedDecoder, ChunkSizesUpToTheirLimit) {
  EXPECT_EQ(decode("7fffffffffffffff\r\nx").end, ChunkedDecoder::Step::kNeedMore);
  EXPECT_EQ(decode("7fffffffffffffff\r\nx").content, "x");
  EXPECT_EQ(decode("0000000000000001\r\nx\r\n0\r\n\r\n").end, kDone);
  EXPECT_EQ(decode("0000000000000000\r\n\r\n").end, kDone);
}

TEST(ChunkedDecoder, EachBrokenFormIsRefused) {
  const std::pair<const char*, std::string> broken[] = {
      {"empty size", "\r\n"},
      {"no hexadecimal", "g\r\n"},
      {"0x", "0x1\r\nx\r\n"},
      {"sign", "+1\r\nx\r\n"},
      {"minus", "-1\r\nx\r\n"},
      {"blank before the size", " 1\r\nx\r\n"},
      {"blank behind the size", "1 \r\nx\r\n"},
      {"tab behind the size", "1\t\r\nx\r\n"},
      {"blank before an extension", "1 ;a\r\nx\r\n"},
      {"blank behind the semicolon", "1; a\r\nx\r\n"},
      {"blank around the equals sign", "1;a =b\r\nx\r\n"},
      {"blank behind an extension", "1;a \r\nx\r\n"},
      {"empty extension", "1;\r\nx\r\n"},
      {"empty extension in between", "1;;a\r\nx\r\n"},
      {"extension without a value", "1;a=\r\nx\r\n"},
      {"extension without a name", "1;=b\r\nx\r\n"},
      {"quote that stays open", "1;a=\"b\r\nx\r\n"},
      {"escaped CR in quotes", "1;a=\"\\\r\n\"\r\nx\r\n"},
      {"text behind the quote", "1;a=\"b\"c\r\nx\r\n"},
      {"LF in an extension", "1;a\nx\r\n"},
      {"LF in quotes", "1;a=\"\n\"\r\nx\r\n"},
      {"NUL in quotes", std::string("1;a=\"\0\"\r\nx\r\n", 13)},
      {"bare LF behind the size", "1\nx\r\n"},
      {"bare CR behind the size", "1\rx\r\n"},
      {"CR CR LF behind the size", "1\r\r\nx\r\n"},
      {"data longer than its size", "1\r\nxy\r\n"},
      {"data shorter than its size", "3\r\nx\r\n0\r\n\r\n"},
      {"bare LF behind the data", "1\r\nx\n0\r\n\r\n"},
      {"bare CR behind the data", "1\r\nx\r0\r\n\r\n"},
      {"size of 17 digits", "00000000000000001\r\nx\r\n"},
      {"size 2^63", "8000000000000000\r\nx\r\n"},
      {"size 2^64-1", "ffffffffffffffff\r\nx\r\n"},
      {"size 2^64", "10000000000000000\r\nx\r\n"},
      {"bare LF behind the last size", "0\n\r\n"},
      {"bare LF at the end", "0\r\n\n"},
      {"bare CR at the end", "0\r\n\rx"},
      {"trailer with bare LF", "0\r\nX: y\n\r\n"},
      {"trailer folded", "0\r\nX: y\r\n z\r\n\r\n"},
      {"trailer with a space before the colon", "0\r\nX : y\r\n\r\n"},
      {"trailer without a colon", "0\r\nX\r\n\r\n"},
      {"trailer that is a request", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"trailer with NUL", std::string("0\r\nX: \0\r\n\r\n", 11)},
      {"data in place of the trailers",
       "0\r\nhello"
       "\r\n\r\n"},
  };
  for (const auto& [name, text] : broken) {
    for (const auto& pieces : {whole(), each(1), each(4)}) {
      const Decoded out = decode(text, pieces);
      EXPECT_EQ(out.end, kError) << name;
      EXPECT_EQ(out.error, 400) << name;
      EXPECT_FALSE(out.reason.empty()) << name;
    }
  }
}

TEST(ChunkedDecoder, EveryByteAsASizeAndBehindIt) {
  for (unsigned c = 0; c < 256; ++c) {
    const char b = static_cast<char>(c);
    const bool digit = std::string_view("0123456789abcdefABCDEF").find(b) != std::string_view::npos;
    EXPECT_EQ(decode(std::string(1, b)).end != kError, digit) << c;
    EXPECT_EQ(decode(std::string("1") + b).end != kError, digit || b == '\r' || b == ';') << c;
    EXPECT_EQ(decode(std::string("1;a") + b).end != kError,
              is_class(b, kTokenChar) || b == '\r' || b == ';' || b == '=')
        << c;
    EXPECT_EQ(decode(std::string("1\r\nx") + b).end != kError, b == '\r') << c;
  }
}

TEST(ChunkedDecoder, TrailersArriveAndThoseThatMayNotBeAreDropped) {
  const Decoded out = decode(
      "0\r\nX-Sum: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: b\r\nConnection: close\r\nTE: a\r\n"
      "Trailer: a\r\nAuthorization: a\r\nCookie: a\r\nSet-Cookie: a\r\nContent-Type: a\r\nContent-Encoding: a\r\n"
      "Content-Range: a\r\ncontent-disposition: a\r\nExpect: 100-continue\r\nMax-Forwards: 1\r\nCache-Control: a\r\n"
      "Proxy-Authorization: a\r\nProxy-Foo: a\r\nIf-Match: a\r\nIf-Range: a\r\nX-Forwarded-For: a\r\nX-Forwarded-Foo: "
      "a\r\n"
      "Upgrade: a\r\nLocation: a\r\nRange: a\r\nPragma: a\r\nVary: a\r\nDate: a\r\nKeep-Alive: a\r\nAge: 1\r\nExpires: "
      "1\r\n"
      "Via: a\r\nX-Request-Id: a\r\nForwarded: a\r\nETag: \"a\"\r\ngrpc-status: 0\r\nServer-Timing:\r\n\r\n",
      each(9));
  EXPECT_EQ(out.end, kDone) << out.reason;
  EXPECT_EQ(out.trailers, "X-Sum=1;ETag=\"a\";grpc-status=0;Server-Timing=;");
}

TEST(ChunkedDecoder, TrailersAreLimitedInSizeAndNumberTheDroppedOnesToo) {
  for (const auto& pieces : {whole(), each(1)}) {
    EXPECT_EQ(decode("0\r\nX: " + std::string(100, 'a') + "\r\n\r\n", pieces, {.header_bytes = 50}).error, 431);
    EXPECT_EQ(decode("0\r\nHost: a\r\nHost: a\r\nHost: a\r\n\r\n", pieces, {.headers = 2}).error, 431);
    EXPECT_EQ(decode("0\r\nHost: a\r\nHost: a\r\n\r\n", pieces, {.headers = 2}).end, kDone);
  }
}

TEST(ChunkedDecoder, RandomPiecesOfRandomlyBrokenBodiesGiveTheSame) {
  std::mt19937 random(404);
  const std::string corpus[] = {"5\r\nhello\r\nb;a=\"x\\y\";c=d\r\nhello world\r\n0\r\nX: y\r\nHost: z\r\n\r\nnext",
                                "1\r\nx\r\n0;z\r\n\r\n"};
  constexpr std::string_view kBytes = "\r\n\t ;=\"\\0aF:\x7f";
  for (int round = 0; round < 20000; ++round) {
    std::string text = corpus[random() % 2];
    for (size_t n = random() % 3; n > 0; --n) text[random() % text.size()] = kBytes[random() % kBytes.size()];
    const Decoded one = decode(text);
    const Decoded many = decode(text, [&](size_t) { return 1 + random() % 9; });
    EXPECT_EQ(one.end, many.end) << testing::PrintToString(text);
    if (one.end == kError) continue;
    EXPECT_EQ(one.content, many.content) << testing::PrintToString(text);
    EXPECT_EQ(one.trailers, many.trailers);
    EXPECT_EQ(one.consumed, many.consumed);
  }
}

}  // namespace
}  // namespace vg::http
