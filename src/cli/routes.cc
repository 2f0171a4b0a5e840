#include "cli/routes.h"

#include <algorithm>
#include <array>

namespace vg::cli {

namespace {

constexpr size_t kColumns = 5;
using Row = std::array<std::string, kColumns>;

std::string joined(const std::vector<std::string>& words, const char* none) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ",") + w;
  return out.empty() ? none : out;
}

Row row_of(const pipeline::Route& r) {
  std::string path = std::string(r.host).append(r.path);
  if (!r.listener.empty()) path.append(" @").append(r.listener);
  return {joined(r.methods, "any"), std::move(path), r.name, std::string(r.view_name), joined(r.chain->names, "-")};
}

}  // namespace

std::string routes_table(const gateway::RouteTable& table) {
  std::vector<Row> rows{{"METHODS", "PATH", "NAME", "VIEW", "POLICIES"}};
  for (const auto& r : table.routes) rows.push_back(row_of(*r));
  std::array<size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (size_t i = 0; i < kColumns; ++i) {
      out += row[i];
      if (i + 1 < kColumns) out.append(widths[i] - row[i].size() + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace vg::cli
