#include "view/join.h"

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "config/read.h"
#include "json/writer.h"
#include "template/distinct.h"
#include "view/call_run.h"
#include "view/item_values.h"

namespace vg::view {

namespace {

using source::Answer;

std::vector<std::string> path_of(std::string_view dotted) {
  std::vector<std::string> out;
  for (const std::string_view step : split(dotted, '.')) out.emplace_back(step);
  return out;
}

// The texts by which a value is compared: one of a scalar, one of each scalar in an array.
template <typename Visit>
void for_each_key(json::Value value, std::string& scratch, Visit visit) {
  const auto one = [&](json::Value v) {
    scratch.clear();
    if (v.append_text(scratch)) visit(scratch);
  };
  if (!value.is_array()) return one(value);
  for (const json::Value v : value.elements()) one(v);
}

// The state of all calls in one: what failed first.
void note_failure(const source::CallDef& def, const Answer& answer, Answer& summary) {
  if (!answer.failed() || summary.failed() || answer.error.kind == ErrorKind::kCancelled) return;
  summary.state = answer.state;
  summary.error = answer.error;
  summary.status = answer.status;
  if (def.fallback) summary.value = json::Value::of(*def.fallback);
}

}  // namespace

std::vector<config::Key> Join::keys() {
  return {config::key("match", config::named(config::text().at_least(1)).example("{author_id: id}"))
              .summary("the item's member -> the member of the answer's objects that is equal to it"),
          config::key("many", config::boolean())
              .fallback("false")
              .summary("all objects that match, as an array, instead of the first"),
          config::key("concurrency", config::integer().between(1, 1000))
              .fallback("8")
              .summary("calls made at once, where there is one an item")};
}

std::unique_ptr<Join> Join::create(pipeline::Build& build, const config::Node& node, const source::CallDef& def) {
  auto join = std::make_unique<Join>();
  bool item = false, items = false, several = false;
  std::string items_path;
  def.for_each_reference([&](const tmpl::Reference& r) {
    item = item || r.root == tmpl::Root::kItem;
    if (r.root != tmpl::Root::kItems) return;
    items = true;
    std::string path;
    for (const std::string& step : r.path) path.append(path.empty() ? "" : ".").append(step);
    several = several || (!items_path.empty() && items_path != path);
    items_path = std::move(path);
  });
  const config::Node* match = config::child(&node, "match");
  const auto wrong = [&](std::string message) { build.error(node, def.place, std::move(message)); };
  if (several) wrong("refers to several members of {items.…}: it can ask for the one that match names alone");
  if (item && items) wrong("refers to {item.…} and to {items.…}: a call is made for one item, or for all of them");
  if (!item && !items && !def.upstream_name.empty())
    wrong("refers to no item: write {items.KEY} and match, or {item.…}; a call beside the list stands under context");
  join->by_key_ = items;
  join->many_ = config::boolean(&node, "many", false);
  join->concurrency_ = static_cast<uint32_t>(config::integer(&node, "concurrency", 8));
  if (!items) {
    if (match != nullptr || join->many_)
      wrong("match and many join the answer of one call for all items, which refers to {items.KEY}");
    return join;
  }
  if (match == nullptr || match->members().size() != 1) {
    wrong("needs one match, ITEM_MEMBER: ANSWER_MEMBER, for example match: {" + items_path + ": id}");
    return join;
  }
  const config::Member& pair = match->members().front();
  if (pair.key != items_path)
    wrong("asks for {items." + items_path + "}, but matches by \"" + std::string(pair.key) + "\"");
  join->item_path_ = path_of(pair.key);
  join->object_path_ = path_of(pair.value->text());
  return join;
}

std::string Join::describe() const {
  if (by_key_) return "one call for the page, by key";
  std::string out = "one call an item, at most ";
  append_u64(out, concurrency_);
  return out + " at once";
}

coro::Task<void> Join::run(CallRun& run, const source::CallDef& def, JoinResult* result, Answer* summary) const {
  summary->state = Answer::State::kOk;
  if (by_key_) {
    co_await by_key(run, def, *result, *summary);
  } else {
    co_await per_item(run, def, *result, *summary);
  }
}

namespace {

// The calls of one include; the first failure of a required one ends the others.
struct Calls {
  Calls(CallRun& r, const source::CallDef& d, coro::CancelSource* parent) : run(r), def(d), stop(parent) {}
  CallRun& run;
  const source::CallDef& def;
  coro::CancelSource stop;

  coro::Task<void> make(tmpl::Root root, json::Value value, Answer* answer) {
    const ItemValues values(run, root, value);
    source::Caller caller = run.caller(values);
    caller.cancel = &stop;
    co_await source::fetch(def, caller, answer);
    if (def.required && answer->state == Answer::State::kFailed) stop.cancel(ErrorKind::kCancelled);
  }
};

}  // namespace

// Calls in their order; a few workers take one after the other.
struct Join::Work {
  struct Item {
    json::Value value;
    Answer* answer = nullptr;
  };
  Calls calls;
  tmpl::Root root;
  std::vector<Item> items;
  size_t next = 0;

  static coro::Task<void> take(Work* work) {
    while (work->next < work->items.size() && !work->calls.stop.cancelled()) {
      const Item item = work->items[work->next++];
      co_await work->calls.make(work->root, item.value, item.answer);
    }
  }

  coro::Task<void> run(size_t at_once) {
    coro::Scope scope;
    for (size_t i = 0; i < std::min(at_once, items.size()); ++i) scope.spawn(take(this));
    co_await scope.join();
  }
};

// One call for at most a hundred keys. Of the items its templates see the keys alone: no call refers to anything else.
coro::Task<void> Join::by_key(CallRun& run, const source::CallDef& def, JoinResult& result, Answer& summary) const {
  const json::Value items = run.items();
  const tmpl::DistinctValues keys(items, item_path_);
  std::string before, behind;
  for (const std::string& step : item_path_) {
    before.push_back('{');
    json::append_string(before, step);
    before.push_back(':');
    behind.push_back('}');
  }
  std::deque<std::string> batches;
  size_t in_batch = kKeysPerCall;
  for (const tmpl::DistinctValues::Entry& key : keys.entries()) {
    if (in_batch == kKeysPerCall) batches.emplace_back("["), in_batch = 0;
    if (in_batch++ > 0) batches.back().push_back(',');
    batches.back().append(before).append(key.value.text()).append(behind);
  }
  Work work{Calls(run, def, run.caller(run).cancel), tmpl::Root::kItems, {}, 0};
  for (std::string& batch : batches) {
    batch.push_back(']');
    work.items.push_back({json::Value::of(batch), &result.answers_.emplace_back()});
  }
  co_await work.run(concurrency_);
  for (const Answer& answer : result.answers_) {
    note_failure(def, answer, summary);
    if (answer.state != Answer::State::kOk || answer.value.is_array() || answer.value.is_null()) continue;
    Answer odd;
    odd.error = Error(ErrorKind::kSelect, def.upstream_name + " did not answer with an array");
    odd.state = def.fallback ? Answer::State::kDefault : Answer::State::kFailed;
    note_failure(def, odd, summary);
  }
  match_answers(items, def, result, summary);
}

json::Value Join::unmatched(const source::CallDef& def, const Answer& summary) const {
  if (def.fallback) return json::Value::of(*def.fallback);
  if (summary.failed()) return {};
  return json::Value::of(many_ ? std::string_view("[]") : std::string_view("null"));
}

void Join::match_answers(const json::Value& items, const source::CallDef& def, JoinResult& result,
                         Answer& summary) const {
  std::map<std::string, std::vector<json::Value>> objects;
  std::string scratch;
  for (const Answer& answer : result.answers_) {
    if (answer.state != Answer::State::kOk) continue;
    for (const json::Value object : answer.value.elements()) {
      scratch.clear();
      if (object.at(object_path_).append_text(scratch)) objects[scratch].push_back(object);
    }
  }
  const json::Value none = unmatched(def, summary);
  for (const json::Value item : items.elements()) {
    std::vector<json::Value> found;
    for_each_key(item.at(item_path_), scratch, [&](const std::string& key) {
      if (const auto at = objects.find(key); at != objects.end())
        found.insert(found.end(), at->second.begin(), at->second.end());
    });
    if (found.empty() || !many_) {
      result.values_.push_back(found.empty() ? none : found.front());
      continue;
    }
    std::string& text = result.texts_.emplace_back();
    for (const json::Value v : found) text.append(text.empty() ? "[" : ",").append(v.text());
    text.push_back(']');
    result.values_.push_back(json::Value::of(text));
  }
}

coro::Task<void> Join::per_item(CallRun& run, const source::CallDef& def, JoinResult& result, Answer& summary) const {
  Work work{Calls(run, def, run.caller(run).cancel), tmpl::Root::kItem, {}, 0};
  std::map<std::string, Answer*> made;
  std::vector<Answer*> of_item;
  for (const json::Value item : run.items().elements()) {
    const ItemValues values(run, tmpl::Root::kItem, item);
    auto [at, is_new] = made.try_emplace(source::fingerprint(def, values), nullptr);
    if (is_new) {
      at->second = &result.answers_.emplace_back();
      work.items.push_back({item, at->second});
    }
    of_item.push_back(at->second);
  }
  co_await work.run(concurrency_);
  for (const Answer& answer : result.answers_) note_failure(def, answer, summary);
  for (const Answer* answer : of_item) result.values_.push_back(answer->value);
}

}  // namespace vg::view
