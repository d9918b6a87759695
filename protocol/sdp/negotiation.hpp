#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "protocol/sdp/attribute.hpp"
#include "protocol/sdp/session.hpp"

namespace beckon::sdp {

/// One payload format of an audio stream, with the payload type that its author gives it.
struct Format {
  std::uint8_t payload_type = 0;
  std::string encoding;          ///< As in rtpmap; compared without regard to case.
  std::uint32_t clock_rate = 0;  ///< RTP ticks a second.
  std::uint32_t channels = 1;    ///< As in rtpmap: 2 for Opus (RFC 7587 4.1).
  std::string parameters;        ///< Value of fmtp; empty: none.
  bool operator==(const Format&) const = default;
};
/// Events as RTP payload: DTMF digits (RFC 4733).
bool is_telephone_event(const Format& format);

/// What one end of a call can do, fixed for the call.
struct Audio {
  std::string session_id = "1";  ///< Of o=, decimal.
  Address local;                 ///< Where RTP and RTCP are received, on one port (RFC 5761).
  std::vector<Format> formats;   ///< In the order of preference; telephone-event among them.
  Duration packet_time = std::chrono::milliseconds(20);
  /// Own keys of SDES (RFC 4568), one for each suite, in the order of preference. Empty: SDES is neither
  /// offered nor taken. A key is used for the whole call.
  std::vector<Crypto> keys;
  /// Streams without protection are offered and taken. With keys, too, both are offered at once: RTP/AVP with
  /// crypto lines. COMPAT: baresip ("srtp") and Linphone offer and take that; RFC 4568 has it in RTP/SAVP
  /// only.
  bool takes_plain = true;
  /// The own end of DTLS-SRTP (RFC 5763), for the whole call. Absent: it is neither offered nor taken.
  struct Dtls {
    Fingerprint fingerprint;
    std::string id;        ///< a=tls-id (RFC 8842 4): 20 to 255 characters.
    bool offered = false;  ///< First offers ask for it, instead of SDES and plain streams.
    bool operator==(const Dtls&) const = default;
  };
  std::optional<Dtls> dtls;
  /// The own end of ICE, lite (RFC 8445 2.5), on the one address `local`. Absent: ICE of the peer is ignored.
  /// Offered with DTLS only: browsers want both.
  struct Ice {
    std::string ufrag, password;
    bool operator==(const Ice&) const = default;
  };
  std::optional<Ice> ice;
};

/// What both ends agreed on for the audio stream.
struct Agreement {
  Format format;                   ///< What is sent, with the peer's payload type.
  std::uint8_t received_type = 0;  ///< The payload type of the same format in what is received.
  std::optional<Format> events;    ///< telephone-event as the peer receives it.
  std::optional<std::uint8_t> received_events;
  std::optional<Address> remote;       ///< Where RTP is sent; empty: a name, or on hold as RFC 2543 had it.
  std::optional<Address> remote_rtcp;  ///< The same as `remote` if the peer multiplexes.
  Direction direction = Direction::sendrecv;  ///< As this end sees it.
  /// Both or none: SRTP, with the suite that both name.
  std::optional<Crypto> local_key, remote_key;
  /// SRTP with keys of a DTLS handshake, which is still to be done.
  struct Dtls {
    bool is_client = false;  ///< This end sends the ClientHello.
    std::vector<Fingerprint> fingerprints;
    std::string id;  ///< The peer's; empty: none.
    bool operator==(const Dtls&) const = default;
  };
  std::optional<Dtls> dtls;
  /// The peer checks its way to this end with them; `remote` is only where it expects to be (RFC 8445).
  std::optional<Audio::Ice> ice;
  bool peer_is_lite = false;  ///< It sends no checks either: `remote` holds.
  bool operator==(const Agreement&) const = default;

  bool is_secured() const { return local_key || dtls; }
  bool sends() const { return direction == Direction::sendrecv || direction == Direction::sendonly; }
  bool receives() const { return direction == Direction::sendrecv || direction == Direction::recvonly; }
};

/// Offers and answers of one call with one audio stream (RFC 3264). Pure: texts in, texts out. Other streams
/// that the peer offers are refused with port 0, in their places.
///
/// One offer at a time: the owner answers a second one with 491 (RFC 3261 14.2), or 500 where its own answer
/// is due.
class Negotiation {
 public:
  enum class State {
    stable,          ///< No offer is open.
    offered,         ///< Ours waits for an answer.
    offer_received,  ///< The peer's waits for ours.
  };

  explicit Negotiation(Audio audio) : audio_(std::move(audio)) {}

  State state() const { return state_; }
  /// After the first answer; what holds until the next answer.
  const std::optional<Agreement>& agreement() const { return agreement_; }
  /// Nothing is to be received: later offers say sendonly or inactive (RFC 3264 8.4).
  void set_held(bool held) { held_ = held; }
  bool is_held() const { return held_; }
  /// The peer holds this end: it said that it receives nothing.
  bool is_held_by_peer() const;

  /// The offer to send. State stable; then offered.
  std::string offer();
  /// Errors: those of `parse`; bad_answer. The offer is open no longer in either case; after an error the
  /// agreement is the old one.
  Result<void> take_answer(std::string_view text);
  /// An offer that arrived. State stable; then offer_received. Errors: those of `parse`; no_common_stream:
  /// answer 488; the state stays.
  Result<void> take_offer(std::string_view text);
  /// The answer to it. Then stable, with a new agreement.
  std::string answer();
  /// The open offer was refused: what was agreed before holds (RFC 3261 14.1).
  void abandon() { state_ = State::stable; }

 private:
  /// What the peer's description of a stream gives together with the own side.
  struct Match {
    std::size_t index = 0;  ///< Of the m= line.
    Agreement agreement;
    std::string protocol;
    std::optional<std::string> mid;
    bool is_bundled = false;  ///< The group BUNDLE names `mid` (RFC 9143).
    bool multiplexes = false;
    bool has_id = false;  ///< The offer names a tls-id.
  };

  std::optional<Match> match(const Session& theirs, std::size_t index, bool is_answer) const;
  bool choose_protection(const Session& theirs, const Media& media, bool is_answer, Agreement& out) const;
  bool choose_key(const Media& media, bool is_answer, Agreement& out) const;
  bool choose_dtls(const Session& theirs, const Media& media, bool is_answer, Agreement& out) const;
  bool offers_dtls() const;
  void add_transport(Media& stream, Attributes& session, std::optional<Setup> setup, bool has_id,
                     bool has_ice) const;
  Direction own_direction(Direction theirs) const;
  Media make_stream(const std::string& protocol, const std::vector<Format>& formats, Direction direction,
                    const std::vector<Crypto>& keys) const;
  std::string print_next(std::vector<Media> media, Attributes attributes);
  std::string offered_protocol() const;

  Audio audio_;
  State state_ = State::stable;
  std::optional<Agreement> agreement_;
  bool held_ = false;
  std::string last_;           ///< The description sent last, without the version.
  std::uint64_t version_ = 0;  ///< Of it.
  /// The m= lines of the call, refused ones too: "the number of m= lines [...] MUST be equal or greater" (RFC
  /// 3264 8). `stream_` is the place of the audio stream.
  std::vector<Media> places_;
  std::size_t stream_ = 0;
  std::optional<std::string> mid_;   ///< The peer's name for the stream, which offers keep.
  std::optional<Session> received_;  ///< offer_received: the peer's offer,
  std::optional<Match> match_;       ///< and what it gives.
};

}  // namespace beckon::sdp
