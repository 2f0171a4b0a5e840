#include "view/aggregate.h"

#include <algorithm>

#include "config/read.h"
#include "view/calls_setting.h"

namespace vg::view {

namespace {

using source::Answer;

class Aggregate final : public pipeline::View {
 public:
  explicit Aggregate(pipeline::Build& build) : reply_(Reply::create(build)) {
    const config::Node* include = config::child(build.settings(), "include");
    const std::vector<std::string> names = call_names(include);
    add_calls(graph_, build, include, "include", "GET", call_scope(build, names, {}), 0);
    graph_.link(build);
    shape_ = Shape::create(build, names);
    members_ = member_names(names);
    if (include == nullptr) return;
    if (include->members().empty()) build.error(*include, "include", "an aggregate needs at least one call");
    for (const config::Member& m : include->members()) merge_.push_back(config::boolean(m.value, "merge", false));
    merges_ = std::find(merge_.begin(), merge_.end(), true) != merge_.end();
    check_merged(*include, build);
  }

  std::vector<pipeline::PlannedCall> plan() const override { return graph_.plan(); }
  pipeline::Carried carried() const override { return reply_.carried(graph_); }

  coro::Task<Result<void>> run(pipeline::Context& ctx) const override {
    CallRun run(ctx, graph_);
    Result<void> made = co_await run.run(0);
    if (!made) co_return std::move(made.error());
    if (merges_) refuse_unmergeable(run);
    if (Result<void> some = check_any(run); !some) co_return std::move(some.error());
    run.tell_degraded();
    std::string content;
    if (merges_) {
      append_merged(run, content);
    } else {
      append_all(run, content);
    }
    if (!shape_.plain()) {
      const std::string whole = std::move(content);
      content.clear();
      shape_.append(json::Value::of(whole), {}, {}, content);
    }
    co_return reply_.json(run, 200, std::move(content));
  }

 private:
  // What is known of a merged call's members before it is made: those of its default.
  void check_merged(const config::Node& include, pipeline::Build& build) const {
    std::vector<std::pair<std::string, std::string>> known;  // member, who writes it
    for (size_t i = 0; i < members_.size(); ++i) {
      if (!merge_[i]) known.emplace_back(members_[i].text, members_[i].text);
    }
    for (size_t i = 0; i < members_.size(); ++i) {
      const source::CallDef& def = graph_.node(i).def;
      if (!merge_[i] || !def.fallback) continue;
      const config::Node& node = *include.members()[i].value;
      const json::Value fallback = json::Value::of(*def.fallback);
      if (!fallback.is_object()) {
        build.error(node, def.place + ".default",
                    "the default of a merged call is a map: its members are lifted to the top");
        continue;
      }
      for (const json::Member& m : fallback.members()) {
        std::string name;
        m.append_name(name);
        const auto other = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.first == name; });
        if (other != known.end())
          build.error(node, def.place + ".default", "\"" + name + "\" is written by " + other->second + " too");
        known.emplace_back(name, members_[i].text);
      }
    }
  }

  // A merged answer that is no object has nothing to lift.
  void refuse_unmergeable(CallRun& run) const {
    for (size_t i = 0; i < members_.size(); ++i) {
      const json::Value value = run.answer(i).value;
      if (merge_[i] && !value.absent() && !value.is_object() && !value.is_null())
        run.refuse(i, Error(ErrorKind::kSelect, graph_.node(i).def.upstream_name + " did not answer with an object"));
    }
  }

  // All that were tried failed, and none has a default: the first one's failure is the answer.
  Result<void> check_any(const CallRun& run) const {
    const Answer* first = nullptr;
    for (size_t i = 0; i < members_.size(); ++i) {
      const Answer& a = run.answer(i);
      if (a.has_value()) return {};
      if (first == nullptr && a.state == Answer::State::kFailed) first = &a;
    }
    if (first == nullptr) return {};
    Error error = first->error;
    if (error.kind == ErrorKind::kMissingValue) error.status = 502;
    return error;
  }

  void append_all(const CallRun& run, std::string& out) const {
    out.push_back('{');
    for (size_t i = 0; i < members_.size(); ++i) {
      const json::Value value = run.answer(i).value;
      if (value.absent()) continue;
      if (out.size() > 1) out.push_back(',');
      out.append(members_[i].key).append(value.text());
    }
    out.push_back('}');
  }

  // Of two members of one name the later written stands, in its own place.
  void append_merged(const CallRun& run, std::string& out) const {
    struct Written {
      std::string name;
      std::string key;
      json::Value value;
    };
    std::vector<Written> all;
    for (size_t i = 0; i < members_.size(); ++i) {
      const json::Value value = run.answer(i).value;
      if (value.absent()) continue;
      if (!merge_[i]) all.push_back({members_[i].text, members_[i].key, value});
      if (!merge_[i] || !value.is_object()) continue;
      for (const json::Member& m : value.members()) {
        Written& w = all.emplace_back();
        m.append_name(w.name);
        w.key.append("\"").append(m.raw_name).append("\":");
        w.value = m.value;
      }
    }
    std::map<std::string_view, size_t> last;
    for (size_t i = 0; i < all.size(); ++i) last[all[i].name] = i;
    out.push_back('{');
    for (size_t i = 0; i < all.size(); ++i) {
      if (last[all[i].name] != i) continue;
      if (out.size() > 1) out.push_back(',');
      out.append(all[i].key).append(all[i].value.text());
    }
    out.push_back('}');
  }

  CallGraph graph_;
  Reply reply_;
  Shape shape_;
  std::vector<Name> members_;
  std::vector<bool> merge_;
  bool merges_ = false;
};

}  // namespace

config::ViewType describe_aggregate() {
  config::ViewType type;
  type.name = "aggregate";
  type.methods = {"GET"};
  config::Key include = include_key(
      {config::key("merge", config::boolean()).fallback("false").summary("lift the answer's members to the top")});
  include.is_required = true;
  type.keys = {std::move(include), limits_key()};
  append_keys(type.keys, Shape::keys());
  append_keys(type.keys, Reply::keys());
  return type;
}

std::unique_ptr<pipeline::View> create_aggregate(pipeline::Build& build) { return std::make_unique<Aggregate>(build); }

}  // namespace vg::view
