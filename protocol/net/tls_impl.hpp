#pragma once

#include <openssl/x509.h>

#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <mutex>

#include "protocol/base/time.hpp"
#include "protocol/net/tls.hpp"

namespace beckon::net {

/// What Asio needs of a TlsContext. Only this room's .cpp files include this.
struct TlsContext::Impl {
  enum class Side { server, client };
  Side side;
  std::string certificate_path, key_path, ca_path;
  ClientCertificates clients;  ///< Of a server.
  std::string pinned;  ///< Fingerprint of the only certificate that a client trusts; empty: trust decides.

  /// The newest; connections keep the one they began with.
  std::shared_ptr<boost::asio::ssl::context> current();
  Result<void> load();
  /// May a line about a peer be logged now? Once a second for all connections, as anybody can cause one. Any
  /// thread.
  bool may_log(Time now);

 private:
  std::atomic<Time::rep> next_line_{Time::min().time_since_epoch().count()};
  std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

/// "sha256:" and the digest of the whole certificate.
std::string fingerprint(X509* certificate);
CertificateFacts facts(X509* certificate);
/// What a certificate is for: its SIP domains as RFC 5922 7.1 finds them, and its IP addresses.
std::vector<std::string> identities(X509* certificate);
/// True when `certificate` is for `name`, a host name or an address literal.
bool is_for(X509* certificate, const std::string& name, Identity identity);

}  // namespace beckon::net
