#include "cache/fills.h"

#include <algorithm>
#include <map>

namespace vg::cache {

bool Fills::lead(std::string_view key, std::shared_ptr<FillWaiter> waiter) {
  Shard& shard = shard_of(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto at = shard.fills.find(key);
  if (at == shard.fills.end()) {
    shard.fills.emplace(key, Waiters());
    return true;
  }
  if (waiter) at->second.push_back(std::move(waiter));
  return false;
}

// A post a loop, however many wait there.
void Fills::finish(std::string_view key, const FillOutcome& outcome) {
  Waiters waiters;
  {
    Shard& shard = shard_of(key);
    const std::lock_guard<std::mutex> lock(shard.mutex);
    const auto at = shard.fills.find(key);
    if (at == shard.fills.end()) return;
    waiters = std::move(at->second);
    shard.fills.erase(at);
  }
  std::map<net::EventLoop*, Waiters> by_loop;
  for (std::shared_ptr<FillWaiter>& w : waiters) by_loop[w->loop].push_back(std::move(w));
  for (auto& [loop, here] : by_loop) {
    const auto tell = [outcome](const Waiters& all) {
      for (const std::shared_ptr<FillWaiter>& w : all) {
        w->outcome = outcome;
        w->done.set();
      }
    };
    if (loop == net::EventLoop::current()) {
      tell(here);
    } else {
      loop->post_remote([tell, all = std::move(here)] { tell(all); });
    }
  }
}

void Fills::leave(std::string_view key, const std::shared_ptr<FillWaiter>& waiter) {
  Shard& shard = shard_of(key);
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto at = shard.fills.find(key);
  if (at != shard.fills.end()) std::erase(at->second, waiter);
}

}  // namespace vg::cache
