#include "protocol/sdp/negotiation.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::sdp {
namespace {

/// Formats that a payload type alone names (RFC 3551 6), as far as any end of ours has them.
std::optional<Format> static_format(std::uint8_t type) {
  if (type == 0) return Format{0, "PCMU", 8000, 1, {}};
  if (type == 8) return Format{8, "PCMA", 8000, 1, {}};
  return std::nullopt;
}

/// The formats of an m= line of RTP, in its order; those that nothing describes are left out.
std::vector<Format> formats_of(const Media& media) {
  std::vector<Format> out;
  for (const std::string& text : media.formats) {
    const auto type = parse_number<std::uint8_t>(text);
    if (!type || *type > 127) continue;
    auto format = static_format(*type);
    std::string parameters;
    for (const Attribute& each : media.attributes) {
      if (!each.value) continue;
      if (each.name == "rtpmap") {
        const auto map = parse_rtpmap(*each.value);
        if (map && map->payload_type == *type)
          format = Format{*type, map->encoding, map->clock_rate, map->channels(), {}};
      } else if (each.name == "fmtp") {
        auto read = parse_fmtp(*each.value);
        if (read && read->format == text) parameters = std::move(read->parameters);
      }
    }
    if (!format) continue;
    format->parameters = std::move(parameters);
    out.push_back(std::move(*format));
  }
  return out;
}

bool is_same(const Format& a, const Format& b) {
  // COMPAT: some write "opus/48000", although RFC 7587 7 asks for "/2"; the channels of Opus say nothing.
  const bool opus = iequals(a.encoding, "opus");
  return iequals(a.encoding, b.encoding) && a.clock_rate == b.clock_rate &&
         (opus || a.channels == b.channels);
}

const Format* find_same(const std::vector<Format>& formats, const Format& wanted) {
  const auto found = std::ranges::find_if(formats, [&](const Format& each) { return is_same(each, wanted); });
  return found == formats.end() ? nullptr : &*found;
}

/// The telephone-event that goes with `codec`: with its clock, else the first one. COMPAT: baresip has events
/// at 8000 Hz only, whatever the codec (RFC 4733 2.1 wants the same clock).
const Format* find_events(const std::vector<Format>& theirs, const std::vector<Format>& own,
                          const Format& codec) {
  const Format* out = nullptr;
  for (const Format& each : theirs) {
    if (!is_telephone_event(each) || find_same(own, each) == nullptr) continue;
    if (each.clock_rate == codec.clock_rate) return &each;
    if (out == nullptr) out = &each;
  }
  return out;
}

std::optional<Address> address_of(const Connection* connection, std::uint16_t port) {
  if (connection == nullptr || port == 0) return std::nullopt;
  const auto ip = parse_ip(connection->address);
  if (!ip || ip->is_multicast() || ip->is_unspecified()) return std::nullopt;
  return Address{*ip, port};
}

std::optional<Address> rtcp_of(const Session& session, const Media& media, const Address& rtp) {
  if (find(media.attributes, "rtcp-mux") != nullptr) return rtp;
  if (const Attribute* line = find(media.attributes, "rtcp"); line != nullptr && line->value) {
    if (const auto rtcp = parse_rtcp(*line->value)) {
      const Connection* own = rtcp->connection ? &*rtcp->connection : connection_of(session, media);
      return address_of(own, rtcp->port);
    }
  }
  return rtp.port == 65535 ? std::nullopt
                           : std::optional(Address{rtp.ip, static_cast<std::uint16_t>(rtp.port + 1)});
}

bool can_send(Direction direction) {
  return direction == Direction::sendrecv || direction == Direction::sendonly;
}
bool can_receive(Direction direction) {
  return direction == Direction::sendrecv || direction == Direction::recvonly;
}

Direction make_direction(bool sends, bool receives) {
  if (sends) return receives ? Direction::sendrecv : Direction::sendonly;
  return receives ? Direction::recvonly : Direction::inactive;
}

bool is_plain_protocol(const Media& media) {
  return media.protocol == "RTP/AVP" || media.protocol == "RTP/AVPF";
}
bool is_secured_protocol(const Media& media) {
  return media.protocol == "RTP/SAVP" || media.protocol == "RTP/SAVPF";
}

bool is_dtls_protocol(std::string_view protocol) {
  return protocol == "UDP/TLS/RTP/SAVP" || protocol == "UDP/TLS/RTP/SAVPF";
}

/// The attribute of the media description, else the session's (RFC 8839 4.4.1, RFC 8122 5, RFC 4145 4).
const Attribute* find_either(const Session& session, const Media& media, std::string_view name) {
  const Attribute* const own = find(media.attributes, name);
  return own != nullptr ? own : find(session.attributes, name);
}

std::vector<Fingerprint> fingerprints_of(const Session& session, const Media& media) {
  std::vector<Fingerprint> out;
  constexpr std::size_t hashes_max = 16;
  for (const Attributes* level : {&media.attributes, &session.attributes}) {
    for (const Attribute& each : *level) {
      if (each.name != "fingerprint" || !each.value || out.size() == hashes_max) continue;
      if (auto read = parse_fingerprint(*each.value)) out.push_back(std::move(*read));
    }
    if (!out.empty()) break;
  }
  return out;
}

std::optional<Audio::Ice> ice_of(const Session& session, const Media& media) {
  const Attribute* const ufrag = find_either(session, media, "ice-ufrag");
  const Attribute* const password = find_either(session, media, "ice-pwd");
  if (ufrag == nullptr || password == nullptr || !ufrag->value || !password->value) return std::nullopt;
  if (!is_ice_ufrag(*ufrag->value) || !is_ice_password(*password->value)) return std::nullopt;
  return Audio::Ice{*ufrag->value, *password->value};
}

/// What a peer says that receives nothing. COMPAT: an unspecified address was how RFC 2543 B.5 put on hold;
/// "it SHOULD be treated" so (RFC 3264 8.4 keeps the meaning for receivers).
Direction direction_of_peer(const Session& session, const Media& media) {
  Direction out = direction_of(session, media);
  const Connection* connection = connection_of(session, media);
  const auto ip = connection == nullptr ? std::nullopt : parse_ip(connection->address);
  // With ICE it only says that the checks will tell (RFC 8839 4.3.1).
  if (!ip || !ip->is_unspecified() || ice_of(session, media)) return out;
  if (out == Direction::sendrecv) return Direction::sendonly;
  return out == Direction::recvonly ? Direction::inactive : out;
}

/// Session parameters that change nothing for a receiver that ignores them (RFC 4568 6.3): the rest refuses
/// the line.
bool has_harmless_parameters(const Crypto& crypto) {
  return std::ranges::all_of(crypto.parameters, [](const std::string& each) {
    return each.starts_with('-') || iequals(each.substr(0, 4), "WSH=") || iequals(each, "KDR=0");
  });
}

Attribute property(std::string name) { return {std::move(name), std::nullopt}; }
Attribute attribute(std::string name, std::string value) { return {std::move(name), std::move(value)}; }

/// "port zero [...] the answerer MUST" keep at least one format (RFC 3264 6).
Media make_refused(const Media& offered) {
  Media out;
  out.kind = offered.kind;
  out.protocol = offered.protocol;
  out.formats = offered.formats;
  return out;
}

Connection make_connection(const IpAddress& ip) {
  return {"IN", ip.family == IpAddress::Family::v4 ? "IP4" : "IP6", print(ip), {}, {}};
}

}  // namespace

bool is_telephone_event(const Format& format) { return iequals(format.encoding, "telephone-event"); }

bool Negotiation::is_held_by_peer() const { return agreement_ && !agreement_->sends(); }

/// This end sends unless the peer receives nothing, and receives unless it is held here.
Direction Negotiation::own_direction(Direction theirs) const {
  return make_direction(can_receive(theirs), can_send(theirs) && !held_);
}

/// The first crypto line that can be used with a key of this end. False: there is none where one is needed.
bool Negotiation::choose_key(const Media& media, bool is_answer, Agreement& out) const {
  for (const Attribute& each : media.attributes) {
    if (each.name != "crypto" || !each.value) continue;
    auto theirs = parse_crypto(*each.value);
    if (!theirs || theirs->keys.size() != 1 || !has_harmless_parameters(*theirs)) continue;
    const auto own = std::ranges::find_if(audio_.keys, [&](const Crypto& key) {
      // "the answer MUST contain the [...] tag and crypto-suite" of the offer (RFC 4568 5.1.2).
      return key.suite == theirs->suite && (!is_answer || key.tag == theirs->tag);
    });
    if (own == audio_.keys.end()) continue;
    if (own->keys.front().key_and_salt.size() != theirs->keys.front().key_and_salt.size()) continue;
    // MKIs of more than four octets, and with short tags, are not built in.
    const auto& their_key = theirs->keys.front();
    if (their_key.mki && (*their_key.mki_octets > 4 || theirs->suite.ends_with("_32"))) continue;
    out.local_key = *own;
    out.local_key->tag = theirs->tag;
    out.remote_key = std::move(*theirs);
    return true;
  }
  return is_plain_protocol(media) && audio_.takes_plain;
}

bool Negotiation::offers_dtls() const {
  return agreement_ ? agreement_->dtls.has_value() : audio_.dtls && audio_.dtls->offered;
}

/// Fingerprint and role of the peer (RFC 5763 5). False: they are missing, or it wants no association now.
bool Negotiation::choose_dtls(const Session& theirs, const Media& media, bool is_answer,
                              Agreement& out) const {
  if (!audio_.dtls) return false;
  Agreement::Dtls dtls{.is_client = !is_answer, .fingerprints = fingerprints_of(theirs, media), .id = {}};
  if (dtls.fingerprints.empty()) return false;
  if (const Attribute* id = find_either(theirs, media, "tls-id"); id != nullptr && id->value)
    dtls.id = *id->value;
  // COMPAT: without a=setup an answerer is taken for the client; and so is one that says actpass, as baresip
  // does in answers to later offers.
  if (const Attribute* line = find_either(theirs, media, "setup"); line != nullptr && line->value) {
    const auto setup = parse_setup(*line->value);
    if (!setup || *setup == Setup::holdconn) return false;
    if (*setup != Setup::actpass) dtls.is_client = *setup == Setup::passive;
  }
  // What is there goes on as it is (RFC 8842 5.3).
  const auto& old = agreement_ ? agreement_->dtls : std::nullopt;
  if (old && old->fingerprints == dtls.fingerprints && old->id == dtls.id) dtls.is_client = old->is_client;
  out.dtls = std::move(dtls);
  return true;
}

bool Negotiation::choose_protection(const Session& theirs, const Media& media, bool is_answer,
                                    Agreement& out) const {
  if (is_answer) return offers_dtls() ? choose_dtls(theirs, media, true, out) : choose_key(media, true, out);
  if (is_dtls_protocol(media.protocol)) return choose_dtls(theirs, media, false, out);
  // COMPAT: browsers of old offered DTLS-SRTP as RTP/SAVPF.
  return choose_key(media, false, out) ||
         (is_secured_protocol(media) && choose_dtls(theirs, media, false, out));
}

std::optional<Negotiation::Match> Negotiation::match(const Session& theirs, std::size_t index,
                                                     bool is_answer) const {
  const Media& media = theirs.media[index];
  if (media.kind != "audio" || media.port == 0) return std::nullopt;
  if (!is_plain_protocol(media) && !is_secured_protocol(media) && !is_dtls_protocol(media.protocol))
    return std::nullopt;
  Match out;
  out.index = index;
  out.protocol = media.protocol;
  if (!choose_protection(theirs, media, is_answer, out.agreement)) return std::nullopt;
  out.has_id = out.agreement.dtls && !out.agreement.dtls->id.empty();
  if (audio_.ice && (!is_answer || offers_dtls())) out.agreement.ice = ice_of(theirs, media);
  out.agreement.peer_is_lite = find(theirs.attributes, "ice-lite") != nullptr;

  const auto formats = formats_of(media);
  const auto codec = std::ranges::find_if(formats, [&](const Format& each) {
    return !is_telephone_event(each) && find_same(audio_.formats, each) != nullptr;
  });
  if (codec == formats.end()) return std::nullopt;
  out.agreement.format = *codec;
  // The offerer's payload types hold for what it receives. An answer keeps them (RFC 3264 6.1), so that in
  // both roles what we receive bears the number that we wrote: our own where we offered.
  const auto received_as = [&](const Format& format) {
    return is_answer ? find_same(audio_.formats, format)->payload_type : format.payload_type;
  };
  out.agreement.received_type = received_as(*codec);
  if (const Format* events = find_events(formats, audio_.formats, *codec)) {
    out.agreement.events = *events;
    out.agreement.received_events = received_as(*events);
  }

  out.agreement.remote = address_of(connection_of(theirs, media), media.port);
  // An association, and ICE as it is here, serve one port: reports go where media goes.
  if (out.agreement.dtls || out.agreement.ice)
    out.agreement.remote_rtcp = out.agreement.remote;
  else if (out.agreement.remote)
    out.agreement.remote_rtcp = rtcp_of(theirs, media, *out.agreement.remote);
  out.multiplexes = find(media.attributes, "rtcp-mux") != nullptr;
  out.agreement.direction = own_direction(direction_of_peer(theirs, media));
  if (const Attribute* mid = find(media.attributes, "mid"); mid != nullptr) out.mid = mid->value;
  for (const Attribute& each : theirs.attributes) {
    const auto group = each.name == "group" && each.value ? parse_group(*each.value) : Errc::bad_value;
    if (!group || group->semantics != "BUNDLE" || !out.mid) continue;
    out.is_bundled |= std::ranges::find(group->mids, *out.mid) != group->mids.end();
  }
  return out;
}

// ---- descriptions of this end

Media Negotiation::make_stream(const std::string& protocol, const std::vector<Format>& formats,
                               Direction direction, const std::vector<Crypto>& keys) const {
  Media out;
  out.kind = "audio";
  out.port = audio_.local.port;
  out.protocol = protocol;
  for (const Format& each : formats) {
    const std::string type = std::to_string(each.payload_type);
    out.formats.push_back(type);
    const std::string channels = each.channels > 1 ? std::to_string(each.channels) : "";
    out.attributes.push_back(
        attribute("rtpmap", print(Rtpmap{each.payload_type, each.encoding, each.clock_rate, channels})));
    if (!each.parameters.empty()) out.attributes.push_back(attribute("fmtp", type + " " + each.parameters));
  }
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(audio_.packet_time);
  out.attributes.push_back(attribute("ptime", std::to_string(milliseconds.count())));
  for (const Crypto& each : keys) out.attributes.push_back(attribute("crypto", print(each)));
  out.attributes.push_back(property(std::string(to_string(direction))));
  return out;
}

std::string Negotiation::offered_protocol() const {
  if (agreement_) return places_[stream_].protocol;
  if (offers_dtls()) return "UDP/TLS/RTP/SAVPF";
  return audio_.keys.empty() || audio_.takes_plain ? "RTP/AVP" : "RTP/SAVP";
}

/// What DTLS and ICE add. `setup`: with DTLS.
void Negotiation::add_transport(Media& stream, Attributes& session, std::optional<Setup> setup, bool has_id,
                                bool has_ice) const {
  if (setup) {
    stream.attributes.push_back(attribute("fingerprint", print(audio_.dtls->fingerprint)));
    stream.attributes.push_back(attribute("setup", std::string(to_string(*setup))));
    if (has_id) stream.attributes.push_back(attribute("tls-id", audio_.dtls->id));
  }
  if (!has_ice) return;
  session.push_back(property("ice-lite"));
  stream.attributes.push_back(attribute("ice-ufrag", audio_.ice->ufrag));
  stream.attributes.push_back(attribute("ice-pwd", audio_.ice->password));
  // The highest priority of RFC 8445 5.1.2.1, as there is one candidate only.
  const Candidate candidate{.foundation = "1",
                            .component = 1,
                            .transport = "UDP",
                            .priority = 2130706431,
                            .address = print(audio_.local.ip),
                            .port = audio_.local.port,
                            .type = "host",
                            .related_address = {},
                            .related_port = {},
                            .extensions = {}};
  stream.attributes.push_back(attribute("candidate", print(candidate)));
}

/// The version rises with each change, and only then (RFC 3264 8).
std::string Negotiation::print_next(std::vector<Media> media, Attributes attributes) {
  const Connection connection = make_connection(audio_.local.ip);
  Session out;
  out.origin = {"-", audio_.session_id, "0", "IN", connection.address_type, connection.address};
  out.connection = connection;
  out.attributes = std::move(attributes);
  out.media = std::move(media);
  std::string text = print(out);
  if (text != last_) {
    last_ = std::move(text);
    ++version_;
  }
  out.origin.version = std::to_string(version_);
  return print(out);
}

// ---- offers of this end

std::string Negotiation::offer() {
  assert(state_ == State::stable);
  state_ = State::offered;
  // Once agreed, the same format stays first: a re-INVITE that holds a call does not change its codec.
  std::vector<Format> formats = audio_.formats;
  if (agreement_) {
    for (Format& each : formats) {
      if (is_same(each, agreement_->format)) each.payload_type = agreement_->received_type;
      if (agreement_->events && agreement_->received_events && is_same(each, *agreement_->events))
        each.payload_type = *agreement_->received_events;
    }
    const auto agreed =
        std::ranges::find_if(formats, [&](const Format& each) { return is_same(each, agreement_->format); });
    if (agreed != formats.end()) std::rotate(formats.begin(), agreed, agreed + 1);
    // A number that the peer chose may be one of ours for another format, which is left out then.
    std::vector<Format> unique;
    for (Format& each : formats) {
      const bool taken = std::ranges::any_of(
          unique, [&](const Format& other) { return other.payload_type == each.payload_type; });
      if (!taken) unique.push_back(std::move(each));
    }
    formats = std::move(unique);
  }
  Media stream = make_stream(
      offered_protocol(), formats, make_direction(true, !held_),
      (agreement_ && !agreement_->local_key) || offers_dtls() ? std::vector<Crypto>{} : audio_.keys);
  stream.attributes.push_back(property("rtcp-mux"));
  // A peer that does not multiplex sends its reports where this line says (RFC 3605, RFC 5761 5.1.1).
  stream.attributes.push_back(attribute("rtcp", std::to_string(audio_.local.port)));
  Attributes session;
  if (mid_) {
    session.push_back(attribute("group", "BUNDLE " + *mid_));
    stream.attributes.push_back(attribute("mid", *mid_));
  }
  // "the offerer MUST insert [...] actpass", later, too (RFC 8842 5.5).
  add_transport(stream, session, offers_dtls() ? std::optional(Setup::actpass) : std::nullopt, true,
                agreement_ ? agreement_->ice.has_value() : offers_dtls() && audio_.ice.has_value());
  std::vector<Media> media = places_;
  for (Media& each : media) each.port = 0;
  if (media.empty()) {
    media.emplace_back();
    stream_ = 0;
  }
  media[stream_] = std::move(stream);
  places_ = media;
  return print_next(std::move(media), std::move(session));
}

Result<void> Negotiation::take_answer(std::string_view text) {
  assert(state_ == State::offered);
  state_ = State::stable;
  const auto theirs = parse(text);
  if (!theirs) return theirs.error();
  // COMPAT: answers with fewer m= lines than the offer exist; what counts is the audio stream's.
  if (theirs->media.size() <= stream_) return Errc::bad_answer;
  auto found = match(*theirs, stream_, true);
  if (!found) return Errc::bad_answer;
  agreement_ = std::move(found->agreement);
  return {};
}

// ---- offers of the peer

Result<void> Negotiation::take_offer(std::string_view text) {
  assert(state_ == State::stable);
  auto theirs = parse(text);
  if (!theirs) return theirs.error();
  // Of two audio streams, the protected and the plain one, the protected is better.
  std::optional<Match> best;
  for (std::size_t i = 0; i < theirs->media.size(); ++i) {
    auto found = match(*theirs, i, false);
    if (!found) continue;
    if (!best || (!best->agreement.is_secured() && found->agreement.is_secured())) best = std::move(found);
  }
  if (!best) return Errc::no_common_stream;
  received_ = std::move(*theirs);
  match_ = std::move(best);
  state_ = State::offer_received;
  return {};
}

std::string Negotiation::answer() {
  assert(state_ == State::offer_received && received_ && match_);
  Match chosen = *std::exchange(match_, std::nullopt);
  const Session theirs = *std::exchange(received_, std::nullopt);
  state_ = State::stable;
  // The user may have held or resumed since the offer came.
  chosen.agreement.direction = own_direction(direction_of_peer(theirs, theirs.media[chosen.index]));

  std::vector<Format> formats{chosen.agreement.format};
  // The parameters are those of what this end receives.
  formats.front().parameters = find_same(audio_.formats, chosen.agreement.format)->parameters;
  if (chosen.agreement.events) formats.push_back(*chosen.agreement.events);
  std::vector<Crypto> keys;
  if (chosen.agreement.local_key) keys.push_back(*chosen.agreement.local_key);
  Media stream = make_stream(chosen.protocol, formats, chosen.agreement.direction, keys);
  if (chosen.multiplexes)
    stream.attributes.push_back(property("rtcp-mux"));
  else
    stream.attributes.push_back(attribute("rtcp", std::to_string(audio_.local.port)));
  Attributes session;
  if (chosen.is_bundled) session.push_back(attribute("group", "BUNDLE " + *chosen.mid));
  if (chosen.mid) stream.attributes.push_back(attribute("mid", *chosen.mid));
  mid_ = chosen.is_bundled ? chosen.mid : std::nullopt;
  std::optional<Setup> setup;
  if (const auto& dtls = chosen.agreement.dtls) setup = dtls->is_client ? Setup::active : Setup::passive;
  add_transport(stream, session, setup, chosen.has_id, chosen.agreement.ice.has_value());

  std::vector<Media> media;
  for (const Media& each : theirs.media) media.push_back(make_refused(each));
  stream_ = chosen.index;
  media[stream_] = std::move(stream);
  places_ = media;
  agreement_ = std::move(chosen.agreement);
  return print_next(std::move(media), std::move(session));
}

}  // namespace beckon::sdp
