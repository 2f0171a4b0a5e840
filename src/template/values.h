// What a request offers to templates, seen through one narrow interface: path parameters by index, the query string,
// headers, cookies, what the gateway itself knows of the client, and the JSON of bodies and answers. Values are handed
// out as they came on the wire, with a note of how they are escaped; rendering decodes and encodes them in one pass, so
// that no reference needs a copy.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "json/value.h"

namespace vg::tmpl {

/// What a reference begins with. The roots from kBody to kClaims are JSON; they belong to views that read bodies and
/// make calls.
enum class Root : uint8_t {
  kParam,
  kQuery,
  kHeader,
  kCookie,
  kClientIp,
  kRequestId,
  kBody,
  kObject,
  kItem,
  kItems,
  kCalls,
  kClaims,
  kTlsClientSubject
};

/// True for the roots that Values::json() answers.
constexpr bool is_json_root(Root root) { return root >= Root::kBody && root <= Root::kClaims; }

/// The form a path parameter was declared with. In the order of the router's ranks.
enum class ParamKind : uint8_t { kInt, kUuid, kSlug, kPlain, kRest };

/// A path parameter as it stands in the request: `raw` is still percent-encoded, `encoded` tells that it has a '%'.
/// Lifetime: views the request's path.
struct PathParam {
  std::string_view raw;
  bool encoded = false;
};

/// The parameters of a match, in the order of the pattern. Of fixed size and not initialised, so that a request that
/// has none pays for none. Lifetime: views the request's path.
class PathParams {
 public:
  static constexpr size_t kMax = 32;
  PathParams() {}  // not "= default": value-initialising would clear all of it
  PathParams(const PathParams& other) { *this = other; }
  PathParams& operator=(const PathParams& other) {
    size_ = other.size_;
    for (uint32_t i = 0; i < size_; ++i) slots_[i] = other.slots_[i];
    return *this;
  }
  size_t size() const { return size_; }
  PathParam operator[](size_t i) const { return {{slots_[i].data, slots_[i].size}, slots_[i].encoded}; }
  void add(std::string_view raw, bool encoded) {
    if (size_ < kMax) slots_[size_++] = {raw.data(), static_cast<uint32_t>(raw.size()), encoded};
  }
  void resize(size_t smaller) { size_ = static_cast<uint32_t>(smaller); }

 private:
  struct Slot {
    const char* data;
    uint32_t size;
    bool encoded;
  };
  uint32_t size_ = 0;
  std::array<Slot, kMax> slots_;
};

/// The values of one request. Thread: the request's loop. Lifetime: what it returns is valid while the request is.
class Values {
 public:
  virtual ~Values() = default;
  /// The path parameter with this index in the Scope that the template was compiled with.
  virtual PathParam param(size_t index) const = 0;
  /// The client's query as it came, without '?'.
  virtual std::string_view query_string() const = 0;
  /// The first field of this name, which is in lower case; nullopt if there is none.
  virtual std::optional<std::string_view> header(std::string_view lower_name) const = 0;
  /// The first cookie of this name (find_cookie over each Cookie field); nullopt if there is none.
  virtual std::optional<std::string_view> cookie(std::string_view name) const = 0;
  virtual std::string_view client_ip() const = 0;
  virtual std::string_view request_id() const = 0;
  /// The subject of the certificate that the client showed (RFC 4514); nullopt if it showed none.
  virtual std::optional<std::string_view> tls_subject() const = 0;
  /// The whole value of a JSON root; absent if there is none. Of kItems the array; of kCalls the answer of the call
  /// with the index `call` in Scope::calls.
  virtual vg::json::Value json(Root /*root*/, uint32_t /*call*/) const { return {}; }
};

/// The text of the first parameter called `name` in a query string, still form-encoded ('+' is a space). A name without
/// '=' is an empty value. Names are compared decoded; an invalid escape stands for itself.
std::optional<std::string_view> find_query(std::string_view query, std::string_view name);
/// The value of the first cookie called `name` in one Cookie field, without its quotes (RFC 6265 section 4.2.1).
std::optional<std::string_view> find_cookie(std::string_view field_value, std::string_view name);

}  // namespace vg::tmpl
