#include "policy/cache_settings.h"

#include "config/read.h"
#include "policy/cache_key.h"

namespace vg::policy {

namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kYear = 365LL * 86400 * 1000 * kMillisecond;

config::Spec time_span(int64_t least) { return config::duration().between(least, kYear); }

std::optional<Duration> time_of(const config::Node& settings, std::string_view key) {
  if (config::child(&settings, key) == nullptr) return std::nullopt;
  return config::duration(&settings, key, {});
}

// What a tag may refer to: the request, and the main object where the view has one.
tmpl::Scope scope_of_tags(const pipeline::Build& build) {
  tmpl::Scope scope = build.scope();
  const std::string& view = build.route().view;
  if (view == "detail" || view == "list") scope.offer(tmpl::Root::kObject);
  if (view == "list") scope.offer(tmpl::Root::kItems);
  return scope;
}

}  // namespace

config::PolicyType describe_cache() {
  using config::key;
  config::PolicyType type;
  type.name = "cache";
  type.about = "answers are kept and given again: a shared cache by RFC 9111";
  type.views = {"list", "detail", "aggregate", "proxy-fetch", "respond", "redirect"};
  type.spec =
      config::map(
          {key("ttl", time_span(kMillisecond))
               .summary("how long an answer is fresh, whatever its upstream says; without it the upstream says"),
           key("key", config::one_or_list(config::text()
                                              .check(&CacheKey::check_item)
                                              .called("a part of the key")
                                              .example("[query:page, header:accept-language]"))
                          .at_least(1))
               .summary("takes the place of path and query in the key"),
           key("store", config::one_of({"memory", "redis", "both"}))
               .fallback("memory")
               .summary("where answers are kept; both: memory, and behind it Redis"),
           key("stale_while_revalidate", time_span(0))
               .summary("behind its lifetime: it is given still, and renewed beside (RFC 5861)"),
           key("stale_if_error", time_span(0))
               .summary("behind its lifetime: it is given where the upstream fails (RFC 5861)"),
           key("degraded_ttl", time_span(0))
               .fallback("0s")
               .summary("how long an answer is kept of which a part failed"),
           key("errors_ttl", time_span(kMillisecond))
               .summary("how long 404, 405, 410, 414 and 501 are kept; without it as the upstream says"),
           key("tags", config::one_or_list(config::template_text().called("a tag").example("\"author:{object.id}\"")))
               .summary("more tags to drop it by: templates"),
           key("max_bytes", config::size().between(1, 1024LL * 1024 * 1024))
               .fallback("1MiB")
               .summary("larger content is not kept"),
           key("client_refresh", config::boolean())
               .fallback("false")
               .summary("the client's own no-cache, max-age and min-fresh count")})
          .short_form("ttl")
          .example("5m");
  return type;
}

CacheSettings read_cache_settings(const config::Node& settings, pipeline::Build& build) {
  CacheSettings out;
  out.times.ttl = time_of(settings, "ttl");
  out.times.errors_ttl = time_of(settings, "errors_ttl");
  out.times.stale_while_revalidate = time_of(settings, "stale_while_revalidate");
  out.times.stale_if_error = time_of(settings, "stale_if_error");
  out.store = pipeline::store_kind_of(config::text(&settings, "store", "memory"));
  out.degraded_ttl = config::duration(&settings, "degraded_ttl", {});
  out.max_bytes = config::size_bytes(&settings, "max_bytes", out.max_bytes);
  out.client_refresh = config::boolean(&settings, "client_refresh", false);
  const tmpl::Scope scope = scope_of_tags(build);
  for (const config::Node* tag : config::each(&settings, "tags")) {
    const std::string place = "cache.tags[" + std::to_string(out.tags.size()) + ']';
    out.tags.push_back(build.compile(*tag, place, tmpl::Place::kHeader, scope));
  }
  return out;
}

// "GET catalog/articles/{id}?full=1" depends on what is called catalog/articles/{id}.
std::vector<std::string> tag_names(const config::Node& settings, const pipeline::Build& build) {
  std::vector<std::string> out;
  if (build.view() != nullptr) {
    for (const pipeline::PlannedCall& call : build.view()->plan()) {
      const std::string_view text = std::string_view(call.call).substr(0, call.call.find('?'));
      const size_t space = text.substr(0, text.find('/')).rfind(' ');
      std::string_view tag = space == std::string_view::npos ? text : text.substr(space + 1);
      while (tag.ends_with('/')) tag.remove_suffix(1);
      out.emplace_back(tag);
    }
  }
  for (const std::string& more : config::texts(&settings, "tags")) out.push_back(more);
  return out;
}

}  // namespace vg::policy
