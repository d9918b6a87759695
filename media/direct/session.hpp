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
#include "media/session/path.hpp"
#include "media/session/rtp_session.hpp"
#include "media/srtp/session.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/stun/message.hpp"

namespace beckon::direct {

inline constexpr Duration check_interval = 5s;    ///< +-20 % (DIRECT_SESSIONS 6)
inline constexpr Duration dead_time = 2s;         ///< How long a session is kept after its end (7)
inline constexpr Duration keys_linger_time = 5s;  ///< Phase 0 keys after the first phase 1 packet (7)
inline constexpr std::uint64_t phase0_packets_max = 4096;  ///< Per SSRC (4)

class Session;

/// What sessions need from their endpoint.
struct Host {
  Random& random;
  TimerQueue& timers;
  Sink& sink;
  /// Caller: this leg was answered; its attempt's other legs are over.
  virtual void on_won(const Session& leg, Time now) = 0;
  /// Caller: this leg is refused, as the peer's own attempt to call goes on. True: that one rings here
  /// already, is answered now, and nothing is awaited.
  virtual bool on_glare_lost(const Session& leg, Time now) = 0;
  /// Destroys the session.
  virtual void forget(CallId call) = 0;
  Bytes scratch{};  ///< The packet being opened, so that media allocates nothing.

  Host(Random& r, TimerQueue& t, Sink& s) : random(r), timers(t), sink(s) {}
  virtual ~Host() = default;
};

/// What caller and callee have in common (DIRECT_SESSIONS 4, 6, 7): SRTP in two phases, control messages,
/// path checks, BYE. It is the path of an `RtpSession`, which has the sequence numbers, statistics and
/// reports. The two machines of DIRECT_SESSIONS 8 derive from it.
///
/// A session outlives its end by some seconds and is destroyed by `Host::forget`, never inside another
/// of its callbacks.
class Session : private session::MediaPath {
 public:
  enum class Role { caller, callee };
  enum class State {
    sent,
    ringing,
    answered,
    active,
    yielding,  ///< Caller: refused as the peer's own attempt goes on, whose HELLO is awaited (9, glare).
    dead
  };

  /// What a session is about.
  struct Subject {
    CallId call = 0;
    std::string aor;  ///< The peer's.
    Tag tag{};
    Attempt attempt{};
    ds1::Epoch epoch{};
    std::vector<MediaLine> media;  ///< Own view.
  };

  ~Session() override = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Subject& subject() const { return subject_; }
  Role role() const { return role_; }
  State state() const { return state_; }
  bool is_dead() const { return state_ == State::dead; }
  /// Does only an end of this session know `proof` (DIRECT_SESSIONS 11)?
  bool is_proof(const crypto::Key16& proof) const { return crypto::equal_constant_time(proof, keys_.proof); }
  /// A CHECK of the peer came, so it knows that this end has heard it.
  bool is_checked() const { return checked_; }
  session::Statistics statistics() const { return rtp_.statistics(); }

  /// SRTP or SRTCP whose MKI names this session. False: it does not authenticate, so it is another session's.
  bool on_secure(const Address& from, ByteView datagram, Time now);
  /// A STUN response to something this session sent. False: not to it.
  virtual bool on_response(const stun::Message& response, Time now);
  /// A Binding request with the session's tag as user name. False: its integrity is another session's.
  bool on_check(const Address& from, const stun::Message& request, Time now);
  /// ICMP can be forged, so it never ends an open session: only the caller's machine reacts.
  virtual void on_unreachable(const Address&, Time) {}
  virtual void hang_up(Reason reason, Time now) = 0;

  virtual bool may_send(MediaKind kind) const = 0;
  bool send_media(MediaKind kind, ByteView payload, std::uint32_t timestamp, bool marker, Time now);

 protected:
  /// `caller_ssrcs`: the caller's SSRC for each of `subject.media`, as the HELLO has them. `peer_ssrcs`: a
  /// callee gets all SSRCs of the HELLO here, those of lines that were left out included; a caller learns its
  /// peer's.
  Session(Host& host, Role role, Subject subject, const std::vector<std::uint32_t>& caller_ssrcs,
          std::vector<std::uint32_t> peer_ssrcs, HelloKeys keys, Time now);

  // Events of the machines.
  virtual void on_control(const Address& from, const Control& control, Time now) = 0;
  virtual void on_peer_bye(Reason reason, Time now) = 0;
  virtual void on_first_phase1(const Address& from, Time now) = 0;
  virtual void on_peer_check(Time now) = 0;
  virtual void on_consent_lost(Time now) = 0;
  /// The session is dead: stop the machine's own timers.
  virtual void on_end() = 0;
  /// May authentic media be handed up in this state?
  virtual bool plays() const = 0;
  /// Where media goes now; empty: nowhere.
  virtual std::optional<Address> media_target() const { return path_.media_target(); }
  virtual std::vector<Address> control_targets() const { return path_.control_targets(); }
  /// Caller: the limit before the first response (5). `octets` is what the line has sent, with the packet in
  /// question.
  virtual bool is_within_rate(MediaKind, std::uint64_t /*octets*/, Time) const { return true; }
  /// Does the threefold rule bind this end? (6: the callee.)
  bool is_guarded() const { return role_ == Role::callee; }

  const crypto::Key32& own_stun_key() const {
    return role_ == Role::caller ? keys_.stun_c2s : keys_.stun_s2c;
  }
  const crypto::Key32& peer_stun_key() const {
    return role_ == Role::caller ? keys_.stun_s2c : keys_.stun_c2s;
  }
  /// The line of that kind, an index into `subject().media`.
  std::optional<std::size_t> find_line(MediaKind kind) const;

  void send(const Address& to, ByteView datagram);
  /// From now on packets of phase 1 are accepted.
  void open_phase1(const PhaseKeys& keys);
  void send_in_phase1() { sending_phase_ = 1; }

  /// Sends now, and again at 100, 200, 400, 800, 1600 ms until acknowledged. A newer message replaces it.
  void send_reliably(Control control, Time now);
  void send_ack(const Control& control, Time now);
  void on_ack(std::uint8_t number);
  void start_reports(Time now) { rtp_.start_reports(now, /*early=*/true); }

  void start_checks(bool at_once, Time now);
  void send_check(const Address& to);

  /// Reports an event, unless the session was never announced to the user.
  void report(const Event& event, Time now) {
    if (announced_) host_.sink.on_event(event, now);
  }
  void announce() { announced_ = true; }
  /// BYE, now and at 100 and 300 ms; then `end`.
  void leave(Reason reason, Time now);
  void send_one_bye(Reason reason, Time now);
  /// More BYEs are to follow.
  bool is_leaving() const { return bye_timer_.is_set(); }
  /// State dead: timers stop, the end is reported once, the session is forgotten after `dead_time`.
  void end(Reason reason, bool by_peer, Time now, std::uint16_t retry_after = 0);
  void set_linger(Duration time) { linger_ = time; }

  Host& host_;
  State state_ = State::sent;
  HelloKeys keys_;
  Path path_;
  std::optional<Time> first_phase1_;  ///< When the first valid phase 1 packet came.
  Timer state_timer_;                 ///< For the machine's own deadline.

 private:
  struct Phase {
    std::optional<srtp::Protector> out;
    std::optional<srtp::Unprotector> in;
  };

  // session::MediaPath
  bool send_rtp(Bytes& packet, Time now) override;
  void send_rtcp(Bytes& packet, Time now) override;

  Phase make_phase(std::uint8_t number, const PhaseKeys& keys) const;
  bool is_source(std::uint32_t ssrc) const;
  void on_media(const Address& from, ByteView packet, Time now);
  void on_control_packets(const Address& from, ByteView bytes, Time now);
  void on_authentic(const Address& from, std::uint8_t phase, Time now);
  void on_bye(const rtcp::Bye& bye, Time now);
  void resend_control(std::size_t round, Time now);
  void send_bye(std::size_t round, Reason reason, Time now);
  void next_check(Time now);
  void expect_consent(Time now);

  Role role_;
  bool announced_ = false;
  bool checked_ = false;
  Subject subject_;
  std::array<Phase, 2> phases_;
  /// Whose packets are opened. libsrtp keeps state for every SSRC that authenticated, so they are bounded.
  std::vector<std::uint32_t> peer_ssrcs_;
  std::size_t sending_phase_ = 0;
  session::RtpSession rtp_;
  std::uint8_t control_number_ = 0;
  std::optional<Control> pending_control_;
  bool bye_answered_ = false;
  Duration linger_ = dead_time;
  Timer control_timer_;
  Timer check_timer_;
  Timer consent_timer_;
  Timer bye_timer_;
  Timer keys_timer_;
  Timer forget_timer_;
};

}  // namespace beckon::direct
