#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"
#include "protocol/net/error.hpp"

namespace beckon::net {

/// Whether a server asks its clients for certificates (RFC 5922 7.4).
struct ClientCertificates {
  bool asked = false;
  /// PEM files of trusted authorities, or of pinned certificates; "": the system's authorities.
  std::vector<std::string> ca_paths{};
  /// The handshake fails without a trusted one. Else a client that has none is served like any other.
  bool required = false;
};

/// Certificates and trust of one side of TLS (1.2 and later). Shared by all loops; `reload` may run while
/// others use it: open connections keep what they have.
class TlsContext {
 public:
  /// A server's: PEM files of the certificate chain and its private key. Errors: Errc::bad_certificate.
  static Result<std::shared_ptr<TlsContext>> server(std::string certificate_path, std::string key_path,
                                                    ClientCertificates clients = {});
  /// A client's: trusts what `ca_path` (PEM) holds (authorities, or one self-signed certificate that is
  /// pinned so), or the system's authorities when it is empty. Errors: Errc::bad_certificate.
  static Result<std::shared_ptr<TlsContext>> client(std::string ca_path = {});
  /// The same, with a certificate of its own for servers that ask.
  static Result<std::shared_ptr<TlsContext>> client(std::string ca_path, std::string certificate_path,
                                                    std::string key_path);

  /// One that trusts the certificate with this fingerprint and no other, whatever names it has and whoever
  /// signed it. `fingerprint`: "sha256:" and 64 lower-case hexadecimal digits.
  static Result<std::shared_ptr<TlsContext>> pinned_client(std::string fingerprint);

  ~TlsContext();
  /// Reads the files again; on an error the present certificates stay in use.
  Result<void> reload();
  /// The same of a server that asks its clients otherwise from now on.
  Result<void> reload(ClientCertificates clients);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};
using TlsContextPtr = std::shared_ptr<TlsContext>;

/// Which certificates count as those of the dialled name.
enum class Identity {
  sip,   ///< RFC 5922 7: SIP URIs of the subjectAltName, else its DNS names, else the common name; no
         ///< wildcards.
  https  ///< RFC 9110 4.3.4: DNS names with wildcards.
};  // both: an address literal needs an IP address in the subjectAltName

/// What a certificate file says.
struct CertificateFacts {
  std::string fingerprint;          ///< As `pinned_client` takes it.
  std::vector<std::string> names;   ///< The SIP domains and addresses it is for.
  std::chrono::sys_seconds begins;  ///< Valid from
  std::chrono::sys_seconds ends;    ///< and until.
  bool is_self_signed = false;      ///< No authority vouches for it.
};
/// Of the first certificate of a PEM file. Errors: Errc::bad_certificate.
Result<CertificateFacts> read_certificate(const std::string& path);

/// Makes an ECDSA P-256 key and a self-signed certificate for `names` (the first one is the subject) and
/// `ips`, valid for ten years, and writes both as PEM; the key's file gets mode 0600. Existing files are
/// replaced. Both are on the disk under names that end in ".new" before the key, and then the certificate,
/// gets its own name.
Result<void> make_self_signed(const std::string& certificate_path, const std::string& key_path,
                              const std::vector<std::string>& names, const std::vector<IpAddress>& ips);
/// Finishes a `make_self_signed` that was killed between its two renames: true where the key is there, the
/// certificate is not, and the one that ends in ".new" fits the key and was renamed.
bool finish_self_signed(const std::string& certificate_path, const std::string& key_path);

}  // namespace beckon::net
