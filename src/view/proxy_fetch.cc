#include "view/proxy_fetch.h"

#include "base/strings.h"
#include "config/read.h"
#include "http/nominated.h"
#include "http/target.h"
#include "pipeline/invalidate.h"
#include "pipeline/learned.h"
#include "pipeline/upstream_request.h"
#include "source/call_def.h"
#include "upstream/hedge.h"
#include "view/forwarded_request.h"

namespace vg::view {

namespace {

using http::FieldId;

// What a route may say beside where its requests go.
struct Settings {
  ForwardSettings forward;
  HeaderEdit response;
  std::vector<std::string> origins;
  std::shared_ptr<const upstream::CallPolicy> policy;  // nullptr: the upstream's settings are all
  bool check_origin = false;
  Duration stream_idle = std::chrono::seconds(60), upgrade_idle = std::chrono::hours(1);
  bool say_nothing() const {
    return !forward.method && !forward.edits_fields() && !forward.preserve_host && response.empty() && !policy &&
           !check_origin && stream_idle == Settings().stream_idle && upgrade_idle == Settings().upgrade_idle;
  }
};

// Among ten thousand routes none is in a cache: what a request reads is the first cache line, for which
// pipeline::Route asks early, and settings that nearly all routes share.
class alignas(64) ProxyFetch final : public pipeline::View {
 public:
  explicit ProxyFetch(pipeline::Build& build);
  coro::Task<Result<void>> run(pipeline::Context& ctx) const override;
  std::vector<pipeline::PlannedCall> plan() const override;
  pipeline::Carried carried() const override;

 private:
  static Settings read_settings(pipeline::Build& build);
  Result<void> check_request(const pipeline::Context& ctx) const;
  void learn(pipeline::Context& ctx, const http::ResponseHead& head, WallTime requested) const;
  coro::Task<void> tell_written(pipeline::Context& ctx, const http::ResponseHead& head) const;
  Result<void> pass_back(pipeline::Context& ctx, upstream::CallPtr& call) const;
  void rewrite_location(pipeline::Context& ctx, http::ResponseHead& head) const;
  bool map_back(const pipeline::Context& ctx, std::string_view upstream_path, std::string& out) const;

  std::shared_ptr<const Settings> settings_;
  uint32_t upstream_ = 0;
  tmpl::CallTarget target_;
  std::string call_text_;
};

// One protocol, and none that would speak HTTP to the upstream behind the gateway's back (h2c, TLS).
bool may_tunnel(std::string_view upgrade) {
  const std::string protocol = lower(upgrade);
  return !protocol.empty() && protocol.find(',') == std::string::npos && !protocol.starts_with("h2") &&
         !protocol.starts_with("http") && !protocol.starts_with("tls");
}

config::Spec call_spec() {
  std::vector<config::Key> keys = {
      config::key("call", config::template_text().called("a call, UPSTREAM/path").example("catalog/articles/{id}"))
          .required(),
      config::key("query", config::named(config::template_text()))
          .summary("query parameters: name -> value (a template)"),
      config::key("headers", config::named(config::template_text()))
          .summary("header fields: name -> value (a template)")};
  for (config::Key& k : source::call_policy_keys()) keys.push_back(std::move(k));
  return config::map(std::move(keys)).short_form("call").example("catalog/articles/{id}");
}

ProxyFetch::ProxyFetch(pipeline::Build& build) {
  static const auto* const kNothing = new std::shared_ptr<const Settings>(std::make_shared<Settings>());
  Settings settings = read_settings(build);
  const config::Node* source = config::child(build.settings(), "source");
  if (const config::Node* call = config::child(source, "call")) {
    if (auto target = build.compile_call(*call, "source")) {
      upstream_ = *build.find_upstream(target->upstream);
      settings.policy = source::compile_call_policy(build, upstream_, source, "source", target->method.value_or(""));
      target_ = std::move(*target);
      call_text_ = call->text();
      settings.forward.method = target_.method;
      settings.forward.upstream_headers = build.upstream_headers(upstream_);
    }
  }
  if (source != nullptr) source::compile_query(build, *source, "source", build.scope(), target_);
  settings_ = settings.say_nothing() ? *kNothing : std::make_shared<const Settings>(std::move(settings));
}

Settings ProxyFetch::read_settings(pipeline::Build& build) {
  const config::Node* s = build.settings();
  Settings out;
  // The long form of a call: its headers beside its text.
  if (const config::Node* headers = config::child(config::child(s, "source"), "headers")) {
    for (const config::Member& m : headers->members()) {
      const std::string path = "source.headers." + std::string(m.key);
      if (const std::string wrong = check_header_name(m.key); !wrong.empty()) build.error(*m.value, path, wrong);
      out.forward.call_headers.emplace_back(m.key, build.compile(*m.value, path, tmpl::Place::kHeader));
    }
  }
  out.forward.edit = HeaderEdit::create(config::child(s, "request"), "request", build);
  out.forward.preserve_host = config::boolean(s, "preserve_host", false);
  out.response = HeaderEdit::create(config::child(s, "response"), "response", build);
  if (const config::Node* websocket = config::child(s, "websocket")) {
    out.check_origin = config::child(websocket, "origins") != nullptr;
    for (const std::string& o : config::texts(websocket, "origins")) out.origins.push_back(lower(o));
  }
  out.stream_idle = config::duration(s, "stream_idle", out.stream_idle);
  out.upgrade_idle = config::duration(s, "upgrade_idle", out.upgrade_idle);
  return out;
}

std::vector<pipeline::PlannedCall> ProxyFetch::plan() const {
  pipeline::PlannedCall call;
  call.name = "source";
  call.call = call_text_;
  call.note = "with the client's ";
  if (!settings_->forward.method) call.note += target_.has_query ? "method and " : "method, ";
  if (!target_.has_query) call.note += "query and ";
  call.note += "body, streamed";
  std::vector<pipeline::PlannedCall> out;
  out.push_back(std::move(call));
  return out;
}

pipeline::Carried ProxyFetch::carried() const {
  pipeline::Carried out;
  const auto add = [&out](const tmpl::Reference& r) { out.add(r); };
  target_.for_each_reference(add);
  for (const auto* headers : {&settings_->forward.upstream_headers, &settings_->forward.call_headers}) {
    for (const NamedTemplate& h : *headers) h.second.for_each_reference(add);
  }
  settings_->forward.edit.for_each_reference(add);
  settings_->response.for_each_reference(add);
  out.all_fields = true;
  return out;
}

Result<void> ProxyFetch::check_request(const pipeline::Context& ctx) const {
  if (!ctx.request.upgrade || !settings_->check_origin || !iequals(ctx.request.get(FieldId::kUpgrade), "websocket"))
    return {};
  const std::string origin = lower(ctx.request.get(FieldId::kOrigin));
  for (const std::string& allowed : settings_->origins) {
    if (allowed == "*" || allowed == origin) return {};
  }
  Error e(ErrorKind::kStatus, "WebSocket connections are not accepted from this origin");
  e.status = 403;
  return e;
}

coro::Task<Result<void>> ProxyFetch::run(pipeline::Context& ctx) const {
  target_.path.prefetch();
  if (Result<void> allowed = check_request(ctx); !allowed) co_return std::move(allowed);
  upstream::Pool* pool = ctx.pinned->pools[upstream_].get();
  ctx.upstream = &pool->upstream();
  const ForwardSettings& forward = settings_->forward;
  ForwardedRequest request(ctx, target_, forward);
  request.method = forward.method ? http::method_of(*forward.method) : ctx.request.method;
  request.hash = pipeline::balance_hash(ctx, pool->upstream().settings());
  request.forward_body = ctx.request.framing != http::Framing::kNone;
  request.upgrade = ctx.request.upgrade && !request.forward_body && may_tunnel(ctx.request.get(FieldId::kUpgrade));
  if (settings_->policy) settings_->policy->apply(request);
  upstream::CallPtr call = ctx.services->calls.take();
  const WallTime requested = ctx.learned != nullptr ? Clock::wall() : WallTime();
  Result<void> fetched = co_await upstream::fetch(call, pool, request, ctx, ctx.call, ctx.body_timeout);
  if (!fetched) co_return std::move(fetched);
  if (ctx.learned != nullptr) learn(ctx, call->head(), requested);
  if (pipeline::is_write(request.method, call->head().status) && ctx.pinned->keeps_answers())
    co_await tell_written(ctx, call->head());
  Result<void> passed = pass_back(ctx, call);
  if (!passed && ctx.scope.running() > 0) {
    // The upload uses the call: it ends first.
    ctx.side_cancel.cancel(ErrorKind::kCancelled);
    co_await ctx.scope.join();
    ctx.side_cancel.reset();
  }
  co_return std::move(passed);
}

// Before the route edits it: what the upstream says of being kept, no edit takes back.
void ProxyFetch::learn(pipeline::Context& ctx, const http::ResponseHead& head, WallTime requested) const {
  std::string target;
  target_.render(ctx, {}, target);
  ctx.learned->passed_through = true;
  if (settings_->forward.method) ctx.learned->request.is_get = *settings_->forward.method == "GET";
  ctx.learned->add_answer(ctx.upstream->name(), target, head, {requested, Clock::wall()});
  ctx.learned->render_tags(ctx);
}

coro::Task<void> ProxyFetch::tell_written(pipeline::Context& ctx, const http::ResponseHead& head) const {
  pipeline::Write write;
  target_.render(ctx, {}, write.target);
  write.upstream = ctx.upstream;
  write.endpoint = ctx.call.endpoint;
  write.ends_in_value = target_.ends_in_value();
  write.answer = &head;
  co_await pipeline::invalidate(ctx, write);
}

Result<void> ProxyFetch::pass_back(pipeline::Context& ctx, upstream::CallPtr& call) const {
  http::ResponseHead& head = call->head();
  http::Response& r = ctx.response;
  http::remove_nominated_fields(head);
  head.remove(FieldId::kProxyAuthenticate);
  if (head.has(FieldId::kLocation)) rewrite_location(ctx, head);
  if (head.has(FieldId::kContentLength)) r.told_length = head.content_length;
  if (!settings_->response.empty()) {
    if (Result<void> edited = settings_->response.apply(ctx, head); !edited) return edited;
  }
  r.status = head.status;
  r.head = &head;
  r.stream_idle = settings_->stream_idle;
  r.tunnel = head.status == 101;
  r.tunnel_idle = settings_->upgrade_idle;
  r.body = std::move(call);
  return {};
}

// A redirect of the upstream to itself becomes one to us: what its url stands for in the source is put back.
void ProxyFetch::rewrite_location(pipeline::Context& ctx, http::ResponseHead& head) const {
  const std::string_view location = head.get(FieldId::kLocation);
  if (ctx.call.endpoint == nullptr) return;
  const config::EndpointSettings& e = ctx.call.endpoint->settings;
  std::string_view path = location;
  const size_t scheme = location.find("://");
  if (scheme != std::string_view::npos) {
    const size_t host_at = scheme + 3;
    const size_t host_end = std::min(location.find_first_of("/?#", host_at), location.size());
    if (!iequals(location.substr(0, scheme), e.https ? "https" : "http") ||
        !http::same_authority(location.substr(host_at, host_end - host_at), e.authority, e.https ? "443" : "80"))
      return;
    path = location.substr(host_end);
  } else if (!location.starts_with("/") || location.starts_with("//")) {
    return;
  }
  if (!path.starts_with(e.base_path)) return;
  path.remove_prefix(e.base_path.size());
  if (!path.empty() && path[0] != '/' && path[0] != '?' && path[0] != '#') return;
  std::string ours;
  if (!map_back(ctx, path, ours)) {
    if (scheme == std::string_view::npos) return;
    ours.assign(path.empty() ? "/" : path);
  }
  // "//host" would be another host.
  if (ours.starts_with("//")) ours.replace(1, 1, "%2F");
  head.set("Location", ours);
}

// "/shop/{rest...}" with the source "legacy/app/{rest}": what begins with "/app/" upstream begins with "/shop/" here.
bool ProxyFetch::map_back(const pipeline::Context& ctx, std::string_view upstream_path, std::string& out) const {
  const auto parts = target_.path.parts();
  if (parts.empty() || parts.back().reference < 0 || parts.size() > 2 || (parts.size() == 2 && parts[0].reference >= 0))
    return false;
  const tmpl::Reference& rest = target_.path.references()[static_cast<size_t>(parts.back().reference)];
  if (rest.root != tmpl::Root::kParam || rest.kind != tmpl::ParamKind::kRest) return false;
  const std::string prefix = "/" + std::string(parts.size() == 2 ? parts[0].literal : std::string_view());
  if (!upstream_path.starts_with(prefix)) return false;
  const std::string_view path = ctx.request.path();
  const std::string_view raw = ctx.params[rest.param].raw;
  out.assign(path.substr(0, path.size() - raw.size())).append(upstream_path.substr(prefix.size()));
  return true;
}

}  // namespace

config::ViewType describe_proxy_fetch() {
  config::ViewType type;
  type.name = "proxy-fetch";
  const auto seconds = [](int64_t n) { return n * 1'000'000'000; };
  type.keys = {
      config::key("source", call_spec())
          .required()
          .summary("the call to pass requests on to: UPSTREAM/path, a template"),
      config::key("preserve_host", config::boolean())
          .fallback("false")
          .summary("send the client's Host instead of the upstream's"),
      config::key("request", HeaderEdit::spec()).summary("header fields to set and remove on the way to the upstream"),
      config::key("response", HeaderEdit::spec()).summary("header fields to set and remove on the way back"),
      config::key("websocket", config::map({config::key("origins", config::one_or_list(config::text()))
                                                .summary("the Origins whose upgrades are accepted; * is any")}))
          .summary("who may open a WebSocket"),
      config::key("stream_idle", config::duration().between(1'000'000, seconds(86400)))
          .fallback("60s")
          .summary("a response body without a byte for so long is cut"),
      config::key("upgrade_idle", config::duration().between(1'000'000, seconds(7 * 86400)))
          .fallback("1h")
          .summary("a tunnel without a byte for so long ends"),
      config::key("limits", config::map({config::key("body_bytes", config::size().at_least(0))
                                             .summary("the content of a request; more: 413")})),
  };
  return type;
}

std::unique_ptr<pipeline::View> create_proxy_fetch(pipeline::Build& build) {
  return std::make_unique<ProxyFetch>(build);
}

}  // namespace vg::view
