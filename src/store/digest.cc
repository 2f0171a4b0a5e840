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

void must(int done) {
  if (done != 1) std::abort();
}
}  // namespace

void Digest::Free::operator()(void* state) const { EVP_MD_CTX_free(of(state)); }

Digest::Digest() : state_(EVP_MD_CTX_new()) { must(EVP_DigestInit_ex2(of(state_.get()), sha256(), nullptr)); }

Digest& Digest::add(std::string_view part) {
  uint64_t size = part.size();
  unsigned char length[8];
  for (unsigned char& byte : length) {
    byte = static_cast<unsigned char>(size & 0xff);
    size >>= 8;
  }
  must(EVP_DigestUpdate(of(state_.get()), length, sizeof length));
  must(EVP_DigestUpdate(of(state_.get()), part.data(), part.size()));
  return *this;
}

std::string Digest::take() {
  std::string out(kBytes, '\0');
  must(EVP_DigestFinal_ex(of(state_.get()), reinterpret_cast<unsigned char*>(out.data()), nullptr));
  return out;
}

void append_hex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
}

}  // namespace vg::store
