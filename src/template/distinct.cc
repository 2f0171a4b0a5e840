#include "template/distinct.h"

#include <algorithm>
#include <numeric>

#include "template/json_text.h"

namespace vg::tmpl {

DistinctValues::DistinctValues(json::Value items, std::span<const std::string> path) {
  for (const json::Value item : items.elements()) {
    const json::Value value = item.at(path);
    if (value.is_array()) {
      for (const json::Value element : value.elements()) add(element);
    } else {
      add(value);
    }
  }
  drop_repetitions();
}

void DistinctValues::add(json::Value value) {
  if (!value.is_scalar()) return;
  std::string scratch;
  auto text = text_of(value, scratch);
  if (text->data() == scratch.data()) text = decoded_.emplace_back(std::move(scratch));
  entries_.push_back({*text, value});
}

void DistinctValues::drop_repetitions() {
  std::vector<size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    const int c = entries_[a].text.compare(entries_[b].text);
    return c != 0 ? c < 0 : a < b;
  });
  std::vector<bool> repeated(entries_.size());
  for (size_t i = 1; i < order.size(); ++i) repeated[order[i]] = entries_[order[i]].text == entries_[order[i - 1]].text;
  size_t kept = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!repeated[i]) entries_[kept++] = entries_[i];
  }
  entries_.resize(kept);
}

void DistinctValues::append_joined(std::string& out) const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i > 0) out += ',';
    out += entries_[i].text;
  }
}

void DistinctValues::append_array(std::string& out) const {
  out += '[';
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (i > 0) out += ',';
    out += entries_[i].value.text();
  }
  out += ']';
}

}  // namespace vg::tmpl
