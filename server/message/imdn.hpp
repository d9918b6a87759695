#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/documents/cpim.hpp"
#include "protocol/sip/message.hpp"

/// What the server tells the sender of a stored message (RFC 5438 8), and what it makes of message/cpim for a
/// device that does not read it. Pure.
namespace beckon::server::message {

/// What the sender of a message asked to be told.
struct Wanted {
  std::string message_id{};
  std::string date_time{};  ///< Of the message; may be empty.
  std::string subject{};
  documents::Dispositions dispositions{};
};
/// Nothing for what is no message/cpim, has no Message-ID, asks for nothing, or is a notification itself: "it
/// is forbidden to request an IMDN for an IMDN" (RFC 5438 7.2.1).
std::optional<Wanted> wanted_of(const sip::Message& message);

/// What archives and receipts call it: its Message-ID, else `documents::message_id`.
std::string message_id_of(const sip::Message& message);

/// A disposition notification, inside message/cpim or alone: it says something to a program, and nothing to a
/// person.
bool is_notification(const sip::Message& message);

/// Of no use later, in message/cpim or alone: whether somebody is typing (RFC 3994).
bool is_of_the_moment(const sip::Message& message);

enum class Fate {
  stored,  ///< A processing notification.
  failed,  ///< A negative delivery notification.
};
bool is_wanted(const Wanted& wanted, Fate fate);

/// The message/cpim that says so to the sender; both are addresses-of-record. It asks for nothing.
std::string print_notification(const Wanted& wanted, Fate fate, std::string_view sender,
                               std::string_view recipient, std::string_view own_message_id, WallTime now);

/// The same MESSAGE with the text alone, for a device that answered the other with 415; before the text
/// stands its author, if that is another one than From says. Nothing where
/// the message is no message/cpim with a text.
std::optional<sip::Message> unwrapped(const sip::Message& message);

}  // namespace beckon::server::message
