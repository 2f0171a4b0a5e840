// No value, whatever its bytes, adds a path segment, a query parameter, a header line or a JSON member: every byte and
// every pair of bytes, out of every root, in every place. What comes out is read back as its receiver would.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "json/writer.h"
#include "template/call_target.h"
#include "template/encode.h"
#include "template/json_template.h"

#include "unit/template/fake_values.h"
#include "unit/template/yaml.h"

namespace vg::tmpl {
namespace {

Scope scope() { return scope_of_views({{"name", ParamKind::kPlain}}, {"c"}); }
void fail(size_t, const std::string& what) { ADD_FAILURE() << what; }
void fail_at(const config::Node&, size_t, const std::string& what) { ADD_FAILURE() << what; }

constexpr std::array<std::string_view, 10> kReferences = {"name",   "query.v",   "header.v", "cookie.v", "body.v",
                                                          "item.v", "calls.c.v", "object.v", "items.v",  "body.l"};
constexpr std::string_view kInSegment = "-._~!$&'()*,=:@%", kInValue = "-._~,:@/%";

/// The characters with these numbers.
std::string utf8(std::string_view latin1) {
  std::string out;
  for (const char c : latin1) {
    const auto b = static_cast<unsigned char>(c);
    if (b >= 0x80) out += static_cast<char>(0xC0 | b >> 6);
    out += b < 0x80 ? c : static_cast<char>(0x80 | (b & 0x3F));
  }
  return out;
}

/// One value in every root: its bytes in those of the request, in JSON the characters with these numbers. `spelled`
/// writes them as \u00XX.
class Carrier {
 public:
  void carry(std::string_view bytes, bool spelled) {
    request_.assign(bytes);
    json_ = utf8(bytes);
    coded_.clear();
    for (const char c : bytes) append_escape(coded_, c);
    values.params.assign(1, coded_);
    values.query.assign("v=").append(coded_);
    values.headers["v"] = values.cookies["v"] = request_;
    std::string text;
    json::append_string(text, json_);
    if (spelled) {
      text = "\"";
      for (const char c : coded_) c == '%' ? text.append("\\u00") : text.append(1, c);
      text += '"';
    }
    const std::string object = "{\"v\":" + text + ",\"l\":[\"x\"," + text + "]}";
    for (const Root r : {Root::kBody, Root::kObject, Root::kItem}) values.roots[r] = object;
    values.roots[Root::kItems] = "[" + object + "]";
    values.calls.assign(1, object);
    list_ = "x," + json_;
    valid_.clear();
    json::append_string(valid_, request_);
  }
  const std::string& coded() const { return coded_; }
  /// What a reference stands for.
  const std::string& meant(size_t ref) const {
    return ref < 4 ? request_ : ref + 1 < kReferences.size() ? json_ : list_;
  }
  /// The same as a string of JSON; bytes that are not UTF-8 are U+FFFD.
  std::string as_json(size_t ref) const {
    if (ref < 4) return valid_;
    std::string out;
    json::append_string(out, meant(ref));
    return out;
  }
  FakeValues values;

 private:
  std::string request_, json_, list_, coded_, valid_;
};

/// True if the bytes are all data, escaped or of those that are allowed, and are what was meant.
bool is_data(std::string_view encoded, std::string_view allowed, std::string_view meant) {
  size_t at = 0;
  for (const char expected : meant) {
    if (at == encoded.size()) return false;
    const char c = encoded[at];
    if (!is_alpha(c) && !is_digit(c) && allowed.find(c) == std::string_view::npos) return false;
    if (c == '%' && encoded.size() - at < 3) return false;
    if (next_byte(encoded, Coding::kPercent, at) != expected) return false;
  }
  return at == encoded.size();
}

/// The templates of one reference, in every place, and what must be true of them for each value.
class Places {
 public:
  explicit Places(size_t ref) : ref_(ref) {
    const std::string text = "{" + std::string(kReferences[ref]) + "}";
    path_ = Template::compile("pre/" + text + "/post", Place::kPath, scope(), fail);
    query_ = Template::compile(text, Place::kQuery, scope(), fail);
    header_ = Template::compile("a " + text, Place::kHeader, scope(), fail);
    url_ = Template::compile("/" + text + "?a=" + text + "&b=1#" + text, Place::kUrl, scope(), fail);
    json_ = JsonTemplate::compile(*Yaml("{a: '" + text + "', b: ['x" + text + "'], c: 1}").root, scope(), fail_at);
    call_ = *parse_call("up/p/" + text + "?a=" + text + "&b=1", scope(), fail);
  }

  bool hold(const Carrier& carrier) {
    const std::string& meant = carrier.meant(ref_);
    const bool no_segment = meant.empty() || meant == "." || meant == "..";
    return in_path(carrier, meant, no_segment) && in_query(carrier, meant) && in_header(carrier, meant) &&
           in_json(carrier);
  }
  bool hold_in_targets(const Carrier& carrier) {
    const std::string& meant = carrier.meant(ref_);
    const bool no_segment = meant.empty() || meant == "." || meant == "..";
    return in_url(carrier, meant, no_segment) && in_call(carrier, meant, no_segment);
  }

 private:
  bool render(const Template& t, const Carrier& carrier) {
    out_.clear();
    return t.render(carrier.values, out_).ok();
  }
  bool in_path(const Carrier& carrier, std::string_view meant, bool missing) {
    if (!render(path_, carrier)) return missing;
    const std::string_view out = out_;
    return !missing && out.starts_with("pre/") && out.ends_with("/post") &&
           is_data(out.substr(4, out.size() - 9), kInSegment, meant);
  }
  bool in_query(const Carrier& carrier, std::string_view meant) {
    return render(query_, carrier) && is_data(out_, kInValue, meant);
  }
  bool in_header(const Carrier& carrier, std::string_view meant) {
    const bool missing = std::any_of(meant.begin(), meant.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
    if (!render(header_, carrier)) return missing;
    return !missing && out_.starts_with("a ") && std::string_view(out_).substr(2) == meant;
  }
  bool in_json(const Carrier& carrier) {
    out_.clear();
    if (!json_.render(carrier.values, out_).ok() || !json::is_json(out_)) return false;
    const json::Value whole = json::Value::of(out_), a = whole.member("a"), b = whole.member("b");
    if (whole.size() != 3 || b.size() != 1 || whole.member("c").text() != "1") return false;
    const std::string meant = carrier.as_json(ref_);
    if (!equal(b.element(0), json::Value::of("\"x" + meant.substr(1)))) return false;
    if (kReferences[ref_] == "body.l") return a.size() == 2;
    return equal(a.is_array() ? a.element(a.size() - 1) : a, json::Value::of(meant));
  }
  bool in_url(const Carrier& carrier, std::string_view meant, bool missing) {
    if (!render(url_, carrier)) return missing;
    const std::string_view out = out_;
    const size_t mark = out.find("?a="), next = out.find("&b=1#", mark == out.npos ? 0 : mark);
    return !missing && mark != out.npos && next != out.npos && is_data(out.substr(1, mark - 1), kInSegment, meant) &&
           is_data(out.substr(mark + 3, next - mark - 3), kInValue, meant) &&
           is_data(out.substr(next + 5), kInValue, meant);
  }
  bool in_call(const Carrier& carrier, std::string_view meant, bool missing) {
    out_.clear();
    if (!call_.render(carrier.values, "/base", out_).ok()) return missing;
    const std::string_view out = out_;
    const size_t mark = out.find('?');
    return !missing && out.starts_with("/base/p/") && out.ends_with("&b=1") && mark != out.npos &&
           is_data(out.substr(8, mark - 8), kInSegment, meant) && out.substr(mark).starts_with("?a=") &&
           is_data(out.substr(mark + 3, out.size() - mark - 7), kInValue, meant);
  }

  size_t ref_;
  std::string out_;
  Template path_, query_, header_, url_;
  JsonTemplate json_;
  CallTarget call_;
};

class AllPlaces {
 public:
  AllPlaces() {
    for (size_t ref = 0; ref < kReferences.size(); ++ref) places_.emplace_back(ref);
  }
  void check(std::string_view bytes, bool spelled, bool targets) {
    carrier_.carry(bytes, spelled);
    for (size_t ref = 0; ref < places_.size() && wrong_ < 10; ++ref) {
      if (places_[ref].hold(carrier_) && (!targets || places_[ref].hold_in_targets(carrier_))) continue;
      ++wrong_;
      ADD_FAILURE() << kReferences[ref] << " with the bytes " << carrier_.coded();
    }
  }

 private:
  std::vector<Places> places_;
  Carrier carrier_;
  size_t wrong_ = 0;
};

TEST(Injection, NoByteEscapesFromItsPlace) {
  AllPlaces places;
  for (int a = 0; a < 256; ++a) {
    const char c = static_cast<char>(a);
    for (const bool spelled : {false, true}) {
      for (const std::string& value : {std::string{c}, std::string{'a', c, 'b'}, std::string{'.', '.', c},
                                       std::string{c, '.', '.'}, std::string{'%', '2', c}, std::string{c, '2', 'f'}})
        places.check(value, spelled, true);
    }
  }
}

TEST(Injection, NoTextThatLooksLikeStructureIsAny) {
  AllPlaces places;
  for (const char* s :
       {"",        "..", "../x",   "a/../../b", "..;/x", "a?b=c&d",   "\r\nX: y", "%2e%2e", "%00",  "\",\"d\":1,\"",
        "\\u0022", "\\", "{name}", "{{",        "//x",   "http://x/", "]",        "},{",    "null", "a,b"})
    places.check(s, false, true);
}

/// A quarter of all pairs, so that the quarters can run at once.
class InjectionOfPairs : public testing::TestWithParam<int> {};
TEST_P(InjectionOfPairs, NoPairOfBytesEscapesFromItsPlace) {
  AllPlaces places;
  for (int a = GetParam() * 64; a < (GetParam() + 1) * 64; ++a) {
    for (int b = 0; b < 256; ++b)
      places.check(std::string{static_cast<char>(a), static_cast<char>(b)}, (a + b) % 2, false);
  }
}
INSTANTIATE_TEST_SUITE_P(Template, InjectionOfPairs, testing::Range(0, 4));

TEST(Injection, HalvesOfSurrogatePairsAndLongCharactersAreData) {
  using namespace std::string_view_literals;
  for (const auto& [json, meant] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"\\ud83d\\ude00", "\xF0\x9F\x98\x80"},
                                                                  {"\\ud83d", "\xEF\xBF\xBD"},
                                                                  {"\\ude00\\ud83d", "\xEF\xBF\xBD\xEF\xBF\xBD"},
                                                                  {"\\u2028/\\uFF0F", "\xE2\x80\xA8/\xEF\xBC\x8F"},
                                                                  {"\xE2\x80\xA8", "\xE2\x80\xA8"},
                                                                  {"\\u0000", "\0"sv}}) {
    FakeValues v;
    v.roots[Root::kBody] = "{\"v\":\"" + std::string(json) + "\"}";
    std::string out;
    ASSERT_TRUE(Template::compile("{body.v}", Place::kPath, scope(), fail).render(v, out).ok());
    EXPECT_TRUE(is_data(out, kInSegment, meant)) << out;
  }
}

}  // namespace
}  // namespace vg::tmpl
