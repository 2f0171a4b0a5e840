// Reading certificates and keys into OpenSSL's contexts, with words for what is wrong. Thread: any; at load.
#pragma once
#include "net/tls_context.h"

namespace vg::net {

/// The whole of `file`, which the setting `key` names.
Result<std::string> read_file(std::string_view key, const std::string& file);
/// What both sides have in common: versions, ciphers, and what is switched off. nullptr: no memory.
SslContextPtr new_tls_context(const SSL_METHOD* method, bool tls13_only);
/// The chain in `certificate` and the private key in `key` that belongs to it.
Result<void> use_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key,
                             std::vector<std::string>* warnings);
/// Trusts the certificates of the file. `shown`: a listener's, which tells clients their names.
Result<void> trust(SSL_CTX* context, const std::string& key, const std::string& file, bool shown);
/// The DNS names a certificate stands for, in lower case: those of subjectAltName, or the common name.
std::vector<std::string> names_of(X509* certificate);
/// An OCSP response (RFC 6960), checked to be one.
Result<std::string> read_staple(const std::string& file);

}  // namespace vg::net
