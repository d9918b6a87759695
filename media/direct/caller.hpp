#pragma once

#include <cstddef>
#include <vector>

#include "media/direct/hello.hpp"
#include "media/direct/session.hpp"

namespace beckon::direct {

inline constexpr Duration fallback_time = 400ms;   ///< T_fb (DIRECT_SESSIONS 8)
inline constexpr Duration quiet_time = 500ms;      ///< Without a response phase 0 media stops (5)
inline constexpr Duration give_up_time = 2s;       ///< Without a response the session is over (5)
inline constexpr Duration caller_ring_time = 65s;  ///< 8
inline constexpr Duration answer_time = 3s;        ///< From "answered" to the ANSWER, or to phase 1 (8)
inline constexpr Duration glare_time = 2s;         ///< Refused as the peer calls, its HELLO comes within (9)
inline constexpr std::uint64_t early_audio_rate = 64'000;   ///< bit/s before the first response (5)
inline constexpr std::uint64_t early_video_rate = 300'000;  ///< bit/s before the first response (5)

/// The caller's machine, one per HELLO (DIRECT_SESSIONS 8).
class Caller final : public Session {
 public:
  struct Setup {
    Subject subject;
    std::vector<std::uint32_t> ssrcs;  ///< Own, for each of `subject.media`, as the HELLO says.
    SealedHello hello;
    crypto::KeyPair ephemeral;          ///< EPH of the HELLO.
    std::vector<Candidate> candidates;  ///< Filtered, best first, not empty.
    crypto::Key32 callee_key{};
    bool expects_auto = false;  ///< Permitted, wanted, and the callee's key is verified: phase 0 media.
  };
  /// `device` outlives the session.
  Caller(Host& host, const crypto::KeyPair& device, Setup setup, Time now);
  ~Caller() override;

  /// Sends the first HELLOs.
  void start(Time now);
  std::size_t candidate_count() const { return legs_.size(); }
  const crypto::Key32& callee_key() const { return callee_key_; }
  /// Not answered yet: a HELLO of the callee's user is glare (9).
  bool is_pending() const {
    return state() == State::sent || state() == State::ringing || state() == State::yielding;
  }

  bool on_response(const stun::Message& response, Time now) override;
  void on_unreachable(const Address& to, Time now) override;
  void hang_up(Reason reason, Time now) override { leave(reason, now); }
  bool may_send(MediaKind kind) const override;

 private:
  /// One candidate with its own STUN transaction.
  struct Leg {
    Address address;
    Bytes request;
    stun::TransactionId transaction{};
    bool unreachable = false;
  };

  void on_control(const Address& from, const Control& control, Time now) override;
  void on_peer_bye(Reason reason, Time now) override;
  void on_first_phase1(const Address&, Time) override {}
  void on_peer_check(Time) override {}
  void on_consent_lost(Time now) override;
  void on_end() override { stop_hellos(); }
  bool plays() const override;
  std::optional<Address> media_target() const override;
  std::vector<Address> control_targets() const override;
  bool is_within_rate(MediaKind kind, std::uint64_t octets, Time now) const override;

  void send_hellos(std::size_t round, Time now);
  void stop_hellos();
  void on_error(int code, Time now);
  void on_state(const Leg& leg, ByteView value, Time now);
  /// The callee lives and can be reached there.
  void on_reached(const Address& address, Time now);
  void enter_ringing(Time now);
  void enter_answered(Time now);
  void on_answer(const Control& answer, Time now);
  void on_refused(Reason reason, std::uint16_t retry_after, Time now);
  void on_late(Time now);
  /// The peer's own attempt goes on in place of this one.
  void yield(Time now);
  void want_fallback(FallbackWanted::Why why, Reason reason, Time now);

  const crypto::KeyPair& device_;
  crypto::Key32 callee_key_;
  crypto::KeyPair ephemeral_;
  std::vector<Leg> legs_;
  bool expects_auto_;
  bool quiet_ = false;    ///< Phase 0 media stopped because no response came.
  bool reached_ = false;  ///< A valid response or control message came.
  bool fallback_reported_ = false;
  bool late_answered_ = false;
  Time start_;
  Timer hello_timer_;
  Timer fallback_timer_;
  Timer quiet_timer_;
};

}  // namespace beckon::direct
