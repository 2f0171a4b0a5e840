#include "view/respond.h"

#include <fstream>
#include <sstream>

#include "config/read.h"
#include "template/plain_json.h"
#include "view/header_edit.h"

namespace vg::view {

namespace {

constexpr size_t kMostFileBytes = 16 * 1024 * 1024;

std::string_view type_of_file(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{".html", "text/html; charset=utf-8"},
                                                                             {".htm", "text/html; charset=utf-8"},
                                                                             {".json", "application/json"},
                                                                             {".txt", "text/plain; charset=utf-8"},
                                                                             {".css", "text/css; charset=utf-8"},
                                                                             {".js", "text/javascript; charset=utf-8"},
                                                                             {".xml", "application/xml"},
                                                                             {".svg", "image/svg+xml"},
                                                                             {".png", "image/png"},
                                                                             {".jpg", "image/jpeg"},
                                                                             {".gif", "image/gif"},
                                                                             {".ico", "image/x-icon"},
                                                                             {".webp", "image/webp"},
                                                                             {".pdf", "application/pdf"},
                                                                             {".wasm", "application/wasm"}};
  for (const auto& [end, type] : kTypes) {
    if (path.ends_with(end)) return type;
  }
  return "application/octet-stream";
}

class Respond final : public pipeline::View {
 public:
  explicit Respond(pipeline::Build& build) {
    const config::Node* s = build.settings();
    status_ = static_cast<uint16_t>(config::integer(s, "status", 200));
    delay_ = config::duration(s, "delay", Duration());
    read_content(build);
    if (const config::Node* headers = config::child(s, "headers"))
      headers_ = HeaderEdit::create_set(*headers, "headers", build);
    const bool empty = status_ == 204 || status_ == 304;
    if (empty && content_ && !content_->empty()) {
      build.error(*config::child(s, "status"), "status",
                  "a " + std::to_string(status_) + " has no content; leave out json, text and file");
    }
  }

  coro::Task<Result<void>> run(pipeline::Context& ctx) const override {
    if (delay_.count() > 0) {
      net::Sleep pause(ctx.loop, delay_, &ctx.cancel);
      const bool passed = co_await pause;
      if (!passed) co_return Error(ctx.cancel.reason(), "the response was not ready in time");
    }
    ctx.response.status = status_;
    if (!type_.empty()) ctx.response.own.add("Content-Type", type_, http::FieldId::kContentType);
    if (content_) ctx.response.kept = {content_, {}, *content_};
    co_return headers_.apply(ctx, ctx.response.own);
  }

  pipeline::Carried carried() const override {
    pipeline::Carried out;
    const auto add = [&out](const tmpl::Reference& r) { out.add(r); };
    headers_.for_each_reference(add);
    return out;
  }

 private:
  void read_content(pipeline::Build& build) {
    const config::Node* s = build.settings();
    const config::Node* given = nullptr;
    for (const char* key : {"json", "text", "file"}) {
      const config::Node* node = s->get(key);
      if (node == nullptr) continue;
      if (given != nullptr) return build.error(*node, key, "only one of json, text and file can be the content");
      given = node;
    }
    if (const config::Node* json = s->get("json")) {
      std::string text;
      tmpl::append_plain_json(*json, text);
      type_ = "application/json";
      content_ = std::make_shared<const std::string>(std::move(text));
    } else if (const config::Node* text = config::child(s, "text")) {
      type_ = "text/plain; charset=utf-8";
      content_ = std::make_shared<const std::string>(text->text());
    } else if (const config::Node* file = config::child(s, "file")) {
      read_file(*file, build);
    }
  }

  void read_file(const config::Node& node, pipeline::Build& build) {
    const std::string path = config::path_near(node);
    std::ifstream in(path, std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    if (!in || content.str().empty()) {
      std::ifstream again(path, std::ios::binary);
      if (!again || again.peek() != std::ifstream::traits_type::eof())
        return build.error(node, "file", "\"" + path + "\" can't be read");
    }
    if (content.str().size() > kMostFileBytes)
      return build.error(node, "file", "\"" + path + "\" is larger than 16MiB");
    type_ = type_of_file(path);
    content_ = std::make_shared<const std::string>(content.str());
  }

  uint16_t status_ = 200;
  Duration delay_{};
  std::string type_;
  std::shared_ptr<const std::string> content_;
  HeaderEdit headers_;
};

}  // namespace

config::ViewType describe_respond() {
  config::ViewType type;
  type.name = "respond";
  type.keys = {
      config::key("status", config::integer().between(200, 599)).fallback("200").summary("the response's status"),
      config::key("json", config::json()).summary("the content, as JSON"),
      config::key("text", config::text()).summary("the content, as plain text"),
      config::key("file", config::text())
          .summary("the content: a file, read at load; relative to the configuration file"),
      config::key("headers", config::named(config::template_text()))
          .summary("header fields of the response: name -> value (a template)"),
      config::key("delay", config::duration().between(0, 3'600'000'000'000))
          .summary("how long to wait before answering"),
      config::key("limits", config::map({config::key("body_bytes", config::size().at_least(0))
                                             .summary("the content of a request; more: 413")})),
  };
  return type;
}

std::unique_ptr<pipeline::View> create_respond(pipeline::Build& build) { return std::make_unique<Respond>(build); }

}  // namespace vg::view
