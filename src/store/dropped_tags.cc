#include "store/dropped_tags.h"

#include <xxhash.h>

#include <algorithm>

namespace vg::store {

uint64_t DroppedTags::hash(std::string_view text, bool below) const {
  const uint64_t h = XXH3_64bits_withSeed(text.data(), text.size(), below ? ~seed_ : seed_);
  return h != 0 ? h : 1;
}

DroppedTags::Slot& DroppedTags::slot_of(Slot* slots, size_t count, uint64_t hash) {
  size_t i = hash & (count - 1);
  for (size_t looked_at = 0; looked_at < count; ++looked_at, i = (i + 1) & (count - 1)) {
    const uint64_t there = slots[i].hash.load(std::memory_order_acquire);
    if (there == 0 || there == hash) break;
  }
  return slots[i];
}

void DroppedTags::drop(std::span<const Drop> drops) {
  if (drops.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  const Mark mark = now_.load(std::memory_order_relaxed) + 1;
  for (const Drop& d : drops) insert(hash(d.text, d.below), mark);
  now_.store(mark, std::memory_order_release);
}

void DroppedTags::insert(uint64_t hash, Mark mark) {
  if (generations_[current_].used >= slots_ / 2) next_generation();
  Generation& g = generations_[current_];
  if (!g.owned) {
    g.owned = std::make_unique<Slot[]>(slots_);
    g.slots.store(g.owned.get(), std::memory_order_release);
  }
  Slot& slot = slot_of(g.owned.get(), slots_, hash);
  if (slot.hash.load(std::memory_order_relaxed) == 0) ++g.used;
  slot.mark.store(mark, std::memory_order_release);
  slot.hash.store(hash, std::memory_order_release);
  g.newest = mark;
}

// The floor rises first: who finds a slot emptied also finds that it has risen.
void DroppedTags::next_generation() {
  current_ = 1 - current_;
  Generation& g = generations_[current_];
  floor_.store(std::max(floor_.load(std::memory_order_relaxed), g.newest), std::memory_order_release);
  if (g.used == 0) return;
  for (size_t i = 0; i < slots_; ++i) {
    g.owned[i].mark.store(0, std::memory_order_release);
    g.owned[i].hash.store(0, std::memory_order_release);
  }
  g.used = 0;
}

Mark DroppedTags::dropped_at(uint64_t hash) const {
  Mark found = 0;
  for (const Generation& g : generations_) {
    Slot* const slots = g.slots.load(std::memory_order_acquire);
    if (slots == nullptr) continue;
    const Slot& slot = slot_of(slots, slots_, hash);
    if (slot.hash.load(std::memory_order_acquire) == hash) {
      found = std::max(found, slot.mark.load(std::memory_order_acquire));
    }
  }
  return found;
}

bool DroppedTags::is_dropped(std::string_view tag, Mark since) const {
  if (dropped_at(hash(tag, false)) > since) return true;
  for (size_t end = tag.find('/'); end != std::string_view::npos; end = tag.find('/', end + 1)) {
    if (dropped_at(hash(tag.substr(0, end), true)) > since) return true;
  }
  if (dropped_at(hash(tag, true)) > since) return true;
  return floor_.load(std::memory_order_acquire) > since;
}

}  // namespace vg::store
