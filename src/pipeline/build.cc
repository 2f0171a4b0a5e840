#include "base/strings.h"
#include "config/read.h"
#include "pipeline/view.h"

#include <algorithm>

namespace vg::pipeline {

namespace {

// Offsets of template mistakes count from the text's beginning; in quotes the text begins a column later.
config::Mark at_offset(const config::Node& node, size_t offset) {
  config::Mark mark = node.mark();
  if (mark.column != 0 && node.text() == node.template_text())
    mark.column += static_cast<uint32_t>(offset) + (node.quoted() ? 1 : 0);
  return mark;
}

}  // namespace

tmpl::Template Build::compile(const config::Node& node, std::string_view key, tmpl::Place place,
                              const tmpl::Scope& scope) {
  return tmpl::Template::compile(node.template_text(), place, scope, [&](size_t offset, std::string message) {
    errors_.add(at_offset(node, offset), route_.label + "." + std::string(key), std::move(message));
  });
}

tmpl::JsonTemplate Build::compile_json(const config::Node& node, std::string_view key, const tmpl::Scope& scope) {
  return tmpl::JsonTemplate::compile(node, scope, [&](const config::Node& at, size_t offset, std::string message) {
    errors_.add(at_offset(at, offset), route_.label + "." + std::string(key), std::move(message));
  });
}

std::optional<tmpl::CallTarget> Build::compile_call(const config::Node& node, std::string_view key,
                                                    const tmpl::Scope& scope) {
  auto target = tmpl::parse_call(node.template_text(), scope, [&](size_t offset, std::string message) {
    errors_.add(at_offset(node, offset), route_.label + "." + std::string(key), std::move(message));
  });
  if (!target || find_upstream(target->upstream)) return target;
  const std::string_view near = nearest(target->upstream, upstream_names());
  std::string message = "no upstream is called \"" + target->upstream + "\"";
  message += near.empty() ? "; declare it under upstreams" : ", did you mean \"" + std::string(near) + "\"?";
  errors_.add(at_offset(node, target->upstream_at), route_.label + "." + std::string(key), std::move(message));
  return std::nullopt;
}

std::vector<NamedTemplate> Build::upstream_headers(uint32_t index) {
  std::vector<NamedTemplate> out;
  // As just loaded: an upstream that outlived a reload has the marks of a document that is gone.
  const config::UpstreamSettings& settings = upstream_settings(index);
  for (const config::HeaderSetting& h : settings.headers) {
    out.emplace_back(h.name,
                     tmpl::Template::compile(h.value, tmpl::Place::kHeader, scope_, [&](size_t, std::string message) {
                       errors_.add(h.mark, "upstreams." + settings.name + ".headers." + h.name, std::move(message));
                     }));
  }
  return out;
}

// A route's setting has taken in what `defaults` says of it. What comes from there is weaker than what the upstream
// says, so the two are taken apart again, by the places where their values are written.
Build::CallLayers Build::call_layers(std::string_view key, uint32_t upstream) {
  CallLayers out;
  if (upstream < loaded_.upstreams.size()) out.upstream = config::child(loaded_.upstreams[upstream].settings, key);
  const config::Node* merged = config::child(route_.settings, key);
  if (merged == nullptr || !merged->is_map()) return out;
  const config::Node* defaults = config::child(loaded_.defaults, key);
  const auto is_default = [&](const config::Member& m) {
    const config::Node* there = defaults == nullptr || !defaults->is_map() ? defaults : defaults->get(m.key);
    if (there == nullptr) return false;
    const config::Mark &a = there->mark(), &b = m.value->mark();
    return a.file == b.file && a.line == b.line && a.column == b.column;
  };
  std::vector<config::Member> weak, own;
  for (const config::Member& m : merged->members()) (is_default(m) ? weak : own).push_back(m);
  // A map without members (`circuit_breaker: {}`) says that there is one.
  const bool of_defaults =
      !weak.empty() || (own.empty() && defaults != nullptr && defaults->mark().line == merged->mark().line);
  if (of_defaults) out.defaults = loaded_.document->map(merged->mark(), weak, false);
  if (!own.empty() || !of_defaults) out.route = loaded_.document->map(merged->mark(), own, false);
  return out;
}

namespace {

std::string settings_text(const config::BreakerSettings& s) {
  std::string out;
  for (const int64_t n : {int64_t{s.failures}, s.open_for.count(), int64_t{s.half_open}, s.window.count(),
                          int64_t{s.min_requests}, static_cast<int64_t>(s.ratio_percent.value_or(0) * 1e6)})
    out.append(std::to_string(n)).append(",");
  return out;
}

}  // namespace

std::shared_ptr<upstream::Breakers> Build::breakers(std::string_view place, uint32_t upstream,
                                                    const config::BreakerSettings& settings) {
  const config::UpstreamSettings& of = upstream_settings(upstream);
  std::string scope = "route:" + route_.name;
  if (!place.empty()) scope.append("/").append(place);
  std::string name = "breakers\n" + scope + "\n" + of.name + "\n" + settings_text(settings);
  std::vector<std::string> labels;
  for (const config::EndpointSettings& e : of.endpoints) {
    labels.push_back(upstream::endpoint_label(e));
    name.append("\n").append(e.authority).append(e.base_path);
  }
  auto made = kept().get<upstream::Breakers>(name, [&] {
    return std::make_shared<upstream::Breakers>(of.name, std::move(scope), settings, std::move(labels));
  });
  if (std::find(made_breakers_.begin(), made_breakers_.end(), made) == made_breakers_.end())
    made_breakers_.push_back(made);
  return made;
}

StoreKind store_kind_of(std::string_view name) {
  if (name == "redis") return StoreKind::kRedis;
  return name == "both" ? StoreKind::kBoth : StoreKind::kMemory;
}

void Carried::add(const tmpl::Reference& reference) {
  switch (reference.root) {
    case tmpl::Root::kParam:
      if (std::find(params.begin(), params.end(), reference.param) == params.end()) params.push_back(reference.param);
      return;
    case tmpl::Root::kHeader:
      return add_header(reference.path[0]);
    case tmpl::Root::kCookie:
      return add_cookie(reference.path[0]);
    case tmpl::Root::kClientIp:
      client_ip = true;
      return;
    case tmpl::Root::kTlsClientSubject:
      tls_subject = true;
      return;
    default:
      return;
  }
}

void Carried::add_header(std::string_view name) {
  if (std::find(headers.begin(), headers.end(), name) == headers.end()) headers.emplace_back(name);
}

void Carried::add_cookie(std::string_view name) {
  if (std::find(cookies.begin(), cookies.end(), name) == cookies.end()) cookies.emplace_back(name);
}

}  // namespace vg::pipeline
