#include "cli/routes.h"

#include "cli/columns.h"

namespace vg::cli {

namespace {

std::string joined(const std::vector<std::string>& words, const char* none) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ",") + w;
  return out.empty() ? none : out;
}

Row row_of(const pipeline::Route& r) {
  std::string path = std::string(r.host).append(r.path);
  if (!r.listener.empty()) path.append(" @").append(r.listener);
  std::vector<std::string> policies = r.chain->names;
  policies.insert(policies.end(), r.chain->of_calls.begin(), r.chain->of_calls.end());
  return {joined(r.methods, "any"), std::move(path), r.name, std::string(r.view_name), joined(policies, "-")};
}

}  // namespace

std::string routes_table(const gateway::RouteTable& table) {
  std::vector<Row> rows{{"METHODS", "PATH", "NAME", "VIEW", "POLICIES"}};
  for (const auto& r : table.routes) rows.push_back(row_of(r));
  return columns(rows);
}

}  // namespace vg::cli
