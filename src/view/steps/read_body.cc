#include "view/steps/read_body.h"

#include "base/strings.h"
#include "http/form.h"
#include "json/form_json.h"
#include "json/scan.h"
#include "json/value.h"
#include "pipeline/read_content.h"
#include "view/steps/field_errors.h"

namespace vg::view {

namespace {

using http::FieldId;

enum class Media : uint8_t { kNone, kJson, kUrlencoded, kMultipart, kOther };

Error status_error(uint16_t status, std::string detail) {
  Error e(ErrorKind::kStatus, std::move(detail));
  e.status = status;
  return e;
}

std::string media_type(std::string_view content_type) {
  return lower(trim(content_type.substr(0, content_type.find(';'))));
}

Media media_of(const http::Head& request) {
  if (!request.has(FieldId::kContentType)) return Media::kNone;
  const std::string type = media_type(request.get(FieldId::kContentType));
  if (type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"))) return Media::kJson;
  if (type == "application/x-www-form-urlencoded") return Media::kUrlencoded;
  return type == "multipart/form-data" ? Media::kMultipart : Media::kOther;
}

Result<void> check_media(const pipeline::Context& ctx, Media media, BodyRules rules) {
  if (ctx.request.has(FieldId::kContentEncoding) && !iequals(ctx.request.get(FieldId::kContentEncoding), "identity"))
    return status_error(415, "content with a Content-Encoding is not accepted here");
  const bool form = media == Media::kUrlencoded || media == Media::kMultipart;
  if (form && !rules.forms) return status_error(415, "the content must be application/json");
  if (rules.form_only && !form)
    return status_error(415, "a POST to this resource must be a form; JSON comes with PUT or PATCH");
  if (media == Media::kOther)
    return status_error(
        415, rules.forms ? "the content must be application/json or a form" : "the content must be application/json");
  return {};
}

Result<void> read_form(pipeline::Context& ctx, Media media, std::string& text) {
  std::vector<http::FormField> fields;
  const http::FormError error = media == Media::kUrlencoded
                                    ? http::read_urlencoded(text, fields)
                                    : http::read_multipart(text, ctx.request.get(FieldId::kContentType), fields);
  switch (error) {
    case http::FormError::kNone:
      break;
    case http::FormError::kMalformed:
      return status_error(400, "the form can't be read");
    case http::FormError::kTooManyFields:
      return status_error(400, "the form has too many fields");
    case http::FormError::kNotUtf8:
      return status_error(400, "the form is not in UTF-8");
    case http::FormError::kFile: {
      FieldErrors errors;
      errors.add(fields.back().name, "a file is not accepted here");
      return errors.to_error(ctx);
    }
  }
  std::vector<json::FormPair> pairs;
  for (const http::FormField& f : fields) pairs.emplace_back(f.name, f.value);
  text.clear();
  json::append_form(text, pairs);
  return {};
}

}  // namespace

bool has_form(const pipeline::Context& ctx) {
  const Media media = media_of(ctx.request);
  return media == Media::kUrlencoded || media == Media::kMultipart;
}

coro::Task<Result<void>> read_body(pipeline::Context& ctx, BodyRules rules, std::string* text) {
  const Media media = media_of(ctx.request);
  if (Result<void> fine = check_media(ctx, media, rules); !fine) co_return std::move(fine);
  Result<void> collected = co_await pipeline::read_content(ctx, text);
  if (!collected) co_return std::move(collected);
  if (media == Media::kUrlencoded || media == Media::kMultipart) co_return read_form(ctx, media, *text);
  if (text->empty() && media == Media::kNone) text->assign("{}");
  if (!json::is_json(*text)) co_return status_error(400, "the content is not valid JSON");
  // Who reads the first and who reads the last of two would not see the same.
  if (json::has_duplicate_members(*text)) co_return status_error(400, "the content names a member twice");
  co_return Result<void>();
}

}  // namespace vg::view
