#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "client/account/context.hpp"
#include "client/call/book.hpp"
#include "client/control/cause.hpp"
#include "client/direct/claim.hpp"
#include "client/direct/keyring.hpp"
#include "client/direct/pins.hpp"
#include "client/direct/port.hpp"
#include "media/stream/calls.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"

namespace beckon::client::direct {

/// Why a session ended, as the contract names it.
control::Cause cause_of(beckon::direct::Reason reason);

/// A direct attempt wants an INVITE to be tried, too (DIRECT_SESSIONS 11). It may still succeed itself.
struct Fallback {
  call::Number leg = 0;  ///< The attempt's.
  std::string target;    ///< The GRUU of the device that was called; empty: it has none.
  std::string why;       ///< For people.
  std::string claim;     ///< Value of the INVITE's header Direct-Session.
};

/// Direct sessions of this device: what it offers (epochs), which identities it trusts, and the sessions
/// themselves. It carries the calls of kind `direct` in the book of calls, joined to their sound in
/// `media/stream`. Identities are reported with the event "trust".
class Sessions final : private beckon::direct::Trust, private stream::User, private call::Carrier {
 public:
  Sessions(account::Context& context, call::Book& book, const Keyring& keyring, Pins& pins, Port& port,
           std::function<void()> on_pins_changed);
  ~Sessions() override;

  /// From the port.
  void on_datagram(const Address& from, ByteView datagram, Now now);
  void on_unreachable(const Address& to, Now now) { streams_.on_unreachable(to, now.mono); }

  // --- what this device offers
  /// The element to publish: with the current epoch, or with a new one if `renew` or when one is due. Null
  /// without a candidate. Valid until the next call.
  const documents::Direct* offer(ds1::Mode mode, bool renew, Now now);
  /// Nothing is offered any more: holders of grants are refused from now on.
  void withdraw() { streams_.endpoint().set_published({}); }
  /// `publish` is called when the element must be published again under a new epoch (DIRECT_SESSIONS 3,
  /// Epochs).
  void on_new_epoch_due(std::function<void(Now now)> publish) { publish_ = std::move(publish); }
  /// What the server lets a watcher do (DIRECT_SESSIONS 3.7), and the user's own block.
  void permit(const std::string& aor, ds1::Mode mode, Now now);
  void set_blocked(const std::string& aor, bool blocked, Now now);
  /// Are the own winfo subscription and SIP flow alive? If not, calls ring (DIRECT_SESSIONS 9).
  void set_reachable(bool reachable);
  /// How many sessions may be answered by themselves at a time: a robot takes many.
  void set_automatic_sessions(std::size_t count);

  // --- identities
  /// An identity that the presence of `of` shows.
  void learn(const std::string& of, const crypto::Key32& device_key, const documents::Ident& ident, Now now);
  /// The user accepts the identity `ident` in base64, as the event "trust" showed it; empty: the one shown
  /// last.
  bool accept_key(const std::string& of, const std::string& ident, Now now);

  // --- calls
  /// What later sessions play and record unless their command says otherwise.
  void choose_files(stream::Files files);
  /// The event "tone" reports it when a session, one to come included, plays this tone for 200 ms.
  void listen_for(int hertz) { streams_.listen_for(hertz); }
  /// Calls a device of `to` that `presence` offers. Errors: those of `stream::Calls::call`;
  /// direct::Errc::no_permission if no device offers what this one can use. `on_fallback` is called at most
  /// once; empty: the session succeeds or fails alone.
  using OnFallback = std::function<void(const Fallback& fallback, Now now)>;
  Result<call::Number> dial(const std::string& to, const documents::Presence& presence, stream::Files files,
                            OnFallback on_fallback, Now now);

  /// What an INVITE with the header Direct-Session is for this device (DIRECT_SESSIONS 11). `from`: who its
  /// own server says has sent it; empty: nobody, and nothing is proven.
  struct Origin {
    call::Number leg = 0;       ///< The leg of the session that it belongs to; 0: of none.
    bool is_elsewhere = false;  ///< The direct attempt goes to other devices only.
  };
  Origin origin_of(std::string_view from, std::string_view claims, Now now);

 private:
  using CallId = beckon::direct::CallId;

  // direct::Trust
  bool is_verified(std::string_view aor, const crypto::Key32& device_key) override;
  bool is_pinned(std::string_view aor, const beckon::direct::Ident& ident) override;

  // stream::User
  void on_event(const beckon::direct::Event& event, Time mono) override;
  void on_first_media(CallId id, Direction direction, Duration after_begin) override;
  void on_finished(CallId id, const stream::CallStatistics& statistics) override;
  void on_tone(CallId id, int hertz) override;

  // call::Carrier; its keys are CallIds
  bool answer(Key key, Now now) override;
  bool reject(Key key, Now now) override;
  void hang_up(Key key, Now now) override;
  void withdraw(Key key, Now now) override;
  bool is_reached(Key key) const override { return streams_.endpoint().is_checked(key); }
  std::optional<stream::CallStatistics> statistics(Key key) const override {
    return streams_.statistics(key);
  }

  call::Number number_of(CallId id, Now now);
  void on_incoming(const beckon::direct::Incoming& incoming, Now now);
  void on_ended(const beckon::direct::Ended& ended, Now now);
  void on_fallback_wanted(const beckon::direct::FallbackWanted& wanted, Now now);
  void want_new_epoch(Now now);
  void update_policy();

  account::Context& context_;
  call::Book& book_;
  const Keyring& keyring_;
  Pins& pins_;
  Port& port_;
  std::function<void()> on_pins_changed_;
  std::function<void(Now now)> publish_;
  std::optional<documents::Direct> offered_;
  std::optional<Time> epoch_began_;
  bool epoch_due_ = false;
  Timer epoch_timer_;
  bool reachable_ = false;
  std::size_t automatic_sessions_ = 1;
  std::map<std::string, ds1::Mode> permits_;
  stream::Files files_;
  std::optional<call::Opening> dialing_;    ///< Of the call that `dial` is starting.
  std::map<CallId, call::Number> numbers_;  ///< Of the sessions in the book that have not ended.
  /// Of the sessions that this device dialled, until they end.
  struct Dialled {
    std::string target;
    OnFallback on_fallback;
  };
  std::map<CallId, Dialled> dialled_;
  std::map<ds1::Epoch, Time> epochs_;  ///< The own ones of the last hour, and when they began.
  stream::Calls streams_;
};

}  // namespace beckon::client::direct
