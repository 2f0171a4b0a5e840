#include "base/random_hex.h"

#include <sys/random.h>

#include <cstdint>
#include <cstring>

namespace vg {

namespace {

// xoshiro256**: ids must be unlikely to collide, not secret. Seeded by the kernel, one a thread.
struct Random {
  uint64_t s[4];
  Random() {
    if (getrandom(s, sizeof s, 0) != sizeof s) s[0] = reinterpret_cast<uintptr_t>(this) | 1;
  }
  static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  uint64_t next() {
    const uint64_t result = rotl(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
  }
};

// The hexadecimal digits of a half of `bits` at once: each nibble in a byte of its own, then made a letter or a digit.
uint64_t hex_of(uint32_t bits) {
  uint64_t x = bits;
  x = (x | (x << 16)) & 0x0000ffff0000ffff;
  x = (x | (x << 8)) & 0x00ff00ff00ff00ff;
  x = (x | (x << 4)) & 0x0f0f0f0f0f0f0f0f;
  const uint64_t letters = ((x + 0x0606060606060606) >> 4) & 0x0101010101010101;
  return x + 0x3030303030303030 + letters * ('a' - '9' - 1);
}

}  // namespace

void write_random_hex(char* out, std::size_t digits) {
  static thread_local Random random;
  for (std::size_t at = 0; at < digits; at += 16) {
    const uint64_t bits = random.next() | 1;
    const uint64_t text[2] = {hex_of(static_cast<uint32_t>(bits)), hex_of(static_cast<uint32_t>(bits >> 32))};
    std::memcpy(out + at, text, sizeof text);
  }
}

}  // namespace vg
