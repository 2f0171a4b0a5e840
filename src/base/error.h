// What can go wrong on the way of a request, as a value. An Error says what kind of thing failed, in words that may be
// logged, and whether the same attempt may be made again; gateway/render_error is the one place where it becomes HTTP.
// Exceptions are for loading the configuration alone.
#pragma once
#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace vg {

enum class ErrorKind : uint8_t {
  kNone,
  kConnect,           // no connection: refused, unreachable, name not resolved
  kReset,             // the connection ended before the message was complete
  kTimeout,           // a deadline passed
  kCancelled,         // nobody waits for the result any more
  kOverload,          // a limit of ours: pool queue full
  kCircuitOpen,       // a breaker refused the call
  kRateLimited,       // a rate limit refused the request
  kUpstreamProtocol,  // the upstream's message breaks RFC 9112
  kMissingValue,      // a template's path value was missing
  kTooLarge,          // an answer has more content than the call takes
  kInvalidJson,       // an answer is not JSON
  kSelect,            // an answer has nothing where `select` looks
  kBadRequest,        // 400 and its relatives: status_ says which
  kStatus,            // the gateway answers with `status` on purpose
  kInternal,          // a defect of ours: 500
};

/// One failure. Owns: its text. `detail` is safe to show to a client: no addresses, no configuration.
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  bool retryable = false;      ///< nothing of the request can have been acted on
  uint16_t status = 0;         ///< the status to answer with, 0: derived from the kind
  uint32_t retry_after_s = 0;  ///< what Retry-After says of a 503, in seconds; 0: 1
  std::string detail;          ///< for the client and the log
  std::string internal;        ///< for the log alone (addresses, errno)

  Error() = default;
  // Cold: what leads to a failure is compiled to lie apart from the way of the requests that succeed.
  [[gnu::cold]] Error(ErrorKind k, std::string what, bool retry = false);
};

std::string_view to_string(ErrorKind kind);

/// A T or an Error. [[nodiscard]]: an ignored failure does not compile cleanly.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by intent
  Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}  // NOLINT
  bool ok() const { return v_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    assert(ok());
    return *std::get_if<0>(&v_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&v_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&v_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  Error& error() {
    assert(!ok());
    return *std::get_if<1>(&v_);
  }
  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&v_);
  }

 private:
  std::variant<T, Error> v_;
};

/// Every coroutine on the way of a request hands one on: it is a pointer, and only a failure costs anything.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  [[gnu::cold, gnu::noinline]] Result(Error error) : e_(std::make_unique<Error>(std::move(error))) {}  // NOLINT
  Result(const Result& other) : e_(other.e_ ? std::make_unique<Error>(*other.e_) : nullptr) {}
  Result(Result&&) = default;
  Result& operator=(const Result& other) { return *this = Result(other); }
  Result& operator=(Result&&) = default;
  ~Result() = default;
  bool ok() const { return e_ == nullptr; }
  explicit operator bool() const { return ok(); }
  Error& error() {
    assert(e_);
    return *e_;
  }
  const Error& error() const {
    assert(e_);
    return *e_;
  }

 private:
  std::unique_ptr<Error> e_;
};

}  // namespace vg
