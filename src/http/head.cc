#include "http/head.h"

#include "base/strings.h"
#include "http/names.h"

namespace vg::http {
namespace {

FieldId short_field_id(const char* p, size_t size) {
  switch (size) {
    case 2:
      return is<"te">(p) ? FieldId::kTe : FieldId::kOther;
    case 3:
      if (is<"age">(p)) return FieldId::kAge;
      return is<"via">(p) ? FieldId::kVia : FieldId::kOther;
    case 4:
      if (is<"host">(p)) return FieldId::kHost;
      if (is<"date">(p)) return FieldId::kDate;
      if (is<"etag">(p)) return FieldId::kEtag;
      return is<"vary">(p) ? FieldId::kVary : FieldId::kOther;
    case 5:
      return is<"range">(p) ? FieldId::kRange : FieldId::kOther;
    case 6:
      if (is<"accept">(p)) return FieldId::kAccept;
      if (is<"cookie">(p)) return FieldId::kCookie;
      if (is<"server">(p)) return FieldId::kServer;
      if (is<"origin">(p)) return FieldId::kOrigin;
      if (is<"pragma">(p)) return FieldId::kPragma;
      return is<"expect">(p) ? FieldId::kExpect : FieldId::kOther;
    case 7:
      if (is<"upgrade">(p)) return FieldId::kUpgrade;
      if (is<"expires">(p)) return FieldId::kExpires;
      return is<"trailer">(p) ? FieldId::kTrailer : FieldId::kOther;
    case 8:
      if (is<"if-match">(p)) return FieldId::kIfMatch;
      if (is<"if-range">(p)) return FieldId::kIfRange;
      return is<"location">(p) ? FieldId::kLocation : FieldId::kOther;
    case 9:
      return is<"forwarded">(p) ? FieldId::kForwarded : FieldId::kOther;
    default:
      return FieldId::kOther;
  }
}

FieldId long_field_id(const char* p, size_t size) {
  switch (size) {
    case 10:
      if (is<"connection">(p)) return FieldId::kConnection;
      if (is<"user-agent">(p)) return FieldId::kUserAgent;
      if (is<"keep-alive">(p)) return FieldId::kKeepAlive;
      return is<"set-cookie">(p) ? FieldId::kSetCookie : FieldId::kOther;
    case 11:
      if (is<"traceparent">(p)) return FieldId::kTraceparent;
      return is<"retry-after">(p) ? FieldId::kRetryAfter : FieldId::kOther;
    case 12:
      if (is<"content-type">(p)) return FieldId::kContentType;
      if (is<"cache-status">(p)) return FieldId::kCacheStatus;
      return is<"x-request-id">(p) ? FieldId::kXRequestId : FieldId::kOther;
    case 13:
      if (is<"cache-control">(p)) return FieldId::kCacheControl;
      if (is<"authorization">(p)) return FieldId::kAuthorization;
      if (is<"last-modified">(p)) return FieldId::kLastModified;
      if (is<"content-range">(p)) return FieldId::kContentRange;
      return is<"if-none-match">(p) ? FieldId::kIfNoneMatch : FieldId::kOther;
    case 14:
      return is<"content-length">(p) ? FieldId::kContentLength : FieldId::kOther;
    case 15:
      if (is<"accept-encoding">(p)) return FieldId::kAcceptEncoding;
      return is<"x-forwarded-for">(p) ? FieldId::kXForwardedFor : FieldId::kOther;
    case 16:
      if (is<"content-encoding">(p)) return FieldId::kContentEncoding;
      if (is<"x-forwarded-host">(p)) return FieldId::kXForwardedHost;
      if (is<"www-authenticate">(p)) return FieldId::kWwwAuthenticate;
      return is<"proxy-connection">(p) ? FieldId::kProxyConnection : FieldId::kOther;
    case 17:
      if (is<"transfer-encoding">(p)) return FieldId::kTransferEncoding;
      if (is<"if-modified-since">(p)) return FieldId::kIfModifiedSince;
      if (is<"cdn-cache-control">(p)) return FieldId::kCdnCacheControl;
      return is<"x-forwarded-proto">(p) ? FieldId::kXForwardedProto : FieldId::kOther;
    case 18:
      return is<"proxy-authenticate">(p) ? FieldId::kProxyAuthenticate : FieldId::kOther;
    case 19:
      if (is<"if-unmodified-since">(p)) return FieldId::kIfUnmodifiedSince;
      return is<"proxy-authorization">(p) ? FieldId::kProxyAuthorization : FieldId::kOther;
    default:
      return FieldId::kOther;
  }
}

}  // namespace

FieldId field_id(std::string_view name) {
  return name.size() < 10 ? short_field_id(name.data(), name.size()) : long_field_id(name.data(), name.size());
}

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::kGet;
      return text == "PUT" ? Method::kPut : Method::kOther;
    case 4:
      if (text == "POST") return Method::kPost;
      return text == "HEAD" ? Method::kHead : Method::kOther;
    case 5:
      if (text == "PATCH") return Method::kPatch;
      return text == "TRACE" ? Method::kTrace : Method::kOther;
    case 6:
      return text == "DELETE" ? Method::kDelete : Method::kOther;
    case 7:
      if (text == "OPTIONS") return Method::kOptions;
      return text == "CONNECT" ? Method::kConnect : Method::kOther;
    default:
      return Method::kOther;
  }
}

const Field* Head::find(FieldId id) const {
  if (!has(id)) return nullptr;
  for (const Field& f : fields_) {
    if (f.id == id) return &f;
  }
  return nullptr;
}

std::string_view Head::get(FieldId id) const {
  const Field* f = find(id);
  return f != nullptr ? value(*f) : std::string_view();
}

std::string_view Head::get(std::string_view wanted) const {
  const FieldId id = field_id(wanted);
  if (id != FieldId::kOther) return get(id);
  for (const Field& f : fields_) {
    if (f.id == FieldId::kOther && iequals(name(f), wanted)) return value(f);
  }
  return {};
}

bool Head::list_has(FieldId id, std::string_view token) const {
  if (!has(id)) return false;
  for (const Field& f : fields_) {
    if (f.id != id) continue;
    std::string_view rest = value(f);
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      if (iequals(trim(rest.substr(0, comma)), token)) return true;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return false;
}

void Head::clear() {
  bytes_.clear();
  fields_.clear();
  present_ = 0;
  major = minor = 1;
  framing = Framing::kNone;
  content_length = 0;
  keep_alive = true;
  upgrade = false;
}

void RequestHead::clear() {
  Head::clear();
  method = Method::kOther;
  has_query = false;
  expect_continue = false;
  method_size_ = target_at_ = target_size_ = path_at_ = path_size_ = query_at_ = query_size_ = 0;
  authority_at_ = authority_size_ = 0;
}

void ResponseHead::clear() {
  Head::clear();
  status = 0;
  reason_at_ = reason_size_ = 0;
}

}  // namespace vg::http
