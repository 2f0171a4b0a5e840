#include <openssl/sha.h>

#include "store/digest.h"
#include "store/redis.h"

namespace vg::store {

Script::Script(std::string text) : text_(std::move(text)) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text_.data()), text_.size(), digest);
  append_hex(sha1_, {reinterpret_cast<const char*>(digest), sizeof digest});
}

}  // namespace vg::store
