#include "store/keyed_hash.h"

#include <openssl/rand.h>
#include <xxhash.h>

#include <array>
#include <cstdlib>

namespace vg::store {

namespace {

struct Secret {
  std::array<unsigned char, 192> bytes;
  Secret() {
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();  // a system without randomness
  }
};

}  // namespace

Hash128 keyed_hash(std::string_view bytes) {
  static const Secret kSecret;
  const XXH128_hash_t hash =
      XXH3_128bits_withSecret(bytes.data(), bytes.size(), kSecret.bytes.data(), kSecret.bytes.size());
  return {hash.low64, hash.high64};
}

}  // namespace vg::store
