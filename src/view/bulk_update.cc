#include "view/bulk_update.h"

#include <algorithm>

#include "config/read.h"
#include "view/calls_setting.h"
#include "view/item_values.h"
#include "view/steps/bulk_results.h"
#include "view/steps/read_body.h"

namespace vg::view {

namespace {

using source::Answer;

class BulkUpdate final : public pipeline::View {
 public:
  explicit BulkUpdate(pipeline::Build& build);
  std::vector<pipeline::PlannedCall> plan() const override {
    std::vector<pipeline::PlannedCall> calls = graph_.plan();
    for (pipeline::PlannedCall& c : calls)
      c.note = (per_batch_ ? "one call for every " : "one call an item, in batches of ") + std::to_string(batch_size_) +
               (per_batch_ ? " items" : ", " + std::to_string(concurrency_) + " at once");
    return calls;
  }
  coro::Task<Result<void>> run(pipeline::Context& ctx) const override;

 private:
  friend class Bulk;
  Result<std::vector<json::Value>> items_of(json::Value body) const;

  CallGraph graph_;
  Reply reply_;
  std::string member_ = "items";
  std::vector<std::string> id_path_ = {"id"};  // of what a result is known by
  bool per_batch_ = false;
  uint64_t batch_size_ = 100, concurrency_ = 20, max_items_ = 10000;
};

// One request: batch after batch, and inside a batch a few calls at once.
class Bulk {
 public:
  Bulk(CallRun& run, const BulkUpdate& view, net::DeadlineSource* until)
      : run_(run), view_(view), until_(until), def_(run.graph().node(run.graph().main()).def) {}

  /// The outcomes of one batch, in order.
  coro::Task<void> update_items(std::span<const json::Value> items, std::vector<BulkOutcome>* outcomes);
  coro::Task<void> update_batch(std::span<const json::Value> items, std::vector<BulkOutcome>* outcomes);

 private:
  static coro::Task<void> take(Bulk* bulk, std::span<const json::Value> items, std::vector<BulkOutcome>* outcomes);
  coro::Task<void> fetch(tmpl::Root root, json::Value value, Answer* answer);
  static std::string array_of(std::span<const json::Value> items);

  CallRun& run_;
  const BulkUpdate& view_;
  net::DeadlineSource* until_;
  const source::CallDef& def_;
  size_t next_ = 0;
};

// What the call does not say itself is sent as it is: the item, or the array of them.
coro::Task<void> Bulk::fetch(tmpl::Root root, json::Value value, Answer* answer) {
  const ItemValues values(run_, root, value);
  source::Caller caller = run_.caller(values);
  caller.cancel = until_;
  caller.until = until_->when();
  std::optional<std::string_view> content;
  if (!def_.body && def_.method != http::Method::kDelete) content = value.text();
  co_await source::fetch(def_, caller, answer, content);
}

coro::Task<void> Bulk::take(Bulk* bulk, std::span<const json::Value> items, std::vector<BulkOutcome>* outcomes) {
  while (bulk->next_ < items.size() && !bulk->until_->cancelled()) {
    const size_t i = bulk->next_++;
    if (!items[i].is_object()) {
      (*outcomes)[i] = {BulkStatus::kError, "is not an object"};
      continue;
    }
    Answer answer;
    co_await bulk->fetch(tmpl::Root::kItem, items[i], &answer);
    (*outcomes)[i] = answer.state == Answer::State::kSkipped ? BulkOutcome() : outcome_of(answer);
  }
}

coro::Task<void> Bulk::update_items(std::span<const json::Value> items, std::vector<BulkOutcome>* outcomes) {
  coro::Scope scope;
  next_ = 0;
  const size_t workers = std::min<size_t>(view_.concurrency_, items.size());
  for (size_t i = 0; i < workers; ++i) scope.spawn(take(this, items, outcomes));
  co_await scope.join();
}

std::string Bulk::array_of(std::span<const json::Value> items) {
  std::string out = "[";
  for (const json::Value item : items) out.append(out.size() > 1 ? "," : "").append(item.text());
  return out.append("]");
}

coro::Task<void> Bulk::update_batch(std::span<const json::Value> items, std::vector<BulkOutcome>* outcomes) {
  const std::string text = array_of(items);
  Answer answer;
  co_await fetch(tmpl::Root::kItems, json::Value::of(text), &answer);
  BulkOutcome all = outcome_of(answer);
  if (all.status == BulkStatus::kNotFound) all = {BulkStatus::kError, answer.error.detail};
  std::fill(outcomes->begin(), outcomes->end(), all);
  if (!answer.has_value() || !answer.value.is_array() || answer.value.size() != items.size()) co_return;
  size_t i = 0;
  for (const json::Value element : answer.value.elements()) (*outcomes)[i++] = outcome_of(element);
}

BulkUpdate::BulkUpdate(pipeline::Build& build) : reply_(Reply::create(build)) {
  const config::Node* s = build.settings();
  const config::Node* source = config::child(s, "source");
  per_batch_ = config::text(source, "per", "item") == "batch";
  tmpl::Scope scope = call_scope(build, {}, {tmpl::Root::kBody, per_batch_ ? tmpl::Root::kItems : tmpl::Root::kItem});
  add_main(graph_, build, per_batch_ ? "POST" : "PATCH", scope);
  member_ = config::text(s, "items", "items");
  batch_size_ = static_cast<uint64_t>(config::integer(s, "batch_size", 100));
  concurrency_ = static_cast<uint64_t>(config::integer(s, "concurrency", 20));
  max_items_ = static_cast<uint64_t>(config::integer(s, "max_items", 10000));
  if (graph_.main() == CallGraph::kNone) return;
  for (const tmpl::Reference& r : graph_.node(graph_.main()).def.target.path.references()) {
    if (r.root != tmpl::Root::kItem) continue;
    id_path_ = r.path;
    break;
  }
}

Result<std::vector<json::Value>> BulkUpdate::items_of(json::Value body) const {
  const json::Value array = body.is_array() ? body : body.member(member_);
  if (!array.is_array()) {
    Error e(ErrorKind::kStatus, "the content must be an array, or an object with an array \"" + member_ + "\"");
    e.status = 422;
    return e;
  }
  std::vector<json::Value> items;
  for (const json::Value item : array.elements()) {
    if (items.size() == max_items_) {
      Error e(ErrorKind::kStatus, "the content has more than " + std::to_string(max_items_) + " items");
      e.status = 413;
      return e;
    }
    items.push_back(item);
  }
  return items;
}

coro::Task<Result<void>> BulkUpdate::run(pipeline::Context& ctx) const {
  std::string content;
  BodyRules rules;
  rules.forms = false;
  Result<void> read = co_await read_body(ctx, rules, &content);
  if (!read) co_return std::move(read);
  Result<std::vector<json::Value>> items = items_of(json::Value::of(content));
  if (!items) co_return std::move(items.error());
  CallRun run(ctx, graph_);
  run.set_body(json::Value::of(content));
  // The answer goes out before the request's own time is up, whatever was not tried by then.
  const Duration left = ctx.cancel.when() - ctx.loop->now();
  const Duration margin = std::min<Duration>(left / 10, std::chrono::milliseconds(100));
  const bool bounded = ctx.cancel.when() != TimePoint::max();
  net::DeadlineSource until(ctx.loop, bounded ? ctx.cancel.when() - margin : TimePoint::max(), &ctx.cancel);
  Bulk bulk(run, *this, &until);
  BulkResults results;
  std::vector<BulkOutcome> outcomes;
  for (size_t at = 0; at < items->size(); at += batch_size_) {
    const std::span<const json::Value> batch = std::span(*items).subspan(at, std::min(batch_size_, items->size() - at));
    outcomes.assign(batch.size(), BulkOutcome());
    if (per_batch_ && !until.cancelled()) {
      co_await bulk.update_batch(batch, &outcomes);
    } else if (!until.cancelled()) {
      co_await bulk.update_items(batch, &outcomes);
    }
    for (size_t i = 0; i < batch.size(); ++i) results.add(batch[i].at(id_path_), outcomes[i]);
  }
  if (ctx.cancel.reason() == ErrorKind::kCancelled) co_return Error(ErrorKind::kCancelled, "cancelled");
  co_return reply_.json(run, 200, results.take());
}

}  // namespace

config::ViewType describe_bulk_update() {
  config::ViewType type;
  type.name = "bulk-update";
  type.methods = {"POST", "PATCH"};
  type.keys = {
      source_key(true, {config::key("per", config::one_of({"item", "batch"}))
                            .fallback("item")
                            .summary("a call for each item, or for each batch")}),
      config::key("items", config::text().at_least(1)).fallback("items").summary("the member that has the array"),
      config::key("batch_size", config::integer().between(1, 100'000)).fallback("100").summary("items of a batch"),
      config::key("concurrency", config::integer().between(1, 1000)).fallback("20").summary("calls at once in a batch"),
      config::key("max_items", config::integer().between(1, 10'000'000)).fallback("10000").summary("more: 413"),
      limits_key()};
  append_keys(type.keys, Reply::keys());
  return type;
}

std::unique_ptr<pipeline::View> create_bulk_update(pipeline::Build& build) {
  return std::make_unique<BulkUpdate>(build);
}

}  // namespace vg::view
