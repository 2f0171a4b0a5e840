#include "view/redirect.h"

#include "config/read.h"
#include "view/header_edit.h"

namespace vg::view {

namespace {

class Redirect final : public pipeline::View {
 public:
  explicit Redirect(pipeline::Build& build) {
    const config::Node* s = build.settings();
    if (const config::Node* to = config::child(s, "to")) to_ = build.compile(*to, "to", tmpl::Place::kUrl);
    status_ = static_cast<uint16_t>(std::stoi(config::text(s, "status", "308")));
    if (const config::Node* headers = config::child(s, "headers"))
      headers_ = HeaderEdit::create_set(*headers, "headers", build);
  }

  coro::Task<Result<void>> run(pipeline::Context& ctx) const override {
    std::string location;
    const tmpl::Rendered rendered = to_.render(ctx, location);
    if (rendered.status == tmpl::Rendered::Status::kBadValue) co_return bad_value(rendered);
    if (!rendered.ok()) {
      Error e(ErrorKind::kBadRequest, "a value that the redirect needs is missing");
      e.status = 400;
      co_return std::move(e);
    }
    ctx.response.status = status_;
    ctx.response.own.add("Location", location);
    co_return headers_.apply(ctx, ctx.response.own);
  }

  pipeline::Carried carried() const override {
    pipeline::Carried out;
    const auto add = [&out](const tmpl::Reference& r) { out.add(r); };
    to_.for_each_reference(add);
    headers_.for_each_reference(add);
    return out;
  }

 private:
  tmpl::Template to_;
  uint16_t status_ = 308;
  HeaderEdit headers_;
};

}  // namespace

config::ViewType describe_redirect() {
  config::ViewType type;
  type.name = "redirect";
  type.keys = {
      config::key("to", config::template_text().example("\"/new/{id}\""))
          .required()
          .summary("where to: a path or a URL, a template"),
      config::key("status", config::one_of({"301", "302", "303", "307", "308"}))
          .fallback("308")
          .summary("the response's status"),
      config::key("headers", config::named(config::template_text()))
          .summary("header fields of the response: name -> value (a template)"),
      config::key("limits", config::map({config::key("body_bytes", config::size().at_least(0))
                                             .summary("the content of a request; more: 413")})),
  };
  return type;
}

std::unique_ptr<pipeline::View> create_redirect(pipeline::Build& build) { return std::make_unique<Redirect>(build); }

}  // namespace vg::view
