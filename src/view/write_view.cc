#include "view/write_view.h"

#include "config/read.h"
#include "http/conditional.h"
#include "http/negotiate.h"
#include "json/writer.h"
#include "view/calls_setting.h"
#include "view/detail.h"
#include "view/steps/accept.h"
#include "view/steps/after.h"
#include "view/steps/read_body.h"
#include "view/steps/validate.h"

namespace vg::view {

namespace {

enum class Write : uint8_t { kCreate, kUpdate, kDelete };

// The phases of the call graph.
constexpr uint8_t kValidate = 0, kSave = 1, kAfter = 2;  // then CallGraph::kLater

class WriteView final : public pipeline::View {
 public:
  WriteView(pipeline::Build& build, Write kind);
  std::vector<pipeline::PlannedCall> plan() const override { return graph_.plan(); }
  coro::Task<Result<void>> run(pipeline::Context& ctx) const override;
  void connect(pipeline::Build& build, const FindRoute& find) override;

 private:
  coro::Task<Result<void>> compare_etag(pipeline::Context& ctx) const;
  void compile_calls(pipeline::Build& build);
  std::string_view method_of(const pipeline::Context& ctx) const;
  coro::Task<Result<void>> validate(CallRun& run, json::Value body, FieldErrors errors) const;
  Result<void> check_answer(const CallRun& run) const;
  Result<void> answer(CallRun& run) const;
  void append_object(const CallRun& run, std::string& out) const;
  void append_envelope(const CallRun& run, std::string_view location, std::string& out) const;

  Write kind_;
  CallGraph graph_;
  Accept accept_;
  Validate validate_;
  After after_;
  Reply reply_;
  Shape shape_;
  std::vector<Name> members_;  // of the includes
  size_t first_include_ = 0;   // their number in the graph
  std::optional<tmpl::Template> success_url_;
  std::string message_;
  bool envelope_ = false;
  const EtagSource* etag_source_ = nullptr;  // of another route of the same table
  std::vector<size_t> etag_params_;          // of that route's parameters, which of ours each is
};

WriteView::WriteView(pipeline::Build& build, Write kind) : kind_(kind), reply_(Reply::create(build)) {
  compile_calls(build);
  const config::Node* s = build.settings();
  const tmpl::Scope scope = call_scope(build, {}, {tmpl::Root::kBody, tmpl::Root::kObject});
  if (const config::Node* url = config::child(s, "success_url"))
    success_url_ = build.compile(*url, "success_url", tmpl::Place::kUrl, scope);
  message_ = config::text(s, "message");
  envelope_ = config::boolean(s, "envelope", false);
}

void WriteView::compile_calls(pipeline::Build& build) {
  using tmpl::Root;
  const config::Node* include = config::child(build.settings(), "include");
  const std::vector<std::string> included = call_names(include);
  std::vector<std::string> names = Validate::names(build);
  const size_t checks = names.size();
  for (const std::vector<std::string>& more : {included, After::names(build)}) {
    for (const std::string& name : more) {
      if (std::find(names.begin(), names.end(), name) != names.end())
        build.error(*build.settings(), "after." + name, "the name is taken by another call of this route");
      names.push_back(name);
    }
  }
  const bool has_body = kind_ != Write::kDelete;
  tmpl::Scope before = call_scope(build, names, {});
  if (has_body) before.offer(Root::kBody);
  tmpl::Scope behind = before;
  behind.offer(Root::kObject);
  validate_ = Validate::create(build, graph_, before);
  first_include_ = checks;
  add_calls(graph_, build, include, "include", "GET", behind, kAfter);
  after_ = After::create(build, graph_, behind, kAfter);
  const char* method = kind_ == Write::kCreate ? "POST" : kind_ == Write::kUpdate ? "PUT" : "DELETE";
  const bool compares = config::child(build.settings(), "etag") != nullptr;
  add_main(graph_, build, method, before, kSave, kind_ == Write::kCreate || compares ? "" : "if-match");
  graph_.link(build);
  // `set` is for what is saved: of the calls it can know those of `validate`.
  std::vector<std::string> known = Validate::names(build);
  tmpl::Scope of_set = call_scope(build, std::move(known), {});
  if (has_body) of_set.offer(Root::kBody);
  accept_ = Accept::create(build, of_set);
  shape_ = Shape::create(build, included);
  members_ = member_names(included);
}

void WriteView::connect(pipeline::Build& build, const FindRoute& find) {
  const config::Node* node = config::child(config::child(build.settings(), "etag"), "route");
  if (node == nullptr) return;
  const pipeline::Route* route = find(node->text());
  if (route == nullptr)
    return build.error(*node, "etag.route", "no route is called \"" + std::string(node->text()) + "\"");
  etag_source_ = dynamic_cast<const EtagSource*>(route->view.get());
  if (etag_source_ == nullptr) return build.error(*node, "etag.route", "\"" + route->name + "\" is no detail view");
  const std::vector<tmpl::Param>& ours = build.scope().params;
  for (const std::string& name : etag_source_->parameters()) {
    const auto at = std::find_if(ours.begin(), ours.end(), [&](const tmpl::Param& p) { return p.name == name; });
    if (at == ours.end())
      build.error(*node, "etag.route", "needs the path parameter {" + name + "}, which this route does not have");
    etag_params_.push_back(static_cast<size_t>(at - ours.begin()));
  }
}

// RFC 9110 section 13.1.1, strong comparison. What was read may change before it is saved.
coro::Task<Result<void>> WriteView::compare_etag(pipeline::Context& ctx) const {
  tmpl::PathParams params;
  for (const size_t i : etag_params_) params.add(ctx.params[i].raw, ctx.params[i].encoded);
  Result<std::string> current = co_await etag_source_->current_etag(ctx, params);
  if (!current && current.error().status == 404) {
    Error e(ErrorKind::kStatus, "the resource does not exist");
    e.status = 412;
    co_return std::move(e);
  }
  if (!current) co_return std::move(current.error());
  if (http::is_match(ctx.request, *current)) co_return Result<void>();
  Error e(ErrorKind::kStatus, "the resource was changed in the meantime");
  e.status = 412;
  co_return std::move(e);
}

// What the source is asked with, where its text does not say. A form knows no PATCH: its POST changes what it names.
std::string_view WriteView::method_of(const pipeline::Context& ctx) const {
  if (kind_ != Write::kUpdate) return {};
  return ctx.request.method == http::Method::kPost ? std::string_view("PATCH") : ctx.request.method_text();
}

coro::Task<Result<void>> WriteView::run(pipeline::Context& ctx) const {
  CallRun run(ctx, graph_);
  run.set_main_method(method_of(ctx));
  std::string content, taken, saved;
  FieldErrors errors;
  if (kind_ != Write::kDelete) {
    BodyRules rules;
    rules.form_only = kind_ == Write::kUpdate && ctx.request.method == http::Method::kPost;
    Result<void> read = co_await read_body(ctx, rules, &content);
    if (!read) co_return std::move(read);
    const json::Value body = json::Value::of(content);
    if (accept_.needs_object() && !body.is_object()) {
      errors.add({}, "must be an object");
      co_return errors.to_error(ctx);
    }
    accept_.take(body, taken, errors);
    run.set_body(json::Value::of(taken));
  }
  Result<void> valid = co_await validate(run, run.body(), std::move(errors));
  if (!valid) co_return std::move(valid);
  if (Result<void> fine = check_answer(run); !fine) co_return std::move(fine);
  if (etag_source_ != nullptr && ctx.request.has(http::FieldId::kIfMatch)) {
    Result<void> same = co_await compare_etag(ctx);
    if (!same) co_return std::move(same);
  }
  std::optional<std::string_view> main_content;
  if (kind_ != Write::kDelete && !graph_.node(graph_.main()).def.body) {
    if (Result<void> set = accept_.add_set(run.body(), run, saved); !set) co_return std::move(set);
    main_content = saved;
  }
  Result<void> made = co_await run.run(kSave, main_content);
  if (!made) co_return Reply::fail(run, std::move(made.error()));
  run.let_run_out();
  made = co_await run.run(kAfter);
  if (!made) {
    Error error = co_await after_.undo(run, std::move(made.error()));
    co_return std::move(error);
  }
  run.tell_degraded();
  Result<void> answered = answer(run);
  if (run.body().absent()) taken = "null";
  after_.send_later(std::move(run), std::move(taken));
  co_return std::move(answered);
}

coro::Task<Result<void>> WriteView::validate(CallRun& run, json::Value body, FieldErrors errors) const {
  if (kind_ != Write::kDelete) validate_.check_schema(body, errors);
  if (validate_.has_calls()) {
    Result<void> made = co_await run.run(kValidate);
    if (!made) co_return std::move(made);
    validate_.check_answers(run, errors);
  }
  if (errors.empty()) co_return Result<void>();
  co_return errors.to_error(run.ctx());
}

void WriteView::append_object(const CallRun& run, std::string& out) const {
  std::vector<Extra> extras;
  for (size_t i = 0; i < members_.size(); ++i)
    extras.push_back(members_[i].extra(run.answer(first_include_ + i).value));
  shape_.append(run.main().value, extras, {}, out);
}

void WriteView::append_envelope(const CallRun& run, std::string_view location, std::string& out) const {
  out.append("{\"success\":true,\"object\":");
  append_object(run, out);
  if (!message_.empty()) {
    out.append(",\"message\":");
    json::append_string(out, message_);
  }
  if (!location.empty()) {
    out.append(",\"redirect_url\":");
    json::append_string(out, location);
  }
  out.push_back('}');
}

// What the answer takes of the request is wrong before the save, or never.
Result<void> WriteView::check_answer(const CallRun& run) const {
  if (Result<void> fine = reply_.check(run); !fine) return fine;
  std::string unused;
  if (!success_url_) return {};
  const tmpl::Rendered rendered = success_url_->render(run, unused);
  if (is_clients_mistake(rendered)) return bad_value(rendered);
  return {};
}

Result<void> WriteView::answer(CallRun& run) const {
  pipeline::Context& ctx = run.ctx();
  std::string location;
  if (success_url_) {
    const tmpl::Rendered rendered = success_url_->render(run, location);
    if (!rendered.ok()) location.clear();
  }
  const bool redirect = !location.empty() && http::prefers_html(ctx.request);
  const bool empty = run.main().value.is_null() && !envelope_;
  const uint16_t success = kind_ == Write::kCreate ? 201 : 200;
  Result<void> replied;
  if (redirect || empty || (kind_ == Write::kDelete && !envelope_)) {
    replied = reply_.empty(run, redirect ? 303 : 204);
  } else {
    std::string content;
    if (envelope_) {
      append_envelope(run, location, content);
    } else {
      append_object(run, content);
    }
    replied = reply_.json(run, success, std::move(content));
  }
  if (!location.empty()) ctx.response.own.set("Location", location);
  if (success_url_) ctx.response.own.add("Vary", "Accept", http::FieldId::kVary);
  return replied;
}

std::vector<config::Key> common_keys() {
  std::vector<config::Key> keys = {
      source_key(true), limits_key(),
      config::key("success_url", config::template_text().example("/orders/{object.id}"))
          .summary("where the saved object is: Location, and where clients that prefer HTML are sent (303)"),
      config::key("envelope", config::boolean())
          .fallback("false")
          .summary("answer {success, object, message, redirect_url}"),
      config::key("message", config::text()).summary("of the envelope")};
  append_keys(keys, After::keys());
  append_keys(keys, Reply::keys());
  return keys;
}

config::ViewType describe(const char* name, std::vector<std::string> methods) {
  config::ViewType type;
  type.name = name;
  type.methods = std::move(methods);
  type.keys = common_keys();
  type.keys.push_back(include_key());
  append_keys(type.keys, Accept::keys());
  append_keys(type.keys, Validate::keys());
  append_keys(type.keys, Shape::keys());
  return type;
}

}  // namespace

config::ViewType describe_create() { return describe("create", {"POST"}); }

config::ViewType describe_update() {
  config::ViewType type = describe("update", {"PUT", "PATCH", "POST"});
  type.keys.push_back(config::key("etag", config::map({config::key("route", config::text()).required()}))
                          .summary("compare If-Match with a fresh read through that detail route; not atomic"));
  return type;
}

config::ViewType describe_delete() {
  config::ViewType type;
  type.name = "delete";
  type.methods = {"DELETE"};
  type.keys = common_keys();
  for (config::Key& k : Validate::keys()) {
    if (k.name == "validate") type.keys.push_back(std::move(k));
  }
  return type;
}

std::unique_ptr<pipeline::View> create_create(pipeline::Build& build) {
  return std::make_unique<WriteView>(build, Write::kCreate);
}
std::unique_ptr<pipeline::View> create_update(pipeline::Build& build) {
  return std::make_unique<WriteView>(build, Write::kUpdate);
}
std::unique_ptr<pipeline::View> create_delete(pipeline::Build& build) {
  return std::make_unique<WriteView>(build, Write::kDelete);
}

}  // namespace vg::view
