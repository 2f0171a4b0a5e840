// POST /cache/purge (SPEC section 10): memory is the process's, and told at once; Redis is reached by a worker's
// connection, and tells the other processes.
#include "observe/log.h"
#include "server/server.h"
#include "store/redis_cache_store.h"
#include "store/tag_fields.h"

namespace vg::server {

namespace {

using Done = std::function<void(Result<void>)>;

coro::Task<void> drop_in_redis(std::shared_ptr<store::RedisCacheStore> store, std::vector<store::Drop> drops,
                               coro::CancelSource* cancel, Done done) {
  Result<void> dropped = co_await store->drop(std::move(drops), cancel);
  done(std::move(dropped));
}

// What a worker found, for the coroutine that waits on the main thread.
struct Told {
  coro::Event event;
  Result<void> result;
};

}  // namespace

void Worker::purge(std::vector<store::Drop> drops, Done done) {
  if (!redis_cache_) return done(Result<void>());
  coro::CancelSource* cancel = services_.background.cancel();
  if (services_.background.spawn(drop_in_redis(redis_cache_, std::move(drops), cancel, done), 0)) return;
  done(Error(ErrorKind::kOverload, "there is too much to do"));
}

coro::Task<Result<void>> Server::purge(std::vector<store::Drop> drops, coro::CancelSource* cancel) {
  for (const store::Drop& d : drops) log::info("cached answers are purged: ", d.text);
  shared_->cache_memory.drop_all(drops);
  if (!shared_->table()->redis) co_return Result<void>();
  const auto told = std::make_shared<Told>();
  auto here = [told, loop = &loop_](Result<void> result) {
    loop->post_remote([told, result = std::move(result)] {
      told->result = result;
      told->event.set();
    });
  };
  auto there = [worker = workers_.front().get(), drops, here] { worker->purge(drops, here); };
  if (!workers_.front()->post(there)) co_return Error(ErrorKind::kCancelled, "the gateway is stopping");
  const bool answered = co_await told->event.wait(cancel);
  if (!answered) co_return Error(ErrorKind::kCancelled, "the gateway is stopping");
  // Copies in this process are dropped by what Redis tells all of them; this one is told at once.
  std::vector<store::Drop> copies;
  for (const store::Drop& d : drops) {
    std::string field;
    store::append_field(field, store::field_of(d));
    copies.emplace_back(std::move(field), false);
  }
  shared_->cache_memory.drop_all(copies);
  co_return told->result;
}

}  // namespace vg::server
