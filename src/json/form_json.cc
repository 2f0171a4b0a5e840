#include "json/form_json.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "json/writer.h"

namespace vg::json {

void append_form(std::string& out, std::span<const FormPair> fields) {
  // By name, so that equal ones stand together; no table that chosen names could make slow.
  std::vector<size_t> order(fields.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return fields[a].first < fields[b].first; });
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> next(fields.size(), kNone);
  std::vector<bool> again(fields.size());
  for (size_t i = 1; i < order.size(); ++i) {
    if (fields[order[i - 1]].first != fields[order[i]].first) continue;
    next[order[i - 1]] = order[i];
    again[order[i]] = true;
  }
  Writer writer(out);
  writer.begin_object();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (again[i]) continue;
    writer.key(fields[i].first);
    if (next[i] != kNone) writer.begin_array();
    for (size_t at = i; at != kNone; at = next[at]) writer.string(fields[at].second);
    if (next[i] != kNone) writer.end_array();
  }
  writer.end_object();
}

}  // namespace vg::json
