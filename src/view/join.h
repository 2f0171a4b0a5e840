// An include of a list: a call for the page's items, joined to each of them. By key, one call for the whole page, whose
// answer is an array of objects; or one call an item, the same call made once. SPEC section 5, "list".
// Immutable; a JoinResult is one request's.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "source/fetch.h"

namespace vg::view {

class CallRun;

/// What an include came to for each item. Lifetime: views the answers that it holds.
class JoinResult {
 public:
  /// The value for the item at `index`; absent: the member is left out.
  json::Value of(size_t index) const { return index < values_.size() ? values_[index] : json::Value(); }

 private:
  friend class Join;
  std::vector<json::Value> values_;
  std::deque<source::Answer> answers_;  // they stay where they are
  std::deque<std::string> texts_;       // arrays of many
};

class Join {
 public:
  static constexpr size_t kKeysPerCall = 100;

  /// Reads `match`, `many` and `concurrency`; finds out from the call's references which kind it is.
  static std::unique_ptr<Join> create(pipeline::Build& build, const config::Node& node, const source::CallDef& def);
  static std::vector<config::Key> keys();

  /// Makes the calls for the items of run.main(). `summary` tells whether they failed, for Viewgate-Degraded and for
  /// `required`; it is kDefault or kFailed if any of them did.
  coro::Task<void> run(CallRun& run, const source::CallDef& def, JoinResult* result, source::Answer* summary) const;
  std::string describe() const;

 private:
  struct Work;
  coro::Task<void> by_key(CallRun& run, const source::CallDef& def, JoinResult& result, source::Answer& summary) const;
  coro::Task<void> per_item(CallRun& run, const source::CallDef& def, JoinResult& result,
                            source::Answer& summary) const;
  void match_answers(const json::Value& items, const source::CallDef& def, JoinResult& result,
                     source::Answer& summary) const;
  json::Value unmatched(const source::CallDef& def, const source::Answer& summary) const;

  std::vector<std::string> item_path_;    // of the key in an item
  std::vector<std::string> object_path_;  // and in an object of the answer
  bool by_key_ = false;
  bool many_ = false;
  uint32_t concurrency_ = 8;
};

}  // namespace vg::view
