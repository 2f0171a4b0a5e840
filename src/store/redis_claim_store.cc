#include "store/redis_claim_store.h"

#include <array>

namespace vg::store {

namespace {

// KEYS: the value's. ARGV: value, milliseconds to live.
const Script& claim_script() {
  static const Script script(R"(
local stands = redis.call('GET', KEYS[1])
if stands then return stands end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
)");
  return script;
}

// ARGV: mine, value, milliseconds to live.
const Script& settle_script() {
  static const Script script(R"(
local stands = redis.call('GET', KEYS[1])
if stands and stands ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
)");
  return script;
}

// ARGV: mine.
const Script& release_script() {
  static const Script script(R"(
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])
)");
  return script;
}

std::string milliseconds(Duration ttl) {
  return std::to_string(std::max<int64_t>(1, std::chrono::duration_cast<std::chrono::milliseconds>(ttl).count()));
}

Error unexpected() { return Error(ErrorKind::kUpstreamProtocol, "Redis answered something else than of a claim"); }

Result<bool> read_done(const Result<Reply>& reply) {
  if (!reply) return reply.error();
  if (reply->kind != Reply::Kind::kInteger) return unexpected();
  return reply->integer == 1;
}

}  // namespace

coro::Task<Result<Blob>> RedisClaimStore::claim(std::string key, Blob value, Duration ttl, coro::CancelSource* cancel) {
  const std::string full_key = redis_->prefix() + key, ms = milliseconds(ttl);
  const std::array<std::string_view, 1> keys = {full_key};
  const std::array<std::string_view, 2> arguments = {*value, ms};
  Result<Reply> reply = co_await redis_->eval(claim_script(), keys, arguments, cancel);
  if (!reply) co_return std::move(reply.error());
  if (reply->kind == Reply::Kind::kInteger) co_return Blob();
  if (reply->kind != Reply::Kind::kText) co_return unexpected();
  co_return Blob(std::make_shared<const std::string>(std::move(reply->text)));
}

coro::Task<Result<bool>> RedisClaimStore::settle(std::string key, Blob mine, Blob value, Duration ttl,
                                                 coro::CancelSource* cancel) {
  const std::string full_key = redis_->prefix() + key, ms = milliseconds(ttl);
  const std::array<std::string_view, 1> keys = {full_key};
  const std::array<std::string_view, 3> arguments = {*mine, *value, ms};
  const Result<Reply> reply = co_await redis_->eval(settle_script(), keys, arguments, cancel);
  co_return read_done(reply);
}

coro::Task<Result<bool>> RedisClaimStore::release(std::string key, Blob mine, coro::CancelSource* cancel) {
  const std::string full_key = redis_->prefix() + key;
  const std::array<std::string_view, 1> keys = {full_key};
  const std::array<std::string_view, 1> arguments = {*mine};
  const Result<Reply> reply = co_await redis_->eval(release_script(), keys, arguments, cancel);
  co_return read_done(reply);
}

}  // namespace vg::store
