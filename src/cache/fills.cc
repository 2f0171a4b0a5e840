#include "cache/fills.h"

#include <algorithm>
#include <map>

namespace vg::cache {

void Fills::Shard::remember(size_t hash) {
  const uint64_t number = stored.load(std::memory_order_relaxed);
  recent[number % kRecent] = hash;
  stored.store(number + 1, std::memory_order_release);
}

bool Fills::Shard::was_stored(size_t hash, uint64_t since) const {
  const uint64_t until = stored.load(std::memory_order_relaxed);
  if (until - since > kRecent) return true;  // nobody knows
  for (uint64_t n = since; n != until; ++n) {
    if (recent[n % kRecent] == hash) return true;
  }
  return false;
}

uint64_t Fills::moment(std::string_view key) {
  // On the way of every hit: no lock. What finish() counted before was in the store before that.
  return shard_of(Hash()(key)).stored.load(std::memory_order_acquire);
}

Turn Fills::lead(std::string_view key, uint64_t since, std::shared_ptr<FillWaiter> waiter) {
  const size_t hash = Hash()(key);
  Shard& shard = shard_of(hash);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto at = shard.fills.find(key);
  if (at == shard.fills.end()) {
    if (shard.was_stored(hash, since)) return Turn::kLookAgain;
    shard.fills.emplace(key, Open());
    return Turn::kLeads;
  }
  if (waiter) at->second.waiters.push_back(std::move(waiter));
  return Turn::kWaits;
}

void Fills::share(std::string_view key, const FillOutcome& outcome) {
  Waiters waiters;
  {
    Shard& shard = shard_of(Hash()(key));
    const std::lock_guard<std::mutex> lock(shard.mutex);
    const auto at = shard.fills.find(key);
    if (at == shard.fills.end()) return;
    at->second.shared = true;
    waiters.swap(at->second.waiters);
  }
  tell(std::move(waiters), outcome);
}

void Fills::finish(std::string_view key, const FillOutcome& outcome) {
  Waiters waiters;
  {
    const size_t hash = Hash()(key);
    Shard& shard = shard_of(hash);
    const std::lock_guard<std::mutex> lock(shard.mutex);
    const auto at = shard.fills.find(key);
    if (at == shard.fills.end()) return;
    if (at->second.shared) shard.remember(hash);
    waiters = std::move(at->second.waiters);
    shard.fills.erase(at);
  }
  tell(std::move(waiters), outcome);
}

// A post a loop, however many wait there.
void Fills::tell(Waiters waiters, const FillOutcome& outcome) {
  std::map<net::EventLoop*, Waiters> by_loop;
  for (std::shared_ptr<FillWaiter>& w : waiters) by_loop[w->loop].push_back(std::move(w));
  for (auto& [loop, here] : by_loop) {
    const auto tell_all = [outcome](const Waiters& all) {
      for (const std::shared_ptr<FillWaiter>& w : all) {
        w->outcome = outcome;
        w->done.set();
      }
    };
    if (loop == net::EventLoop::current()) {
      tell_all(here);
    } else {
      loop->post_remote([tell_all, all = std::move(here)] { tell_all(all); });
    }
  }
}

void Fills::leave(std::string_view key, const std::shared_ptr<FillWaiter>& waiter) {
  Shard& shard = shard_of(Hash()(key));
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto at = shard.fills.find(key);
  if (at != shard.fills.end()) std::erase(at->second.waiters, waiter);
}

}  // namespace vg::cache
