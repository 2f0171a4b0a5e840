#include "store/redis_limit_store.h"

#include <openssl/sha.h>

namespace vg::store {

namespace {

// KEYS: one of each limit. ARGV: the time in microseconds, or nothing for Redis's own; then of each limit: algorithm
// (s, t, f), limit, window in microseconds, burst, 1 if it is advisory.
// Answers: 1 if the request is admitted; then of each limit: 1 if it admits, what remains, reset and retry_after in
// microseconds. A refused request changes nothing. The algorithms are those of limit_count.cc.
constexpr const char* kAdmit = R"lua(
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000000 + t[2]
end
local window_format = '<d' .. string.rep('I4', 17)
local admitted = 1
local all = {}
for i = 1, #KEYS do
  local a = i * 5 - 3
  local l = {algorithm = ARGV[a], limit = tonumber(ARGV[a + 1]), window = tonumber(ARGV[a + 2]),
             burst = tonumber(ARGV[a + 3]), advisory = ARGV[a + 4] == '1'}
  local kept = redis.call('GET', KEYS[i])
  if l.algorithm == 't' then
    l.at, l.taken = now, 0
    if kept and #kept == 16 then
      local at, taken = struct.unpack('<dd', kept)
      l.at = math.max(at, now)
      l.taken = math.max(0, taken - (l.at - at) * l.limit / l.window)
    end
    l.admits = l.taken + 1 <= l.burst + 1e-6
  elseif l.algorithm == 'f' then
    l.part, l.total = math.floor(now / l.window), 0
    if kept and #kept == 16 then
      local part, total = struct.unpack('<dd', kept)
      if part >= l.part then l.part, l.total = part, total end
    end
    l.admits = l.total < l.limit
  else
    l.step = l.window / 16
    l.part, l.total, l.counts = math.floor(now / l.step), 0, {}
    for k = 1, 17 do l.counts[k] = 0 end
    if kept and #kept == 76 then
      local old = {struct.unpack(window_format, kept)}
      local latest = old[1]
      l.part = math.max(l.part, latest)
      for part = math.max(0, latest - 16, l.part - 16), latest do
        local k = part % 17 + 1
        l.counts[k] = old[k + 1]
        l.total = l.total + old[k + 1]
      end
    end
    l.admits = l.total < l.limit
  end
  if not l.admits and not l.advisory then admitted = 0 end
  all[i] = l
end
local out = {admitted}
for i = 1, #KEYS do
  local l = all[i]
  local counted = admitted == 1 and l.admits
  local remaining, reset, retry, value, empty = 0, 0, 0, nil, 0
  if l.algorithm == 't' then
    if counted then l.taken = l.taken + 1 end
    remaining = math.max(0, math.floor(l.burst - l.taken + 1e-6))
    reset = math.ceil(l.taken * l.window / l.limit)
    empty = reset + l.at - now
    if not l.admits then retry = math.ceil((l.taken + 1 - l.burst) * l.window / l.limit) end
    if counted then value = struct.pack('<dd', l.at, l.taken) end
  elseif l.algorithm == 'f' then
    if counted then l.total = l.total + 1 end
    remaining = math.max(0, l.limit - l.total)
    reset = (l.part + 1) * l.window - now
    empty = reset
    if not l.admits then retry = reset end
    if counted then value = struct.pack('<dd', l.part, l.total) end
  else
    if counted then
      local k = l.part % 17 + 1
      l.counts[k] = l.counts[k] + 1
      l.total = l.total + 1
      value = struct.pack(window_format, l.part, unpack(l.counts))
    end
    remaining = math.max(0, l.limit - l.total)
    empty = (l.part + 17) * l.step - now
    local too_many = l.total >= l.limit and l.total - l.limit + 1 or 1
    local gone, oldest, enough = 0, nil, l.part
    for part = math.max(0, l.part - 16), l.part do
      local count = l.counts[part % 17 + 1]
      if count > 0 then
        oldest = oldest or part
        gone = gone + count
        enough = part
        if gone >= too_many then break end
      end
    end
    if oldest then
      reset = (oldest + 17) * l.step - now
      if not l.admits then
        retry = (enough + 17) * l.step - now
        reset = retry
      end
    end
  end
  if value then redis.call('SET', KEYS[i], value, 'PX', math.floor(empty / 1000) + 1) end
  out[#out + 1] = l.admits and 1 or 0
  out[#out + 1] = remaining
  out[#out + 1] = reset
  out[#out + 1] = retry
end
return out
)lua";

const Script& admit_script() {
  static const Script kScript{kAdmit};
  return kScript;
}

constexpr size_t kMostReadable = 64;

// Keys of others' making are long, secret, or not to be shown.
bool is_readable(const LimitAsk& ask) {
  if (ask.secret || ask.key.size() > kMostReadable) return false;
  for (const char c : ask.key) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

void append_digest(std::string_view text, std::string& out) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  for (size_t i = 0; i < 16; ++i) {
    out.push_back("0123456789abcdef"[digest[i] >> 4]);
    out.push_back("0123456789abcdef"[digest[i] & 15]);
  }
}

std::string key_of(const std::string& prefix, const LimitAsk& ask) {
  std::string out = prefix;
  out.append("limit:").append(ask.counter->id()).append(is_readable(ask) ? ":=" : ":#");
  if (is_readable(ask)) {
    out.append(ask.key);
  } else {
    append_digest(ask.key, out);
  }
  return out;
}

Result<bool> read_answer(const Reply& reply, std::span<LimitState> states) {
  const bool fits = reply.kind == Reply::Kind::kArray && reply.items.size() == 1 + 4 * states.size();
  if (!fits) return Error(ErrorKind::kUpstreamProtocol, "Redis answered something else than a decision");
  for (size_t i = 0; i < states.size(); ++i) {
    const Reply* of = &reply.items[1 + 4 * i];
    states[i].admits = of[0].integer == 1;
    states[i].remaining = static_cast<uint32_t>(of[1].integer);
    states[i].reset = std::chrono::microseconds(of[2].integer);
    states[i].retry_after = std::chrono::microseconds(of[3].integer);
  }
  return reply.items[0].integer == 1;
}

}  // namespace

coro::Task<Result<bool>> RedisLimitStore::admit(std::span<const LimitAsk> asks, std::span<LimitState> states,
                                                TimePoint now, coro::CancelSource* cancel) {
  std::array<std::string, kMostAsks> keys;
  std::array<std::string_view, kMostAsks> key_words;
  std::array<std::string_view, 1 + kMostAsks * 5> arguments;
  std::string now_us;
  if (time_ == Time::kOfCaller)
    now_us = std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
  size_t count = 0;
  arguments[count++] = now_us;
  for (size_t i = 0; i < asks.size(); ++i) {
    keys[i] = key_of(redis_->prefix(), asks[i]);
    key_words[i] = keys[i];
    for (const std::string& word : asks[i].counter->words()) arguments[count++] = word;
    arguments[count++] = asks[i].advisory ? "1" : "0";
  }
  const Words of_keys(key_words.data(), asks.size());
  const Words of_arguments(arguments.data(), count);
  const Result<Reply> reply = co_await redis_->eval(admit_script(), of_keys, of_arguments, cancel);
  if (!reply) co_return reply.error();
  co_return read_answer(*reply, states);
}

}  // namespace vg::store
