#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "media/rtp/telephone_event.hpp"
#include "media/session/rtp_session.hpp"
#include "media/srtp/session.hpp"
#include "media/stream/calls.hpp"
#include "media/stream/files.hpp"
#include "media/stream/pump.hpp"

namespace beckon::stream {

/// The UDP port of one call, RTP and RTCP together (RFC 5761).
class MediaPort {
 public:
  virtual ~MediaPort() = default;
  virtual Address local() const = 0;
  /// A datagram that the system does not take is dropped.
  virtual void send(const Address& to, ByteView datagram) = 0;
};

/// What the ends of a call agreed on for its audio, as offer and answer say it.
struct LegPlan {
  struct Key {
    srtp::Profile profile = srtp::Profile::aes128_cm_sha1_80;
    Bytes key;  ///< Master key, then master salt.
    Bytes mki;  ///< Empty: none.
    bool operator==(const Key&) const = default;
  };
  struct Events {
    std::uint8_t payload_type = 101;
    std::uint32_t clock_rate = 8000;
    bool operator==(const Events&) const = default;
  };

  AudioCodec codec;                ///< With the payload type that is sent.
  std::uint8_t received_type = 0;  ///< That of the same codec in what is received.
  std::optional<Events> events;    ///< As the peer takes digits (RFC 4733).
  std::optional<std::uint8_t> received_events;
  std::optional<Address> remote, remote_rtcp;
  bool sends = true, receives = true;
  std::optional<Key> local_key, remote_key;  ///< Both, or none: plain RTP.
  bool waits_for_keys = false;               ///< They come later (DTLS-SRTP): until then nothing flows.
};

/// The audio of one INVITE call: an RtpSession with a Pump on a 20 ms clock, over plain RTP or SRTP with keys
/// of the signalling (RFC 4568). It answers to where the peer sends from (symmetric RTP, RFC 4961): with
/// SRTP to the source of the newest authentic packet; without, to the address that the peer named as soon as
/// something comes from there, until then to the first source. It opens files, but no socket and no clock.
/// One thread.
class Leg final : private session::MediaPath {
 public:
  struct Handlers {
    std::function<void(User::Direction direction, Duration after_begin)> on_first_media;
    std::function<void(char digit)> on_digit;
  };

  /// The port, `random` and `timers` outlive the leg. `began`: the beginning of the call.
  Leg(MediaPort& port, Random& random, TimerQueue& timers, Handlers handlers, Time began)
      : port_(port),
        random_(random),
        timers_(timers),
        handlers_(std::move(handlers)),
        began_(began),
        timer_(timers) {}

  /// Begins, or changes what flows. `files` count the first time. Errors: Errc::no_codec, and then the old
  /// plan holds.
  Result<void> apply(LegPlan plan, const Files& files, Time now);
  void on_datagram(const Address& from, ByteView datagram, Time now);
  /// Sends digits by RFC 4733, after those that are on their way. False: the peer takes none, nothing may be
  /// sent now, or they are none.
  bool send_digits(std::string_view digits);
  /// Empty before the first `apply`.
  std::optional<CallStatistics> statistics() const;
  /// Says BYE (RFC 3550 6.6), and closes the recording. Nothing is sent or played afterwards.
  void finish(Time now);

 private:
  bool send_rtp(Bytes& packet, Time now) override;
  void send_rtcp(Bytes& packet, Time now) override;

  session::Line line() const;
  bool accepts(const Address& from) const;
  bool open(Bytes& packet, bool is_rtcp);
  void receive_rtp(const Address& from, Time now);
  void on_tick(Time now);
  void set_timer();
  void send_frame(Time now);

  MediaPort& port_;
  Random& random_;
  TimerQueue& timers_;
  Handlers handlers_;
  Time began_;
  Timer timer_;
  LegPlan plan_;
  std::optional<Pump> pump_;
  std::optional<session::RtpSession> session_;
  std::optional<srtp::Protector> protector_;
  std::optional<srtp::Unprotector> unprotector_;
  rtp::EventSender digits_;
  rtp::EventReceiver events_;
  std::optional<Address> source_;  ///< Where the peer sends from.
  std::filesystem::path record_;
  Beat sending_;
  std::optional<Beat> playing_;  ///< From when the first packet is due.
  Bytes scratch_;
  bool finished_ = false;
};

}  // namespace beckon::stream
