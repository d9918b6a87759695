#pragma once

#include <filesystem>
#include <optional>

#include "protocol/net/tls.hpp"
#include "server/config/config.hpp"
#include "server/daemon/failure.hpp"
#include "server/daemon/names.hpp"

namespace beckon::server {

/// The TLS contexts of the listeners, made from the configured certificate or from the self-signed one in the
/// data folder.
class Certificates {
 public:
  /// Does nothing where no listener needs a certificate. Without a configured one, makes the self-signed one
  /// for `names` if the data folder holds neither of its two files.
  std::optional<Failure> open(const Config& config, const CertificateNames& names);
  /// Reads the files again; false when one cannot be used, and what was in use stays in use.
  bool reload();

  /// For HTTPS and WebSocket: browsers and XCAP clients are never asked for certificates. Null where no
  /// listener needs one.
  const net::TlsContextPtr& web() const { return web_; }
  /// For SIP over TLS, which may ask.
  const net::TlsContextPtr& sip() const { return sip_; }

 private:
  net::TlsContextPtr web_;
  net::TlsContextPtr sip_;
};

}  // namespace beckon::server
