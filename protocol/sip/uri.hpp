#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/sip/error.hpp"

namespace beckon::sip {

/// Octets of one URI (DESIGN 7): ten times what real ones need.
inline constexpr std::size_t max_uri_length = 1024;
/// Where none is named (RFC 3261 18.2.2, 19.1.2): UDP and TCP, and what goes over TLS.
inline constexpr std::uint16_t sip_port = 5060;
inline constexpr std::uint16_t sips_port = 5061;

/// Finds parameter `name` (any case) in a text like ";transport=tcp;lr;q=0.5". Present without a value
/// gives an empty text. Quotes around a value are taken off; its escapes stay.
std::optional<std::string_view> find_parameter(std::string_view parameters, std::string_view name);
/// Appends ";name=value", or ";name" when the value is empty.
void add_parameter(std::string& parameters, std::string_view name, std::string_view value = {});
/// The same text without parameter `name`.
std::string without_parameter(std::string_view parameters, std::string_view name);

/// A SIP or SIPS URI (RFC 3261 19.1), or any other scheme kept as text in `user` (tel, im, pres, urn).
/// `tel_of` reads the number of a tel URI.
struct Uri {
  std::string scheme;                 ///< Lower case: "sip", "sips", "tel", ...
  std::string user;                   ///< As written, escapes kept; empty where there is none.
  std::string password;               ///< As written.
  std::string host;                   ///< Lower case, without brackets.
  std::optional<std::uint16_t> port;  ///< Absent means the transport's default port.
  std::string parameters;             ///< As written, starting with ';'.
  std::string headers;                ///< As written, without the '?'.

  bool is_sip() const { return scheme == "sip" || scheme == "sips"; }
  std::optional<std::string_view> parameter(std::string_view name) const {
    return find_parameter(parameters, name);
  }
};

/// Reads a URI without angle brackets. Errors: Errc::bad_uri, bad_port, too_long.
Result<Uri> parse_uri(std::string_view text);
std::string print(const Uri& uri);

/// Same resource by the rules of RFC 3261 19.1.4? For tel those of RFC 3966 4; im, pres and urn: host,
/// namespace and service in any case; other schemes as text. A public GRUU is equivalent to its AOR (RFC
/// 5627 5.4). Past 64 parameters, 8 headers or 128 octets of headers text is compared: the work is bounded.
bool equivalent(const Uri& a, const Uri& b);

/// The address-of-record of a URI as the whole project spells it: "sip:user@host", scheme sip also for
/// sips, im and pres, host lower case, needless escapes of the user undone, no port and no parameters.
/// Empty for a URI without host. `sip:host` for one without user.
std::string canonical_aor(const Uri& uri);

}  // namespace beckon::sip
