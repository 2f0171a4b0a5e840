#include "view/steps/list_query.h"

#include <algorithm>

#include "base/strings.h"
#include "config/read.h"
#include "http/target.h"
#include "view/steps/client_query.h"

namespace vg::view {

namespace {

constexpr std::string_view kOrder = "order";

}  // namespace

std::vector<config::Key> ListQuery::keys() {
  return {config::key("filters", config::any_of({config::one_or_list(config::text().at_least(1)),
                                                 config::named(config::text().at_least(1))})
                                     .example("[status, author]"))
              .summary("query parameters that are passed on; as a map: the client's name -> the upstream's"),
          config::key("order", config::one_or_list(config::text().at_least(1)))
              .summary("what `?order=` may name, with a - before it for descending"),
          config::key("strict_query", config::boolean())
              .fallback("false")
              .summary("answer 400 to query parameters that are not declared, instead of dropping them")};
}

ListQuery ListQuery::create(pipeline::Build& build) {
  ListQuery out;
  const config::Node* s = build.settings();
  if (const config::Node* filters = config::child(s, "filters")) {
    if (filters->is_map()) {
      for (const config::Member& m : filters->members())
        out.filters_.push_back({std::string(m.key), encoded_parameter(m.value->text())});
    } else {
      for (const std::string& name : config::texts(s, "filters"))
        out.filters_.push_back({name, encoded_parameter(name)});
    }
  }
  out.order_ = config::texts(s, "order");
  out.strict_ = config::boolean(s, "strict_query", false);
  return out;
}

void ListQuery::check(pipeline::Build& build, const std::vector<std::string>& own,
                      const std::vector<std::string>& sent) const {
  const config::Node* node = config::child(build.settings(), "filters");
  const auto has = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  if (!order_.empty() && has(sent, std::string(kOrder)))
    build.error(*config::child(build.settings(), "order"), "order", "\"order\" is sent to the source already");
  for (size_t i = 0; i < filters_.size(); ++i) {
    const Filter& f = filters_[i];
    const bool ordered = !order_.empty() && f.name == kOrder;
    if (has(own, f.name) || ordered)
      build.error(*node, "filters", "\"" + f.name + "\" is a parameter of the list's own already");
    else if (has(sent, f.encoded))
      build.error(*node, "filters", "\"" + f.encoded + "\" is sent to the source already");
    for (size_t j = 0; j < i; ++j) {
      if (filters_[j].name == f.name || filters_[j].encoded == f.encoded)
        build.error(*node, "filters",
                    "\"" + filters_[j].name + "\" and \"" + f.name + "\" write one parameter, " + f.encoded);
    }
  }
}

bool ListQuery::knows(std::string_view name) const {
  return std::find(known_.begin(), known_.end(), name) != known_.end();
}

Result<void> ListQuery::append_upstream_query(const pipeline::Context& ctx, std::string& out) const {
  Result<void> result;
  bool ordered = false;
  for_each_pair(ctx.query_string(), [&](const QueryPair& pair) {
    if (!result) return;
    for (const Filter& f : filters_) {
      if (pair.named(f.name)) return append_parameter(out, f.encoded, pair.value, tmpl::Coding::kForm);
    }
    std::string name;
    tmpl::append_decoded(name, pair.name, tmpl::Coding::kForm);
    if (name == kOrder && !order_.empty()) {
      std::string value;
      pair.append_value(value);
      if (!std::exchange(ordered, true)) result = append_order(value, out);
    } else if (strict_ && !knows(name)) {
      result = bad_query("the query parameter \"" + name + "\" is not known here");
    }
  });
  return result;
}

// "-title,created_at": of each the name without its sign must be declared.
Result<void> ListQuery::append_order(std::string_view value, std::string& out) const {
  std::string kept;
  for (const std::string_view part : split(value, ',')) {
    const std::string_view name = part.starts_with('-') ? part.substr(1) : part;
    if (std::find(order_.begin(), order_.end(), name) != order_.end()) {
      kept.append(kept.empty() ? "" : ",").append(part);
    } else if (strict_) {
      return bad_query("there is no order by \"" + std::string(name) + "\"");
    }
  }
  if (kept.empty()) return {};
  // The comma between names is a list's own: it stays as it is.
  out.append(out.empty() ? "" : "&").append("order=");
  bool first = true;
  for (const std::string_view part : split(kept, ',')) {
    if (!std::exchange(first, false)) out.push_back(',');
    http::append_encoded_query_value(out, part);
  }
  return {};
}

}  // namespace vg::view
