#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/direct/control.hpp"
#include "media/direct/endpoint.hpp"
#include "media/direct/keys.hpp"
#include "media/direct/path.hpp"
#include "media/direct/types.hpp"
#include "media/rtcp/packet.hpp"
#include "media/rtp/packet.hpp"
#include "media/rtp/sequence.hpp"
#include "media/rtp/statistics.hpp"
#include "media/srtp/session.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/stun/message.hpp"

namespace beckon::direct {

inline constexpr Duration check_interval = 5s;    ///< +-20 % (DIRECT_SESSIONS 6)
inline constexpr Duration rtcp_interval = 5s;     ///< RFC 3550 6.2 minimum, halved to one and a half times
inline constexpr Duration dead_time = 2s;         ///< A session that ended is remembered so long (7)
inline constexpr Duration keys_linger_time = 5s;  ///< Phase 0 keys after the first phase 1 packet (7)
inline constexpr std::uint64_t phase0_packets_max = 4096;  ///< Per SSRC (4)

class Session;

/// What sessions need of their endpoint.
struct Host {
  Random& random;
  TimerQueue& timers;
  Sink& sink;
  /// Caller: this leg was answered; its attempt's other legs are over.
  virtual void on_won(const Session& leg, Time now) = 0;
  /// Destroys the session.
  virtual void forget(CallId call) = 0;
  Bytes scratch{};  ///< For the packet at work, so that media allocate nothing.

  Host(Random& r, TimerQueue& t, Sink& s) : random(r), timers(t), sink(s) {}
  virtual ~Host() = default;
};

/// One kind of media of a session, both ways.
struct Stream {
  MediaLine line;
  std::uint32_t ssrc = 0;                  ///< Own.
  std::optional<std::uint32_t> peer_ssrc;  ///< Callee: from the HELLO. Caller: of the first authentic packet.
  std::uint16_t next_sequence = 0;
  std::uint32_t timestamp_offset = 0;
  std::uint32_t last_timestamp = 0;  ///< As sent, with its time: what an SR tells.
  Time last_sent{};
  std::uint64_t phase0_packets = 0;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;  ///< Of payload.
  rtp::ReceiverStatistics received{8000};
  rtp::SequenceUnwrapper sequences;
  std::optional<std::int64_t> highest;  ///< Sequence number, unwrapped.
  std::uint32_t last_sr = 0;            ///< Middle 32 bits of the peer's last SR.
  Time last_sr_arrival{};
};

/// What both ends of a direct session do alike (DIRECT_SESSIONS 4, 6, 7): SRTP in two phases, control
/// messages, path checks, reports, BYE. The two machines of DIRECT_SESSIONS 8 derive from it.
///
/// A session outlives its end by some seconds and is destroyed by `Host::forget`, never inside another
/// of its callbacks.
class Session {
 public:
  enum class Role { caller, callee };
  enum class State { sent, ringing, answered, active, dead };

  /// What a session is about.
  struct Subject {
    CallId call = 0;
    std::string aor;  ///< The peer's.
    Tag tag{};
    Attempt attempt{};
    ds1::Epoch epoch{};
    std::vector<MediaLine> media;  ///< Own view.
  };

  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Subject& subject() const { return subject_; }
  Role role() const { return role_; }
  State state() const { return state_; }
  bool is_dead() const { return state_ == State::dead; }
  Statistics statistics() const;

  /// SRTP or SRTCP whose MKI names this session. False: not of this session after all.
  bool on_secure(const Address& from, ByteView datagram, Time now);
  /// A STUN response to something this session sent. False: not to it.
  virtual bool on_response(const stun::Message& response, Time now);
  /// A Binding request with our tag as user name. False: its integrity is not of this session.
  bool on_check(const Address& from, const stun::Message& request, Time now);
  /// ICMP can be forged, so an open session does not end by it: only the caller's machine listens.
  virtual void on_unreachable(const Address&, Time) {}
  virtual void hang_up(Reason reason, Time now) = 0;

  virtual bool may_send(MediaKind kind) const = 0;
  bool send_media(MediaKind kind, ByteView payload, std::uint32_t timestamp, bool marker, Time now);

 protected:
  Session(Host& host, Role role, Subject subject, HelloKeys keys, Time now);

  // What the machines react to.
  virtual void on_control(const Address& from, const Control& control, Time now) = 0;
  virtual void on_peer_bye(Reason reason, Time now) = 0;
  virtual void on_first_phase1(const Address& from, Time now) = 0;
  virtual void on_peer_check(Time now) = 0;
  virtual void on_consent_lost(Time now) = 0;
  /// The session is dead: stop the machine's own timers.
  virtual void on_end() = 0;
  /// May authentic media be handed up in this state?
  virtual bool plays() const = 0;
  /// Where media goes now; nothing: nowhere.
  virtual std::optional<Address> media_target() const { return path_.media_target(); }
  virtual std::vector<Address> control_targets() const { return path_.control_targets(); }
  /// Caller: the limit before the first response (5). Counts nothing.
  virtual bool is_within_rate(const Stream&, std::size_t, Time) const { return true; }
  /// Does the threefold rule bind us? (6: the callee.)
  bool is_guarded() const { return role_ == Role::callee; }

  const crypto::Key32& own_stun_key() const {
    return role_ == Role::caller ? keys_.stun_c2s : keys_.stun_s2c;
  }
  const crypto::Key32& peer_stun_key() const {
    return role_ == Role::caller ? keys_.stun_s2c : keys_.stun_c2s;
  }
  Stream* find_stream(MediaKind kind);
  const Stream* find_stream(MediaKind kind) const;

  void send(const Address& to, ByteView datagram);
  /// From now on packets of phase 1 are accepted.
  void open_phase1(const PhaseKeys& keys);
  void send_in_phase1() { sending_phase_ = 1; }

  /// Sends now, and again at 100, 200, 400, 800, 1600 ms until acknowledged. A newer message replaces it.
  void send_reliably(Control control, Time now);
  void send_ack(const Control& control, Time now);
  void on_ack(std::uint8_t number);
  void send_control_packet(rtcp::Packet packet, Time now);
  void start_reports(Time now);

  void start_checks(bool at_once, Time now);
  void send_check(const Address& to);

  /// Says nothing of a session the user has not heard of.
  void tell(const Event& event, Time now) {
    if (announced_) host_.sink.on_event(event, now);
  }
  void announce() { announced_ = true; }
  /// BYE, now and at 100 and 300 ms; then `end`.
  void leave(Reason reason, Time now);
  void send_one_bye(Reason reason, Time now);
  /// More BYEs are to follow.
  bool is_leaving() const { return bye_timer_.is_set(); }
  /// State dead: timers stop, the user is told once, the session is forgotten when `dead_time` has passed.
  void end(Reason reason, bool by_peer, Time now, std::uint16_t retry_after = 0);
  void set_linger(Duration time) { linger_ = time; }

  Host& host_;
  State state_ = State::sent;
  HelloKeys keys_;
  Path path_;
  std::vector<Stream> streams_;
  std::optional<Time> first_phase1_;  ///< When the first valid phase 1 packet came.
  Timer state_timer_;                 ///< For the machine's own deadline.

 private:
  struct Phase {
    std::optional<srtp::Protector> out;
    std::optional<srtp::Unprotector> in;
  };

  void make_streams();
  Phase make_phase(std::uint8_t number, const PhaseKeys& keys) const;
  void on_media(const Address& from, ByteView packet, Time now);
  void on_reports(const Address& from, ByteView bytes, Time now);
  void on_authentic(const Address& from, std::uint8_t phase, Time now);
  Stream* match_stream(const rtp::Header& header);
  rtcp::Report make_report(const Stream& stream, Time now) const;
  rtcp::Compound make_compound(Time now);
  void send_compound(const rtcp::Compound& compound);
  void on_bye(const rtcp::Bye& bye, Time now);
  void on_report(const rtcp::Report& report, Time now);
  void resend_control(std::size_t round, Time now);
  void send_bye(std::size_t round, Reason reason, Time now);
  void next_check(Time now);
  void expect_consent(Time now);

  Role role_;
  bool announced_ = false;
  Subject subject_;
  std::array<Phase, 2> phases_;
  std::size_t sending_phase_ = 0;
  std::string cname_;
  std::uint8_t control_number_ = 0;
  std::optional<Control> pending_control_;
  bool bye_answered_ = false;
  Duration linger_ = dead_time;
  Time began_;
  std::optional<Time> first_sent_;
  std::optional<Time> first_received_;
  Timer control_timer_;
  Timer check_timer_;
  Timer consent_timer_;
  Timer report_timer_;
  Timer bye_timer_;
  Timer keys_timer_;
  Timer forget_timer_;
};
const char* to_string(Session::State state);

}  // namespace beckon::direct
