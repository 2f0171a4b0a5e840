// Random templates and values: whatever is rendered adds no segment, no query parameter, no header line and no JSON
// member. The input is lines: a template, then the values of the request; one that is JSON is body, object, item and
// answer, any other a string in them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/strings.h"
#include "json/writer.h"
#include "template/call_target.h"
#include "template/json_template.h"

namespace {

using namespace vg::tmpl;

struct Line final : Values {
  explicit Line(std::string_view line, bool is_coded) : text(line), coded(is_coded) {
    if (vg::json::is_json(line)) {
      object = line;
    } else {
      std::string quoted;
      vg::json::append_string(quoted, line);
      object = "{\"a\":" + quoted + ",\"b\":[\"x\"," + quoted + ",1.50,true]}";
    }
    items = "[" + object + "," + object + ",{\"a\":1}]";
  }
  std::string_view text;
  bool coded;
  std::string object, items;
  PathParam param(size_t) const override { return {text, coded && text.find('%') != std::string_view::npos}; }
  std::string_view query_string() const override { return text; }
  std::optional<std::string_view> header(std::string_view) const override { return text; }
  std::optional<std::string_view> cookie(std::string_view name) const override { return find_cookie(text, name); }
  std::string_view client_ip() const override { return text; }
  std::string_view request_id() const override { return text; }
  std::optional<std::string_view> tls_subject() const override { return std::nullopt; }
  vg::json::Value json(Root root, uint32_t) const override {
    return vg::json::Value::of(root == Root::kItems ? items : object);
  }
};

void require(bool good) {
  if (!good) std::abort();
}

const Scope& scope() {
  static const Scope s = [] {
    Scope all = request_scope({{"x", ParamKind::kPlain}, {"n", ParamKind::kInt}, {"rest", ParamKind::kRest}});
    for (const Root r : {Root::kBody, Root::kObject, Root::kItem, Root::kItems, Root::kCalls}) all.offer(r);
    all.calls = {"c", "d"};
    return all;
  }();
  return s;
}

void check_path(std::string_view path) {
  for (const auto segment : vg::split(path, '/')) {
    const auto decoded = vg::percent_decode(segment);
    require(decoded && *decoded != "." && *decoded != "..");
  }
  require(path.find_first_of("?#\\ ") == std::string_view::npos);
}

void no_controls(std::string_view s, bool tabs) {
  require(std::none_of(s.begin(), s.end(), [&](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && !(tabs && c == '\t')) || c == 0x7f;
  }));
}

size_t count(std::string_view s, std::string_view which) {
  return static_cast<size_t>(
      std::count_if(s.begin(), s.end(), [&](char c) { return which.find(c) != std::string_view::npos; }));
}

/// The delimiters that the configuration itself wrote.
size_t written(const Template& t, std::string_view which) {
  size_t n = 0;
  for (const Template::Part& part : t.parts()) n += part.reference < 0 ? count(part.literal, which) : 0;
  return n;
}

bool keeps_slashes(const Template& t) {
  return std::any_of(t.references().begin(), t.references().end(),
                     [](const Reference& r) { return r.root == Root::kParam && r.kind == ParamKind::kRest; });
}

void check(const Template& t, const std::string& out) {
  no_controls(out, t.place() == Place::kHeader);
  switch (t.place()) {
    case Place::kPath:
      require(keeps_slashes(t) || count(out, "/") == written(t, "/"));
      return check_path(out);
    case Place::kQuery:
      return require(count(out, "&=#+; ") == 0);
    case Place::kQueryText:
      return require(count(out, "# ") == 0 && count(out, "&=;+") == written(t, "&=;+"));
    case Place::kUrl:
      require(count(out, "?#") == written(t, "?#"));
      return require((out[0] == '/' && (out.size() == 1 || (out[1] != '/' && out[1] != '\\'))) ||
                     out.starts_with("http"));
    default:
      return;
  }
}

void run_call(std::string_view text, const std::vector<Line>& values) {
  const auto call = parse_call(text, scope(), [](size_t, const std::string&) {});
  if (!call) return;
  for (const Line& v : values) {
    std::string out;
    if (!call->render(v, "/base", out).ok()) {
      require(out.empty());
      continue;
    }
    require(out.starts_with("/base"));
    no_controls(out, false);
    const size_t mark = out.find('?');
    check_path(std::string_view(out).substr(0, mark));
    if (mark == std::string::npos) continue;
    require(count(std::string_view(out).substr(mark), "&") < std::max<size_t>(call->query.size(), 1));
  }
}

using vg::config::Member;
using vg::config::Node;

/// Renders the template of `node`; false if it has mistakes.
bool run_json(const Node& node, const std::vector<Line>& values, void (*check_value)(vg::json::Value)) {
  bool good = true;
  const JsonTemplate t = JsonTemplate::compile(node, scope(), [&](const Node& at, size_t offset, const std::string&) {
    require(offset <= at.template_text().size());
    good = false;
  });
  if (!good) return false;
  for (const Line& v : values) {
    std::string out = "[";
    const Rendered r = t.render(v, out);
    require(r.ok() ? vg::json::is_json(std::string_view(out).substr(1), 200) : out == "[");
    if (r.ok()) check_value(vg::json::Value::of(std::string_view(out).substr(1)));
  }
  return true;
}

/// The text as the whole value, as a key, and where it may be left out between members that are constant.
void run_json(std::string_view text, const std::vector<Line>& values) {
  vg::config::Document document;
  const vg::config::Mark mark;
  const Node* scalar = document.scalar(mark, text, true);
  const Node* plain = document.scalar(mark, text, false);
  const Node* one = document.scalar(mark, "1", false);
  (void)run_json(*plain, values, [](vg::json::Value) {});
  if (!run_json(*scalar, values, [](vg::json::Value v) { require(!v.absent()); })) return;
  const std::vector<const Node*> items = {scalar, one, scalar};
  const std::vector<Member> inner = {{document.copy(text), scalar, 0, 0}};
  const std::vector<Member> members = {{"s", scalar, 0, 0},
                                       {"one", one, 0, 0},
                                       {"list", document.sequence(mark, items, true), 0, 0},
                                       {"map", document.map(mark, inner, true), 0, 0},
                                       {"t", scalar, 0, 0},
                                       {"last", one, 0, 0}};
  require(run_json(*document.map(mark, members, false), values, [](vg::json::Value v) {
    const bool there = !v.member("s").absent();
    require(v.size() == (there ? 6 : 4) && v.member("one").text() == "1" && v.member("last").text() == "1");
    require(v.member("list").size() == (there ? 3 : 1) && v.member("map").size() == (there ? 1 : 0));
    require(equal(v.member("s"), v.member("t")) && equal(v.member("s"), v.member("list").element(there ? 2 : 9)));
  }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto lines = vg::split(input, '\n');
  std::vector<Line> values;
  for (size_t i = 1; i < std::min<size_t>(lines.size(), 6); ++i) {
    for (const bool coded : {false, true}) values.emplace_back(lines[i], coded);
  }
  for (const Place place :
       {Place::kPath, Place::kQuery, Place::kQueryText, Place::kHeader, Place::kUrl, Place::kJson}) {
    bool good = true;
    const Template t = Template::compile(lines[0], place, scope(), [&](size_t at, const std::string&) {
      require(at <= lines[0].size());
      good = false;
    });
    if (!good) continue;
    for (const Line& v : values) {
      std::string out;
      if (t.render(v, out).ok()) {
        place == Place::kJson ? require(vg::json::is_json('"' + out + '"')) : check(t, out);
      } else {
        require(out.empty());
      }
    }
  }
  run_call(lines[0], values);
  run_json(lines[0], values);
  return 0;
}
