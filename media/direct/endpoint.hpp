#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "media/direct/candidates.hpp"
#include "media/direct/error.hpp"
#include "media/direct/types.hpp"
#include "media/rtp/packet.hpp"
#include "media/session/rtp_session.hpp"
#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/ds1/ticket.hpp"

namespace beckon::direct {

/// What a user agent knows of other users' keys (DIRECT_SESSIONS 13). The callee's side asks.
class Trust {
 public:
  virtual ~Trust() = default;
  /// Has the presence of `aor` verified this device key?
  virtual bool is_verified(std::string_view aor, const crypto::Key32& device_key) = 0;
  /// A HELLO brought this identity; its signature over AOR and device key has been checked. True if the
  /// identity is pinned for the AOR (the answer may pin it, on first use by the user's own doing).
  virtual bool is_pinned(std::string_view aor, const Ident& ident) = 0;
};

/// The own user and device.
struct Identity {
  std::string aor;             ///< "sip:alice@example.org"
  crypto::KeyPair device{};    ///< X25519
  std::optional<Ident> ident;  ///< Over `aor` and `device.pub`; sent in HELLOs.
};

/// What this device publishes (2), which is what it accepts. Set it whenever it changes.
struct Published {
  struct Media {
    MediaKind kind = MediaKind::audio;
    Direction dir = Direction::sendrecv;
    ds1::Mode mode = ds1::Mode::automatic;  ///< The kind's own mode.
    struct Codec {
      std::uint8_t payload_type = 0;
      std::uint32_t clock_rate = 8000;
    };
    std::vector<Codec> codecs;
  };
  ds1::Mode mode = ds1::Mode::off;
  std::vector<Media> media;
};

/// What the user and this machine decide by themselves (9).
struct Policy {
  bool do_not_disturb = false;
  bool reachable = false;              ///< Own winfo subscription and SIP flow are alive; false: at most ask.
  bool automatic_video = false;        ///< The user agreed that video may be answered by itself.
  std::size_t automatic_sessions = 1;  ///< Answered by themselves at a time; a robot takes more.
  Networks networks;                   ///< For the candidate filter.
};

/// A call to one device, as its presence describes it.
struct Offer {
  std::string aor;  ///< The callee's.
  crypto::Key32 device_key{};
  bool verified = false;  ///< `device_key` is verified for `aor` (13). If not, the call only rings.
  ds1::Epoch epoch{};
  ds1::Grant grant;
  std::vector<Candidate> candidates;      ///< As published; the filter of 5 is applied here.
  ds1::Mode mode = ds1::Mode::off;        ///< What the NOTIFY permits for these media.
  ds1::Mode want = ds1::Mode::automatic;  ///< `ask`: please ring.
  std::vector<MediaLine> media;           ///< 1 or 2, own view.
  std::string contact;                    ///< SIP URI of this device; may be empty, at most 200 octets.
  std::string subject;                    ///< UTF-8, may be empty, at most 120 octets.
  std::optional<Attempt> attempt;         ///< Given for the further legs of one attempt.
};

// --- what the endpoint reports ---

/// Callee: a call came in. `mode` automatic: it is answered already, media may flow; ask: alert the user,
/// then `accept` or `reject`.
struct Incoming {
  CallId call = 0;
  std::string aor;  ///< From the ticket: the name to show.
  crypto::Key32 device_key{};
  bool verified = false;  ///< False: show as "unverified".
  ds1::Mode mode = ds1::Mode::ask;
  std::vector<MediaLine> media;  ///< Own view.
  Attempt attempt{};
  std::string contact;  ///< Untrusted text.
  std::string subject;  ///< Untrusted text.
  /// The own session with the peer that was being dialled and whose place this one takes, as both users
  /// called each other (9, glare); it ends next, with Reason::glare_lost. 0: none.
  CallId instead_of = 0;
};
/// Caller: the callee's user is being alerted. Close the microphone.
struct Ringing {
  CallId call = 0;
};
/// Media may flow: the callee has answered. Both ends report it.
struct Answered {
  CallId call = 0;
};
/// Both ends hold the forward-secret keys.
struct Active {
  CallId call = 0;
};
struct Ended {
  CallId call = 0;
  Reason reason = Reason::none;
  bool by_peer = false;
  std::uint16_t retry_after = 0;  ///< Seconds; with Reason::overload.
};
/// Caller: start the attempt's INVITE (11) unless it was started. The session may still succeed unless it
/// has `Ended`. Reported at most once per session.
struct FallbackWanted {
  enum class Why { slow, unreachable, unknown_epoch, unknown_version, refused, lost };
  CallId call = 0;
  Why why = Why::slow;
  Reason reason = Reason::none;  ///< With `refused`.
  Attempt attempt{};             ///< These four make the header Direct-Session of the INVITE.
  Tag tag{};
  ds1::Epoch epoch{};
  crypto::Key16 proof{};
};

using Event = std::variant<Incoming, Ringing, Answered, Active, Ended, FallbackWanted>;

/// Where the endpoint's datagrams, media and events go. Callbacks run inside the call that caused them; they
/// may call the endpoint again.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void send(const Address& to, ByteView datagram) = 0;
  /// Only packets that authenticated. `packet` lives as long as the call.
  virtual void on_media(CallId call, MediaKind kind, const rtp::Packet& packet, Time now) = 0;
  virtual void on_event(const Event& event, Time now) = 0;
};

/// All direct sessions of one UDP port, as caller and callee: HELLOs, keys, control messages, path checks,
/// media. Pure: no socket, no clock; the owner of `timers` advances them. One thread.
class Endpoint {
 public:
  Endpoint(Identity identity, Random& random, TimerQueue& timers, Trust& trust, Sink& sink);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  ~Endpoint();

  // --- as a callee ---
  void set_policy(Policy policy);
  void set_published(Published published);
  /// A new epoch is published: the one before stays valid for 30 s, any older one dies now (3).
  void set_epoch(const ds1::Epoch& epoch, const crypto::Key32& secret, Time now);
  /// The replay set is three quarters full: publish a new epoch (3).
  bool wants_new_epoch() const;
  /// The AOR's latest `permit` in the own winfo (3.7). Without one it is ask. `off` ends the AOR's sessions.
  void set_permit(std::string_view aor, ds1::Mode mode, Time now);
  /// The user's own block. It takes effect at once and overrides every permit.
  void set_blocked(std::string_view aor, bool blocked, Time now);

  /// Of a ringing session. Error: unknown_call.
  Result<void> accept(CallId call, Time now);
  Result<void> reject(CallId call, Reason reason, Time now);

  // --- as a caller ---
  /// Would `call` refuse this offer now? Its errors, but that of a key that is worthless (no_permission).
  Result<void> check(const Offer& offer, Time now) const;
  /// Errors: no_candidate, no_media, no_permission (use INVITE), too_soon.
  Result<CallId> call(const Offer& offer, Time now);

  // --- both ---
  /// Ends a session in any state. Does nothing if it has ended.
  void hang_up(CallId call, Reason reason, Time now);
  /// The living session with `aor` that came in and that an INVITE with this proof is of (11). 0: none.
  CallId find_proven(std::string_view aor, const Tag& tag, const ds1::Epoch& epoch,
                     const crypto::Key16& proof) const;
  /// Has the peer received anything from this end?
  bool is_checked(CallId call) const;
  void on_datagram(const Address& from, ByteView datagram, Time now);
  /// ICMP reports that `to` cannot be reached.
  void on_unreachable(const Address& to, Time now);

  /// Would `send_media` send: is the state right, and does the line send? Open the microphone only if so.
  bool may_send(CallId call, MediaKind kind) const;
  /// Sends one RTP packet; false if it was not sent (state, or a limit of 5 and 6). `timestamp` counts
  /// in ticks of the line's clock from any origin; a random offset is added.
  bool send_media(CallId call, MediaKind kind, ByteView payload, std::uint32_t timestamp, bool marker,
                  Time now);

  /// Empty for a session that has been forgotten, some seconds after `Ended`.
  std::optional<session::Statistics> statistics(CallId call) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beckon::direct
