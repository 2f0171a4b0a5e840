#include "http/negotiate.h"

#include <algorithm>

#include "base/strings.h"

namespace vg::http {

namespace {

// A quality in thousandths; what is no qvalue counts as 0, so that nonsense is never preferred.
int quality(std::string_view parameters) {
  for (std::string_view p : split(parameters, ';')) {
    p = trim(p);
    if (p.size() < 3 || ascii_lower(p[0]) != 'q' || p[1] != '=') continue;
    p.remove_prefix(2);
    if (p.empty() || p.size() > 5 || (p[0] != '0' && p[0] != '1') || (p.size() > 1 && p[1] != '.')) return 0;
    int value = (p[0] - '0') * 1000;
    int scale = 100;
    for (size_t i = 2; i < p.size(); ++i, scale /= 10) {
      if (!is_digit(p[i])) return 0;
      value += (p[i] - '0') * scale;
    }
    return std::min(value, 1000);
  }
  return 1000;
}

// The quality of one media type by the most specific range that matches it; -1 if none does.
struct Preference {
  int specificity = -1;
  int q = -1;
  void offer(int how_specific, int value) {
    if (how_specific < specificity) return;
    specificity = how_specific;
    q = value;
  }
};

}  // namespace

bool prefers_html(const Head& request) {
  if (!request.has(FieldId::kAccept)) return false;
  Preference html, json;
  for (const Field& f : request.fields()) {
    if (f.id != FieldId::kAccept) continue;
    for (const std::string_view element : split(request.value(f), ',')) {
      const size_t semicolon = std::min(element.find(';'), element.size());
      const std::string range = lower(trim(element.substr(0, semicolon)));
      const int q = quality(element.substr(semicolon));
      if (range == "*/*") html.offer(0, q), json.offer(0, q);
      if (range == "text/*") html.offer(1, q);
      if (range == "application/*") json.offer(1, q);
      if (range == "text/html") html.offer(2, q);
      if (range == "application/json") json.offer(2, q);
      if (range == "application/problem+json") json.offer(3, q);
    }
  }
  return html.q > 0 && html.q > json.q;
}

}  // namespace vg::http
