#include "json/value.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace vg::json {
namespace {

using std::string_view_literals::operator""sv;

std::vector<std::string> elements_of(std::string_view text) {
  std::vector<std::string> out;
  for (const Value v : Value::of(text).elements()) out.emplace_back(v.text());
  return out;
}

std::vector<std::string> members_of(std::string_view text) {
  std::vector<std::string> out;
  for (const Member& m : Value::of(text).members())
    out.push_back(std::string(m.raw_name) + "=" + std::string(m.value.text()));
  return out;
}

std::string text_of(std::string_view json) {
  std::string out = "before:";
  if (Value::of(json).append_text(out)) return out.substr(7);
  EXPECT_EQ(out, "before:") << json;
  return "<none>";
}

using Texts = std::vector<std::string>;

TEST(Value, KnowsItsKind) {
  EXPECT_EQ(Value().kind(), Kind::kAbsent);
  EXPECT_TRUE(Value().absent());
  EXPECT_EQ(Value::of("null").kind(), Kind::kNull);
  EXPECT_EQ(Value::of("true").kind(), Kind::kBool);
  EXPECT_EQ(Value::of("false").kind(), Kind::kBool);
  EXPECT_EQ(Value::of("-1").kind(), Kind::kNumber);
  EXPECT_EQ(Value::of("0").kind(), Kind::kNumber);
  EXPECT_EQ(Value::of("\"\"").kind(), Kind::kString);
  EXPECT_EQ(Value::of("[]").kind(), Kind::kArray);
  EXPECT_EQ(Value::of("{}").kind(), Kind::kObject);
}

TEST(Value, ScalarsAreStringsNumbersAndBooleans) {
  for (const char* yes : {"\"a\"", "1", "-0.5", "true", "false"}) EXPECT_TRUE(Value::of(yes).is_scalar()) << yes;
  for (const char* no : {"null", "[]", "{}"}) EXPECT_FALSE(Value::of(no).is_scalar()) << no;
  EXPECT_FALSE(Value().is_scalar());
}

TEST(Value, KeepsTheBytesWithoutBlanksAround) {
  EXPECT_EQ(Value::of(" \t\r\n[ 1.10 , 2 ]\n").text(), "[ 1.10 , 2 ]");
  EXPECT_EQ(Value::of(" 1e400 ").text(), "1e400");
  EXPECT_EQ(Value::of("\" a \"").text(), "\" a \"");
  EXPECT_EQ(Value().text(), "");
}

TEST(Value, IsTruthyUnlessThereIsNothingInIt) {
  for (const char* no : {"null", "false", "\"\"", "[]", "{}", "[ ]", "{\n}"})
    EXPECT_FALSE(Value::of(no).truthy()) << no;
  for (const char* yes : {"true", "0", "-0", "0.0", "1", "\" \"", "\"0\"", "\"false\"", "\"\\u0000\"", "[0]", "[null]",
                          "[[]]", "{\"\":0}"}) {
    EXPECT_TRUE(Value::of(yes).truthy()) << yes;
  }
  EXPECT_FALSE(Value().truthy());
}

TEST(Value, GoesOverElementsInTheirOrder) {
  EXPECT_EQ(elements_of("[]"), Texts{});
  EXPECT_EQ(elements_of("[ ]"), Texts{});
  EXPECT_EQ(elements_of("[1]"), Texts{"1"});
  EXPECT_EQ(elements_of("[ 1 ,\"a,]\" , [2,[3]] ,{\"b\":[4]},null,-1.5e3 ]"),
            (Texts{"1", "\"a,]\"", "[2,[3]]", "{\"b\":[4]}", "null", "-1.5e3"}));
}

TEST(Value, GoesOverMembersInTheirOrder) {
  EXPECT_EQ(members_of("{}"), Texts{});
  EXPECT_EQ(members_of("{ }"), Texts{});
  EXPECT_EQ(members_of("{ \"a\" : 1 , \"b\":{\"a\":2}, \"\":[], \"a\" : \"}\" }"),
            (Texts{"a=1", "b={\"a\":2}", "=[]", "a=\"}\""}));
}

TEST(Value, OthersHaveNoMembersAndNoElements) {
  for (const char* text : {"null", "true", "12", "\"[1]\"", "\"{}\""}) {
    const Value v = Value::of(text);
    EXPECT_EQ(v.size(), 0U) << text;
    EXPECT_EQ(v.members().begin(), v.members().end()) << text;
    EXPECT_EQ(v.elements().begin(), v.elements().end()) << text;
    EXPECT_TRUE(v.member("a").absent()) << text;
    EXPECT_TRUE(v.element(0).absent()) << text;
  }
  EXPECT_EQ(Value::of("[1]").members().begin(), Value::of("[1]").members().end());
  EXPECT_EQ(Value::of("{\"a\":1}").elements().begin(), Value::of("{\"a\":1}").elements().end());
  EXPECT_TRUE(Value().member("").absent());
  EXPECT_TRUE(Value().element(0).absent());
  EXPECT_EQ(Value().size(), 0U);
}

TEST(Value, PassesOverStringsOfEveryLengthAndWithEveryEscape) {
  for (size_t size = 0; size <= 40; ++size) {
    for (const char* tail : {"", "\\\"", "\\\\", "\\\\\\\"", "\\u005c", "]", "}", "{", "\xC3\xA9"}) {
      const std::string string = "\"" + std::string(size, 'x') + tail + "\"";
      ASSERT_EQ(elements_of("[" + string + ",{\"k\":" + string + "},[" + string + "],7]"),
                (Texts{string, "{\"k\":" + string + "}", "[" + string + "]", "7"}));
      ASSERT_EQ(
          members_of("{" + string + ":" + string + "," + string + ":[]}"),
          (Texts{string.substr(1, string.size() - 2) + "=" + string, string.substr(1, string.size() - 2) + "=[]"}));
    }
  }
}

/// A random value of a few levels, with brackets, quotes and backslashes in its strings.
std::string random_value(uint64_t& state, int depth) {
  const auto below = [&state](uint64_t n) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33) % n;
  };
  const std::string blank(below(3) == 0 ? below(12) : 0, ' ');
  if (depth == 0 || below(3) == 0) {
    std::string text = "\"";
    for (uint64_t i = below(20); i-- > 0;) {
      const char* const units[] = {"a", "b", "[", "]", "{", "}", ",", "\\\\", "\\\"", "\\u005d", "\xC3\xA9", "#"};
      text += units[below(std::size(units))];
    }
    return text + "\"";
  }
  const bool object = below(2) == 0;
  std::string text = (object ? "{" : "[") + blank;
  const uint64_t count = below(4);
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0) text += ',' + blank;
    if (object) text += random_value(state, 0) + blank + ":";
    text += blank + random_value(state, depth - 1);
  }
  return text + blank + (object ? "}" : "]");
}

TEST(Value, PassesOverWhateverIsNested) {
  uint64_t state = 7;
  for (int round = 0; round < 300; ++round) {
    Texts parts;
    std::string array = "[", object = "{";
    for (int i = 0; i < 5; ++i) {
      parts.push_back(random_value(state, 4));
      array += (i > 0 ? "," : "") + parts.back();
      object += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":" + parts.back();
    }
    ASSERT_TRUE(is_json(array + "]")) << array;
    ASSERT_EQ(elements_of(array + "]"), parts) << array;
    for (size_t i = 0; i < parts.size(); ++i) {
      ASSERT_EQ(Value::of(object + "}").member(std::to_string(i)).text(), parts[i]) << object;
    }
  }
}

TEST(Value, FindsAMemberByItsDecodedName) {
  const Value v = Value::of(
      R"({"plain":1,"\u0061b":2,"q\"uote":3,"sl\/ash":4,"caf\u00e9":5,"\ud83d\ude00":6,"nul\u0000":7,"":8,"\\u0061":9})");
  EXPECT_EQ(v.member("plain").text(), "1");
  EXPECT_EQ(v.member("ab").text(), "2");
  EXPECT_EQ(v.member("q\"uote").text(), "3");
  EXPECT_EQ(v.member("sl/ash").text(), "4");
  EXPECT_EQ(v.member("caf\xC3\xA9").text(), "5");
  EXPECT_EQ(v.member("\xF0\x9F\x98\x80").text(), "6");
  EXPECT_EQ(v.member("nul\0"sv).text(), "7");
  EXPECT_EQ(v.member("").text(), "8");
  EXPECT_EQ(v.member("\\u0061").text(), "9");
  for (const std::string_view name :
       {"Plain"sv, "plai"sv, "plainer"sv, "\\u0061b"sv, "nul"sv, "nul\0\0"sv, "caf"sv, "sl\\/ash"sv}) {
    EXPECT_TRUE(v.member(name).absent()) << name;
  }
}

TEST(Value, OfSeveralMembersOfOneNameTheLastCounts) {
  const Value v = Value::of(R"({"a":1,"b":2,"\u0061":3,"c":4})");
  EXPECT_EQ(v.member("a").text(), "3");
  EXPECT_EQ(v.size(), 4U);
}

TEST(Value, HalfASurrogatePairIsNoNameThatTextCouldHave) {
  const Value v = Value::of(R"({"\ud800":1,"\ufffd":2})");
  EXPECT_EQ(v.member("\xEF\xBF\xBD").text(), "2");
}

TEST(Value, NamesOfMembersKeepTheirEscapes) {
  const Value v = Value::of(R"({"\u0061\ud800":1,"b":2})");
  auto m = v.members().begin();
  EXPECT_EQ(m->raw_name, R"(\u0061\ud800)");
  EXPECT_TRUE(m->escaped);
  std::string name;
  m->append_name(name);
  EXPECT_EQ(name, "a\xEF\xBF\xBD");
  ++m;
  EXPECT_FALSE(m->escaped);
  EXPECT_TRUE(m->named("b"));
  EXPECT_FALSE(m->named("a"));
}

TEST(Value, FindsAnElementByIndex) {
  const Value v = Value::of("[10, [20], {\"a\":30}]");
  EXPECT_EQ(v.element(0).text(), "10");
  EXPECT_EQ(v.element(2).text(), "{\"a\":30}");
  EXPECT_TRUE(v.element(3).absent());
  EXPECT_TRUE(v.element(SIZE_MAX).absent());
  EXPECT_EQ(v.size(), 3U);
}

TEST(Value, FollowsAPathThroughObjectsAndArrays) {
  const Value v = Value::of(R"({"data":{"items":[{"id":1},{"id":2,"0":"zero"}]},"0":"top"})");
  const auto at = [&](const Texts& path) { return std::string(v.at(path).text()); };
  EXPECT_EQ(at({}), v.text());
  EXPECT_EQ(at({"data", "items", "1", "id"}), "2");
  EXPECT_EQ(at({"data", "items", "1", "0"}), "\"zero\"");
  EXPECT_EQ(at({"0"}), "\"top\"");
  for (const Texts& nowhere :
       {Texts{"x"}, Texts{"data", "items", "2"}, Texts{"data", "items", "01"}, Texts{"data", "items", "+1"},
        Texts{"data", "items", ""}, Texts{"data", "items", "-"}, Texts{"data", "items", "1.0"},
        Texts{"data", "items", "18446744073709551616"}, Texts{"data", "items", "18446744073709551615"}, Texts{"0", "0"},
        Texts{"data", "items", "id"}}) {
    EXPECT_EQ(at(nowhere), "") << nowhere.back();
  }
  EXPECT_TRUE(Value().at(Texts{"a"}).absent());
}

TEST(Value, TextIsDecodedFromStringsAndAsWrittenElsewhere) {
  EXPECT_EQ(text_of("1.10"), "1.10");
  EXPECT_EQ(text_of("123456789012345678901234567890"), "123456789012345678901234567890");
  EXPECT_EQ(text_of("1E400"), "1E400");
  EXPECT_EQ(text_of("true"), "true");
  EXPECT_EQ(text_of("false"), "false");
  EXPECT_EQ(text_of("\"\""), "");
  EXPECT_EQ(text_of(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(text_of(R"("a\u00e9\u20AC\ud83d\uDE00z")"), "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
  EXPECT_EQ(text_of(R"("x\u0000y")"), "x\0y"sv);
  for (const char* none : {"null", "[]", "[1]", "{}"}) EXPECT_EQ(text_of(none), "<none>") << none;
  std::string out;
  EXPECT_FALSE(Value().append_text(out));
}

TEST(Value, HalfASurrogatePairBecomesTheReplacementCharacter) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(text_of(R"("\ud800")"), r);
  EXPECT_EQ(text_of(R"("\udfff")"), r);
  EXPECT_EQ(text_of(R"("\ud800x")"), r + "x");
  EXPECT_EQ(text_of(R"("\ud800\n")"), r + "\n");
  EXPECT_EQ(text_of(R"("\udc00\ud800")"), r + r);
  EXPECT_EQ(text_of(R"("\ud800\ud800\udc00")"), r + "\xF0\x90\x80\x80");
  EXPECT_EQ(text_of(R"("\ud800\u0041")"), r + "A");
  EXPECT_EQ(text_of(R"("\ud800\\udc00")"), r + "\\udc00");
}

TEST(Value, EveryEscapedCodeUnitDecodesToItsCodePoint) {
  for (unsigned unit = 1; unit < 0xD800; ++unit) {
    char json[16];
    std::snprintf(json, sizeof json, "\"\\u%04x\"", unit);
    std::string text;
    ASSERT_TRUE(Value::of(json).append_text(text));
    ASSERT_EQ(text.size(), unit < 0x80 ? 1U : unit < 0x800 ? 2U : 3U);
    EXPECT_EQ(Value::of("{" + std::string(json) + ":1}").member(text).text(), "1") << json;
    ASSERT_TRUE(equal(Value::of(json), Value::of(unit == '"' || unit == '\\' ? "\"\\" + text + "\""
                                                 : unit < 0x20               ? json
                                                                             : "\"" + text + "\"")))
        << json;
  }
}

TEST(Value, WalksAsDeepAsTextMayNest) {
  std::string text;
  for (size_t i = 0; i < kDepthLimit / 2; ++i) text += "[{\"a\":";
  text += "\"x\"";
  for (size_t i = 0; i < kDepthLimit / 2; ++i) text += "}]";
  ASSERT_TRUE(is_json(text, kDepthLimit));
  Value v = Value::of(text);
  for (size_t i = 0; i < kDepthLimit / 2; ++i) v = v.element(0).member("a");
  EXPECT_EQ(v.text(), "\"x\"");
  std::string spaced = text;
  spaced.insert(text.find("\"x\""), " ");
  EXPECT_TRUE(equal(Value::of(text), Value::of(spaced)));
  EXPECT_FALSE(has_duplicate_members(text));
}

}  // namespace
}  // namespace vg::json
