#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "protocol/net/tls.hpp"
#include "server/config/config.hpp"
#include "server/daemon/failure.hpp"
#include "server/daemon/names.hpp"

namespace beckon::server {

/// The TLS contexts, made from the configured certificate or from the self-signed one in the data folder.
class Certificates {
 public:
  /// Does nothing where no listener needs a certificate. Without a configured one, makes the self-signed one
  /// for `names` if the data folder holds neither of its two files.
  std::optional<Failure> open(const Config& config, const CertificateNames& names);
  /// Reads the files again, and asks clients for certificates as `config` says; false when a file cannot be
  /// used, and what was in use stays in use.
  bool reload(const Config& config);
  /// The PEM file that listeners show; empty where none needs a certificate.
  const std::string& file() const { return file_; }
  /// What is in the files that say which peers are believed; changes with `reload` alone.
  const std::string& authorities() const { return authorities_; }

  /// For HTTPS and WebSocket: browsers and XCAP clients are never asked for certificates. Null where no
  /// listener needs one.
  const net::TlsContextPtr& web() const { return web_; }
  /// For SIP over TLS, which may ask.
  const net::TlsContextPtr& sip() const { return sip_; }
  /// For connections that this server makes: to other domains, where it shows its certificate, too. Null
  /// where there is no trust.
  const net::TlsContextPtr& dialled() const { return dialled_; }

 private:
  net::TlsContextPtr web_;
  net::TlsContextPtr sip_;
  net::TlsContextPtr dialled_;
  std::string authorities_, file_;
};

}  // namespace beckon::server
