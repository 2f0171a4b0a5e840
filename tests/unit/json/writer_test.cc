#include "json/writer.h"

#include <gtest/gtest.h>

#include "json/scan.h"

namespace vg::json {
namespace {

TEST(Writer, PutsCommasAndColonsWhereTheyBelong) {
  std::string out;
  Writer w(out);
  w.begin_object();
  w.key("a");
  w.number("1.10");
  w.key("b");
  w.begin_array();
  w.begin_object();
  w.end_object();
  w.begin_array();
  w.end_array();
  w.string("x");
  w.boolean(true);
  w.null();
  w.number(int64_t{-5});
  w.end_array();
  w.key("c");
  w.begin_object();
  w.key("d");
  w.raw("[1, 2]");
  w.end_object();
  w.end_object();
  EXPECT_EQ(out, R"({"a":1.10,"b":[{},[],"x",true,null,-5],"c":{"d":[1, 2]}})");
}

TEST(Writer, ANumberThatIsNoneBecomesAString) {
  std::string out;
  Writer w(out);
  w.begin_array();
  for (const char* s : {"0x10", ".5", "+1", "1_000", "1", ""}) w.number(s);
  w.end_array();
  EXPECT_EQ(out, R"(["0x10",".5","+1","1_000",1,""])");
}

TEST(AppendString, EscapesWhatJsonAsksFor) {
  std::string out;
  append_string(out, std::string_view("\"\\/\b\f\n\r\t\x01\x1f\x7f\0z", 13));
  EXPECT_EQ(out, "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u0001\\u001f\x7f\\u0000z\"");
}

TEST(AppendString, EveryByteSequenceBecomesValidJson) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      for (const char* tail : {"", "\x80", "\x80\x80", "z"}) {
        std::string out;
        append_string(out, std::string{static_cast<char>(a), static_cast<char>(b)} + tail);
        ASSERT_TRUE(is_json(out)) << a << " " << b;
      }
    }
  }
}

TEST(AppendString, FindsWhatIsSpecialAtEveryPlace) {
  const std::string plain = "abcdefghijklmnopqrst~ ";
  std::string out;
  append_string(out, plain);
  EXPECT_EQ(out, '"' + plain + '"');
  for (size_t at = 0; at <= plain.size(); ++at) {
    for (const auto& [special, escaped] :
         {std::pair("\"", "\\\""), std::pair("\\", "\\\\"), std::pair("\n", "\\n"), std::pair("\x1f", "\\u001f"),
          std::pair("\xFF", "\xEF\xBF\xBD"), std::pair("\xC3\xA9", "\xC3\xA9")}) {
      out.clear();
      append_string(out, plain.substr(0, at) + special + plain.substr(at));
      EXPECT_EQ(out, '"' + plain.substr(0, at) + escaped + plain.substr(at) + '"') << at;
    }
  }
}

TEST(AppendString, KeepsUtf8AndReplacesWhatIsNone) {
  std::string out;
  append_string(out, "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(out, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  for (const char* bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8", "\xE2\x82"}) {
    out.clear();
    append_string(out, bad);
    EXPECT_TRUE(is_json(out));
    EXPECT_NE(out.find("\xEF\xBF\xBD"), std::string::npos);
  }
}

TEST(IsNumber, FollowsTheGrammar) {
  for (const char* yes : {"0", "-0", "10", "1.5", "0.10", "1e5", "1E+5", "-1.0e-10", "123456789012345678901234567890"})
    EXPECT_TRUE(is_number(yes)) << yes;
  for (const char* no : {"", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "0x1", "1_0", " 1", "1 ", "NaN",
                         "Infinity", "1.5.2", "--1", "1e5.5"}) {
    EXPECT_FALSE(is_number(no)) << no;
  }
}

}  // namespace
}  // namespace vg::json
