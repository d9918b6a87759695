#pragma once

#include <memory>
#include <span>
#include <string>

#include "protocol/base/bytes.hpp"

struct ssl_ctx_st;
struct x509_st;

namespace beckon::dtls {

/// A hash of a certificate, as a=fingerprint names it (RFC 8122 5).
struct Fingerprint {
  std::string hash;  ///< Lower case: "sha-256".
  Bytes digest;
  bool operator==(const Fingerprint&) const = default;
};

/// The key and the self-signed certificate of one device (RFC 5763 3): ECDSA on P-256. The certificate names
/// nobody, and the key lives as long as the object: what joins the calls of a device is its fingerprint, so
/// it is not kept in a file. One thread.
class Identity {
 public:
  Identity();
  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  /// SHA-256 of the certificate.
  const Fingerprint& fingerprint() const { return fingerprint_; }
  /// What OpenSSL makes each machine of; owned.
  ssl_ctx_st* context() const { return context_.get(); }
  /// Cookies of HelloVerifyRequest are made with it (RFC 6347 4.2.1).
  ByteView cookie_secret() const { return cookie_secret_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  Fingerprint fingerprint_;
  Bytes cookie_secret_;
};

/// Does the certificate have one of the fingerprints? Of several hashes the strongest counts (RFC 8122 5.1).
/// MD2, MD5 and unknown hashes match nothing.
bool matches(const x509_st* certificate, std::span<const Fingerprint> fingerprints);

}  // namespace beckon::dtls
