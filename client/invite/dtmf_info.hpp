#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace beckon::client::invite {

/// Digits in INFO requests, as many gateways use them beside RFC 4733; no RFC describes the bodies.
inline constexpr std::string_view dtmf_relay_type = "application/dtmf-relay";

/// The digit of a body of application/dtmf-relay ("Signal=5\r\nDuration=160") or application/dtmf ("5").
/// Empty for another type, or without a digit. `type` may have parameters.
std::optional<char> parse_dtmf(std::string_view type, std::string_view body);
/// A body of application/dtmf-relay.
std::string print_dtmf(char digit);

}  // namespace beckon::client::invite
