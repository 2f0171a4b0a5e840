#include "view/steps/paginate.h"

#include "base/strings.h"
#include "config/read.h"
#include "config/settings_spec.h"
#include "view/steps/client_query.h"

namespace vg::view {

namespace {

constexpr uint64_t kMostPages = 1'000'000'000;  // so that an offset always fits

std::string check_count(std::string_view text) {
  if (text.starts_with("header:")) return config::check_header_name(text.substr(7));
  std::string error;
  return json::Selector::parse(text, &error) ? std::string() : error;
}

}  // namespace

config::Spec Paginate::spec() {
  const auto parameter = [] { return config::text().at_least(1); };
  return config::map(
             {config::key("size", config::integer().between(1, 100'000)).fallback("20").summary("items of a page"),
              config::key("max_size", config::integer().between(1, 100'000))
                  .fallback("100")
                  .summary("the most that a client may ask for; more is clamped"),
              config::key("by", config::one_of({"upstream", "gateway", "link"}))
                  .fallback("upstream")
                  .summary(
                      "who makes pages: the upstream, the gateway of a whole array, or the upstream's Link: rel=next"),
              config::key("params", config::map({config::key("page", parameter()).fallback("page"),
                                                 config::key("size", parameter()).fallback("page_size")}))
                  .summary("the client's query parameters"),
              config::key("upstream",
                          config::map({config::key("page", parameter()).summary("the parameter for the page's number"),
                                       config::key("offset", parameter())
                                           .summary("instead: the parameter for the items before the page"),
                                       config::key("size", parameter()).summary("the parameter for the page's size")}))
                  .summary("the upstream's query parameters"),
              config::key("count", config::text().check(check_count).called("where the total is").example("meta.total"))
                  .summary("the total: a path in the answer (before select), or header:NAME")})
      .short_form("size");
}

Paginate::Paginate(pipeline::Build& build, const config::Node& node, const source::CallDef& source) {
  const std::string by = config::text(&node, "by", "upstream");
  by_ = by == "gateway" ? By::kGateway : by == "link" ? By::kLink : By::kUpstream;
  size_ = static_cast<uint64_t>(config::integer(&node, "size", 20));
  max_size_ = static_cast<uint64_t>(config::integer(&node, "max_size", 100));
  if (size_ > max_size_) {
    if (config::child(&node, "max_size") != nullptr)
      build.error(node, "paginate.size", "is more than max_size, " + std::to_string(max_size_));
    max_size_ = size_;
  }
  const config::Node* params = config::child(&node, "params");
  page_parameter_ = config::text(params, "page", "page");
  size_parameter_ = config::text(params, "size", "page_size");
  if (page_parameter_ == size_parameter_) build.error(node, "paginate.params", "page and size are one parameter");
  const config::Node* upstream = config::child(&node, "upstream");
  if (upstream != nullptr && by_ == By::kGateway)
    build.error(*upstream, "paginate.upstream", "by: gateway asks the upstream for everything at once");
  if (by_ == By::kUpstream || upstream != nullptr) {
    upstream_offset_ = encoded_parameter(config::text(upstream, "offset"));
    upstream_page_ = encoded_parameter(config::text(upstream, "page", upstream_offset_.empty() ? "page" : ""));
    upstream_size_ = encoded_parameter(config::text(upstream, "size", by_ == By::kLink ? "" : "limit"));
  }
  if (!upstream_page_.empty() && !upstream_offset_.empty())
    build.error(*upstream, "paginate.upstream",
                "page and offset can't both be sent: the upstream counts by one of them");
  if (by_ == By::kLink && upstream != nullptr &&
      (!upstream_offset_.empty() || config::child(upstream, "page") != nullptr))
    build.error(*upstream, "paginate.upstream", "by: link follows the upstream's own links; only size can be sent");
  if (by_ == By::kLink) upstream_page_.clear();
  for (const tmpl::QueryParam& q : source.target.query) {
    if (q.encoded == upstream_page_ || q.encoded == upstream_offset_ || q.encoded == upstream_size_)
      build.error(node, "paginate.upstream", "\"" + q.name + "\" is also in the source's query; write it in one place");
  }
  const std::string count = config::text(&node, "count");
  if (count.starts_with("header:")) {
    count_header_ = count.substr(7);
  } else if (!count.empty()) {
    count_path_ = json::Selector::parse(count, nullptr);
  }
}

std::vector<std::string> Paginate::sent() const {
  std::vector<std::string> out = {upstream_page_, upstream_offset_, upstream_size_};
  std::erase(out, "");
  return out;
}

Result<uint64_t> Paginate::read_number(const pipeline::Context& ctx, const std::string& parameter,
                                       uint64_t fallback) const {
  const auto raw = tmpl::find_query(ctx.query_string(), parameter);
  if (!raw) return fallback;
  std::string text;
  tmpl::append_decoded(text, *raw, tmpl::Coding::kForm);
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const std::string_view significant =
      std::string_view(text).substr(std::min(text.find_first_not_of('0'), text.size()));
  if (!digits || significant.empty()) return bad_query("\"" + parameter + "\" is a whole number from 1 on");
  return significant.size() > 10 ? kMostPages + 1 : *parse_u64(significant);
}

Result<Page> Paginate::read(const pipeline::Context& ctx) const {
  Page page;
  const Result<uint64_t> size = read_number(ctx, size_parameter_, size_);
  if (!size) return size.error();
  page.size = std::min(*size, max_size_);
  if (by_ == By::kLink) {
    if (const auto raw = tmpl::find_query(ctx.query_string(), page_parameter_))
      tmpl::append_decoded(page.cursor, *raw, tmpl::Coding::kForm);
    return page;
  }
  const Result<uint64_t> number = read_number(ctx, page_parameter_, 1);
  if (!number) return number.error();
  page.number = *number;
  if (page.number > kMostPages) {
    Error e(ErrorKind::kStatus, "there is no such page");
    e.status = 404;
    return e;
  }
  return page;
}

void Paginate::append_upstream_query(const Page& page, std::string& out) const {
  const auto add = [&out](const std::string& name, uint64_t value) {
    if (name.empty()) return;
    out.append(out.empty() ? "" : "&").append(name).push_back('=');
    append_u64(out, value);
  };
  add(upstream_page_, page.number);
  add(upstream_offset_, (page.number - 1) * page.size);
  add(upstream_size_, page.size);
}

std::optional<uint64_t> Paginate::total(const source::Answer& answer, json::Value items) const {
  if (by_ == By::kGateway) return items.size();
  std::string text;
  if (answer.state != source::Answer::State::kOk) return std::nullopt;
  if (!count_header_.empty()) {
    text = trim(answer.call->head().get(count_header_));
  } else if (count_path_ && !answer.content().empty()) {
    count_path_->find(json::Value::of(answer.content())).append_text(text);
  }
  return parse_u64(text);
}

Result<Position> Paginate::locate(const pipeline::Context& ctx, const Page& page, std::optional<uint64_t> count,
                                  uint64_t shown) const {
  Position out;
  out.count = count;
  if (count) out.pages = *count / page.size + (*count % page.size != 0 ? 1 : 0);
  if (by_ == By::kLink) return out;
  if (out.pages && page.number > 1 && page.number > *out.pages) {
    Error e(ErrorKind::kStatus, "there is no such page");
    e.status = 404;
    return e;
  }
  const auto link = [&](uint64_t number) {
    std::string text;
    append_u64(text, number);
    return with_parameter(ctx.request.path(), ctx.request.query(), page_parameter_, text);
  };
  if (out.pages ? page.number < *out.pages : shown >= page.size) out.next = link(page.number + 1);
  if (page.number > 1) out.previous = link(page.number - 1);
  return out;
}

std::string Paginate::slice(json::Value items, const Page& page) {
  const uint64_t begin = (page.number - 1) * page.size;
  uint64_t i = 0;
  std::string out = "[";
  for (const json::Value item : items.elements()) {
    if (i >= begin + page.size) break;
    if (i++ < begin) continue;
    if (out.size() > 1) out.push_back(',');
    out.append(item.text());
  }
  out.push_back(']');
  return out;
}

}  // namespace vg::view
