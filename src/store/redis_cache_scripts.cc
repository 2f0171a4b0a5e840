#include "store/redis_cache_scripts.h"

namespace vg::store {

namespace {

// Numbers are doubles here, exact up to 2^53; tostring() would round them.
const char* const kBegin = R"(
local function begin(drops, older)
  local t = redis.call('TIME')
  local now = string.format('%.0f', t[1] * 1000000 + t[2])
  redis.call('UNLINK', drops, older)
  redis.call('HSET', drops, 'seq', now, 'floor', now)
  return now
end
)";

// Whether `v` is dead. `head`: seq, floor and turned of drops.
const char* const kDead = R"(
local function after(since, values, first)
  for i = first, #values do
    if values[i] and tonumber(values[i]) > since then return true end
  end
  return false
end
local function dead(v, head, drops, older)
  local since = tonumber(string.sub(v, 1, 16))
  if since < tonumber(head[2]) or since > tonumber(head[1]) then return true end
  local fields = {}
  for i = 1, tonumber(string.sub(v, 17, 20)) do fields[i] = string.sub(v, 13 + 8 * i, 20 + 8 * i) end
  if #fields == 0 then fields[1] = 'seq?' end
  if after(since, redis.call('HMGET', drops, unpack(fields)), 1) then return true end
  if not head[3] or since >= tonumber(head[3]) then return false end
  local old = redis.call('HMGET', older, 'seq', unpack(fields))
  return not old[1] or after(since, old, 2)
end
)";

const char* const kGet = R"(
local v = redis.call('GET', KEYS[1])
local head = redis.call('HMGET', KEYS[2], 'seq', 'floor', 'turned')
if not head[1] or not head[2] then return {begin(KEYS[2], KEYS[3])} end
if not v then return {head[1]} end
if dead(v, head, KEYS[2], KEYS[3]) then
  redis.call('UNLINK', KEYS[1])
  return {head[1]}
end
return {head[1], v, redis.call('PTTL', KEYS[1])}
)";

const char* const kPut = R"(
local head = redis.call('HMGET', KEYS[2], 'seq', 'floor', 'turned')
if not head[1] or not head[2] then return begin(KEYS[2], KEYS[3]) end
if dead(ARGV[1], head, KEYS[2], KEYS[3]) then return head[1] end
local replaced = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if replaced == 1 then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return head[1]
)";

const char* const kRemove = R"(
local gone = redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return gone
)";

const char* const kDrop = R"(
local head = redis.call('HMGET', KEYS[1], 'seq', 'floor', 'turned')
local seq
if not head[1] or not head[2] then
  seq = begin(KEYS[1], KEYS[2])
else
  seq = string.format('%.0f', tonumber(head[1]) + 1)
  if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[1]) then
    local floor = head[2]
    if head[3] and tonumber(head[3]) > tonumber(floor) then floor = head[3] end
    redis.call('UNLINK', KEYS[2])
    redis.call('RENAME', KEYS[1], KEYS[2])
    redis.call('HSET', KEYS[1], 'floor', floor, 'turned', head[1])
  end
  redis.call('HSET', KEYS[1], 'seq', seq)
  if ARGV[2] == '' then redis.call('HSET', KEYS[1], 'floor', seq) end
  for i = 1, #ARGV[2], 8 do redis.call('HSET', KEYS[1], string.sub(ARGV[2], i, i + 7), seq) end
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return seq
)";

}  // namespace

const Script& cache_get_script() {
  static const Script script(std::string(kBegin) + kDead + kGet);
  return script;
}

const Script& cache_put_script() {
  static const Script script(std::string(kBegin) + kDead + kPut);
  return script;
}

const Script& cache_remove_script() {
  static const Script script(kRemove);
  return script;
}

const Script& cache_drop_script() {
  static const Script script(std::string(kBegin) + kDrop);
  return script;
}

}  // namespace vg::store
