// Where cached answers are kept: values by key, each with the tags it depends on. A tag that is dropped takes with it
// every value that depends on it and began before: nothing is searched for, the next get() sees that it is too old. Two
// stores are of this kind (memory_cache_store.h, redis_cache_store.h); tests/contract/ holds both to what stands here.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "coro/cancel.h"
#include "coro/task.h"

namespace vg::store {

/// Bytes that nobody changes any more.
using Blob = std::shared_ptr<const std::string>;

/// A moment as a store counts it: what was dropped before and after is known. Of one store alone; 0 is before all.
using Mark = uint64_t;

/// Drops what has the tag `text`; with `below`, also what has a tag below it: "a/b" takes "a/b/c" along, not "a/bc".
struct Drop {
  std::string text;
  bool below = false;
  Drop(std::string text_, bool below_) : text(std::move(text_)), below(below_) {}
};

struct CacheItem {
  Blob value;
  std::vector<std::string> tags;
  Mark since = 0;  ///< the mark of the get() before its calls began: a tag dropped later keeps it from being stored
  Duration ttl{};  ///< after that it is gone
  CacheItem() = default;
};

struct CacheLookup {
  Blob value;  ///< nullptr: there is none
  Mark mark = 0;
};

class CacheStore {
 public:
  virtual ~CacheStore() = default;
  /// What is kept at `key`. Errors: the store can't be asked. Lifetime: `key` until the task ends.
  virtual coro::Task<Result<CacheLookup>> get(std::string_view key, coro::CancelSource* cancel) = 0;
  /// Keeps `item` at `key`, in the place of what is there, unless one of its tags was dropped after item.since.
  /// Errors: the store can't be asked, or does not take it.
  virtual coro::Task<Result<void>> put(std::string key, CacheItem item, coro::CancelSource* cancel) = 0;
  virtual coro::Task<Result<void>> remove(std::string key, coro::CancelSource* cancel) = 0;
  /// From now on get() finds nothing that has one of these tags and began before. Errors: the store can't be asked.
  virtual coro::Task<Result<void>> drop(std::vector<Drop> drops, coro::CancelSource* cancel) = 0;
};

}  // namespace vg::store
