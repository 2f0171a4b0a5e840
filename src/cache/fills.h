// Of several requests that miss the same answer at once one asks the upstream, the others wait for what it gets: on
// whatever loop they run. RFC 9211 calls them collapsed.
#pragma once
#include <array>
#include <atomic>
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
    kAgain,  ///< the store is asked again: it has the answer now, or who led has left and one of them leads
  };
  Kind kind = Kind::kAgain;
  store::Blob value;
  store::Mark mark = 0;  ///< of kValue: of the look-up before its calls; whoever knows a later one looks again
  std::string key;       ///< of kValue: what it is kept under; for a variant not what was waited for
  std::vector<std::string> varies;  ///< of kValue: the request fields that tell variants apart
};

/// One who waits. All but `loop` is its loop's.
struct FillWaiter {
  explicit FillWaiter(net::EventLoop* on) : loop(on) {}
  net::EventLoop* const loop;
  coro::Event done;
  FillOutcome outcome;
};

/// What one who found nothing in the store does next.
enum class Turn : uint8_t {
  kLeads,      ///< asks the upstream, for all
  kWaits,      ///< is told
  kLookAgain,  ///< what it looked for came into the store meanwhile, or may have
};

/// The fills under way in the whole process. A fill is open from lead() until finish(), which a store that is another
/// process comes to know of late: so its leader tells those who wait by share(), and finishes when the store has it.
/// Thread: any; the loops of waiters outlive them.
class Fills {
 public:
  Fills() = default;
  Fills(const Fills&) = delete;

  /// To be read before the store is asked for `key`: lead() then knows whether the store's "nothing" still holds.
  uint64_t moment(std::string_view key);
  /// kLeads: finish() must follow. kWaits: `waiter` is told; where that is nullptr, nobody waits.
  Turn lead(std::string_view key, uint64_t since, std::shared_ptr<FillWaiter> waiter);
  /// Tells those who wait so far; who comes later waits for finish().
  void share(std::string_view key, const FillOutcome& outcome);
  void finish(std::string_view key, const FillOutcome& outcome);
  /// The waiter has lost patience.
  void leave(std::string_view key, const std::shared_ptr<FillWaiter>& waiter);

 private:
  static constexpr size_t kShards = 64;
  static constexpr size_t kRecent = 32;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  using Waiters = std::vector<std::shared_ptr<FillWaiter>>;
  struct Open {
    Waiters waiters;
    bool shared = false;
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Open, Hash, std::equal_to<>> fills;
    std::atomic<uint64_t> stored{0};       // fills that ended with something for the store; read without the lock
    std::array<size_t, kRecent> recent{};  // the keys' hashes of the last of them, by number
    // With the lock.
    void remember(size_t hash);
    bool was_stored(size_t hash, uint64_t since) const;
  };
  static void tell(Waiters waiters, const FillOutcome& outcome);
  Shard& shard_of(size_t hash) { return shards_[hash % kShards]; }
  std::array<Shard, kShards> shards_;
};

/// A fill that one leads: whatever becomes of it, those who wait are told. Goes along with what is put into the store,
/// and ends with it. Thread: the leader's loop.
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
  void share(const FillOutcome& outcome) {
    if (fills_) fills_->share(key_, outcome);
  }
  void finish(const FillOutcome& outcome) {
    if (const std::shared_ptr<Fills> fills = std::move(fills_)) fills->finish(key_, outcome);
  }

 private:
  std::shared_ptr<Fills> fills_;
  std::string key_;
};

}  // namespace vg::cache
