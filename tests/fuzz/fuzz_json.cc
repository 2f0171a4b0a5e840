// The scanner against RapidJSON's verdict, and what is found in a text without a document against RapidJSON's document.
// The two may differ where tests/unit/json/oracle.h says it: in depth, in numbers too big for a double, and in escaped
// halves of surrogate pairs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz_support.h"
#include "json/flatten.h"
#include "json/scan.h"
#include "json/select.h"
#include "json/value.h"
#include "unit/json/oracle.h"

namespace {

using namespace vg::json;
using Document = rapidjson::Document;

/// Of one object: what is done with them takes the square.
constexpr size_t kMostMembers = 40;

/// It writes the second half of a surrogate pair that stands alone as if it were a code point; we write U+FFFD.
std::string string_of(const Document::ValueType& v) {
  std::string text(v.GetString(), v.GetStringLength());
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xED' && static_cast<unsigned char>(text[i + 1]) >= 0xA0) text.replace(i, 3, "\xEF\xBF\xBD");
  }
  return text;
}

std::string text_of(Value v) {
  std::string text;
  FUZZ_CHECK(v.append_text(text));
  return text;
}

void check_verdict(std::string_view text) {
  const std::string plain = test::without_surrogates(text);
  FUZZ_CHECK(is_json(text) == is_json(plain));
  const test::Verdict theirs = test::ask_rapidjson(plain);
  for (const size_t most : {size_t{0}, size_t{1}, size_t{2}, kMaxDepth, kDepthLimit}) {
    const bool ours = is_json(text, most);
    // What it stopped reading at, it can say nothing of.
    if (!test::too_big(theirs)) FUZZ_CHECK(ours == (theirs.taken && theirs.depth <= most));
  }
}

void check_same(Value ours, const Document::ValueType& theirs);

void check_object(Value ours, const Document::ValueType& theirs) {
  FUZZ_CHECK(ours.size() == theirs.MemberCount());
  std::vector<std::pair<std::string, Value>> members;
  auto their = theirs.MemberBegin();
  for (const Member& m : ours.members()) {
    std::string name;
    m.append_name(name);
    FUZZ_CHECK(name == string_of(their->name));
    FUZZ_CHECK(m.named(name) || name.find("\xEF\xBF\xBD") != std::string::npos);
    check_same(m.value, their->value);
    members.emplace_back(std::move(name), m.value);
    ++their;
  }
  if (members.size() > kMostMembers) return;
  for (const auto& member : members) {
    const Value found = ours.member(member.first);
    const auto last =
        std::find_if(members.rbegin(), members.rend(), [&](const auto& m) { return m.first == member.first; });
    // Names with half a surrogate pair in them look alike here and are not.
    const bool vague = member.first.find("\xEF\xBF\xBD") != std::string::npos;
    FUZZ_CHECK(vague || found.text().data() == last->second.text().data());
  }
}

void check_array(Value ours, const Document::ValueType& theirs) {
  FUZZ_CHECK(ours.size() == theirs.Size());
  rapidjson::SizeType i = 0;
  for (const Value v : ours.elements()) check_same(v, theirs[i++]);
  FUZZ_CHECK(ours.element(i).absent());
}

/// Their document keeps numbers as strings.
void check_same(Value ours, const Document::ValueType& theirs) {
  switch (ours.kind()) {
    case Kind::kAbsent:
      FUZZ_CHECK(!ours.absent());
      break;
    case Kind::kNull:
      FUZZ_CHECK(theirs.IsNull());
      break;
    case Kind::kBool:
      FUZZ_CHECK(theirs.IsBool() && theirs.GetBool() == (ours.text() == "true"));
      break;
    case Kind::kNumber:
    case Kind::kString:
      FUZZ_CHECK(theirs.IsString() && text_of(ours) == string_of(theirs));
      break;
    case Kind::kArray:
      FUZZ_CHECK(theirs.IsArray());
      check_array(ours, theirs);
      break;
    case Kind::kObject:
      FUZZ_CHECK(theirs.IsObject());
      check_object(ours, theirs);
      break;
  }
}

/// The value written anew, member by member with its blanks left out.
void rebuild(Value v, std::string& out) {
  if (!v.is_object() && !v.is_array()) {
    FUZZ_CHECK(is_json(v.text(), 0));
    out += v.text();
    return;
  }
  out += v.is_object() ? '{' : '[';
  const size_t begin = out.size();
  for (const Member& m : v.members()) {
    if (out.size() > begin) out += ',';
    out.append("\"").append(m.raw_name).append("\":");
    rebuild(m.value, out);
  }
  for (const Value e : v.elements()) {
    if (out.size() > begin) out += ',';
    rebuild(e, out);
  }
  out += v.is_object() ? '}' : ']';
}

bool has_duplicates(Value v) {
  size_t i = 0;
  for (const Member& m : v.members()) {
    size_t j = 0;
    for (const Member& n : v.members()) {
      if (++j > i + 1 &&
          equal(Value::of("\"" + std::string(m.raw_name) + "\""), Value::of("\"" + std::string(n.raw_name) + "\"")))
        return true;
    }
    if (has_duplicates(m.value)) return true;
    ++i;
  }
  for (const Value e : v.elements()) {
    if (has_duplicates(e)) return true;
  }
  return false;
}

void check_value(std::string_view text) {
  const Value value = Value::of(text);
  FUZZ_CHECK(!value.absent() && is_json(value.text()));
  std::string rebuilt;
  rebuild(value, rebuilt);
  FUZZ_CHECK(is_json(rebuilt));
  FUZZ_CHECK(equal(value, value) && equal(value, Value::of(rebuilt)) && equal(Value::of(rebuilt), value));
  const std::string changed = "[" + rebuilt + ",0]", other = "[" + rebuilt + ",1]";
  FUZZ_CHECK(is_json(changed, kMaxDepth + 1));
  FUZZ_CHECK(!equal(Value::of(changed), Value::of(other)));
  if (text.size() < 500) FUZZ_CHECK(has_duplicate_members(text) == has_duplicates(value));
  std::string flat;
  flatten(value, flat);
  Document document;
  rapidjson::MemoryStream stream(text.data(), text.size());
  document.ParseStream<kReadFlags>(stream);
  if (!document.HasParseError()) check_same(value, document);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_verdict(text);
  if (is_json(text)) check_value(text);
  if (const auto selector = Selector::parse(text.substr(0, 200))) {
    FUZZ_CHECK(selector->empty() == text.empty());
    if (is_json(text)) FUZZ_CHECK(selector->find(Value::of("null")).absent() || selector->empty());
  }
  return 0;
}
