#include "protocol/transaction/response_route.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::transaction {
namespace {

/// From where an address can be reached: this host, its own network, everywhere.
enum class Reach { host, network, world };

Reach reach_v4(std::uint8_t first, std::uint8_t second) {
  if (first == 127 || first == 0) return Reach::host;
  const bool private_use = first == 10 || (first == 172 && (second & 0xf0) == 16) ||  //
                           (first == 192 && second == 168);                           // RFC 1918
  const bool shared = first == 100 && (second & 0xc0) == 64;                          // RFC 6598
  const bool link_local = first == 169 && second == 254;                              // RFC 3927
  return private_use || shared || link_local ? Reach::network : Reach::world;
}

Reach reach_of(const IpAddress& ip) {
  const auto& octets = ip.octets;
  if (ip.family == IpAddress::Family::v4) return reach_v4(octets[0], octets[1]);
  // IPv4 embedded in IPv6 (RFC 4291 2.5.5), among it "::" and "::1".
  if (std::all_of(octets.begin(), octets.begin() + 10, [](auto octet) { return octet == 0; }))
    return octets[10] == 0xff ? reach_v4(octets[12], octets[13]) : Reach::host;
  const bool unique_local = (octets[0] & 0xfe) == 0xfc;                     // RFC 4193
  const bool link_local = octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;  // RFC 4291 2.5.6
  return unique_local || link_local ? Reach::network : Reach::world;
}

}  // namespace

SentBy sent_by_of(const sip::ViaView& via, Protocol protocol) {
  return {.host = to_lower(via.host), .port = via.port, .protocol = protocol};
}

ResponseRoute::ResponseRoute(Hop source, const sip::ViaView& via, bool can_locate)
    : source_(std::move(source)),
      dial_(source_.remote),
      can_dial_(is_reliable(source_.protocol) && !is_websocket(source_.protocol)),
      can_locate_(can_locate && !is_websocket(source_.protocol)) {
  if (can_dial_) dial_.port = via.port.value_or(is_secure(source_.protocol) ? sip::sips_port : sip::sip_port);
  const auto ip = parse_ip(via.host);
  // The peer that accepts a connection for a response must be the one that sent the request (RFC 5922 7.1).
  if (is_secure(source_.protocol) && source_.name.empty() && !ip) source_.name = to_lower(via.host);
  const auto port = via.port.value_or(is_secure(source_.protocol) ? sip::sips_port : sip::sip_port);
  if (ip && !is_worth_trying({.protocol = source_.protocol, .remote = {*ip, port}, .local = {}}))
    can_locate_ = false;
}

Hop ResponseRoute::hop() const {
  if (state_ == State::located) return located_[at_];
  Hop hop = source_;
  if (state_ == State::source) return hop;
  hop.flow = 0;
  hop.remote = dial_;
  return hop;
}

bool ResponseRoute::has_more() const {
  switch (state_) {
    case State::source:
      return can_dial_ || can_locate_;
    case State::dialled:
      return can_locate_;
    case State::locating:
      return true;
    case State::located:
      return at_ + std::size_t{1} < located_.size();
  }
  return false;
}

ResponseRoute::Next ResponseRoute::on_failed() {
  switch (state_) {
    case State::source:
      if (can_dial_) {
        state_ = State::dialled;
        return Next::send;
      }
      [[fallthrough]];
    case State::dialled:
      if (!can_locate_) return give_up();
      state_ = State::locating;
      return Next::locate;
    case State::located:
      if (!has_more()) return give_up();
      ++at_;
      return Next::send;
    case State::locating:  // no response is under way
      break;
  }
  return give_up();
}

ResponseRoute::Next ResponseRoute::on_located(std::vector<Hop> hops) {
  if (state_ != State::locating) return give_up();
  std::erase_if(hops, [this](const Hop& hop) { return !is_worth_trying(hop); });
  if (hops.size() > max_located) hops.resize(max_located);
  if (hops.empty()) return give_up();
  // Sent from the address that the request came to, as the rest of its transaction.
  for (Hop& hop : hops)
    if (hop.remote.ip.family == source_.local.ip.family) hop.local = source_.local;
  located_ = std::move(hops);
  at_ = 0;
  state_ = State::located;
  return Next::send;
}

bool ResponseRoute::is_worth_trying(const Hop& hop) const {
  const bool tried = hop.remote == dial_;
  return !tried && hop.protocol == source_.protocol && hop.remote.port != 0 &&
         !hop.remote.ip.is_multicast() && reach_of(hop.remote.ip) >= reach_of(source_.remote.ip);
}

ResponseRoute::Next ResponseRoute::give_up() {
  state_ = State::source;
  located_.clear();
  return Next::give_up;
}

}  // namespace beckon::transaction
