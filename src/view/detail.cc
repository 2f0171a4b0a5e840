#include "view/detail.h"

#include "config/read.h"
#include "view/calls_setting.h"

namespace vg::view {

namespace {

class Detail final : public pipeline::View, public EtagSource {
 public:
  explicit Detail(pipeline::Build& build) : reply_(Reply::create(build)) {
    const config::Node* include = config::child(build.settings(), "include");
    const std::vector<std::string> names = call_names(include);
    add_calls(graph_, build, include, "include", "GET", call_scope(build, names, {tmpl::Root::kObject}), 0);
    add_main(graph_, build, "GET", call_scope(build, names, {}));
    graph_.link(build);
    shape_ = Shape::create(build, names);
    members_ = member_names(names);
    for (const tmpl::Param& p : build.scope().params) parameters_.push_back(p.name);
  }

  std::vector<pipeline::PlannedCall> plan() const override { return graph_.plan(); }
  pipeline::Carried carried() const override { return reply_.carried(graph_); }

  coro::Task<Result<void>> run(pipeline::Context& ctx) const override {
    CallRun run(ctx, graph_);
    Result<void> made = co_await run.run(0);
    if (!made) co_return Reply::fail(run, std::move(made.error()));
    run.tell_degraded();
    co_return answer(run);
  }

  coro::Task<Result<std::string>> current_etag(pipeline::Context& ctx, tmpl::PathParams params) const override {
    CallRun run(ctx, graph_);
    run.set_params(params);
    Result<void> made = co_await run.run(0);
    if (!made) {
      Error error = std::move(made.error());
      const bool refused = run.failed() == graph_.main() && run.main().refused();
      if (refused) error.status = run.main().status;
      co_return error;
    }
    for (size_t i = 0; i < graph_.size(); ++i) {
      if (run.answer(i).failed())
        co_return Error(ErrorKind::kUpstreamProtocol, "the object could not be read in full to compare it");
    }
    if (reply_.passes("etag") && run.main().call->head().has(http::FieldId::kEtag))
      co_return std::string(run.main().call->head().get(http::FieldId::kEtag));
    Result<std::string> content = make(run);
    if (!content) co_return std::move(content.error());
    co_return etag_of(*content);
  }
  const std::vector<std::string>& parameters() const override { return parameters_; }

 private:
  Result<std::string> make(const CallRun& run) const {
    const json::Value object = run.main().value;
    std::vector<Extra> extras;
    extras.reserve(members_.size());
    for (size_t i = 0; i < members_.size(); ++i) extras.push_back(members_[i].extra(run.answer(i).value));
    if (!object.is_object() && !(extras.empty() && shape_.plain()))
      return Error(ErrorKind::kSelect, graph_.node(graph_.main()).def.upstream_name + " did not answer with an object");
    std::string content;
    content.reserve(object.text().size() + 64 * extras.size());
    shape_.append(object, extras, {}, content);
    return content;
  }

  Result<void> answer(CallRun& run) const {
    Result<std::string> content = make(run);
    if (!content) return content.error();
    pipeline::Context& ctx = run.ctx();
    const bool whole = ctx.degraded.empty();
    const std::string etag = whole ? etag_of(*content) : std::string();
    if (Result<void> replied = reply_.json(run, 200, *std::move(content)); !replied) return replied;
    if (whole) {
      apply_etag(ctx, etag);
    } else {
      ctx.response.own.remove(http::FieldId::kEtag);  // the source's would be of the whole
    }
    return {};
  }

  CallGraph graph_;
  Reply reply_;
  Shape shape_;
  std::vector<Name> members_;  // of the includes, in their order
  std::vector<std::string> parameters_;
};

}  // namespace

config::ViewType describe_detail() {
  config::ViewType type;
  type.name = "detail";
  type.methods = {"GET"};
  type.keys = {source_key(), include_key(), limits_key()};
  append_keys(type.keys, Shape::keys());
  append_keys(type.keys, Reply::keys());
  return type;
}

std::unique_ptr<pipeline::View> create_detail(pipeline::Build& build) { return std::make_unique<Detail>(build); }

}  // namespace vg::view
