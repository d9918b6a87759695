#pragma once

#include <optional>

#include "protocol/sip/check.hpp"
#include "protocol/sip/message.hpp"
#include "server/shard/bucket.hpp"

namespace beckon::server {

/// The bucket a message is handled at (DESIGN 1.2); the same for a request, its retransmission, its CANCEL
/// and its non-2xx ACK. In this order: a response by the branch we minted; a request by our To-tag; by our
/// Record-Route in the top Route; REGISTER and PUBLISH by To; by our own Contact in the Request-URI; else by
/// the Request-URI's AOR. Nothing for a response that is not ours, and for a request without a readable URI.
std::optional<Bucket> bucket_for(const sip::Message& message, const sip::Reading& reading);
std::optional<Bucket> bucket_for(const sip::Message& message);

/// What a strict router sent (RFC 3261 16.4): its Request-URI is our own Record-Route, and the last Route is
/// where it goes. The same request as a loose router would have sent it; nothing if it is none of these.
std::optional<sip::Message> undo_strict_routing(const sip::Message& request);

}  // namespace beckon::server
