#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/documents/cpim.hpp"
#include "protocol/sip/message.hpp"

/// What a MESSAGE to a room says, and what its members get of it. Pure.
namespace beckon::server::groups {

/// The MESSAGE as message/cpim (RFC 3862) from `sender` to `room`, as it goes to every member: what it is
/// about, its date and its Message-ID are kept, or made where it has none (`fresh_id`). It asks for no
/// notifications (RFC 5438): a room does not collect them for its sender, and none of its members is to send
/// the room any. Nothing where it is no text.
std::optional<documents::Cpim> words_of(const sip::Message& message, const std::string& sender,
                                        const std::string& room, const std::string& fresh_id, WallTime now);

/// Says something to a program, and of the moment or about another message: is-composing (RFC 3994), or a
/// disposition notification (RFC 5438). Rooms take it and pass it on to nobody.
bool is_for_nobody(const sip::Message& message);

}  // namespace beckon::server::groups
