#include "store/digest.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace vg::store {

namespace {
EVP_MD_CTX* of(const void* state) { return static_cast<EVP_MD_CTX*>(const_cast<void*>(state)); }

// For the life of the process: to look for it anew costs as much as a digest.
const EVP_MD* sha256() {
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kSha256;
}
}  // namespace

void Digest::Free::operator()(void* state) const { EVP_MD_CTX_free(of(state)); }

Digest::Digest() : state_(EVP_MD_CTX_new()) {
  if (EVP_DigestInit_ex2(of(state_.get()), sha256(), nullptr) != 1) std::abort();  // a library without SHA-256
}

Digest& Digest::add(std::string_view part) {
  uint64_t size = part.size();
  unsigned char length[8];
  for (unsigned char& byte : length) {
    byte = static_cast<unsigned char>(size & 0xff);
    size >>= 8;
  }
  EVP_DigestUpdate(of(state_.get()), length, sizeof length);
  EVP_DigestUpdate(of(state_.get()), part.data(), part.size());
  return *this;
}

std::string Digest::take() {
  std::string out(kBytes, '\0');
  EVP_DigestFinal_ex(of(state_.get()), reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

}  // namespace vg::store
