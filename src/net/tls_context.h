// What TLS connections begin with: the certificates that a listener shows and whom it lets in, the authorities that a
// client trusts and what it shows. Made at load from the files (so `check` finds what a start would), shared by all
// loops, kept by its connections over a reload. Thread: any.
#pragma once
#include <array>
#include <map>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "net/tls_session.h"

namespace vg::net {

/// To be called before anything else of OpenSSL's: it is not to tidy up at the end of the process, where threads that
/// delete what was replaced may still use it.
void init_tls();

using SslContextPtr = std::unique_ptr<SSL_CTX, SslFree>;

/// The keys that session tickets are sealed with (RFC 5077; RFC 8446 section 4.6.1): of the whole process, so that any
/// worker resumes what another began, and a reload changes nothing. A key seals for an hour and opens for two more.
class TlsTicketKeys {
 public:
  TlsTicketKeys() = default;
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> aes, mac;
    TimePoint made;
  };
  /// The key to seal with now; nullopt if there are no random numbers.
  std::optional<Key> to_seal(TimePoint now);
  /// The key of that name, and whether it is the one to seal with.
  std::optional<Key> to_open(const unsigned char* name, TimePoint now, bool* newest);

 private:
  std::mutex mutex_;
  std::vector<Key> keys_;  // the newest first
};

/// Paths of PEM files; `ocsp` of a DER file, or empty.
struct TlsCertificateFiles {
  std::string certificate, key, ocsp;
};

struct TlsListenerSettings {
  std::vector<TlsCertificateFiles> certificates;  ///< the first is for who names none of the others; never empty
  std::string client_ca;                          ///< empty: clients need no certificate
  bool tls13_only = false;
  std::vector<std::string> alpn;  ///< what may be chosen, the best first
  std::string identity;           ///< sessions are resumed only where this is the same
};

class TlsListener : public std::enable_shared_from_this<TlsListener> {
 public:
  /// Errors: `detail` names the key and the file, and says what is wrong with it. `warnings` gets what is no error: a
  /// certificate that has expired.
  static Result<std::shared_ptr<const TlsListener>> load(const TlsListenerSettings& settings,
                                                         std::shared_ptr<TlsTicketKeys> tickets,
                                                         std::vector<std::string>* warnings);
  /// The server's side of a new connection; nullptr: no memory.
  std::unique_ptr<TlsSession> accept() const;
  bool asks_for_certificate() const { return asks_; }

 private:
  TlsListener() = default;
  SSL_CTX* choose(std::string_view name) const;
  static int on_server_name(SSL* ssl, int* alert, void* self);
  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                     unsigned in_size, void* self);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                       int sealing);
  static int on_status(SSL* ssl, void* response);
  Result<SslContextPtr> make_context(const TlsListenerSettings& settings, const TlsCertificateFiles& files,
                                     std::vector<std::string>* warnings);

  std::vector<SslContextPtr> contexts_;
  std::vector<std::unique_ptr<std::string>> staples_;
  std::map<std::string, SSL_CTX*, std::less<>> by_name_;  // lower case; "*.example.com" too
  std::vector<std::string> alpn_;
  std::shared_ptr<TlsTicketKeys> tickets_;
  bool asks_ = false;
};

struct TlsClientSettings {
  std::string ca;                ///< a PEM file; empty: the system's authorities
  std::string certificate, key;  ///< PEM files; empty: none is shown
  std::string server_name;       ///< empty: the host of the url
  bool verify = true;
  bool operator==(const TlsClientSettings&) const = default;
};

class TlsClient : public std::enable_shared_from_this<TlsClient> {
 public:
  static Result<std::shared_ptr<const TlsClient>> load(const TlsClientSettings& settings,
                                                       std::vector<std::string>* warnings);
  /// The client's side of a connection to `host`, whose name must stand in the certificate. `alpn`: what it offers.
  std::unique_ptr<TlsSession> connect(const std::string& host, bool is_ip, const std::vector<std::string>& alpn,
                                      std::shared_ptr<TlsResumption> resumption) const;

 private:
  explicit TlsClient(TlsClientSettings settings) : settings_(std::move(settings)) {}
  TlsClientSettings settings_;
  SslContextPtr context_;
};

/// What connections to one peer begin with, which outlives a reload that reads it anew. Thread: any.
class TlsClientSlot {
 public:
  /// nullptr: no TLS.
  std::shared_ptr<const TlsClient> get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return client_;
  }
  void set(std::shared_ptr<const TlsClient> client) {
    const std::lock_guard<std::mutex> lock(mutex_);
    client_ = std::move(client);
  }

 private:
  mutable std::mutex mutex_;  // taken when a connection is made, never for a request
  std::shared_ptr<const TlsClient> client_;
};

}  // namespace vg::net
