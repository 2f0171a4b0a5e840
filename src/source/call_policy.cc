#include "source/call_policy.h"

#include "config/read.h"
#include "config/settings_spec.h"

namespace vg::source {

namespace {

using Layers = pipeline::Build::CallLayers;

bool says_anything(const Layers& layers, const config::Node* call) {
  return layers.defaults != nullptr || layers.route != nullptr || call != nullptr;
}

}  // namespace

std::vector<config::PolicyType> describe_call_policies() {
  const auto policy = [](const char* name, config::Spec spec, const char* about) {
    config::PolicyType type;
    type.name = name;
    type.spec = std::move(spec);
    type.about = about;
    return type;
  };
  std::vector<config::PolicyType> out;
  out.push_back(policy("retry", config::retry_spec(), "of each call, over what its upstream says"));
  out.push_back(policy("hedge", config::hedge_spec(), "of each call with a safe method"));
  out.push_back(
      policy("circuit_breaker", config::breaker_spec(), "counts the route's own calls, beside the upstream's"));
  return out;
}

std::vector<config::Key> call_policy_keys() {
  std::vector<config::Key> out;
  for (config::PolicyType& p : describe_call_policies()) out.push_back(config::key(p.name, std::move(p.spec)));
  out[0].about = "over what the route and the upstream say";
  out[1].about = "a second attempt if the first has not answered by then; for safe methods";
  out[2].about = "counts this call alone, beside the route's and the upstream's";
  return out;
}

std::shared_ptr<const upstream::CallPolicy> compile_call_policy(pipeline::Build& build, uint32_t upstream,
                                                                const config::Node* call, const std::string& place,
                                                                std::string_view method) {
  const Layers retry = build.call_layers("retry", upstream);
  const Layers hedge = build.call_layers("hedge", upstream);
  const Layers breaker = build.call_layers("circuit_breaker", upstream);
  const config::Node* own_retry = config::child(call, "retry");
  const config::Node* own_hedge = config::child(call, "hedge");
  const config::Node* own_breaker = config::child(call, "circuit_breaker");
  if (own_hedge != nullptr && !method.empty() && !http::is_safe(http::method_of(method)))
    build.error(*own_hedge, place + ".hedge",
                std::string(method) + " is not made twice at once; a hedge is for GET, HEAD and OPTIONS alone");
  if (!says_anything(retry, own_retry) && !says_anything(hedge, own_hedge) && !says_anything(breaker, own_breaker))
    return nullptr;
  auto out = std::make_shared<upstream::CallPolicy>();
  for (const config::Node* layer : {retry.defaults, retry.upstream, retry.route, own_retry})
    out->retry = config::read_retry(layer, std::move(out->retry));
  for (const config::Node* layer : {hedge.defaults, hedge.upstream, hedge.route, own_hedge})
    out->hedge = config::read_hedge(layer, out->hedge);
  config::BreakerSettings settings;
  for (const config::Node* layer : {breaker.defaults, breaker.upstream, breaker.route})
    settings = config::read_breaker(layer, settings);
  if (breaker.defaults != nullptr || breaker.route != nullptr) out->of_route = build.breakers("", upstream, settings);
  if (own_breaker != nullptr)
    out->of_call = build.breakers(place, upstream, config::read_breaker(own_breaker, settings));
  return out;
}

}  // namespace vg::source
