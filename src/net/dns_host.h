// What is known about one host name on one loop: the last good answer, refreshed in the background before it expires
// and kept when that fails. It has no timer: being asked is what starts a refresh, so an idle process asks nothing and
// is never woken. DnsCache hands out one HostTracker a name, so that routes, and the tables of two reloads, share what
// is known.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "base/error.h"
#include "coro/cancel.h"
#include "coro/task.h"
#include "net/resolver.h"

namespace vg::net {

struct HostOptions {
  std::string name;
  uint16_t port = 0;
  Duration max_ttl = std::chrono::seconds(300);  ///< upper bound on the records' own TTL; at least 1 s is kept
  std::function<TimePoint()> now;                ///< default: the resolver's
};

/// Thread: the loop's, callbacks too. Lifetime: the Resolver outlives it.
class HostTracker {
 public:
  HostTracker(Resolver& resolver, HostOptions options);
  ~HostTracker();  ///< who still waits ends with kCancelled, on a later turn
  HostTracker(const HostTracker&) = delete;
  HostTracker& operator=(const HostTracker&) = delete;

  /// The answer to use now, or nullptr: then failure() says why, or get() waits. Starts a refresh when one is due, and
  /// meanwhile gives the old answer: for one more TTL (30 s at least) after it expired, and for ever while refreshing
  /// fails. Valid until the loop's next turn.
  const Resolution* current();

  /// Why there is no answer, for the moments until the name is asked for again: 1 s after the first failure, later 5 s.
  /// nullptr if there is an answer or nobody knows yet.
  const Error* failure() const;

  /// Waits for an answer as current() would give it. The callback comes exactly once, never from inside get().
  /// Errors: kConnect (see Resolver::resolve), kCancelled.
  LookupHandle get(ResolveCallback callback);

  /// Counts up with each change of the address set, from 0 while nothing is known. A new order alone changes nothing.
  uint64_t version() const;
  using ChangeCallback = std::function<void(const Resolution&)>;
  /// Calls with each new address set, the first too, until forget_change().
  uint64_t on_change(ChangeCallback callback);
  void forget_change(uint64_t id);

  const std::string& name() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

/// The addresses of `host`: known ones at once, else as they come.
/// Errors: kConnect; kTimeout or kCancelled as `cancel` says. Lifetime: `host` may go while it waits.
coro::Task<Result<std::vector<Address>>> addresses_of(HostTracker& host, coro::CancelSource* cancel);

/// Thread: the loop's. Lifetime: the Resolver outlives it and the trackers that it gave.
class DnsCache {
 public:
  explicit DnsCache(Resolver& resolver) : resolver_(resolver) {}
  /// The tracker of that name, port and TTL bound; lives as long as somebody holds it.
  std::shared_ptr<HostTracker> host(const std::string& name, uint16_t port, Duration max_ttl);
  size_t size() const { return hosts_.size(); }

 private:
  using Key = std::tuple<std::string, uint16_t, Duration>;
  Resolver& resolver_;
  std::map<Key, std::weak_ptr<HostTracker>> hosts_;
};

}  // namespace vg::net
