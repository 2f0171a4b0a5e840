// Random templates and values: whatever is rendered adds no segment, no query parameter and no header line. The input
// is lines: a template, then the values of the request.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/strings.h"
#include "template/call_target.h"

namespace {

using namespace vg::tmpl;

struct Line final : Values {
  std::string_view text;
  bool coded = false;
  PathParam param(size_t) const override { return {text, coded && text.find('%') != std::string_view::npos}; }
  std::string_view query_string() const override { return text; }
  std::optional<std::string_view> header(std::string_view) const override { return text; }
  std::optional<std::string_view> cookie(std::string_view name) const override { return find_cookie(text, name); }
  std::string_view client_ip() const override { return text; }
  std::string_view request_id() const override { return text; }
};

void require(bool good) {
  if (!good) std::abort();
}

const Scope& scope() {
  static const Scope s = request_scope({{"x", ParamKind::kPlain}, {"rest", ParamKind::kRest}});
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

void check(Place place, const std::string& out) {
  no_controls(out, place == Place::kHeader);
  switch (place) {
    case Place::kPath:
      return check_path(out);
    case Place::kQuery:
      return require(out.find_first_of("&=#+; ") == std::string::npos);
    case Place::kQueryText:
      return require(out.find_first_of("# ") == std::string::npos);
    case Place::kUrl:
      return require((out[0] == '/' && (out.size() == 1 || (out[1] != '/' && out[1] != '\\'))) ||
                     out.starts_with("http"));
    default:
      return;
  }
}

/// The same template with every value taken for a letter: the delimiters that the configuration itself wrote.
size_t delimiters(std::string_view s, std::string_view which) {
  return static_cast<size_t>(
      std::count_if(s.begin(), s.end(), [&](char c) { return which.find(c) != std::string_view::npos; }));
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
    require(delimiters(std::string_view(out).substr(mark), "&") < std::max<size_t>(call->query.size(), 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto lines = vg::split(input, '\n');
  std::vector<Line> values;
  for (size_t i = 1; i < lines.size(); ++i) {
    for (const bool coded : {false, true}) {
      Line& l = values.emplace_back();
      l.text = lines[i];
      l.coded = coded;
    }
  }
  for (const Place place : {Place::kPath, Place::kQuery, Place::kQueryText, Place::kHeader, Place::kUrl}) {
    bool good = true;
    const Template t = Template::compile(lines[0], place, scope(), [&](size_t at, const std::string&) {
      require(at <= lines[0].size());
      good = false;
    });
    if (!good) continue;
    for (const Line& v : values) {
      std::string out;
      if (t.render(v, out).ok()) {
        check(place, out);
      } else {
        require(out.empty());
      }
    }
  }
  run_call(lines[0], values);
  return 0;
}
