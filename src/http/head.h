// The parsed head of an HTTP/1.1 message: one copy of its bytes, and fields as offsets into it, so that a pooled head
// is reused without allocating. Everything in it passed the parser's checks (parser.h): what a reader finds here is
// safe to write on the wire again. RFC 9110 section 5, RFC 9112 sections 2 to 6.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vg::http {

/// Fields that the gateway itself looks at. kOther: any other name.
enum class FieldId : uint8_t {
  kOther,
  kAccept,
  kAcceptEncoding,
  kAge,
  kAuthorization,
  kCacheControl,
  kCacheStatus,
  kCdnCacheControl,
  kConnection,
  kContentEncoding,
  kContentLength,
  kContentRange,
  kContentType,
  kCookie,
  kDate,
  kEtag,
  kExpect,
  kExpires,
  kForwarded,
  kHost,
  kIfMatch,
  kIfModifiedSince,
  kIfNoneMatch,
  kIfRange,
  kIfUnmodifiedSince,
  kKeepAlive,
  kLastModified,
  kLocation,
  kOrigin,
  kPragma,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kRange,
  kRetryAfter,
  kServer,
  kSetCookie,
  kTe,
  kTraceparent,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kUserAgent,
  kVary,
  kVia,
  kWwwAuthenticate,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedProto,
  kXRequestId,
  kCount
};

/// The id of a field name, in any case.
FieldId field_id(std::string_view name);

/// One field line. Offsets are into Head::bytes(), so they survive its growth.
struct Field {
  uint32_t name_at = 0;
  uint32_t value_at = 0;
  uint32_t value_size = 0;
  uint16_t name_size = 0;
  FieldId id = FieldId::kOther;
};

/// How the content of a message ends (RFC 9112 section 6.3).
enum class Framing : uint8_t { kNone, kLength, kChunked, kUntilClose };

enum class Method : uint8_t { kOther, kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kTrace, kConnect };
Method method_of(std::string_view text);  ///< case-sensitive, RFC 9110 section 9.1
constexpr bool is_safe(Method m) {
  return m == Method::kGet || m == Method::kHead || m == Method::kOptions || m == Method::kTrace;
}
constexpr bool is_idempotent(Method m) { return is_safe(m) || m == Method::kPut || m == Method::kDelete; }

/// What requests and responses share. Thread: one at a time.
class Head {
 public:
  std::string_view bytes() const { return bytes_; }
  std::span<const Field> fields() const { return fields_; }
  std::string_view name(const Field& f) const { return std::string_view(bytes_).substr(f.name_at, f.name_size); }
  std::string_view value(const Field& f) const { return std::string_view(bytes_).substr(f.value_at, f.value_size); }
  /// The field as it is written, "Name: value" and CRLF, if it stands so in the bytes; empty otherwise.
  std::string_view line(const Field& f) const {
    const char* between = bytes_.data() + f.name_at + f.name_size;
    const size_t end = size_t{f.value_at} + f.value_size;
    if (f.value_at != f.name_at + f.name_size + 2 || between[0] != ':' || between[1] != ' ') return {};
    if (end + 2 > bytes_.size() || bytes_[end] != '\r' || bytes_[end + 1] != '\n') return {};
    return std::string_view(bytes_.data() + f.name_at, end + 2 - f.name_at);
  }
  /// The first field with this id; nullptr if there is none. One bit test when it is absent.
  const Field* find(FieldId id) const;
  bool has(FieldId id) const { return (present_ >> static_cast<unsigned>(id)) & 1; }
  /// The first value of a field by its id or name (any case); empty if there is none.
  std::string_view get(FieldId id) const;
  std::string_view get(std::string_view name) const;
  /// True if the comma-separated list of any field with this id has `token` (any case). RFC 9110 section 5.6.1.
  bool list_has(FieldId id, std::string_view token) const;

  uint8_t major = 1;  ///< 1 or 2; minor is 1 with 2, since such a peer can do all that one of HTTP/1.1 can
  uint8_t minor = 1;  ///< HTTP/1.minor, 0 or 1
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;  ///< with kLength
  bool keep_alive = true;       ///< RFC 9112 section 9.3, by version and Connection
  bool upgrade = false;         ///< Connection: upgrade and an Upgrade field

  // Editing, for messages that are passed on (head_edit.cc). `name` and `value` must be valid field text already.
  void add(std::string_view name, std::string_view value, FieldId id = FieldId::kOther);
  void remove(FieldId id);                                  ///< every field with this id
  void remove(std::string_view name);                       ///< every field of this name, any case
  void set(std::string_view name, std::string_view value);  ///< removes, then adds

  /// Empties it and keeps its memory.
  void clear();

 protected:
  friend class HeadParser;
  std::string bytes_;
  std::vector<Field> fields_;
  uint64_t present_ = 0;  // bit i: a field with FieldId i
};
static_assert(static_cast<unsigned>(FieldId::kCount) <= 64);

class RequestHead : public Head {
 public:
  Method method = Method::kOther;
  std::string_view method_text() const { return std::string_view(bytes_).substr(0, method_size_); }
  /// The request target as it came: origin-form, absolute-form (already checked against Host) or "*".
  std::string_view target() const { return std::string_view(bytes_).substr(target_at_, target_size_); }
  /// Path of the target, with its leading slash, still percent-encoded ("/" for an absolute target without one, "*" for
  /// asterisk-form).
  std::string_view path() const { return std::string_view(bytes_).substr(path_at_, path_size_); }
  /// Query without '?'. `has_query` tells "/a?" from "/a".
  std::string_view query() const { return std::string_view(bytes_).substr(query_at_, query_size_); }
  bool has_query = false;
  /// Host and port, from the absolute target, else from Host (RFC 9112 section 3.3). Empty in HTTP/1.0 without Host.
  std::string_view authority() const { return std::string_view(bytes_).substr(authority_at_, authority_size_); }
  bool expect_continue = false;  ///< Expect: 100-continue in HTTP/1.1 (RFC 9110 section 10.1.1)
  void clear();

 private:
  friend class RequestParser;
  uint32_t method_size_ = 0, target_at_ = 0, target_size_ = 0, path_at_ = 0, path_size_ = 0, query_at_ = 0,
           query_size_ = 0, authority_at_ = 0, authority_size_ = 0;
};

class ResponseHead : public Head {
 public:
  uint16_t status = 0;
  std::string_view reason() const { return std::string_view(bytes_).substr(reason_at_, reason_size_); }
  void clear();

 private:
  friend class ResponseParser;
  uint32_t reason_at_ = 0, reason_size_ = 0;
};

}  // namespace vg::http
