// Names to addresses, on one loop: literals and localhost at once, everything else by c-ares (hosts file, search
// domains, A and AAAA, TCP when an answer is truncated). It knows no cache: HostTracker (net/dns_host.h) keeps what
// came. nsswitch modules are not asked.
//
//   Resolver resolver(loop);
//   resolver.resolve("catalog", 8000, [](Result<Resolution> r) { ... });   // on a later turn of the loop, exactly once
//   resolver.close();                                                      // what waits ends with kCancelled
#pragma once
#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/dns_channel.h"

namespace vg::net {

/// Where a name lives, best address first (RFC 6724), the families taking turns so that a broken one starves nobody.
struct Resolution {
  std::vector<Address> addresses;  ///< at least one, each once
  std::chrono::seconds ttl{0};     ///< the smallest of the records, aliases (CNAME) too
};

using ResolveCallback = std::function<void(Result<Resolution>)>;

/// Something whose waiters may give up.
class Cancellable {
 public:
  virtual ~Cancellable() = default;
  virtual void cancel(uint64_t id) = 0;
};

/// One who waits for a name. A copy means the same waiter; one that is default made, or done, means nobody.
class LookupHandle {
 public:
  LookupHandle() = default;
  LookupHandle(std::weak_ptr<Cancellable> owner, uint64_t id) : owner_(std::move(owner)), id_(id) {}
  /// The callback comes with kCancelled, on a later turn. Does nothing once the callback has been called.
  void cancel() {
    if (const auto owner = std::exchange(owner_, {}).lock()) owner->cancel(id_);
  }

 private:
  std::weak_ptr<Cancellable> owner_;
  uint64_t id_ = 0;
};

/// Thread: the loop's, callbacks too; on an EventLoop they run inside its CallbackScope, so that a callback may just
/// post its coroutine. Lifetime: the loop outlives it and runs on after close() until it is dry.
class Resolver {
 public:
  explicit Resolver(uv_loop_t* loop, ResolverOptions options = {});
  ~Resolver();  ///< closes
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Looks up `name`; equal names that are asked at once cost one question. The callback comes exactly once, never from
  /// inside resolve(), and may call anything here, close() too.
  /// Errors: kConnect, retryable: `name "catalog" does not resolve`, the reason in `internal`. kCancelled.
  /// RFC 6761 6.3: localhost and *.localhost never leave the machine.
  LookupHandle resolve(std::string name, uint16_t port, ResolveCallback callback);

  /// Runs `work` on a later turn of the loop; it also runs after close().
  void post(std::function<void()> work);

  /// Everything that waits ends with kCancelled on a later turn; after it no libuv handle is left. Twice is once.
  void close();

  size_t questions() const;  ///< lookups under way, not counting those that wait for the same one
  TimePoint now() const;     ///< the options' clock

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

/// Best family first, then one of each in turn; repeated addresses go.
std::vector<Address> interleave_families(const std::vector<Address>& sorted);

}  // namespace vg::net
