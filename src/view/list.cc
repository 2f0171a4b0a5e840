#include "view/list.h"

#include <algorithm>

#include "base/strings.h"
#include "config/read.h"
#include "json/writer.h"
#include "view/calls_setting.h"
#include "view/steps/client_query.h"
#include "view/steps/list_query.h"
#include "view/steps/paginate.h"

namespace vg::view {

namespace {

constexpr std::string_view kFields = "fields";
constexpr size_t kMostContentBytes = 64 * 1024 * 1024;

class List final : public pipeline::View {
 public:
  explicit List(pipeline::Build& build);
  std::vector<pipeline::PlannedCall> plan() const override { return graph_.plan(); }
  pipeline::Carried carried() const override { return reply_.carried(graph_); }
  coro::Task<Result<void>> run(pipeline::Context& ctx) const override;

 private:
  friend class ListRequest;
  void add_includes(pipeline::Build& build, const config::Node& include, const tmpl::Scope& scope);
  void make_cursor_key(pipeline::Build& build);
  void know_parameters(pipeline::Build& build);

  CallGraph graph_;
  ListQuery query_;
  std::optional<Paginate> paginate_;
  CursorKey cursors_;
  Reply reply_;
  Shape shape_;
  bool has_fields_ = false, has_context_ = false;
  std::vector<Name> includes_, context_;  // in the order of the graph's calls
};

// One request for a page.
class ListRequest final : public MainObserver {
 public:
  ListRequest(pipeline::Context& ctx, const List& list) : list_(list), ctx_(ctx), run_(ctx, list.graph_) {
    run_.set_observer(this);
  }
  /// Errors: 400: what the client asks for can't be had.
  Result<void> prepare();
  Result<void> on_main(CallRun& run) override;
  CallRun& run() { return run_; }
  Result<void> answer();

 private:
  Result<void> follow_cursor();
  void find_next_cursor(const source::Answer& main, Position& position) const;
  std::string with_own_parameters(std::string_view next) const;
  void read_only();
  Result<void> append_items(std::string& out);
  void append_page(std::string& out) const;
  void append_context(std::string& out) const;

  const List& list_;
  pipeline::Context& ctx_;
  CallRun run_;
  Page page_;
  Position position_;
  std::string query_, target_;  // of the source's request
  std::string first_target_;    // of the first page's: what cursors belong to
  std::string page_items_;      // by the gateway: the page's part of the array
  std::deque<std::string> only_texts_;
  std::vector<std::string_view> only_;  // ?fields=
};

List::List(pipeline::Build& build) : query_(ListQuery::create(build)), reply_(Reply::create(build)) {
  const config::Node* s = build.settings();
  const config::Node* include = config::child(s, "include");
  const config::Node* context = config::child(s, "context");
  std::vector<std::string> names = call_names(include);
  const std::vector<std::string> context_names = call_names(context);
  shape_ = Shape::create(build, names);
  includes_ = member_names(names);
  context_ = member_names(context_names);
  for (const std::string& name : context_names) {
    if (std::find(names.begin(), names.end(), name) != names.end())
      build.error(*context->get(name), "context." + name, "is also the name of an include");
    names.push_back(name);
  }
  if (include != nullptr)
    add_includes(build, *include, call_scope(build, names, {tmpl::Root::kItem, tmpl::Root::kItems}));
  add_calls(graph_, build, context, "context", "GET", call_scope(build, names, {}), 0);
  add_main(graph_, build, "GET", call_scope(build, names, {}));
  graph_.link(build);
  has_context_ = context != nullptr;
  has_fields_ = config::child(s, "fields") != nullptr;
  if (graph_.main() == CallGraph::kNone) return;
  if (const config::Node* node = config::child(s, "paginate"))
    paginate_.emplace(build, *node, graph_.node(graph_.main()).def);
  if (paginate_ && paginate_->by() == Paginate::By::kLink) make_cursor_key(build);
  know_parameters(build);
}

void List::add_includes(pipeline::Build& build, const config::Node& include, const tmpl::Scope& scope) {
  for (const config::Member& m : include.members()) {
    GraphNode node;
    node.def = source::compile_call(build, *m.value, std::string(m.key), "include." + std::string(m.key), "GET", scope);
    node.join = Join::create(build, *m.value, node.def);
    graph_.add(std::move(node));
  }
}

// What only those who run this configuration know: addresses, and the headers that the upstream is called with.
void List::make_cursor_key(pipeline::Build& build) {
  const source::CallDef& def = graph_.node(graph_.main()).def;
  const config::UpstreamSettings& upstream = build.upstream_settings(def.upstream);
  std::string secret = def.text;
  for (const config::EndpointSettings& e : upstream.endpoints)
    secret.append("\n").append(e.authority).append(e.base_path);
  for (const config::HeaderSetting& h : upstream.headers) secret.append("\n").append(h.name).append(h.value);
  cursors_ = CursorKey(std::move(secret));
}

void List::know_parameters(pipeline::Build& build) {
  std::vector<std::string> own, sent;
  if (has_fields_) own.emplace_back(kFields);
  if (paginate_) {
    own.push_back(paginate_->page_parameter());
    own.push_back(paginate_->size_parameter());
    sent = paginate_->sent();
  }
  for (const tmpl::QueryParam& q : graph_.node(graph_.main()).def.target.query) sent.push_back(q.encoded);
  query_.check(build, own, sent);
  if (paginate_) {
    query_.know(paginate_->page_parameter());
    query_.know(paginate_->size_parameter());
  }
  if (has_fields_) query_.know(std::string(kFields));
  for (size_t i = 0; i < graph_.size(); ++i) {
    graph_.node(i).def.for_each_reference([this](const tmpl::Reference& r) {
      if (r.root == tmpl::Root::kQuery) query_.know(r.path[0]);
    });
  }
}

coro::Task<Result<void>> List::run(pipeline::Context& ctx) const {
  ListRequest request(ctx, *this);
  if (Result<void> fine = request.prepare(); !fine) co_return std::move(fine);
  Result<void> made = co_await request.run().run(0);
  if (!made) co_return Reply::fail(request.run(), std::move(made.error()));
  request.run().tell_degraded();
  co_return request.answer();
}

Result<void> ListRequest::prepare() {
  if (Result<void> fine = list_.query_.append_upstream_query(ctx_, query_); !fine) return fine;
  if (list_.has_fields_) read_only();
  if (!list_.paginate_) {
    run_.set_main_query(query_, {});
    return {};
  }
  Result<Page> page = list_.paginate_->read(ctx_);
  if (!page) return page.error();
  page_ = *std::move(page);
  if (list_.paginate_->by() == Paginate::By::kLink) {
    if (Result<void> fine = follow_cursor(); !fine) return fine;
  }
  list_.paginate_->append_upstream_query(page_, query_);
  run_.set_main_query(query_, target_);
  return {};
}

Result<void> ListRequest::follow_cursor() {
  const tmpl::Rendered rendered = list_.graph_.node(list_.graph_.main()).def.target.render(run_, {}, first_target_);
  if (!rendered.ok()) return {};  // the call will say so
  if (!query_.empty()) first_target_.append(first_target_.find('?') == std::string::npos ? "?" : "&").append(query_);
  if (page_.cursor.empty()) return {};
  const std::optional<std::string> next = list_.cursors_.decode(page_.cursor, first_target_);
  if (!next) {
    Error e(ErrorKind::kBadRequest, "\"" + list_.paginate_->page_parameter() + "\" is not a page of this list");
    e.status = 400;
    return e;
  }
  target_ = with_own_parameters(*next);
  return {};
}

// The next page's request: the source's own parameters as they are, and of the cursor's those that it does not have.
std::string ListRequest::with_own_parameters(std::string_view next) const {
  std::string out = first_target_;
  const std::string_view own =
      std::string_view(first_target_).substr(std::min(first_target_.find('?'), first_target_.size()));
  char separator = own.empty() ? '?' : '&';
  for_each_pair(next, [&](const QueryPair& pair) {
    std::string name;
    tmpl::append_decoded(name, pair.name, tmpl::Coding::kForm);
    if (!own.empty() && tmpl::find_query(own.substr(1), name)) return;
    out.push_back(std::exchange(separator, '&'));
    out.append(pair.raw);
  });
  return out;
}

void ListRequest::read_only() {
  const auto raw = tmpl::find_query(ctx_.query_string(), kFields);
  if (!raw) return;
  std::string text;
  tmpl::append_decoded(text, *raw, tmpl::Coding::kForm);
  for (const std::string_view part : split(text, ',')) {
    const std::string_view name = trim(part);
    const bool again = std::find(only_.begin(), only_.end(), name) != only_.end();
    if (list_.shape_.shows(name) && !again) only_.push_back(only_texts_.emplace_back(name));
  }
}

Result<void> ListRequest::on_main(CallRun& run) {
  const source::Answer& main = run.main();
  json::Value items = main.value;
  if (items.is_null()) items = json::Value::of("[]");
  if (!items.is_array())
    return Error(ErrorKind::kSelect,
                 list_.graph_.node(list_.graph_.main()).def.upstream_name + " did not answer with an array");
  run.set_items(items);
  // A default is no page of anything: it is shown as it is.
  const bool is_default = main.state == source::Answer::State::kDefault;
  if (!list_.paginate_ || is_default) {
    if (!list_.paginate_) position_.count = items.size();
    return {};
  }
  const std::optional<uint64_t> total = list_.paginate_->total(main, items);
  if (list_.paginate_->by() == Paginate::By::kGateway) {
    page_items_ = Paginate::slice(items, page_);
    run.set_items(json::Value::of(page_items_));
  }
  Result<Position> position = list_.paginate_->locate(ctx_, page_, total, run.items().size());
  if (!position) return position.error();
  position_ = *std::move(position);
  if (list_.paginate_->by() == Paginate::By::kLink) find_next_cursor(main, position_);
  return {};
}

void ListRequest::find_next_cursor(const source::Answer& main, Position& position) const {
  if (main.state != source::Answer::State::kOk) return;
  const auto link = find_link(main.call->head(), "next");
  if (!link || main.stats.endpoint == nullptr) return;
  const std::string_view query = query_of_link(*link, main.stats.endpoint->settings.authority);
  if (query.empty()) return;
  position.next = with_parameter(ctx_.request.path(), ctx_.request.query(), list_.paginate_->page_parameter(),
                                 list_.cursors_.encode(query, first_target_));
}

// A join can make much of little: each item may have the same large object.
Result<void> ListRequest::append_items(std::string& out) {
  std::vector<Extra> extras;
  for (const Name& name : list_.includes_) extras.push_back(name.extra({}));
  size_t index = 0;
  out.push_back('[');
  for (const json::Value item : run_.items().elements()) {
    if (index > 0) out.push_back(',');
    for (size_t i = 0; i < extras.size(); ++i) {
      const JoinResult* joined = run_.joined(i);
      extras[i].value = joined != nullptr ? joined->of(index) : json::Value();
    }
    list_.shape_.append(item, extras, only_, out);
    if (out.size() > kMostContentBytes) return Error(ErrorKind::kTooLarge, "the answer would be too large");
    ++index;
  }
  out.push_back(']');
  return {};
}

void ListRequest::append_page(std::string& out) const {
  const auto number = [&out](std::string_view key, std::optional<uint64_t> value) {
    out.append(key);
    if (value) {
      append_u64(out, *value);
    } else {
      out.append("null");
    }
  };
  const auto link = [&out](std::string_view key, const std::string& value) {
    out.append(key);
    if (value.empty()) {
      out.append("null");
    } else {
      json::append_string(out, value);
    }
  };
  number(",\"count\":", position_.count);
  if (!list_.paginate_) return;
  const bool by_link = list_.paginate_->by() == Paginate::By::kLink;
  number(",\"page\":", by_link && !page_.cursor.empty() ? std::nullopt : std::optional(page_.number));
  number(",\"pages\":", position_.pages);
  link(",\"next\":", position_.next);
  link(",\"previous\":", position_.previous);
}

void ListRequest::append_context(std::string& out) const {
  bool first = true;
  out.append(",\"context\":{");
  for (size_t i = 0; i < list_.context_.size(); ++i) {
    const json::Value value = run_.answer(list_.includes_.size() + i).value;
    if (value.absent()) continue;
    if (!std::exchange(first, false)) out.push_back(',');
    out.append(list_.context_[i].key).append(value.text());
  }
  out.push_back('}');
}

Result<void> ListRequest::answer() {
  std::string content = "{\"results\":";
  if (Result<void> fine = append_items(content); !fine) return fine;
  append_page(content);
  if (list_.has_context_) append_context(content);
  content.push_back('}');
  return list_.reply_.json(run_, 200, std::move(content));
}

}  // namespace

config::ViewType describe_list() {
  config::ViewType type;
  type.name = "list";
  type.methods = {"GET"};
  type.keys = {source_key(), include_key(Join::keys()),
               config::key("context", config::named(source::call_spec()))
                   .summary("calls beside the list, whose answers stand under \"context\": name -> call"),
               config::key("paginate", Paginate::spec()).summary("pages; without it the whole list is one"),
               limits_key()};
  append_keys(type.keys, ListQuery::keys());
  append_keys(type.keys, Shape::keys());
  append_keys(type.keys, Reply::keys());
  return type;
}

std::unique_ptr<pipeline::View> create_list(pipeline::Build& build) { return std::make_unique<List>(build); }

}  // namespace vg::view
