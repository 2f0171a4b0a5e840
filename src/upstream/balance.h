// Chooses the endpoint of an attempt: smooth weighted round robin, the less loaded of two, or by hash. Pure logic, no
// I/O: whether an endpoint may be used is asked of the caller, outstanding requests are read from the endpoints'
// counters of the whole process.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vg::upstream {

enum class BalanceKind : uint8_t { kRoundRobin, kLeastRequests, kHash };
/// round_robin, least_requests, hash.
std::optional<BalanceKind> parse_balance(std::string_view name);

/// One endpoint as a balancer sees it. `id` (its address) is what the hash goes by: it must be stable over reloads.
struct BalanceEndpoint {
  std::string id;
  uint32_t weight = 1;
  bool backup = false;
  const std::atomic<uint32_t>* outstanding = nullptr;  ///< least_requests; nullptr: 0. Lifetime: outlives the balancer

  BalanceEndpoint(std::string id_, uint32_t weight_ = 1, bool backup_ = false,
                  const std::atomic<uint32_t>* outstanding_ = nullptr)
      : id(std::move(id_)), weight(weight_), backup(backup_), outstanding(outstanding_) {}
};

/// The endpoints that this request has tried: the last eight are remembered.
class Tried {
 public:
  void add(size_t index);
  bool contains(size_t index) const;
  bool empty() const { return count_ == 0; }

 private:
  std::array<uint32_t, 8> last_{};
  uint32_t count_ = 0;
};

/// Asks whether an endpoint may be used now (healthy, resolved, breaker closed). Lifetime: refers to the callable.
class Usable {
 public:
  template <typename F>
  Usable(const F& f)  // NOLINT: implicit by intent
      : context_(&f),
        call_([](const void* c, size_t i) { return static_cast<bool>((*static_cast<const F*>(c))(i)); }) {}
  bool operator()(size_t index) const { return call_(context_, index); }

 private:
  const void* context_;
  bool (*call_)(const void*, size_t);
};

/// Thread: one loop's; each loop has its own.
class Balancer {
 public:
  virtual ~Balancer() = default;
  /// `seed` differs from loop to loop, so that loops do not begin at the same endpoint.
  static std::unique_ptr<Balancer> create(BalanceKind kind, std::vector<BalanceEndpoint> endpoints, uint64_t seed);

  /// An index into the endpoints, in this order of preference: primaries not tried, backups not tried, primaries tried,
  /// backups tried. nullopt: none is usable. `hash` counts for kHash alone (hash_of). No allocation.
  virtual std::optional<size_t> pick(uint64_t hash, const Tried& tried, const Usable& usable) = 0;
};

/// The hash of a balancing key: a client address, a path or a header's value.
uint64_t hash_of(std::string_view key);

}  // namespace vg::upstream
