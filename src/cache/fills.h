// Of several requests that miss the same answer at once one asks the upstream, the others wait for what it gets: on
// whatever loop they run. RFC 9211 calls them collapsed.
#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coro/scope.h"
#include "net/event_loop.h"
#include "store/cache_store.h"

namespace vg::cache {

/// What those who waited are told.
struct FillOutcome {
  enum class Kind : uint8_t {
    kValue,  ///< here it is
    kAlone,  ///< it can't be kept, or there is none: each asks for itself
    kAgain,  ///< who led has left: one of them leads now
  };
  Kind kind = Kind::kAgain;
  store::Blob value;
  std::string key;                  ///< of kValue: what it is kept under; for a variant not what was waited for
  std::vector<std::string> varies;  ///< of kValue: the request fields that tell variants apart
};

/// One who waits. All but `loop` is its loop's.
struct FillWaiter {
  explicit FillWaiter(net::EventLoop* on) : loop(on) {}
  net::EventLoop* const loop;
  coro::Event done;
  FillOutcome outcome;
};

/// The fills under way in the whole process. Thread: any; the loops of waiters outlive them.
class Fills {
 public:
  Fills() = default;
  Fills(const Fills&) = delete;

  /// True: nobody fills `key`; the caller does from now on, and finish() must follow. False: `waiter` is told when it
  /// is filled; where that is nullptr, nobody waits.
  bool lead(std::string_view key, std::shared_ptr<FillWaiter> waiter);
  void finish(std::string_view key, const FillOutcome& outcome);
  /// The waiter has lost patience.
  void leave(std::string_view key, const std::shared_ptr<FillWaiter>& waiter);

 private:
  static constexpr size_t kShards = 64;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  using Waiters = std::vector<std::shared_ptr<FillWaiter>>;
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Waiters, Hash, std::equal_to<>> fills;
  };
  Shard& shard_of(std::string_view key) { return shards_[Hash()(key) % kShards]; }
  std::array<Shard, kShards> shards_;
};

/// A fill that one leads: whatever becomes of it, those who wait are told. Thread: the leader's loop.
class Lead {
 public:
  Lead() = default;
  Lead(std::shared_ptr<Fills> fills, std::string key) : fills_(std::move(fills)), key_(std::move(key)) {}
  Lead(Lead&& other) noexcept : fills_(std::move(other.fills_)), key_(std::move(other.key_)) {}
  Lead& operator=(Lead&& other) noexcept {
    std::swap(fills_, other.fills_);
    std::swap(key_, other.key_);
    return *this;
  }
  ~Lead() { finish(FillOutcome()); }
  void finish(const FillOutcome& outcome) {
    if (const std::shared_ptr<Fills> fills = std::move(fills_)) fills->finish(key_, outcome);
  }

 private:
  std::shared_ptr<Fills> fills_;
  std::string key_;
};

}  // namespace vg::cache
