// What came of the items of a bulk update, counted and written in their order.
#pragma once
#include <array>
#include <string>

#include "source/answer.h"

namespace vg::view {

enum class BulkStatus : uint8_t { kUpdated, kNotFound, kError, kSkipped };

/// What came of one item.
struct BulkOutcome {
  BulkStatus status = BulkStatus::kSkipped;
  std::string message;  ///< of an error
};

/// Of a call for one item.
BulkOutcome outcome_of(const source::Answer& answer);
/// Of one element of the answer to a batch: its status by name ("updated", "not_found", "error", "skipped") or number
/// (404), an `error`; anything else was updated.
BulkOutcome outcome_of(json::Value element);

class BulkResults {
 public:
  BulkResults() : text_("[") {}
  /// `id`: absent where the item has none.
  void add(json::Value id, const BulkOutcome& outcome);
  /// The whole answer.
  std::string take();

 private:
  std::array<uint64_t, 4> counts_{};
  std::string text_;
};

}  // namespace vg::view
