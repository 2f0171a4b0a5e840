#include "json/canonical.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "json/decimal.h"
#include "json/writer.h"

namespace vg::json {
namespace {

void append_text(std::string& out, std::string_view quoted) {
  if (quoted.find('\\') == std::string_view::npos) {
    out += quoted;
    return;
  }
  std::string decoded;
  Value::of(quoted).append_text(decoded);
  append_string(out, decoded);
}

void append_members(std::string& out, const Tree& tree, uint32_t at) {
  std::vector<std::pair<std::string, uint32_t>> members;
  members.reserve(tree[at].count);
  for (uint32_t child = at + 1; child < tree[at].next; child = tree[child].next) {
    members.emplace_back().second = child;
    append_text(members.back().first, tree.name(tree[child]));
  }
  std::sort(members.begin(), members.end());
  out += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    if (i + 1 < members.size() && members[i].first == members[i + 1].first) continue;
    out.append(members[i].first) += ':';
    append_canonical(out, tree, members[i].second);
    out += ',';
  }
  out += '}';
}

}  // namespace

void append_canonical(std::string& out, const Tree& tree, uint32_t at) {
  const Tree::Node& node = tree[at];
  switch (node.kind) {
    case Kind::kObject:
      return append_members(out, tree, at);
    case Kind::kArray:
      out += '[';
      for (uint32_t child = at + 1; child < node.next; child = tree[child].next) {
        append_canonical(out, tree, child);
        out += ',';
      }
      out += ']';
      return;
    case Kind::kString:
      return append_text(out, tree.text(node));
    case Kind::kNumber:
      return Decimal(tree.text(node)).append_canonical(out);
    default:
      out += tree.text(node);
  }
}

bool has_equal_elements(const Tree& tree, uint32_t array) {
  const Tree::Node& node = tree[array];
  std::string texts;
  std::vector<size_t> ends;
  ends.reserve(node.count);
  for (uint32_t item = array + 1; item < node.next; item = tree[item].next) {
    append_canonical(texts, tree, item);
    ends.push_back(texts.size());
  }
  std::vector<std::string_view> items;
  items.reserve(ends.size());
  size_t begin = 0;
  for (const size_t end : ends) {
    items.push_back(std::string_view(texts).substr(begin, end - begin));
    begin = end;
  }
  std::sort(items.begin(), items.end());
  return std::adjacent_find(items.begin(), items.end()) != items.end();
}

}  // namespace vg::json
