#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"
#include "client/call/book.hpp"
#include "client/incoming/request.hpp"
#include "client/invite/port.hpp"
#include "client/invite/reason.hpp"
#include "client/invite/session_timer.hpp"
#include "client/invite/transport.hpp"
#include "media/stream/leg.hpp"
#include "protocol/dialog/dialog.hpp"
#include "protocol/sdp/negotiation.hpp"

namespace beckon::client::invite {

/// How calls protect their media. Over signalling without TLS SDES is neither offered nor taken: its keys
/// would be readable. DTLS-SRTP is taken always.
struct Options {
  /// What own calls offer first.
  enum class Security {
    best,  ///< SDES, and plain media without TLS, as phones have it; DTLS-SRTP to a peer that refuses that.
    sdes,  ///< The same, and nothing else.
    dtls,  ///< DTLS-SRTP with ICE lite, as browsers have it.
  };
  Security security = Security::best;
  /// Plain media is offered and taken, too, where signalling is secured. Without it a peer that has no SDES
  /// gets 488, and is not called.
  bool takes_plain = false;
};

/// Of a call that this device dials, what is known before.
struct Dialled {
  std::string to;              ///< AOR, or a URI.
  std::string why_not_direct;  ///< It was to be a direct session, if possible.
  // Of the fallback of a direct attempt (DIRECT_SESSIONS 11), which goes on:
  call::Number leg_of = 0;  ///< The attempt's leg of the call.
  std::string target;       ///< Request-URI; empty: `to`.
  std::string claim;        ///< Value of Direct-Session.
};

/// What the header Direct-Session makes of an INVITE that came in (DIRECT_SESSIONS 11).
struct Origin {
  call::Number leg_of = 0;    ///< The leg of the direct session that the same caller tries.
  bool is_elsewhere = false;  ///< The caller tries another device: this one gives it a head start.
};
/// `from`: the caller that the own server names; empty: it names none, or others could have changed it.
using OriginOf = std::function<Origin(const std::string& from, std::string_view claims, Now now)>;

/// What the calls of one agent share; outlives them.
struct Shared {
  account::Context& context;
  call::Book& book;
  Ports& ports;
  Options options;
  call::Carrier& carrier;
  std::function<void(call::Carrier::Key key)> forget;  ///< The call is over: destroys it, later.
  OriginOf origin_of{};                                ///< Empty: this device has no direct sessions.
  std::unique_ptr<dtls::Identity> identity{};          ///< Of the device; made with the first call.
};

/// One call by INVITE (RFC 3261 13 to 15), caller or callee: its dialogs, its session description and its
/// audio. It reports to the book of calls. Owned by `Calls`; one thread.
class Call : public std::enable_shared_from_this<Call> {
 public:
  using Key = call::Carrier::Key;

  Call(Shared& shared, Key key);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // --- what the user asks
  /// Sends the INVITE. Errors: the system's, when no port can be had.
  Result<call::Number> dial(Dialled dialled, stream::Files files, Now now);
  bool answer(Now now);
  bool reject(Now now);
  void hang_up(Now now);
  /// Another leg of the call was taken.
  void withdraw(Now now);
  /// The direct attempt has failed: early media is heard from now on.
  void on_alone(Now now);
  bool hold(bool held, Now now);
  bool send_digits(std::string_view digits, Now now);
  std::optional<stream::CallStatistics> statistics() const;

  // --- what arrives
  /// An INVITE outside a dialog. It rings, or is refused; then the call is over.
  void ring(const incoming::Request& request, stream::Files files, Now now);
  /// A request in the call's dialog.
  void on_request(const incoming::Request& request, Now now);
  void on_ack(const sip::Message& ack, Now now);
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now);
  /// A 2xx to INVITE after the end of its transaction. False: from another fork than the call's.
  bool on_late_success(const sip::Message& response, Now now);
  void on_no_ack(transaction::TransactionId id, Now now);

  const std::string& call_id() const { return call_id_; }
  const std::string& local_tag() const { return local_tag_; }
  /// Is `invite` the same request over another way (RFC 3261 8.2.2.2)?
  bool is_merged(const sip::Message& invite) const;

 private:
  enum class Stage {
    calling,  ///< Outgoing, without final response.
    ringing,  ///< Incoming, not answered.
    talking,  ///< A 2xx was sent or received.
    leaving,  ///< Ended for the user; a final response or an ACK is still to come.
    over,
  };
  /// A dialog that a provisional response made (RFC 3261 12.1).
  struct Early {
    std::shared_ptr<dialog::Dialog> dialog;        ///< Never null. PRACKs on their way have it, too.
    std::optional<std::uint32_t> response_number;  ///< RSeq of the last reliable one (RFC 3262 4).
    sdp::Negotiation negotiation;
    bool answered = false;
  };
  /// A response of this end that is sent until the peer confirms it: a 2xx until its ACK (RFC 3261 13.3.1.4),
  /// a reliable 1xx until its PRACK (RFC 3262 3).
  struct Repeated {
    incoming::Request request;
    SharedText text;
    Time give_up{};
    Duration pause{};
  };
  using Build = std::function<void(sip::Builder& builder)>;
  using Done = std::function<void(int status, const sip::Message* response, Now now)>;

  // call.cpp: what both sides do
  Result<void> open_port();
  sdp::Audio make_audio(bool offers_dtls) const;
  void on_transport_change();
  bool is_secured() const;
  void add_own(sip::Builder& builder) const;
  void send_in_dialog(sip::Method method, Build build, std::string content_type, SharedText body, Done done,
                      Now now);
  void send_bye(const std::optional<Reason>& reason, Now now);
  void apply(bool sends, Now now);
  void describe(Now now);
  void begin_talking(Now now);
  void arm_session(Now now);
  void on_session_due(Now now);
  void send_info(Now now);
  void end(call::Cause cause, Now now);
  /// Ends an answered call for a reason of this end, and tells the peer.
  void fail(Reason reason, control::Cause cause, Now now);
  void finish();

  // outgoing.cpp
  void send_invite(Now now);
  bool offer_dtls_instead(int status, Now now);
  sip::Builder make_invite();
  void on_provisional(const sip::Message& response, Now now);
  Early* find_early(const sip::Message& response);
  void confirm_reliable(const sip::Message& response, Early& early, Now now);
  void on_final(int status, const sip::Message* response, Now now);
  void on_accepted(const sip::Message& response, Now now);
  void send_ack(const sip::Message& response, Now now);

  // incoming.cpp
  Origin find_origin(const incoming::Request& request, Now now) const;
  void alert(call::Number leg_of, Now now);
  void ring_peer(Now now);
  void accept(const incoming::Request& request, const std::string& description, Now now);
  void repeat(std::optional<Repeated>& repeated, Timer& timer, bool is_success, Now now);
  void on_prack(const incoming::Request& request, Now now);
  void on_bye(const incoming::Request& request, Now now);

  // changing.cpp: the session of a call that is answered
  void on_reinvite(const incoming::Request& request, Now now);
  void on_update(const incoming::Request& request, Now now);
  void on_info(const incoming::Request& request, Now now);
  bool take_offer(const incoming::Request& request, Now now);
  bool is_changing() const;
  void change(Now now);
  void on_change_outcome(int status, const sip::Message* response, Now now);
  void refresh(Now now);

  Shared& shared_;
  Key key_;
  Stage stage_;
  bool outgoing_ = false;
  call::Number number_ = 0;
  std::string peer_;  ///< AOR, or the URI that was dialled.
  Dialled dialled_;
  std::string call_id_, local_tag_;
  stream::Files files_;
  Time began_{};

  std::optional<dialog::Dialog> dialog_;  ///< Of an incoming call, and of an outgoing one that is answered.
  std::optional<sdp::Negotiation> negotiation_;
  sdp::Audio audio_;  ///< What `negotiation_` was made of.
  std::optional<Transport> transport_;
  std::optional<stream::Leg> leg_;

  // outgoing
  std::uint32_t cseq_ = 0;
  SharedText offer_;
  std::uint32_t session_expires_ = SessionTimer::usual;
  std::map<std::string, Early> early_;  ///< By the peer's tag.
  transaction::TransactionId transaction_ = 0;
  std::uint32_t ack_cseq_ = 0;  ///< Of the INVITE that `ack_` confirms.
  std::string ack_;

  // incoming
  std::optional<incoming::Request> invite_;
  std::optional<Repeated> reliable_;  ///< A 180 that waits for its PRACK.
  std::uint32_t response_number_ = 0;
  Timer alert_timer_;
  Timer reliable_timer_;
  std::optional<Repeated> success_;  ///< The newest 2xx to an INVITE that waits for its ACK.
  Timer success_timer_;
  bool leaves_after_ack_ = false;  ///< "MUST NOT send a BYE [...] until it has received an ACK" (15).

  // answered
  SessionTimer session_;
  Timer session_timer_;
  bool peer_updates_ = false;  ///< It allows UPDATE (RFC 3311).
  bool is_changing_ = false;   ///< An own re-INVITE or UPDATE with an offer waits for its answer.
  bool wants_change_ = false;  ///< Another one is to follow.
  Timer change_timer_;
  std::deque<char> info_digits_;  ///< That go by INFO; the first one is on its way.
};

}  // namespace beckon::client::invite
