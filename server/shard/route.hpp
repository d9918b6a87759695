#pragma once

#include <optional>
#include <string>

#include "protocol/sip/check.hpp"
#include "protocol/sip/message.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/gruu.hpp"

namespace beckon::server {

/// Where a message is handled (DESIGN 1.2).
struct Place {
  Bucket bucket = 0;
  /// The canonical address-of-record that a request is about, where `bucket` is its own: To of REGISTER and
  /// PUBLISH, else the Request-URI. Empty in a dialog and for what is sent to the server itself.
  std::string resource{};
};
/// The bucket is the same for a request, its retransmission, its CANCEL and its non-2xx ACK. In this order:
/// that of a response by the branch we minted; of a request by our To-tag; by our Record-Route in the top
/// Route, if that is sealed and of its dialog (`token`); of REGISTER and PUBLISH by To; by our own
/// Contact in the Request-URI; else by the Request-URI's AOR, which a temporary GRUU hides. Absent for a
/// response that is not ours, and for a request without a readable URI.
std::optional<Place> place_of(const sip::Message& message, const sip::Reading& reading,
                              std::optional<Bucket> token, const Gruus& gruus);

/// Is the server always the one that acts on this method, whatever the Request-URI?
constexpr bool is_served_method(sip::Method method) {
  return method == sip::Method::register_ || method == sip::Method::publish ||
         method == sip::Method::subscribe;
}
/// Does the Event header decide which room serves it?
constexpr bool has_package(sip::Method method) {
  return method == sip::Method::subscribe || method == sip::Method::publish;
}
/// The event package that a request names; empty: none.
std::string package_of(const sip::Message& request);

/// What a strict router sent, made loose again (RFC 3261 16.4): our Record-Route URI in the Request-URI
/// trades places with the last Route. Absent for every other message.
std::optional<sip::Message> undo_strict_routing(const sip::Message& request);

}  // namespace beckon::server
