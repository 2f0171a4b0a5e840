#include <openssl/sha.h>

#include "store/redis.h"

namespace vg::store {

Script::Script(std::string text) : text_(std::move(text)) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text_.data()), text_.size(), digest);
  for (const unsigned char byte : digest) {
    sha1_.push_back("0123456789abcdef"[byte >> 4]);
    sha1_.push_back("0123456789abcdef"[byte & 15]);
  }
}

}  // namespace vg::store
