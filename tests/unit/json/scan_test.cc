#include "json/scan.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unit/json/oracle.h"

namespace vg::json {
namespace {

using std::string_view_literals::operator""sv;

std::string in_quotes(std::string_view inside) { return '"' + std::string(inside) + '"'; }

/// Every text of `letters`, `size` of them long.
template <typename F>
void for_each_text(std::string_view letters, size_t size, F&& f) {
  std::vector<size_t> at(size, 0);
  std::string text(size, letters[0]);
  for (;;) {
    f(std::string_view(text));
    size_t i = 0;
    for (; i < size && ++at[i] == letters.size(); ++i) text[i] = letters[at[i] = 0];
    if (i == size) return;
    text[i] = letters[at[i]];
  }
}

std::string all_bytes() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  return bytes;
}

std::string shown(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    char hex[8];
    std::snprintf(hex, sizeof hex, c > 0x20 && c < 0x7F ? "%c" : "\\x%02X", c);
    out += hex;
  }
  return out;
}

/// Ours and RapidJSON's verdict agree; how they may differ is said in oracle.h.
void expect_agreement(std::string_view text) {
  const test::Verdict theirs = test::ask_rapidjson(test::without_surrogates(text));
  if (is_json(text) != (theirs.taken && theirs.depth <= kMaxDepth) && !test::too_big(theirs)) {
    ADD_FAILURE() << "of one mind with RapidJSON on " << shown(text) << ": it " << (theirs.taken ? "takes" : "refuses");
  }
}

TEST(Scan, TakesOneWholeValue) {
  for (const char* yes : {"null", " {\"a\": [1, 2.50, \"x\", true]} ", "\"\\u00e9\"", "[]", "12345678901234567890"})
    EXPECT_TRUE(is_json(yes)) << yes;
  for (const char* no :
       {"", " ", "{", "[1,]", "{\"a\":}", "nul", "'a'", "1 2", "\"\x01\"", "\"\xFF\"", "01", "{a:1}", "// c\n1"})
    EXPECT_FALSE(is_json(no)) << no;
  EXPECT_FALSE(is_json(std::string_view("1\0", 2)));
  EXPECT_FALSE(is_json(std::string_view("1\0garbage", 9)));
}

TEST(Scan, LimitsTheDepth) {
  EXPECT_TRUE(is_json(std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(is_json(std::string(101, '[') + std::string(101, ']')));
  EXPECT_FALSE(is_json(std::string(1000000, '[')));
  EXPECT_TRUE(is_json("[[1]]", 2));
  EXPECT_FALSE(is_json("[[1]]", 1));
}

TEST(Scan, AgreesWithRapidJsonOnEveryTextOfTwoBytes) {
  const std::string bytes = all_bytes();
  expect_agreement("");
  for_each_text(bytes, 1, expect_agreement);
  for_each_text(bytes, 2, expect_agreement);
}

TEST(Scan, AgreesWithRapidJsonOnEveryStringOfTwoBytes) {
  for_each_text(all_bytes(), 2, [](std::string_view text) { expect_agreement(in_quotes(text)); });
}

TEST(Scan, AgreesWithRapidJsonOnEveryShortTextOfItsOwnLetters) {
  for (size_t size = 1; size <= 5; ++size) for_each_text("{}[]\",:1 ", size, expect_agreement);
}

TEST(Scan, AgreesWithRapidJsonOnEveryShortNumber) {
  for (size_t size = 1; size <= 6; ++size) for_each_text("019.eE+-", size, expect_agreement);
}

TEST(Scan, AgreesWithRapidJsonOnEveryShortEscape) {
  for (size_t size = 1; size <= 4; ++size) {
    for_each_text("\\\"unb/x0", size, [](std::string_view text) { expect_agreement(in_quotes(text)); });
  }
  for_each_text("0aFgG/:@`\"\\", 4,
                [](std::string_view text) { expect_agreement("\"\\u" + std::string(text) + "\""); });
}

TEST(Scan, AgreesWithRapidJsonWhereAByteOfADocumentIsChanged) {
  const std::string text = R"({"a":[1,-2.5e+3,"x\u00e9\n",true],"b":{"c":null,"d":false}, "" : [ ] })";
  for (size_t i = 0; i < text.size(); ++i) {
    expect_agreement(text.substr(0, i));
    expect_agreement(text.substr(0, i) + text.substr(i + 1));
    for (int c = 0; c < 256; ++c) {
      std::string changed = text;
      changed[i] = static_cast<char>(c);
      expect_agreement(changed);
    }
  }
}

TEST(Scan, NulIsNowhereAnEnd) {
  for (const std::string_view text : {"\0"sv, "1\0"sv, "\0001"sv, "[1\0]"sv, "\"\0\""sv, "{\"a\"\0:1}"sv, "null\0"sv}) {
    EXPECT_FALSE(is_json(text)) << shown(text);
  }
}

TEST(Scan, FindsWhatDoesNotBelongAtEveryPlaceOfAString) {
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string inside(size, 'a');
      EXPECT_TRUE(is_json(in_quotes(inside)));
      for (const char c : {'\0', '\x01', '\x1f', '"', '\\', '\x80', '\xff'}) {
        inside[at] = c;
        EXPECT_FALSE(is_json(in_quotes(inside))) << size << " " << at << " " << int{c};
      }
      for (const char c : {' ', '!', '#', '[', ']', '\x7f'}) {
        inside[at] = c;
        EXPECT_TRUE(is_json(in_quotes(inside))) << size << " " << at << " " << int{c};
      }
    }
  }
}

TEST(Scan, TakesEscapesAndUtf8AtEveryPlaceOfAString) {
  for (size_t before = 0; before <= 20; ++before) {
    for (const char* unit : {"\\\"", "\\\\", "\\u00e9", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
      for (size_t times = 1; times <= 9; ++times) {
        std::string text(before, 'a');
        for (size_t i = 0; i < times; ++i) text += unit;
        EXPECT_TRUE(is_json(in_quotes(text)));
        EXPECT_TRUE(is_json(in_quotes(text + "bcdefghijk")));
        for (size_t cut = 1; cut < std::string_view(unit).size(); ++cut) {
          EXPECT_FALSE(is_json(in_quotes(text.substr(0, text.size() - cut)))) << shown(text) << " " << cut;
        }
      }
    }
  }
}

/// The code point that the whole of `s` is, by the definition: what is decoded must be written so; -1 if it is none.
int64_t code_point(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const size_t size = byte(0) < 0x80   ? 1
                      : byte(0) < 0xC0 ? 0
                      : byte(0) < 0xE0 ? 2
                      : byte(0) < 0xF0 ? 3
                      : byte(0) < 0xF8 ? 4
                                       : 0;
  if (size != s.size()) return -1;
  uint32_t code = size == 1 ? byte(0) : byte(0) & (0x7FU >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return -1;
    code = code << 6 | (byte(i) & 0x3F);
  }
  const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool none = code < least[size] || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF;
  return none ? -1 : static_cast<int64_t>(code);
}

TEST(Scan, TakesEveryCodePointAndNoOtherSequenceOfThreeBytes) {
  std::string three(3, ' ');
  for (int a = 0x80; a < 256; ++a) {
    for (int b = 0x80; b < 256; ++b) {
      for (const int c : {0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xE0, 0xFF}) {
        three[0] = static_cast<char>(a);
        three[1] = static_cast<char>(b);
        three[2] = static_cast<char>(c);
        const bool good = code_point(three) >= 0;
        if (is_json(in_quotes(three)) != good) ADD_FAILURE() << shown(three);
      }
    }
  }
}

TEST(Scan, TakesOfFourBytesThoseFromU10000ToU10FFFF) {
  for (int a = 0xEF; a < 256; ++a) {
    for (int b = 0x70; b < 256; ++b) {
      for (const int c : {0x00, 0x22, 0x7F, 0x80, 0xA0, 0xBF, 0xC0, 0xFF}) {
        for (const int d : {0x00, 0x22, 0x7F, 0x80, 0xBF, 0xC0, 0xFF}) {
          std::string four{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
          const bool good = code_point(four) >= 0;
          if (a >= 0xF0 && is_json(in_quotes(four)) != good) ADD_FAILURE() << shown(four);
        }
      }
    }
  }
}

TEST(Scan, TakesEveryEscapedCodeUnitAsItIs) {
  for (int unit = 0; unit < 0x10000; ++unit) {
    char text[16];
    std::snprintf(text, sizeof text, unit % 2 == 0 ? "\"\\u%04x\"" : "\"\\u%04X\"", unit);
    EXPECT_TRUE(is_json(text)) << text;
  }
}

TEST(Scan, CountsTheDepthOfArraysAndObjectsTogether) {
  for (const size_t most : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{128}, size_t{1000}}) {
    for (size_t depth = most > 2 ? most - 2 : 0; depth < most + 3; ++depth) {
      std::string open, close;
      for (size_t i = 0; i < depth; ++i) {
        open += i % 3 == 0 ? "[" : "{\"a\":";
        close.insert(0, i % 3 == 0 ? "]" : "}");
      }
      EXPECT_EQ(is_json(open + "1" + close, most), depth <= most) << depth << " " << most;
      EXPECT_EQ(is_json(open + (depth % 3 == 0 ? "[]" : "{}") + close, most), depth + 1 <= most) << depth;
    }
  }
}

TEST(Scan, RemembersWhatIsOpenAtEveryDepth) {
  uint64_t state = 1;
  for (int round = 0; round < 300; ++round) {
    std::string open, close;
    std::vector<bool> objects;
    for (size_t i = 0; i < 200; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      objects.push_back((state >> 40) % 2 == 0);
      open += objects.back() ? "{\"a\":[],\"b\":" : "[{},";
    }
    for (size_t i = objects.size(); i-- > 0;) close += objects[i] ? '}' : ']';
    EXPECT_TRUE(is_json(open + "0" + close, 201));
    std::string wrong = close;
    const size_t at = (state >> 33) % wrong.size();
    wrong[at] = wrong[at] == '}' ? ']' : '}';
    EXPECT_FALSE(is_json(open + "0" + wrong, 201)) << at;
  }
}

TEST(Scan, NestsNoDeeperThanItsLimitWhateverIsAsked) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(is_json(nested(kDepthLimit), SIZE_MAX));
  EXPECT_FALSE(is_json(nested(kDepthLimit + 1), SIZE_MAX));
  EXPECT_FALSE(is_json(std::string(10'000'000, '['), SIZE_MAX));
}

TEST(Scan, AfterClosingManyTheDepthIsFreeAgain) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += std::string(99, '[') + std::string(99, ']') + ',';
  EXPECT_TRUE(is_json(text + "0]"));
}

TEST(Scan, TakesNumbersOfAnyLength) {
  for (const size_t size : {1U, 18U, 19U, 20U, 400U, 100000U}) {
    const std::string digits(size, '9');
    EXPECT_TRUE(is_json(digits));
    EXPECT_TRUE(is_json("-" + digits + "." + digits + "e+" + digits));
    EXPECT_FALSE(is_json("0" + digits));
    EXPECT_FALSE(is_json(digits + "."));
    EXPECT_FALSE(is_json(digits + "e"));
  }
}

TEST(Scan, KnowsFourBlanksAlone) {
  for (int c = 0; c < 256; ++c) {
    const std::string b(1, static_cast<char>(c));
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    EXPECT_EQ(is_json(b + "{" + b + "\"a\"" + b + ":" + b + "[" + b + "true" + b + "," + b + "{" + b + "}" + b + "]" +
                      b + "}" + b),
              blank)
        << c;
  }
  EXPECT_TRUE(is_json(std::string(1000, ' ') + "1" + std::string(1000, '\n')));
  EXPECT_FALSE(is_json(std::string(1000, ' ')));
}

TEST(Scan, ReadsNothingBehindTheText) {
  const std::string text = R"({"a":"bcdefghijklmnop","c":[1,2,3],"d":true,"\u00e9":-1.5e10})";
  for (size_t size = 0; size < text.size(); ++size) {
    const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(is_json({exact.data(), exact.size()}));
  }
}

}  // namespace
}  // namespace vg::json
