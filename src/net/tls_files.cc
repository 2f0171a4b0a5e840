#include "net/tls_files.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/strings.h"

namespace vg::net {

namespace {

struct OpensslFree {
  void operator()(BIO* b) const { BIO_free(b); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
  void operator()(OCSP_RESPONSE* r) const { OCSP_RESPONSE_free(r); }
  void operator()(GENERAL_NAMES* n) const { GENERAL_NAMES_free(n); }
};
template <typename T>
using Ptr = std::unique_ptr<T, OpensslFree>;

Error wrong(std::string_view key, std::string_view file, std::string_view what) {
  return Error(ErrorKind::kInternal, std::string(key).append(": ").append(file).append(" ").append(what));
}

}  // namespace

Result<std::string> read_file(std::string_view key, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  if (in) text.assign(std::istreambuf_iterator<char>(in), {});
  if (!in || in.bad()) return wrong(key, file, std::string("cannot be read: ") + std::strerror(errno));
  return text;
}

namespace {

Result<std::vector<Ptr<X509>>> read_certificates(std::string_view key, const std::string& file) {
  Result<std::string> text = read_file(key, file);
  if (!text) return std::move(text.error());
  const Ptr<BIO> bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  std::vector<Ptr<X509>> all;
  ERR_clear_error();
  for (;;) {
    Ptr<X509> next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    all.push_back(std::move(next));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (all.empty()) return wrong(key, file, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  if (!at_end) return wrong(key, file, "holds a certificate that cannot be read");
  return all;
}

// There is nobody to ask for a passphrase.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<Ptr<EVP_PKEY>> read_key(const std::string& file) {
  Result<std::string> text = read_file("key", file);
  if (!text) return std::move(text.error());
  const Ptr<BIO> bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  bool asked = false;
  Ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
  OPENSSL_cleanse(text->data(), text->size());
  ERR_clear_error();
  if (asked) return wrong("key", file, "is encrypted, and there is nobody to ask for its passphrase; store it without");
  if (!key) return wrong("key", file, "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)");
  return key;
}

std::string day_of(const ASN1_TIME* time) {
  tm t{};
  if (ASN1_TIME_to_tm(time, &t) != 1) return "?";
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &t);
  return text.data();
}

void warn_of_dates(X509* certificate, const std::string& file, std::vector<std::string>* warnings) {
  const ASN1_TIME* until = X509_get0_notAfter(certificate);
  const ASN1_TIME* from = X509_get0_notBefore(certificate);
  const std::time_t now = std::chrono::system_clock::to_time_t(Clock::wall());
  if (X509_cmp_time(until, const_cast<std::time_t*>(&now)) < 0)
    warnings->push_back("the certificate " + file + " has expired on " + day_of(until));
  if (X509_cmp_time(from, const_cast<std::time_t*>(&now)) > 0)
    warnings->push_back("the certificate " + file + " is not valid before " + day_of(from));
}

}  // namespace

// The ciphers of TLS 1.2 are those with forward secrecy and authenticated encryption alone; of TLS 1.3, OpenSSL's own.
SslContextPtr new_tls_context(const SSL_METHOD* method, bool tls13_only) {
  SslContextPtr context(SSL_CTX_new(method));
  if (!context) return nullptr;
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(c,
                          "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                          "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305");
  SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384");
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // An idle connection holds no buffers.
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);
  return context;
}

Result<void> use_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key,
                             std::vector<std::string>* warnings) {
  Result<std::vector<Ptr<X509>>> chain = read_certificates("certificate", certificate);
  if (!chain) return std::move(chain.error());
  Result<Ptr<EVP_PKEY>> secret = read_key(key);
  if (!secret) return std::move(secret.error());
  std::vector<Ptr<X509>>& all = chain.value();
  if (X509_check_private_key(all[0].get(), secret->get()) != 1) {
    ERR_clear_error();
    return wrong("key", key, "does not belong to the certificate " + certificate);
  }
  if (SSL_CTX_use_certificate(context, all[0].get()) != 1 || SSL_CTX_use_PrivateKey(context, secret->get()) != 1) {
    const char* words = ERR_reason_error_string(ERR_peek_error());
    Error e = wrong("certificate", certificate, std::string("cannot be used: ") + (words != nullptr ? words : "?"));
    ERR_clear_error();
    return e;
  }
  for (size_t i = 1; i < all.size(); ++i) SSL_CTX_add1_chain_cert(context, all[i].get());
  for (const Ptr<X509>& one : all) warn_of_dates(one.get(), certificate, warnings);
  return {};
}

Result<void> trust(SSL_CTX* context, const std::string& key, const std::string& file, bool shown) {
  Result<std::vector<Ptr<X509>>> all = read_certificates(key, file);
  if (!all) return std::move(all.error());
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const Ptr<X509>& one : all.value()) {
    X509_STORE_add_cert(store, one.get());
    if (shown) SSL_CTX_add_client_CA(context, one.get());
  }
  ERR_clear_error();
  return {};
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const auto add = [&names](const ASN1_STRING* text) {
    std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<size_t>(ASN1_STRING_length(text)));
    if (!name.empty()) names.push_back(lower(name));
  };
  const Ptr<GENERAL_NAMES> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) add(name->d.dNSName);
  }
  if (!names.empty()) return names;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return names;
}

Result<std::string> read_staple(const std::string& file) {
  Result<std::string> text = read_file("ocsp", file);
  if (!text) return text;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text->data());
  const Ptr<OCSP_RESPONSE> response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(text->size())));
  ERR_clear_error();
  if (!response) return wrong("ocsp", file, "is no OCSP response in DER form");
  if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return wrong("ocsp", file, "is the OCSP response of a failure");
  return text;
}

}  // namespace vg::net
