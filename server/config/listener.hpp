#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/config/error.hpp"

namespace beckon::server {

/// One address the server listens on.
struct Listener {
  enum class Kind : std::uint8_t { udp, tcp, tls, ws, wss, https, stun, admin };
  Kind kind = Kind::udp;
  Address address;
  bool operator==(const Listener&) const = default;

  /// The SIP transport it carries; nullopt for the other kinds.
  std::optional<transaction::Protocol> protocol() const;
  bool needs_certificate() const;
};

/// Reads "udp:127.0.0.1:5060", "tls:[::1]:5061", "https:127.0.0.1:0". Errors: Errc::bad_listener,
/// bad_address.
Result<Listener> parse_listener(std::string_view text);
std::string print(const Listener& listener);

}  // namespace beckon::server
