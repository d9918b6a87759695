#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/sip/message.hpp"
#include "server/store/time_scale.hpp"

namespace beckon::server::message {

/// What became of a stored message at one device.
struct Receipt {
  std::string device;     ///< `device_of` its binding.
  bool accepted = false;  ///< Else the device refused it, and does not get it again.
  bool operator==(const Receipt&) const = default;
};

/// One message that waits for a user's devices, or that one of them has and the others do not.
struct Stored {
  std::uint64_t number = 0;  ///< Of this user's messages the later has the greater one.
  std::string sender{};      ///< Canonical address-of-record.
  bool is_proven = false;    ///< The sender's password was checked.
  WallTime arrived{};
  Duration granted{};
  Time ends{};                ///< When it is given up, or, once a device has it, forgotten.
  bool is_delivered = false;  ///< A device has accepted it.
  std::vector<Receipt> receipts{};
  std::string text{};  ///< The request without what belongs to its way (`text_to_keep`).
};

/// The key of its record, and its name over HTTP: the number as 16 hexadecimal digits.
std::string key_of(std::uint64_t number);
std::optional<std::uint64_t> parse_key(std::string_view key);

/// As the store keeps it. `grace` as for `store::TimeScale::left`.
std::string print(const Stored& message, const store::TimeScale& scale);
std::optional<Stored> parse_stored(std::string_view key, std::string_view value, Time now,
                                   const store::TimeScale& scale, Duration grace);

/// A MESSAGE as it is kept: without Via, Route, credentials and asserted identities. A Date is added where
/// there is none, so that the recipient learns when it was sent.
std::string text_to_keep(const sip::Message& request, WallTime now);

/// How long a MESSAGE that came `now` may still be delivered: for `longest`, or what its Expires says,
/// counted from its Date where it has one (RFC 3428 7). A Date in the future does not prolong it. Zero: it
/// has expired.
Duration time_left(const sip::Message& request, WallTime now, Duration longest);
/// Had it expired when it came? Without Date that cannot be.
bool has_expired(const sip::Message& request, WallTime now);

}  // namespace beckon::server::message
