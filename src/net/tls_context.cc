#include "net/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "net/tls_files.h"

namespace vg::net {

namespace {
constexpr Duration kSeals = std::chrono::hours(1);
constexpr Duration kOpens = std::chrono::hours(3);
constexpr long kSessionSeconds = 7200;  // kOpens - kSeals: a ticket lives no longer than what opens it

Error no_memory() { return Error(ErrorKind::kInternal, "OpenSSL has no memory for TLS"); }
}  // namespace

void init_tls() { OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr); }

std::optional<TlsTicketKeys::Key> TlsTicketKeys::to_seal(TimePoint now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (keys_.empty() || now - keys_.front().made >= kSeals) {
    Key key;
    key.made = now;
    if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
        RAND_priv_bytes(key.aes.data(), static_cast<int>(key.aes.size())) != 1 ||
        RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) != 1)
      return std::nullopt;
    std::erase_if(keys_, [now](const Key& k) { return now - k.made >= kOpens; });
    keys_.insert(keys_.begin(), key);
  }
  return keys_.front();
}

std::optional<TlsTicketKeys::Key> TlsTicketKeys::to_open(const unsigned char* name, TimePoint now, bool* newest) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Key& key : keys_) {
    if (std::memcmp(key.name.data(), name, key.name.size()) != 0) continue;
    if (now - key.made >= kOpens) return std::nullopt;
    *newest = now - key.made < kSeals;
    return key;
  }
  return std::nullopt;
}

// OpenSSL's callback for tickets (SSL_CTX_set_tlsext_ticket_key_evp_cb): AES-256-CBC and HMAC-SHA-256, as RFC 5077
// section 4 recommends. 0: not ours, a full handshake follows; 2: opened, and a new one is due.
int TlsListener::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                           int sealing) {
  const auto* self = static_cast<const TlsListener*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  bool newest = true;
  const std::optional<TlsTicketKeys::Key> key =
      sealing != 0 ? self->tickets_->to_seal(Clock::now()) : self->tickets_->to_open(name, Clock::now(), &newest);
  if (!key) return sealing != 0 ? -1 : 0;
  if (sealing != 0) {
    std::memcpy(name, key->name.data(), key->name.size());
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  }
  const auto init = sealing != 0 ? EVP_EncryptInit_ex : EVP_DecryptInit_ex;
  if (init(cipher, EVP_aes_256_cbc(), nullptr, key->aes.data(), iv) != 1) return -1;
  std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key->mac.data()),
                                        key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("sha256"), 0), OSSL_PARAM_END};
  if (EVP_MAC_CTX_set_params(mac, parameters.data()) != 1) return -1;
  return newest ? 1 : 2;
}

// RFC 6066 section 3: the exact name, then the wildcard of its parent (RFC 6125 section 6.4.3: one label alone).
SSL_CTX* TlsListener::choose(std::string_view name) const {
  const std::string wanted = lower(name);
  const auto exact = by_name_.find(wanted);
  if (exact != by_name_.end()) return exact->second;
  const size_t dot = wanted.find('.');
  if (dot == std::string::npos) return nullptr;
  const auto wildcard = by_name_.find("*" + wanted.substr(dot));
  return wildcard != by_name_.end() ? wildcard->second : nullptr;
}

// A name that no certificate has is shown the first: the client will say what it thinks of that.
int TlsListener::on_server_name(SSL* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* chosen = static_cast<const TlsListener*>(self)->choose(name);
  if (chosen != nullptr && chosen != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, chosen);
  return SSL_TLSEXT_ERR_OK;
}

// RFC 7301: the server's best that the client offers. One that offers only others is told so (section 3.2).
int TlsListener::on_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                         unsigned in_size, void* self) {
  for (const std::string& own : static_cast<const TlsListener*>(self)->alpn_) {
    for (unsigned at = 0; at + 1 <= in_size && at + 1 + in[at] <= in_size; at += 1U + in[at]) {
      const std::string_view offered(reinterpret_cast<const char*>(in + at + 1), in[at]);
      if (offered != own) continue;
      *out = in + at + 1;
      *out_size = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int TlsListener::on_status(SSL* ssl, void* response) {
  const auto* der = static_cast<const std::string*>(response);
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(der->data(), der->size()));
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der->size()));
  return SSL_TLSEXT_ERR_OK;
}

Result<SslContextPtr> TlsListener::make_context(const TlsListenerSettings& settings, const TlsCertificateFiles& files,
                                                std::vector<std::string>* warnings) {
  SslContextPtr context = new_tls_context(TLS_server_method(), settings.tls13_only);
  if (!context) return no_memory();
  SSL_CTX* c = context.get();
  if (Result<void> used = use_certificate(c, files.certificate, files.key, warnings); !used) return used.error();
  std::string identity = settings.identity;
  if (!settings.client_ca.empty()) {
    // Who is no longer let in has no session to come back with.
    if (const Result<std::string> whom = read_file("client_ca", settings.client_ca)) identity += whom.value();
    if (Result<void> trusted = trust(c, "client_ca", settings.client_ca, true); !trusted) return trusted.error();
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (!files.ocsp.empty()) {
    Result<std::string> staple = read_staple(files.ocsp);
    if (!staple) return std::move(staple.error());
    staples_.push_back(std::make_unique<std::string>(std::move(staple.value())));
    SSL_CTX_set_tlsext_status_cb(c, on_status);
    SSL_CTX_set_tlsext_status_arg(c, staples_.back().get());
  }
  SSL_CTX_set_app_data(c, this);
  // Ours is the order, but for clients that have no hardware for AES and say so by asking for ChaCha20 first.
  SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // tickets alone: nothing to keep, and all workers have them
  SSL_CTX_set_timeout(c, kSessionSeconds);
  SSL_CTX_set_num_tickets(c, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(c, on_ticket);
  SSL_CTX_set_tlsext_servername_callback(c, on_server_name);
  SSL_CTX_set_tlsext_servername_arg(c, this);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(c, on_alpn, this);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(identity.data()), identity.size(), digest.data());
  SSL_CTX_set_session_id_context(c, digest.data(), static_cast<unsigned>(digest.size()));
  return context;
}

Result<std::shared_ptr<const TlsListener>> TlsListener::load(const TlsListenerSettings& settings,
                                                             std::shared_ptr<TlsTicketKeys> tickets,
                                                             std::vector<std::string>* warnings) {
  std::shared_ptr<TlsListener> self(new TlsListener);
  self->tickets_ = std::move(tickets);
  self->alpn_ = settings.alpn;
  self->asks_ = !settings.client_ca.empty();
  for (const TlsCertificateFiles& files : settings.certificates) {
    Result<SslContextPtr> context = self->make_context(settings, files, warnings);
    if (!context) return std::move(context.error());
    SSL_CTX* c = context->get();
    for (std::string& name : names_of(SSL_CTX_get0_certificate(c))) self->by_name_.try_emplace(std::move(name), c);
    self->contexts_.push_back(std::move(context.value()));
  }
  return std::shared_ptr<const TlsListener>(std::move(self));
}

std::unique_ptr<TlsSession> TlsListener::accept() const {
  return TlsSession::create(contexts_.front().get(), TlsSession::Side::kServer, shared_from_this());
}

Result<std::shared_ptr<const TlsClient>> TlsClient::load(const TlsClientSettings& settings,
                                                         std::vector<std::string>* warnings) {
  std::shared_ptr<TlsClient> self(new TlsClient(settings));
  self->context_ = new_tls_context(TLS_client_method(), false);
  if (!self->context_) return no_memory();
  SSL_CTX* c = self->context_.get();
  if (settings.ca.empty()) {
    SSL_CTX_set_default_verify_paths(c);
  } else if (Result<void> trusted = trust(c, "ca", settings.ca, false); !trusted) {
    return trusted.error();
  }
  if (!settings.certificate.empty()) {
    Result<void> used = use_certificate(c, settings.certificate, settings.key, warnings);
    if (!used) return used.error();
  }
  SSL_CTX_set_verify(c, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(c, TlsSession::keep_session);
  ERR_clear_error();
  return std::shared_ptr<const TlsClient>(std::move(self));
}

std::unique_ptr<TlsSession> TlsClient::connect(const std::string& host, bool is_ip,
                                               const std::vector<std::string>& alpn,
                                               std::shared_ptr<TlsResumption> resumption) const {
  const std::shared_ptr<const void> self = shared_from_this();
  if (resumption && resumption->client.lock() != self) {
    resumption->session.reset();
    resumption->client = self;
  }
  std::unique_ptr<TlsSession> session =
      TlsSession::create(context_.get(), TlsSession::Side::kClient, self, std::move(resumption));
  if (!session) return nullptr;
  SSL* ssl = session->ssl();
  const bool literal = is_ip && settings_.server_name.empty();
  const std::string& name = settings_.server_name.empty() ? host : settings_.server_name;
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  if (literal) {
    // RFC 6066 section 3: an address is no server name.
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str()) != 1) return nullptr;
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(ssl, name.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) return nullptr;
  }
  std::string offered;
  for (const std::string& protocol : alpn) offered.append(1, static_cast<char>(protocol.size())).append(protocol);
  if (!offered.empty())
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
  return session;
}

}  // namespace vg::net
