// Drops of cached answers that Redis could not be told of. As long as there are any, nothing that Redis keeps is served
// by this process; they are made up for before it is asked again.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace vg::store {

/// A tag that was dropped, or whatever else takes values along, as 64 bits (store/tag_fields.h).
using TagField = uint64_t;

/// Thread: any.
class MissedDrops {
 public:
  /// More of them become one drop of everything.
  static constexpr size_t kMost = 4096;

  /// What is to be made up for.
  struct Batch {
    std::vector<TagField> fields;
    bool everything = false;
  };
  /// Takes the batch in hand: nobody else gets it meanwhile. What was not done() by the end is missed again.
  class InHand {
   public:
    explicit InHand(MissedDrops* owner) : owner_(owner) {}
    InHand(InHand&& other) noexcept : batch(std::move(other.batch)), owner_(std::exchange(other.owner_, nullptr)) {}
    InHand& operator=(InHand&&) = delete;
    ~InHand() {
      if (owner_ != nullptr) owner_->give_back(std::move(batch), false);
    }
    void done() { std::exchange(owner_, nullptr)->give_back(std::move(batch), true); }
    Batch batch;

   private:
    MissedDrops* owner_;
  };

  bool any() const { return any_.load(std::memory_order_acquire); }
  void add(std::span<const TagField> fields);
  /// nullopt: there are none, or somebody is at it.
  std::optional<InHand> take();

 private:
  void give_back(Batch batch, bool applied);

  std::atomic<bool> any_{false};
  std::mutex mutex_;
  std::set<TagField> fields_;
  bool everything_ = false;
  bool in_hand_ = false;
};

}  // namespace vg::store
