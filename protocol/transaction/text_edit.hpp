#pragma once

#include <string>
#include <string_view>

#include "protocol/sip/message.hpp"
#include "protocol/sip/view.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

/// A finished message with another first Via value; without a Via as it is.
SharedText with_top_via(std::string_view message, std::string_view via);

/// The top Via of a request as its responses carry it: with `received` and `rport` of its source (RFC
/// 3261 18.2.1, RFC 3581 4). Empty when it does not change.
std::string stamped_via(const sip::ViaView& via, const Address& source);

/// Where responses to a request from `from` are sent (RFC 3261 18.2.2, RFC 3581 4). `maddr` is ignored: with
/// it anybody could aim our responses at a third party.
Hop response_hop(const sip::ViaView& via, const Hop& from);

/// The ACK for a non-2xx `response` to our INVITE (RFC 3261 17.1.1.3).
std::string make_ack(const sip::Message& invite, const sip::Message& response);
/// The CANCEL for our INVITE (RFC 3261 9.1); `reason` is the value of a Reason header (RFC 3326) or empty.
std::string make_cancel(const sip::Message& invite, std::string_view reason);

}  // namespace beckon::transaction
