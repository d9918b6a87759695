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

/// What it is, for the bounds of an inbox and for what counts as waiting.
enum class Kind : std::uint8_t {
  message,       ///< A person's, or a program's for a person.
  notification,  ///< Of what became of another message (RFC 5438); for programs.
  own,           ///< The server's own text.
};

/// Why a message is stored. Values are stable: they stand in the store.
enum class Why : std::uint8_t {
  away = 0,        ///< There was no device, or none that answered.
  in_order = 1,    ///< An earlier one of its sender waited.
  left_alone = 2,  ///< The user wanted to be left alone.
};
const char* to_string(Why why);

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
  /// A note of the server's own about what happens again and again, and how often it has: while it waits the
  /// next note with that topic takes its place. Empty for what is no such note.
  std::string topic{};
  std::uint32_t times = 1;
  /// How often devices have refused it for now, relayed copies too, and which: those get it as another
  /// request than the ones they know. Empty as the name of a device stands for all of them.
  std::uint32_t refusals = 0;
  std::vector<std::string> refusers{};
  bool is_refused_by(std::string_view device) const;
  std::string text{};  ///< The request without what belongs to its way (`text_to_keep`).
  Kind kind = Kind::message;
  Why why = Why::away;
  /// Its Message-ID, else `documents::message_id`; empty where it is longer than `id_max`.
  std::string id{};
};
inline constexpr std::size_t id_max = 512;

/// Its text as a message; nothing where it cannot be read.
std::optional<sip::Message> request_of(const Stored& message);
/// Reads out of the text whether it is a notification, and `id`.
void describe(Stored& message);
/// The address-of-record in its From, which an anonymous sender does not share with `sender`.
std::string shown_sender(const Stored& message);

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

/// The request that such a device gets: with another From tag, so that the device does not take it for one
/// that it has answered (482, RFC 3261 8.2.2.2). Call-ID and CSeq stay, as they name the message.
sip::Message renewed(const sip::Message& request, std::uint32_t refusals);

/// How long a MESSAGE that came `now` may still be delivered: for `longest`, or what its Expires says,
/// counted from its Date where it has one (RFC 3428 7). A Date in the future does not prolong it. Zero: it
/// has expired.
Duration time_left(const sip::Message& request, WallTime now, Duration longest);
/// Had it expired when it came? Without Date that cannot be.
bool has_expired(const sip::Message& request, WallTime now);

}  // namespace beckon::server::message
