#include "upstream/balance.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace vg::upstream {
namespace {

/// The endpoints that may be chosen in one round: a rank, without those that were tried or may not be used.
class Candidates {
 public:
  Candidates(const std::vector<BalanceEndpoint>& endpoints, const Tried& tried, const Usable& usable)
      : endpoints_(endpoints), tried_(tried), usable_(usable) {}

  void set_round(bool backup, bool again) {
    backup_ = backup;
    again_ = again;
  }
  bool contains(size_t i) const {
    return endpoints_[i].backup == backup_ && tried_.contains(i) == again_ && usable_(i);
  }

 private:
  const std::vector<BalanceEndpoint>& endpoints_;
  const Tried& tried_;
  const Usable& usable_;
  bool backup_ = false;
  bool again_ = false;
};

/// What all kinds share: the order of the rounds. A kind chooses within one.
class RankedBalancer : public Balancer {
 public:
  explicit RankedBalancer(std::vector<BalanceEndpoint> endpoints) : endpoints_(std::move(endpoints)) {
    for (BalanceEndpoint& e : endpoints_) e.weight = std::max(e.weight, 1u);
    has_backups_ = std::any_of(endpoints_.begin(), endpoints_.end(), [](const auto& e) { return e.backup; });
  }

  std::optional<size_t> pick(uint64_t hash, const Tried& tried, const Usable& usable) final {
    if (size() == 1) return usable(0) ? std::optional<size_t>(0) : std::nullopt;
    Candidates candidates(endpoints_, tried, usable);
    for (const bool again : {false, true}) {
      if (again && tried.empty()) break;
      for (const bool backup : {false, true}) {
        if (backup && !has_backups_) continue;
        candidates.set_round(backup, again);
        if (const auto chosen = choose(hash, candidates)) return chosen;
      }
    }
    return std::nullopt;
  }

 protected:
  virtual std::optional<size_t> choose(uint64_t hash, const Candidates& candidates) = 0;
  const BalanceEndpoint& endpoint(size_t i) const { return endpoints_[i]; }
  size_t size() const { return endpoints_.size(); }

 private:
  std::vector<BalanceEndpoint> endpoints_;
  bool has_backups_ = false;
};

uint64_t mix(uint64_t value, uint64_t seed) { return XXH3_64bits_withSeed(&value, sizeof value, seed); }

/// nginx's smooth weighted round robin: each round everyone gains its weight, the richest is chosen and pays for all.
class RoundRobin final : public RankedBalancer {
 public:
  RoundRobin(std::vector<BalanceEndpoint> endpoints, uint64_t seed)
      : RankedBalancer(std::move(endpoints)), current_(size(), 0) {
    // A loop begins where it would be after some turns.
    int64_t total = 0;
    for (size_t i = 0; i < size(); ++i) total += endpoint(i).weight;
    const auto all = [](size_t) { return true; };
    const uint64_t turns = total == 0 ? 0 : mix(seed, 0) % static_cast<uint64_t>(std::min<int64_t>(total, kMaxTurns));
    for (uint64_t t = 0; t < turns; ++t) pick(0, Tried(), all);
  }

 protected:
  std::optional<size_t> choose(uint64_t, const Candidates& candidates) override {
    std::optional<size_t> best;
    int64_t total = 0;
    for (size_t i = 0; i < size(); ++i) {
      if (!candidates.contains(i)) continue;
      current_[i] += endpoint(i).weight;
      total += endpoint(i).weight;
      if (!best || current_[i] > current_[*best]) best = i;
    }
    if (best) current_[*best] -= total;
    return best;
  }

 private:
  static constexpr int64_t kMaxTurns = 1024;
  std::vector<int64_t> current_;
};

/// Of two drawn by weight, the one with fewer outstanding requests for its weight: nearly as even as asking all,
/// without every loop running to the same endpoint at once.
class LeastRequests final : public RankedBalancer {
 public:
  LeastRequests(std::vector<BalanceEndpoint> endpoints, uint64_t seed)
      : RankedBalancer(std::move(endpoints)), state_(mix(seed, 1)) {
    usable_.reserve(size());
  }

 protected:
  std::optional<size_t> choose(uint64_t, const Candidates& candidates) override {
    usable_.clear();
    uint64_t total = 0;
    for (size_t i = 0; i < size(); ++i) {
      if (!candidates.contains(i)) continue;
      usable_.push_back(i);
      total += endpoint(i).weight;
    }
    if (usable_.empty()) return std::nullopt;
    if (usable_.size() == 1) return usable_.front();
    const size_t a = draw(total, std::numeric_limits<size_t>::max());
    const size_t b = draw(total - endpoint(a).weight, a);
    return less_loaded(b, a) ? b : a;
  }

 private:
  /// One of usable_ by weight, but not `without`.
  size_t draw(uint64_t total, size_t without) {
    uint64_t at = next() % total;
    for (const size_t i : usable_) {
      if (i == without) continue;
      if (at < endpoint(i).weight) return i;
      at -= endpoint(i).weight;
    }
    return usable_.front();
  }

  bool less_loaded(size_t a, size_t b) const {
    // Outstanding requests for each unit of weight, without the division. Equal ones stay as they were drawn.
    return load(a) * endpoint(b).weight < load(b) * endpoint(a).weight;
  }

  uint64_t load(size_t i) const {
    const std::atomic<uint32_t>* outstanding = endpoint(i).outstanding;
    return outstanding == nullptr ? 0 : outstanding->load(std::memory_order_relaxed);
  }

  uint64_t next() { return mix(++state_, 2); }

  uint64_t state_;
  std::vector<size_t> usable_;
};

/// Weighted rendezvous hashing: every endpoint has a score for the key, the highest serves it. An endpoint that comes
/// or goes moves its own share alone; the next best is the one for a retry. Linear in the endpoints, some ns each.
class Rendezvous final : public RankedBalancer {
 public:
  explicit Rendezvous(std::vector<BalanceEndpoint> endpoints) : RankedBalancer(std::move(endpoints)) {
    for (size_t i = 0; i < size(); ++i) {
      seeds_.push_back(hash_of(endpoint(i).id));
      same_weight_ = same_weight_ && endpoint(i).weight == endpoint(0).weight;
    }
  }

 protected:
  std::optional<size_t> choose(uint64_t hash, const Candidates& candidates) override {
    return same_weight_ ? best_by<uint64_t>(candidates, [&](size_t i) { return mix(hash, seeds_[i]); })
                        : best_by<double>(candidates, [&](size_t i) { return score(hash, i); });
  }

 private:
  template <typename Score, typename F>
  std::optional<size_t> best_by(const Candidates& candidates, const F& score_of) const {
    std::optional<size_t> best;
    Score highest{};
    for (size_t i = 0; i < size(); ++i) {
      if (!candidates.contains(i)) continue;
      const Score s = score_of(i);
      if (best && s <= highest) continue;
      best = i;
      highest = s;
    }
    return best;
  }

  /// -weight / ln(u) for u in (0, 1): shares are exactly the weights, and with equal weights the order is that of u.
  double score(uint64_t hash, size_t i) const {
    const double u = (static_cast<double>(mix(hash, seeds_[i]) >> 11) + 0.5) * 0x1p-53;
    return -static_cast<double>(endpoint(i).weight) / std::log(u);
  }

  std::vector<uint64_t> seeds_;
  bool same_weight_ = true;
};

}  // namespace

std::optional<BalanceKind> parse_balance(std::string_view name) {
  if (name == "round_robin") return BalanceKind::kRoundRobin;
  if (name == "least_requests") return BalanceKind::kLeastRequests;
  if (name == "hash") return BalanceKind::kHash;
  return std::nullopt;
}

void Tried::add(size_t index) { last_[count_++ % last_.size()] = static_cast<uint32_t>(index); }

bool Tried::contains(size_t index) const {
  const auto* end = last_.begin() + std::min<size_t>(count_, last_.size());
  return std::find(last_.begin(), end, static_cast<uint32_t>(index)) != end;
}

std::unique_ptr<Balancer> Balancer::create(BalanceKind kind, std::vector<BalanceEndpoint> endpoints, uint64_t seed) {
  switch (kind) {
    case BalanceKind::kLeastRequests:
      return std::make_unique<LeastRequests>(std::move(endpoints), seed);
    case BalanceKind::kHash:
      return std::make_unique<Rendezvous>(std::move(endpoints));
    case BalanceKind::kRoundRobin:
      break;
  }
  return std::make_unique<RoundRobin>(std::move(endpoints), seed);
}

uint64_t hash_of(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

}  // namespace vg::upstream
