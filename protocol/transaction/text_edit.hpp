#pragma once

#include <string>
#include <string_view>

#include "protocol/sip/message.hpp"
#include "protocol/sip/view.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

/// Puts `via` as a line of its own on top of a finished request.
void push_via(std::string& request, std::string_view via);
/// How much longer that makes it, in octets.
std::size_t via_line_size(std::string_view via);

/// Replaces the first Via value of a finished message; nothing happens without a Via.
void replace_top_via(std::string& message, std::string_view via);

/// The top Via of a request as its responses carry it: `received` and `rport` as its sender is seen (RFC 3261
/// 18.2.1, RFC 3581 4). Empty when it stays as it is.
std::string stamped_via(const sip::ViaView& via, const Address& source);

/// Where responses to a request from `from` go (RFC 3261 18.2.2, RFC 3581 4). `maddr` is not obeyed: it would
/// let anybody aim our responses at a third party.
Hop reply_hop(const sip::ViaView& via, const Hop& from);

/// ACK for a non-2xx `response` to our INVITE (RFC 3261 17.1.1.3).
std::string make_ack(const sip::Message& invite, const sip::Message& response);
/// CANCEL for our INVITE (RFC 3261 9.1); `reason` is the value of a Reason header (RFC 3326) or empty.
std::string make_cancel(const sip::Message& invite, std::string_view reason);

}  // namespace beckon::transaction
