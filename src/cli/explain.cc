#include "cli/explain.h"

#include <algorithm>

#include "base/strings.h"
#include "cli/columns.h"
#include "config/describe.h"
#include "config/path.h"
#include "config/values.h"
#include "gateway/near_routes.h"
#include "gateway/route_path.h"
#include "http/target.h"

namespace vg::cli {

namespace {

constexpr size_t kIndent = 2;
constexpr size_t kWidest = 72;  // of a cell that others are aligned behind

std::string shown(const std::string& place) { return place == config::kBuiltIn ? "built-in" : place; }

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& w : words) out.append(out.empty() ? "" : between).append(w);
  return out;
}

// What a terminal takes as text.
bool is_plain(std::string_view text) {
  return config::invalid_utf8_at(text) == std::string_view::npos && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
         });
}

std::string kind_name(tmpl::ParamKind kind) {
  switch (kind) {
    case tmpl::ParamKind::kInt:
      return "int";
    case tmpl::ParamKind::kUuid:
      return "uuid";
    case tmpl::ParamKind::kSlug:
      return "slug";
    case tmpl::ParamKind::kRest:
      return "rest";
    case tmpl::ParamKind::kPlain:
      break;
  }
  return "plain";
}

// The upstream of a planned call: "GET catalog/products/{id}" goes to catalog.
std::string_view upstream_of(std::string_view call) {
  const size_t end = call.find_first_of("/?");
  const std::string_view head = call.substr(0, end);
  const size_t space = head.rfind(' ');
  return space == std::string_view::npos ? head : head.substr(space + 1);
}

// The settings of the server that a route may replace, and that this one does not, and those that concern its path.
bool concerns(const config::DescribedLine& line, const config::DescribedLines& of_route) {
  if (line.path == "trailing_slash") return true;
  if (line.path != "limits.body_bytes") return false;
  return std::none_of(of_route.begin(), of_route.end(), [&](const auto& l) { return l.path == line.path; });
}

class Explainer {
 public:
  Explainer(const gateway::Checked& checked, const AskedRequest& asked)
      : loaded_(checked.loaded), table_(*checked.table), asked_(asked), path_(asked.path()) {}

  Explanation run() {
    summary_.push_back({"request", asked_.method + " " + (is_plain(asked_.target) ? asked_.target : "…")});
    if (!asked_.host.empty()) summary_.push_back({"host", asked_.host});
    if (!asked_.listener.empty()) summary_.push_back({"listener", asked_.listener});
    answer();
    return {matches_, columns(summary_) + sections_};
  }

 private:
  // As gateway/handle_request.cc decides.
  void answer() {
    if (asked_.method == "CONNECT" || asked_.method == "TRACE")
      return no_route("501, this gateway does not take " + asked_.method);
    if (const http::PathCheck check = http::check_path(path_); !check.ok())
      return no_route(std::string("400, ") + check.reason);
    gateway::Match match;
    table_.router.match(asked_.host, asked_.method, path_, asked_.listener, &match);
    switch (match.outcome) {
      case gateway::Match::Outcome::kRoute:
        return route(match);
      case gateway::Match::Outcome::kNotFound:
        no_route("404, no route matches this path");
        return nearest("nearest routes", false);
      case gateway::Match::Outcome::kMethodNotAllowed:
        return other_methods(match.allow);
      case gateway::Match::Outcome::kRedirectSlash:
        return redirected(match.route);
    }
  }

  void no_route(std::string why) { summary_.push_back({"answer", std::move(why)}); }

  void other_methods(uint64_t allow) {
    no_route(asked_.method == "OPTIONS" ? "204, the gateway answers OPTIONS itself"
                                        : "405, this path does not take " + asked_.method);
    std::string methods;
    table_.router.append_allow(allow, methods);
    summary_.push_back({"allow", std::move(methods)});
    nearest("routes of this path", true);
  }

  void redirected(uint32_t index) {
    std::string to = path_;
    if (to.ends_with('/')) {
      to.pop_back();
    } else {
      to += '/';
    }
    no_route("308, to " + to + asked_.target.substr(path_.size()));
    section("route of that path", {row_of(index)});
  }

  Row row_of(uint32_t index) const {
    const pipeline::Route& r = table_.routes[index];
    return {r.name, std::string(r.path), config::place_of(loaded_.routes[index].mark)};
  }

  void nearest(const char* title, bool by_method_alone) {
    std::vector<Row> rows;
    for (const gateway::NearRoute& near :
         gateway::near_routes(table_, {asked_.host, asked_.method, path_, asked_.listener})) {
      if (by_method_alone && !near.by_method_alone) continue;
      rows.push_back(row_of(near.route));
      rows.back().push_back(near.why);
    }
    section(title, rows);
  }

  void section(const std::string& title, const std::vector<Row>& rows) {
    if (!rows.empty()) sections_ += '\n' + title + '\n' + columns(rows, kIndent, kWidest);
  }

  void route(const gateway::Match& match) {
    matches_ = true;
    const pipeline::Route& r = table_.routes[match.route];
    const config::RouteConfig& config = loaded_.routes[match.route];
    summary_.push_back({"route", r.name});
    summary_.push_back({"path", std::string(r.path)});
    summary_.push_back({"written", config::place_of(config.mark)});
    parameters(r, match.params);
    const config::DescribedLines settings = config::describe_route(config, gateway::schema());
    section("settings", rows_of(settings));
    std::vector<pipeline::PlannedCall> calls = r.view->plan();
    upstreams(calls);
    server(settings);
    policies(*r.chain);
    plan(calls);
  }

  void parameters(const pipeline::Route& r, const tmpl::PathParams& values) {
    const std::vector<tmpl::Param> params = gateway::RoutePath::parse(r.path, [](size_t, std::string) {}).params;
    std::vector<Row> rows;
    for (size_t i = 0; i < params.size() && i < values.size(); ++i) {
      const std::string raw(values[i].raw);
      std::string value;
      const bool decoded = http::decode_segment(raw, value) && is_plain(value);
      rows.push_back({params[i].name, kind_name(params[i].kind), decoded ? value : raw});
      if (decoded && value != raw) rows.back().push_back("sent as " + raw);
    }
    section("parameters", rows);
  }

  static std::vector<Row> rows_of(const config::DescribedLines& lines) {
    std::vector<Row> rows;
    for (const config::DescribedLine& line : lines)
      rows.push_back({std::string(line.depth * 2, ' ') + line.text, shown(line.place)});
    return rows;
  }

  // Those that the calls go to, in the order of the calls.
  void upstreams(const std::vector<pipeline::PlannedCall>& calls) {
    std::vector<std::string_view> done;
    for (const pipeline::PlannedCall& call : calls) {
      const std::string_view name = upstream_of(call.call);
      if (std::find(done.begin(), done.end(), name) != done.end()) continue;
      done.push_back(name);
      for (const config::UpstreamConfig& u : loaded_.upstreams) {
        if (u.name == name) section("upstream " + u.name, rows_of(config::describe_upstream(u, gateway::schema())));
      }
    }
  }

  void server(const config::DescribedLines& of_route) {
    std::vector<Row> rows;
    for (const config::DescribedLine& line : config::describe_server(loaded_, gateway::schema())) {
      if (concerns(line, of_route))
        rows.push_back({line.path + line.text.substr(line.text.find(':')), shown(line.place)});
    }
    section("server", rows);
  }

  void policies(const pipeline::PolicyChain& chain) {
    std::vector<Row> rows;
    for (size_t i = 0; i < chain.names.size(); ++i) {
      rows.push_back({std::to_string(i + 1), chain.names[i]});
      for (const pipeline::ShownLimit* limit : chain.policies[i]->limits())
        rows.push_back({"", "", limit->name + ": " + limit->text});
    }
    section("policies, in the order that they run", rows);
    rows.clear();
    for (const std::string& name : chain.of_calls) rows.push_back({name});
    section("policies of each call", rows);
  }

  void plan(std::vector<pipeline::PlannedCall>& calls) {
    std::stable_sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.wave < b.wave; });
    std::vector<Row> rows;
    uint32_t wave = 0;
    for (const pipeline::PlannedCall& call : calls) {
      std::string note = call.waits_for.empty() ? "" : "waits for " + joined(call.waits_for, ", ");
      if (!call.note.empty()) note += (note.empty() ? "" : "; ") + call.note;
      rows.push_back({call.wave == wave ? "" : "wave " + std::to_string(call.wave), call.name, call.call, note});
      wave = call.wave;
    }
    section("calls", rows);
  }

  const config::LoadResult& loaded_;
  const gateway::RouteTable& table_;
  const AskedRequest& asked_;
  const std::string path_;
  bool matches_ = false;
  std::vector<Row> summary_;
  std::string sections_;
};

}  // namespace

Explanation explain(const gateway::Checked& checked, const AskedRequest& asked) {
  return Explainer(checked, asked).run();
}

std::string unknown_listener(const gateway::Checked& checked, const std::string& name) {
  std::vector<std::string_view> names;
  for (const config::ListenerSettings& l : checked.table->server.listen) {
    if (l.name == name) return {};
    if (!l.name.empty()) names.emplace_back(l.name);
  }
  if (name.empty()) return {};
  const std::string_view near = vg::nearest(name, names);
  return "no listener is called " + config::quote(name) +
         (near.empty() ? "" : ", did you mean " + config::quote(near) + '?');
}

}  // namespace vg::cli
