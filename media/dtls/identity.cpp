#include "media/dtls/identity.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstdlib>

#include "protocol/crypto/crypto.hpp"

namespace beckon::dtls {
namespace {

/// OpenSSL fails here only when memory is exhausted or the library is broken.
void require(bool good) {
  if (!good) std::abort();
}

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

/// It has no date: a fingerprint in the signalling vouches for it, and nobody checks its dates (RFC 5763
/// 6.2).
CertificatePtr make_certificate(EVP_PKEY* key) {
  CertificatePtr out(X509_new());
  X509* const certificate = out.get();
  require(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1);
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1);
  require(ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20000101000000Z") == 1);
  // "no well-defined expiration date" (RFC 5280 4.1.2.5).
  require(ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1);
  X509_NAME* const name = X509_get_subject_name(certificate);
  constexpr unsigned char common[] = "WebRTC";  // as many others say: it tells nothing of the program
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1);
  require(X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1);
  require(X509_sign(certificate, key, EVP_sha256()) > 0);
  return out;
}

Bytes digest_of(const X509* certificate, const EVP_MD* hash) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  require(X509_digest(certificate, hash, out.data(), &size) == 1);
  out.resize(size);
  return out;
}

int accept_any(int, X509_STORE_CTX*) { return 1; }  // fingerprints are checked, not chains

void configure(SSL_CTX* context) {
  // RFC 8827 6.5; OpenSSL 3.0 has no DTLS 1.3.
  require(SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1);
  require(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL") == 1);
  require(SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
  // What a peer may make us hold before it has proved anything.
  SSL_CTX_set_max_cert_list(context, 16384);
  SSL_CTX_set_read_ahead(context, 1);
}

}  // namespace

void Identity::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Identity::Identity() : context_(SSL_CTX_new(DTLS_method())), cookie_secret_(32) {
  require(context_ != nullptr && RAND_bytes(cookie_secret_.data(), 32) == 1);
  const std::unique_ptr<EVP_PKEY, FreeKey> key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  const auto certificate = make_certificate(key.get());
  configure(context_.get());
  require(SSL_CTX_use_certificate(context_.get(), certificate.get()) == 1);
  require(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1);
  fingerprint_ = {"sha-256", digest_of(certificate.get(), EVP_sha256())};
}

Identity::~Identity() { crypto::wipe(cookie_secret_); }

bool matches(const x509_st* certificate, std::span<const Fingerprint> fingerprints) {
  struct Known {
    const char* name;
    const EVP_MD* (*hash)();
  };
  constexpr std::array<Known, 5> strongest_first{{{"sha-512", EVP_sha512},
                                                  {"sha-384", EVP_sha384},
                                                  {"sha-256", EVP_sha256},
                                                  {"sha-224", EVP_sha224},
                                                  {"sha-1", EVP_sha1}}};
  for (const Known& known : strongest_first) {
    bool is_named = false;
    for (const Fingerprint& each : fingerprints) {
      if (each.hash != known.name) continue;
      is_named = true;
      if (crypto::equal_constant_time(each.digest, digest_of(certificate, known.hash()))) return true;
    }
    if (is_named) return false;
  }
  return false;
}

}  // namespace beckon::dtls
