#pragma once

#include <vector>

#include "media/direct/gate.hpp"
#include "media/direct/hello.hpp"
#include "media/direct/session.hpp"

namespace beckon::direct {

inline constexpr Duration callee_ring_time = 60s;        ///< DIRECT_SESSIONS 8
inline constexpr Duration ring_silence_time = 15s;       ///< Without a CHECK of the caller ringing ends (8)
inline constexpr Duration phase1_time = 3s;              ///< From the ANSWER to the first phase 1 packet (8)
inline constexpr Duration refused_time = 5s;             ///< How long a refusal is kept (8)
inline constexpr std::size_t responses_per_second = 10;  ///< To repeated HELLOs (6)

/// The callee's machine, one per admitted HELLO (DIRECT_SESSIONS 8).
class Callee final : public Session {
 public:
  struct Setup {
    Subject subject;
    OpenedHello hello;
    std::vector<std::uint32_t> ssrcs;  ///< The caller's, for each of `subject.media`.
  };
  /// How the HELLO came.
  struct Arrival {
    Address from;
    std::size_t octets = 0;
    stun::TransactionId transaction{};
  };
  Callee(Host& host, Setup setup, const Arrival& arrival, Time now);

  // One of these follows the construction.
  void ring(const Arrival& arrival, Time now);
  /// `early`: media may flow in phase 0, as it does if both sides permit `auto`.
  void answer_at_once(const Arrival& arrival, bool early, Time now);
  void refuse(Reason reason, std::uint16_t retry_after, const Arrival& arrival, Time now);

  /// Announces the session to the user, unless it was refused.
  void introduce(const Incoming& incoming, Time now);
  bool is_verified() const { return verified_; }

  /// The same HELLO again, perhaps from another address.
  void on_hello_again(const Arrival& arrival, Time now);
  /// The user's decision; false if the session does not ring.
  bool accept(Time now);
  bool reject(Reason reason, Time now);
  /// Its caller lost the permission (8).
  void revoke(Time now);

  void hang_up(Reason reason, Time now) override;
  bool may_send(MediaKind kind) const override;

 private:
  enum class Said : std::uint8_t { ringing = 1, answered = 2, rejected = 3 };

  void on_control(const Address& from, const Control& control, Time now) override;
  void on_peer_bye(Reason reason, Time now) override { end(reason, /*by_peer=*/true, now); }
  void on_first_phase1(const Address& from, Time now) override;
  void on_peer_check(Time now) override;
  void on_consent_lost(Time now) override { leave(Reason::path_lost, now); }
  void on_end() override { silence_timer_.cancel(); }
  bool plays() const override { return state_ == State::answered || state_ == State::active; }

  void respond(const Arrival& arrival);
  void expect_checks(Time now);
  void answer(Time now);

  crypto::Key32 caller_key_;
  crypto::Key32 caller_ephemeral_;
  bool verified_ = false;  ///< The caller's device key.
  bool early_ = false;     ///< Own media may leave before phase 1: never of a session that rang (7).
  Said said_ = Said::ringing;
  Reason refusal_ = Reason::none;
  std::uint16_t retry_after_ = 0;
  Rate responses_{responses_per_second, 1s};
  Timer silence_timer_;
};

}  // namespace beckon::direct
