#include "observe/escape.h"

#include <gtest/gtest.h>

namespace vg::observe {
namespace {

template <typename F>
std::string with(F append, std::string_view s) {
  std::string out;
  append(out, s);
  return out;
}

TEST(Escape, QuotedTextStaysPrintableAscii) {
  for (int c = 0; c < 256; ++c) {
    const std::string out = with(append_quoted_text, std::string(1, static_cast<char>(c)));
    for (const char o : out) EXPECT_TRUE(o >= 0x20 && o < 0x7f) << "byte " << c;
    EXPECT_EQ(out.size() == 1, c >= 0x20 && c < 0x7f && c != '"' && c != '\\') << "byte " << c;
  }
  EXPECT_EQ(with(append_quoted_text,
                 "/a\"b\\c\n\xff"
                 "d"),
            "/a\\\"b\\\\c\\x0a\\xffd");
}

TEST(Escape, ValueIsQuotedUnlessItIsAPlainWord) {
  EXPECT_EQ(with(append_value, "article-detail"), "article-detail");
  EXPECT_EQ(with(append_value, "a b"), "\"a b\"");
  EXPECT_EQ(with(append_value, "a=b"), "\"a=b\"");
  EXPECT_EQ(with(append_value, "x\" error=none"), "\"x\\\" error=none\"");
  EXPECT_EQ(with(append_value, ""), "\"\"");
}

TEST(Escape, MessageKeepsUtf8AndEscapesControls) {
  EXPECT_EQ(with(append_message, "größe \"x\" \\ ok"), "größe \"x\" \\ ok");
  EXPECT_EQ(with(append_message, "a\nb\rc\td\x1b[2J\x7f"), "a\\nb\\rc\\td\\x1b[2J\\x7f");
  EXPECT_EQ(with(append_message,
                 "\xc2\x9b"
                 "31m"),
            "\\xc2\\x9b31m");
}

TEST(Escape, MessageEscapesWhatIsNotUtf8) {
  EXPECT_EQ(with(append_message, "\xff"), "\\xff");
  EXPECT_EQ(with(append_message, "\xc3"), "\\xc3");                             // cut short
  EXPECT_EQ(with(append_message, "\xc0\xaf"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(with(append_message, "\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(with(append_message, "\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
  EXPECT_EQ(with(append_message, "\xf0\x9f\x98\x80\xe2\x82\xac"), "\xf0\x9f\x98\x80\xe2\x82\xac");
}

TEST(Escape, JsonEscapesByRfc8259) {
  EXPECT_EQ(with(append_json, "a\"b\\c\n\r\t\x01\x7f"), "a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f");
  EXPECT_EQ(with(append_json, std::string_view("\0", 1)), "\\u0000");
  EXPECT_EQ(with(append_json, "é€\xf0\x9f\x98\x80"), "é€\xf0\x9f\x98\x80");
  EXPECT_EQ(with(append_json, "\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace vg::observe
