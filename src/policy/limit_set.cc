#include "policy/limit_set.h"

#include <algorithm>

#include "config/read.h"

namespace vg::policy {

namespace {

using store::LimitAlgorithm;

// A counter that several routes name. All must mean the same one; `at` is where it was named first.
struct NamedCounter {
  std::shared_ptr<const store::LimitCounter> counter;
  std::string key;
  bool in_redis = false;
  std::string at;
};

LimitAlgorithm algorithm_of(const config::Node& map) {
  const std::string text = config::text(&map, "algorithm", "sliding_window");
  for (const LimitAlgorithm a : {LimitAlgorithm::kTokenBucket, LimitAlgorithm::kFixedWindow}) {
    if (text == store::to_string(a)) return a;
  }
  return LimitAlgorithm::kSlidingWindow;
}

store::LimitRule rule_of(const config::Node& map) {
  store::LimitRule rule;
  const auto rate = config::parse_rate(config::text(&map, "limit"));
  if (rate) rule.limit = static_cast<uint32_t>(std::min<uint64_t>(rate->count, store::LimitRule::kMost));
  if (rate) rule.window = rate->window;
  rule.algorithm = algorithm_of(map);
  rule.burst = static_cast<uint32_t>(config::integer(&map, "burst", 0));
  return rule;
}

OnStoreFailure on_failure_of(const config::Node& map) {
  const std::string text = config::text(&map, "on_store_failure", "local");
  return text == "allow" ? OnStoreFailure::kAllow : text == "deny" ? OnStoreFailure::kDeny : OnStoreFailure::kLocal;
}

class Reader {
 public:
  explicit Reader(pipeline::Build& build) : build_(build) {}

  void add(const config::Node& map) {
    Limit limit{{}, nullptr, LimitKey(keys_of(map)), config::boolean(&map, "dry_run", false), on_failure_of(map), {}};
    const store::LimitRule rule = rule_of(map);
    if (const config::Node* burst = config::child(&map, "burst");
        burst != nullptr && rule.algorithm != LimitAlgorithm::kTokenBucket)
      build_.error(*burst, "rate_limit.burst", "burst belongs to algorithm: token_bucket alone");
    const bool in_redis = reads_redis(map);
    if (!set_.limits.empty() && in_redis != set_.in_redis)
      build_.error(map, "rate_limit.store", "the limits of one list are decided at once: they need the same store");
    set_.in_redis = in_redis;
    const config::Node* name = config::child(&map, "counter");
    limit.counter = name != nullptr ? named_counter(*name, rule, limit.key, in_redis) : own_counter(rule, limit.key);
    limit.shown.name = name != nullptr ? std::string(name->text()) : "";
    limit.shown.text = config::text(&map, "limit") + " by " + limit.key.text() + ", " +
                       std::string(store::to_string(rule.algorithm)) + (in_redis ? ", in redis" : ", in memory") +
                       (limit.dry_run ? ", dry_run" : "");
    set_.limits.push_back(std::move(limit));
  }

  LimitSet take() {
    name_and_announce();
    return std::move(set_);
  }

 private:
  static std::vector<std::string> keys_of(const config::Node& map) {
    std::vector<std::string> keys = config::texts(&map, "key");
    if (keys.empty()) keys.emplace_back("client_ip");
    return keys;
  }

  bool reads_redis(const config::Node& map) {
    const std::string store = config::text(&map, "store", build_.has_redis() ? "redis" : "memory");
    if (store == "redis" && !build_.has_redis())
      build_.error(*config::child(&map, "store"), "rate_limit.store", "store: redis needs a section redis: {url: …}");
    return store == "redis";
  }

  // Two of a route that differ in their number alone are told apart by their order.
  std::shared_ptr<const store::LimitCounter> own_counter(const store::LimitRule& rule, const LimitKey& key) {
    const std::string name = "route:" + build_.route().name + ":" + key.text();
    const auto same = [&](const Limit& l) {
      return l.counter->rule().algorithm == rule.algorithm && l.counter->rule().window == rule.window &&
             l.key.text() == key.text();
    };
    const auto before = std::count_if(set_.limits.begin(), set_.limits.end(), same);
    return std::make_shared<store::LimitCounter>(before == 0 ? name : name + "#" + std::to_string(before + 1), rule);
  }

  std::shared_ptr<const store::LimitCounter> named_counter(const config::Node& name, const store::LimitRule& rule,
                                                           const LimitKey& key, bool in_redis) {
    const std::string text(name.text());
    const auto first = build_.shared().get<NamedCounter>(text, [&] {
      auto counter = std::make_shared<const store::LimitCounter>("counter:" + text, rule);
      return std::make_shared<NamedCounter>(
          NamedCounter{counter, key.text(), in_redis, config::to_string(name.mark())});
    });
    for (const Limit& l : set_.limits) {
      if (l.counter == first->counter)
        build_.error(name, "rate_limit.counter", "counter \"" + text + "\" stands in this list twice");
    }
    if (first->counter->rule() != rule || first->key != key.text() || first->in_redis != in_redis)
      build_.error(name, "rate_limit.counter",
                   "counter \"" + text + "\" stands at " + first->at +
                       " with another limit, algorithm, burst, key or store; a counter that routes share is one");
    // What a limit holds of the counter holds the name, too.
    return {first, first->counter.get()};
  }

  // By draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4. A limit that only tries out says nothing to clients.
  void name_and_announce() {
    std::string items;
    for (size_t i = 0; i < set_.limits.size(); ++i) {
      Limit& limit = set_.limits[i];
      if (limit.shown.name.empty())
        limit.shown.name = set_.limits.size() == 1 ? "default" : "limit-" + std::to_string(i + 1);
      if (limit.dry_run) continue;
      const store::LimitRule& rule = limit.counter->rule();
      limit.announced = "\"" + limit.shown.name + "\";r=";
      items.append(items.empty() ? "" : ", ").append("\"" + limit.shown.name + "\";q=" + std::to_string(rule.limit));
      items.append(";w=" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(rule.window).count()));
    }
    if (!items.empty()) set_.policy_field = "RateLimit-Policy: " + items + "\r\nRateLimit: ";
  }

  pipeline::Build& build_;
  LimitSet set_;
};

}  // namespace

config::Spec limit_set_spec() {
  using config::key;
  config::Spec one = config::map(
      {key("limit", config::rate().between(1, store::LimitRule::kMost)).required().summary("requests in each window"),
       key("key", config::one_or_list(config::text().check(&LimitKey::check).example("client_ip")).at_least(1))
           .fallback("client_ip")
           .summary("whom it counts: client_ip, header:NAME or route; several of them together"),
       key("algorithm", config::one_of({"sliding_window", "token_bucket", "fixed_window"})).fallback("sliding_window"),
       key("burst", config::integer().between(1, store::LimitRule::kMost))
           .summary("of token_bucket: the most that may be saved up; without it the limit"),
       key("counter", config::name()).summary("one count for all routes that name it"),
       key("store", config::one_of({"memory", "redis"})).summary("redis where it is configured, else memory"),
       key("on_store_failure", config::one_of({"local", "allow", "deny"}))
           .fallback("local")
           .summary("where Redis can't be asked: count in this process, admit, or answer 503"),
       key("dry_run", config::boolean()).fallback("false").summary("counts and tells, and refuses nothing")});
  return config::one_or_list(std::move(one).short_form("limit").example("60/m"))
      .between(1, static_cast<int64_t>(store::LimitStore::kMostAsks));
}

LimitSet create_limit_set(const config::Node& settings, pipeline::Build& build) {
  Reader reader(build);
  if (settings.is_map()) reader.add(settings);
  for (const config::Node* item : settings.items()) {
    if (item->is_map()) reader.add(*item);
  }
  return reader.take();
}

}  // namespace vg::policy
