#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "media/direct/types.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/ds1/ticket.hpp"

namespace beckon::client::direct {

/// One value of the header Direct-Session: an INVITE says which direct session it is the fallback of
/// (DIRECT_SESSIONS 11). Only `proof` shows that both are of one caller; the rest can be seen on the wire.
struct Claim {
  beckon::direct::Attempt attempt{};
  beckon::direct::Tag tag{};
  ds1::Epoch epoch{};
  crypto::Key16 proof{};
  bool operator==(const Claim&) const = default;
};

/// "call=<16 hex>;tag=<6 hex>;epoch=<8 hex>;proof=<32 hex>".
std::string print(const Claim& claim);

/// A session rings on at most that many devices (DIRECT_SESSIONS 9); further values are not read.
inline constexpr std::size_t claim_values_max = 8;
/// Reads the values of one header line. Those that cannot be read are left out, as are unknown parameters.
std::vector<Claim> parse_claims(std::string_view line);

}  // namespace beckon::client::direct
