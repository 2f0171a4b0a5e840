#include "store/missed_drops.h"

namespace vg::store {

void MissedDrops::add(std::span<const TagField> fields) {
  const std::lock_guard<std::mutex> lock(mutex_);
  any_.store(true, std::memory_order_release);
  if (everything_) return;
  fields_.insert(fields.begin(), fields.end());
  if (fields_.size() <= kMost) return;
  everything_ = true;
  fields_.clear();
}

std::optional<MissedDrops::InHand> MissedDrops::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (in_hand_ || !any()) return std::nullopt;
  in_hand_ = true;
  InHand out(this);
  out.batch.everything = std::exchange(everything_, false);
  out.batch.fields.assign(fields_.begin(), fields_.end());
  fields_.clear();
  return out;
}

void MissedDrops::give_back(Batch batch, bool applied) {
  if (!applied) {
    add(batch.fields);
    const std::lock_guard<std::mutex> lock(mutex_);
    everything_ = everything_ || batch.everything;
    in_hand_ = false;
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  in_hand_ = false;
  any_.store(everything_ || !fields_.empty(), std::memory_order_release);
}

}  // namespace vg::store
