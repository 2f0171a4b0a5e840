#include "store/resp.h"

#include <gtest/gtest.h>

#include <array>

namespace vg::store {
namespace {

using Event = RespReader::Event;
using Kind = Reply::Kind;

// What the replies come to, as text.
std::string show(const Reply& r) {
  switch (r.kind) {
    case Kind::kNil:
      return "nil";
    case Kind::kText:
      return "'" + r.text + "'";
    case Kind::kError:
      return "!" + r.text;
    case Kind::kInteger:
      return std::to_string(r.integer);
    case Kind::kArray:
      break;
  }
  std::string out = "[";
  for (const Reply& item : r.items) out += (out.size() > 1 ? " " : "") + show(item);
  return out + "]";
}

std::string read_all(RespReader& reader) {
  std::string out;
  for (Event e = reader.next(); e != Event::kMore; e = reader.next()) {
    if (e == Event::kBroken) return out + "broken: " + reader.problem();
    out += show(reader.reply()) + ";";
  }
  return out;
}

const std::string kAll =
    "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n*-1\r\n*0\r\n*3\r\n:1\r\n*2\r\n$1\r\nx\r\n-E "
    "y\r\n$-1\r\n+end\r\n";
const std::string kShown = "'OK';!ERR no;-42;'a\r\nbc';nil;'';nil;[];[1 ['x' !E y] nil];'end';";

TEST(RespReader, ReadsEveryKindOfReply) {
  RespReader reader;
  reader.feed(kAll);
  EXPECT_EQ(read_all(reader), kShown);
}

TEST(RespReader, PiecesOfAnySizeReadAlike) {
  for (size_t step = 1; step <= kAll.size(); ++step) {
    RespReader reader;
    std::string out;
    for (size_t at = 0; at < kAll.size(); at += step) {
      reader.feed(std::string_view(kAll).substr(at, step));
      out += read_all(reader);
    }
    EXPECT_EQ(out, kShown) << "in pieces of " << step;
  }
}

TEST(RespReader, NoiseIsBrokenForEver) {
  for (const char* noise : {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "$x\r\n", "*2000000\r\n", "*65537\r\n", "$-7\r\n",
                            "*-7\r\n", ":1x\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    RespReader reader;
    reader.feed(noise);
    EXPECT_EQ(reader.next(), Event::kBroken) << noise;
    EXPECT_FALSE(reader.problem().empty());
    reader.feed("+OK\r\n");
    EXPECT_EQ(reader.next(), Event::kBroken) << noise;
  }
}

TEST(RespReader, ManySmallArraysInOneReplyAreBoundedTogether) {
  RespReader reader;
  reader.feed("*40000\r\n*40000\r\n");
  EXPECT_EQ(reader.next(), Event::kBroken);
}

TEST(RespReader, AnAnswerWithoutEndIsGivenUp) {
  RespReader reader;
  reader.feed("$2000000000\r\n");
  const std::string piece(1024 * 1024, 'x');
  size_t fed = 0;
  while (reader.next() == Event::kMore && fed < 100) {
    reader.feed(piece);
    ++fed;
  }
  EXPECT_EQ(reader.next(), Event::kBroken);
  EXPECT_EQ(fed, 64u);
}

TEST(RespReader, SmallRepliesBehindEachOtherAreNeverTooMuch) {
  RespReader reader;
  const std::string piece = "$1048576\r\n" + std::string(1024 * 1024, 'x') + "\r\n";
  for (int i = 0; i < 80; ++i) {
    reader.feed(piece);
    ASSERT_EQ(reader.next(), Event::kReply);
    ASSERT_EQ(reader.next(), Event::kMore);
  }
}

TEST(AppendCommand, WordsMayHoldAnyBytes) {
  std::string out;
  const std::array<std::string_view, 3> words{"SET", std::string_view("a\0\r\n", 4), ""};
  append_command(out, words);
  EXPECT_EQ(out, std::string("*3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n", 29));
}

}  // namespace
}  // namespace vg::store
