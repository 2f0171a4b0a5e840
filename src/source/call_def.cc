#include "source/call_def.h"

#include <algorithm>

#include "base/strings.h"
#include "config/read.h"
#include "config/settings_spec.h"
#include "http/target.h"
#include "source/kept_call.h"
#include "template/plain_json.h"

namespace vg::source {

namespace {

constexpr uint64_t kDefaultMaxBytes = 4 * 1024 * 1024;

std::string check_select(std::string_view text) {
  std::string error;
  return json::Selector::parse(text, &error) ? std::string() : error;
}

class Compiler {
 public:
  Compiler(pipeline::Build& build, const config::Node& node, std::string place, const tmpl::Scope& scope)
      : build_(build), node_(node), place_(std::move(place)), scope_(scope) {}

  CallDef run(std::string name, std::string_view method) {
    out_.name = std::move(name);
    out_.place = place_;
    out_.node = &node_;
    target(method);
    query();
    headers();
    forwarded();
    body();
    answer();
    policy();
    return std::move(out_);
  }

 private:
  std::string key(std::string_view of) const { return place_ + "." + std::string(of); }

  void target(std::string_view method) {
    const config::Node* call = config::child(&node_, "call");
    if (call == nullptr || !call->is_scalar()) return;
    auto target = build_.compile_call(*call, place_, scope_);
    if (!target) return;
    out_.upstream = *build_.find_upstream(target->upstream);
    out_.upstream_name = target->upstream;
    out_.method_text = target->method ? *target->method : std::string(method);
    out_.method = http::method_of(out_.method_text);
    out_.text = target->method ? std::string(call->text()) : out_.method_text + " " + std::string(call->text());
    out_.target = *std::move(target);
  }

  void query() { compile_query(build_, node_, place_, scope_, out_.target); }

  // The call's own replace the upstream's.
  void headers() {
    const config::Node* headers = config::child(&node_, "headers");
    if (headers != nullptr) {
      for (const config::Member& m : headers->members()) {
        out_.headers.emplace_back(
            m.key, build_.compile(*m.value, key("headers." + std::string(m.key)), tmpl::Place::kHeader, scope_));
      }
    }
    if (out_.upstream_name.empty()) return;
    for (pipeline::NamedTemplate& h : build_.upstream_headers(out_.upstream)) {
      if (!has_header(h.first)) out_.headers.push_back(std::move(h));
    }
  }

  bool has_header(std::string_view name) const {
    return std::any_of(out_.headers.begin(), out_.headers.end(), [&](const auto& h) { return iequals(h.first, name); });
  }

  void forwarded() {
    for (const std::string& h : config::texts(&node_, "forward_headers")) out_.forward_headers.push_back(lower(h));
    out_.forward_cookies = config::texts(&node_, "forward_cookies");
    if (!out_.upstream_name.empty()) {
      const config::UpstreamSettings& upstream = build_.upstream_settings(out_.upstream);
      for (const std::string& h : upstream.forward_headers) add_new(out_.forward_headers, h);
      for (const std::string& c : upstream.forward_cookies) add_new(out_.forward_cookies, c);
    }
    std::erase_if(out_.forward_headers, [this](const std::string& h) { return has_header(h); });
    out_.sets_own_fields = !out_.headers.empty() || !out_.forward_headers.empty();
  }

  static void add_new(std::vector<std::string>& list, const std::string& item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
  }

  void body() {
    const config::Node* body = node_.get("body");
    if (body == nullptr) return;
    if (out_.method == http::Method::kGet || out_.method == http::Method::kHead) {
      return build_.error(*body, key("body"),
                          out_.method_text + " has no body; write for example \"POST " + out_.upstream_name + "/…\"");
    }
    out_.body = build_.compile_json(*body, key("body"), scope_);
  }

  void answer() {
    if (const config::Node* select = config::child(&node_, "select")) {
      out_.select = json::Selector::parse(select->text(), nullptr);
    }
    if (const config::Node* fallback = node_.get("default")) {
      out_.fallback.emplace();
      tmpl::append_plain_json(*fallback, *out_.fallback);
    }
    out_.required = config::boolean(&node_, "required", false);
    if (config::child(&node_, "timeout") != nullptr) out_.timeout = config::duration(&node_, "timeout", {});
    out_.max_bytes = config::size_bytes(&node_, "max_bytes", kDefaultMaxBytes);
    if (const config::Node* when = config::child(&node_, "when")) {
      out_.when = build_.compile_json(*when, key("when"), scope_);
    }
    out_.cache = CallCache::create(build_, out_);
    if (out_.required && out_.fallback) {
      build_.error(node_, key("required"), "a required call has no use for a default: when it fails, the view fails");
    }
  }

  void policy() {
    if (out_.upstream_name.empty()) return;
    out_.policy = compile_call_policy(build_, out_.upstream, &node_, place_, out_.method_text);
  }

  pipeline::Build& build_;
  const config::Node& node_;
  std::string place_;
  const tmpl::Scope& scope_;
  CallDef out_;
};

}  // namespace

void compile_query(pipeline::Build& build, const config::Node& call, const std::string& place, const tmpl::Scope& scope,
                   tmpl::CallTarget& target) {
  const config::Node* query = config::child(&call, "query");
  if (query == nullptr) return;
  for (const config::Member& m : query->members()) {
    const std::string path = place + ".query." + std::string(m.key);
    for (const tmpl::QueryParam& q : target.query) {
      if (q.name == m.key) build.error(*m.value, path, "is also in the text of the call; write it in one place");
    }
    tmpl::QueryParam q;
    q.name = m.key;
    http::append_encoded_query_value(q.encoded, m.key);
    q.value = build.compile(*m.value, path, tmpl::Place::kQuery, scope);
    target.query.push_back(std::move(q));
    target.has_query = true;
  }
}

void CallDef::for_each_reference(const std::function<void(const tmpl::Reference&)>& visit) const {
  target.for_each_reference(visit);
  for (const auto& [field, value] : headers) {
    for (const tmpl::Reference& r : value.references()) visit(r);
  }
  if (body) body->for_each_reference(visit);
  if (when) when->for_each_reference(visit);
}

config::Spec call_spec(std::vector<config::Key> more) {
  constexpr int64_t kMillisecond = 1'000'000;
  const auto header_value = [] { return config::named(config::template_text()).check(config::check_set_header); };
  std::vector<config::Key> keys = {
      config::key("call", config::template_text().called("a call, UPSTREAM/path").example("catalog/articles/{id}"))
          .required()
          .summary("[METHOD] UPSTREAM/path?query, a template"),
      config::key("query", config::named(config::template_text()))
          .summary("query parameters: name -> value (a template)"),
      config::key("headers", header_value()).summary("header fields: name -> value (a template)"),
      config::key("body", config::json()).summary("JSON with templates in it, for methods that have a body"),
      config::key("select", config::text().check(check_select).called("a path into JSON").example("data.items"))
          .summary("what to take of the answer: a dotted path, or a JSON Pointer"),
      config::key("default", config::json()).summary("JSON, used when the call fails"),
      config::key("required", config::boolean()).fallback("false").summary("when it fails, the view fails"),
      config::key("timeout", config::duration().between(kMillisecond, 3600 * 1000 * kMillisecond))
          .summary("for the whole call, beside the upstream's own"),
      config::key("max_bytes", config::size().between(1, 1024LL * 1024 * 1024))
          .fallback("4MiB")
          .summary("of the answer; more fails the call"),
      config::key("when", config::template_text())
          .summary("a template: without a value, or with \"\", false, [] or {}, the call is skipped"),
      config::key(
          "forward_headers",
          config::one_or_list(
              config::text().check(config::check_set_header).called("a header's name").example("authorization")))
          .summary("headers of the client's that go along, beside the upstream's own list"),
      config::key("forward_cookies",
                  config::one_or_list(config::text().check(config::check_cookie_name).called("a cookie's name")))
          .summary("cookies of the client's that go along"),
      config::key("cache", config::call_cache_spec()).summary("keeps this call's answer by itself")};
  for (config::Key& k : call_policy_keys()) keys.push_back(std::move(k));
  for (config::Key& k : more) keys.push_back(std::move(k));
  return config::map(std::move(keys)).short_form("call").called("a call").example("catalog/articles/{id}");
}

CallDef compile_call(pipeline::Build& build, const config::Node& node, std::string name, std::string place,
                     std::string_view method, const tmpl::Scope& scope) {
  return Compiler(build, node, std::move(place), scope).run(std::move(name), method);
}

}  // namespace vg::source
