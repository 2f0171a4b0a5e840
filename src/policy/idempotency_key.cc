#include "policy/idempotency_key.h"

#include "base/strings.h"
#include "policy/limit_key.h"
#include "store/digest.h"

namespace vg::policy {

namespace {

constexpr size_t kMostBytes = 255;

Error bad_request(std::string detail) {
  Error e(ErrorKind::kStatus, std::move(detail));
  e.status = 400;
  return e;
}

Error malformed() {
  return bad_request(
      "Idempotency-Key must be 1 to 255 characters of ASCII without spaces, commas and quotes, or a string in quotes");
}

// RFC 9651 section 4.2.5. The draft gives it no parameters.
std::optional<std::string> unquote(std::string_view text) {
  std::string out;
  for (size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') return i + 1 == text.size() ? std::optional(std::move(out)) : std::nullopt;
    if (c == '\\') {
      if (++i == text.size() || (text[i] != '"' && text[i] != '\\')) return std::nullopt;
      c = text[i];
    } else if (c < ' ' || c > '~') {
      return std::nullopt;
    }
    out.push_back(c);
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> parse_idempotency_key(std::string_view field) {
  std::string key(field);
  if (field.starts_with('"')) {
    std::optional<std::string> text = unquote(field);
    if (!text) return malformed();
    key = std::move(*text);
  } else {
    for (const char c : field) {
      if (c <= ' ' || c > '~' || c == '"' || c == ',') return malformed();
    }
  }
  if (key.empty() || key.size() > kMostBytes) return malformed();
  return key;
}

Result<std::optional<std::string>> idempotency_key(const http::Head& request) {
  const http::Field* found = nullptr;
  for (const http::Field& f : request.fields()) {
    if (f.name_size != kIdempotencyKey.size() || !iequals(request.name(f), kIdempotencyKey)) continue;
    if (found != nullptr) return bad_request("Idempotency-Key stands in the request twice");
    found = &f;
  }
  if (found == nullptr) return std::optional<std::string>();
  Result<std::string> key = parse_idempotency_key(request.value(*found));
  if (!key) return std::move(key.error());
  return std::optional(std::move(*key));
}

std::string fingerprint_of(const http::RequestHead& request, std::string_view content) {
  store::Digest digest;
  digest.add(lower(request.authority())).add(request.path()).add(request.has_query ? "?" : "").add(request.query());
  digest.add(request.get(http::FieldId::kContentType)).add(request.get(http::FieldId::kContentEncoding)).add(content);
  return digest.take();
}

std::string claim_key(const pipeline::Context& ctx, std::string_view key) {
  store::Digest digest;
  if (ctx.request.has(http::FieldId::kAuthorization)) {
    for (const http::Field& f : ctx.request.fields()) {
      if (f.id == http::FieldId::kAuthorization) digest.add("authorization").add(ctx.request.value(f));
    }
  } else {
    std::string address;
    append_limited_address(ctx.client_address(), address);
    digest.add("client_ip").add(address);
  }
  // Who shows a certificate is known by it, wherever the request comes from.
  if (!ctx.client_subject.empty()) digest.add("certificate").add(ctx.client_subject);
  const std::string hash = digest.add("key").add(key).take();
  std::string out = "idempotency:" + ctx.route->name + ":";
  out.append(ctx.request.method_text()).push_back(':');
  store::append_hex(out, hash);
  return out;
}

}  // namespace vg::policy
