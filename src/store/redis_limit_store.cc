#include "store/redis_limit_store.h"

#include <algorithm>
#include <bit>

#include "base/strings.h"
#include "store/digest.h"

namespace vg::store {

namespace {

// KEYS: one of each limit. ARGV: the time in microseconds, or nothing for Redis's own; then of each limit the packed
// words of LimitCounter: limit, window in microseconds, burst, algorithm (0, 1, 2 as LimitAlgorithm), 1 if advisory.
// Answers: '1' if the request is admitted, else '0'; then of each limit, packed: 1 if it admits, what remains, reset
// and retry_after in microseconds. A refused request changes nothing. The algorithms are those of limit_count.cc.
// Numbers go packed both ways, and a decision of one limit makes no table: Redis has one thread for all processes, and
// this is most of what a decision costs. A sliding window is its latest sixteenth, the total, and 17 counts, oldest
// first.
constexpr const char* kAdmit = R"lua(
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000000 + t[2]
end
local function look(i)
  local limit, window, burst, algorithm, advisory = struct.unpack('<dddBB', ARGV[i + 1])
  local kept = redis.call('GET', KEYS[i])
  if algorithm == 0 then
    local part, total, counts = math.floor(now * 16 / window), 0, nil
    if kept and #kept == 80 then
      local latest
      latest, total = struct.unpack('<dI4', kept)
      local moved = part - latest
      if moved <= 0 then
        part, counts = latest, string.sub(kept, 13)
      elseif moved < 17 then
        for k = 13, 9 + moved * 4, 4 do total = total - struct.unpack('<I4', kept, k) end
        counts = string.sub(kept, 13 + moved * 4) .. string.rep('\0', moved * 4)
      else
        total = 0
      end
    end
    return total < limit, advisory, part, total, counts or string.rep('\0', 68)
  end
  local valid = kept and #kept == 16
  if algorithm == 1 then
    local at, taken = now, 0
    if valid then
      at, taken = struct.unpack('<dd', kept)
      local passed = math.max(0, now - at)
      at, taken = at + passed, math.max(0, taken - passed * limit / window)
    end
    return taken + 1 <= burst + 1e-6, advisory, at, taken
  end
  local part, total = math.floor(now / window), 0
  if valid then
    local latest, counted = struct.unpack('<dd', kept)
    if latest >= part then part, total = latest, counted end
  end
  return total < limit, advisory, part, total
end
local function settle(i, admitted, admits, at, taken, counts)
  local limit, window, burst, algorithm = struct.unpack('<dddB', ARGV[i + 1])
  local counted = admitted and admits
  if counted then taken = taken + 1 end
  local remaining, reset, retry, value, empty = math.max(0, limit - taken), 0, 0
  if algorithm == 0 then
    local step = window / 16
    if counted then
      value = struct.pack('<dI4', at, taken) .. string.sub(counts, 1, 64) ..
              struct.pack('<I4', struct.unpack('<I4', counts, 65) + 1)
      counts, empty = string.sub(value, 13), (at + 17) * step - now
    end
    local oldest = string.find(counts, '[^%z]')
    if oldest then
      local k = oldest - (oldest - 1) % 4
      reset = (at + (k - 1) / 4 + 1) * step - now
      if not admits then
        local gone, enough = struct.unpack('<I4', counts, k), taken - limit + 1
        while gone < enough and k < 65 do
          k = k + 4
          gone = gone + struct.unpack('<I4', counts, k)
        end
        retry = (at + (k - 1) / 4 + 1) * step - now
        reset = retry
      end
    end
  elseif algorithm == 1 then
    remaining = math.max(0, math.floor(burst - taken + 1e-6))
    reset = math.ceil(taken * window / limit)
    if counted then value, empty = struct.pack('<dd', at, taken), reset + at - now end
    if not admits then retry = math.ceil((taken + 1 - burst) * window / limit) end
  else
    reset = (at + 1) * window - now
    if counted then value, empty = struct.pack('<dd', at, taken), reset end
    if not admits then retry = reset end
  end
  if value then redis.call('PSETEX', KEYS[i], string.format('%d', empty / 1000 + 1), value) end
  return struct.pack('<Bddd', admits and 1 or 0, remaining, reset, retry)
end
if #KEYS == 1 then
  local admits, advisory, at, taken, counts = look(1)
  local admitted = admits or advisory == 1
  return (admitted and '1' or '0') .. settle(1, admitted, admits, at, taken, counts)
end
local admitted, all = true, {}
for i = 1, #KEYS do
  all[i] = {look(i)}
  admitted = admitted and (all[i][1] or all[i][2] == 1)
end
local out = admitted and '1' or '0'
for i = 1, #KEYS do out = out .. settle(i, admitted, all[i][1], unpack(all[i], 3, 5)) end
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
  const std::string digest = Digest().add(text).take();
  append_hex(out, std::string_view(digest).substr(0, Digest::kBytes / 2));
}

void append_key(const std::string& prefix, const LimitAsk& ask, std::string& out) {
  const bool readable = is_readable(ask);
  append_all(out, {prefix, "limit:", ask.counter->id(), readable ? ":=" : ":#", readable ? ask.key : ""});
  if (!readable) append_digest(ask.key, out);
}

// As struct.pack() of Redis's Lua writes it with "<d".
double read_double(const char* p) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < 8; ++i) bits |= uint64_t{static_cast<unsigned char>(p[i])} << (8 * i);
  return std::bit_cast<double>(bits);
}

constexpr size_t kStateBytes = 1 + 3 * sizeof(double);
constexpr double kMostMicros = 1e15;  // some thirty years, and what a Duration holds

Result<bool> read_answer(const Reply& reply, std::span<LimitState> states) {
  const Error strange(ErrorKind::kUpstreamProtocol, "Redis answered something else than a decision");
  if (reply.kind != Reply::Kind::kText || reply.text.size() != 1 + kStateBytes * states.size()) return strange;
  const char* p = reply.text.data() + 1;
  for (LimitState& state : states) {
    const double remaining = read_double(p + 1), reset = read_double(p + 9), retry_after = read_double(p + 17);
    for (const double number : {remaining, reset, retry_after}) {
      if (!(number >= 0 && number <= kMostMicros)) return strange;
    }
    state.admits = *p == 1;
    state.remaining = static_cast<uint32_t>(std::min<double>(remaining, LimitRule::kMost));
    state.reset = std::chrono::microseconds(static_cast<int64_t>(reset));
    state.retry_after = std::chrono::microseconds(static_cast<int64_t>(retry_after));
    p += kStateBytes;
  }
  return reply.text[0] == '1';
}

}  // namespace

coro::Task<Result<bool>> RedisLimitStore::admit(std::span<const LimitAsk> asks, std::span<LimitState> states,
                                                TimePoint now, coro::CancelSource* cancel) {
  std::string keys;
  std::array<size_t, kMostAsks> key_bytes;
  std::array<std::string_view, kMostAsks> key_words;
  std::array<std::string_view, 1 + kMostAsks> arguments;
  std::string now_us;
  if (time_ == Time::kOfCaller)
    now_us = std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
  size_t count = 0;
  arguments[count++] = now_us;
  for (size_t i = 0; i < asks.size(); ++i) {
    const size_t begin = keys.size();
    append_key(redis_->prefix(), asks[i], keys);
    key_bytes[i] = keys.size() - begin;
    arguments[count++] = asks[i].counter->packed(asks[i].advisory);
  }
  size_t begin = 0;
  for (size_t i = 0; i < asks.size(); begin += key_bytes[i++])
    key_words[i] = std::string_view(keys).substr(begin, key_bytes[i]);
  const Words of_keys(key_words.data(), asks.size());
  const Words of_arguments(arguments.data(), count);
  const Result<Reply> reply = co_await redis_->eval(admit_script(), of_keys, of_arguments, cancel);
  if (!reply) co_return reply.error();
  co_return read_answer(*reply, states);
}

}  // namespace vg::store
