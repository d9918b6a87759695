#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "client/account/context.hpp"
#include "client/direct/keyring.hpp"
#include "client/direct/pins.hpp"
#include "client/direct/port.hpp"
#include "media/stream/calls.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"

namespace beckon::client::direct {

/// Direct sessions of this device: what it offers (epochs), whom it trusts, and the sessions themselves,
/// joined to their sound in `media/stream`. Tells of them by the events "call", "media", "call-statistics"
/// and "trust".
class Calls final : private beckon::direct::Trust, private stream::User {
 public:
  Calls(account::Context& context, const Keyring& keyring, Pins& pins, Port& port,
        std::function<void()> on_pins_changed);
  ~Calls() override;

  /// From the port.
  void on_datagram(const Address& from, ByteView datagram, Now now);
  void on_unreachable(const Address& to, Now now) { streams_.on_unreachable(to, now.mono); }

  // --- what we offer
  /// The element to publish, with the living epoch or, with `renew` or when one is due, a new one. Null
  /// without a candidate. Valid until the next call.
  const documents::Direct* offer(ds1::Mode mode, bool renew, Now now);
  /// We offer nothing any more: who still holds a grant is refused from now on.
  void withdraw() { streams_.endpoint().set_published({}); }
  /// `publish` is called when the element must be published again under a new epoch (DIRECT_SESSIONS 3,
  /// Epochs).
  void on_new_epoch_due(std::function<void(Now now)> publish) { publish_ = std::move(publish); }
  /// The server's word on what a watcher may do (DIRECT_SESSIONS 3.7), and the user's own block.
  void permit(const std::string& aor, ds1::Mode mode, Now now);
  void set_blocked(const std::string& aor, bool blocked, Now now);
  /// Are our winfo subscription and SIP flow alive? If not, callers ring (DIRECT_SESSIONS 9).
  void set_reachable(bool reachable);

  // --- whom we trust
  /// An identity shown by somebody's presence.
  void learn(const std::string& of, const crypto::Key32& device_key, const documents::Ident& ident, Now now);
  bool accept_key(const std::string& of, Now now);

  // --- sessions; ids are those of the contract
  /// What sessions to come play and record unless their command says otherwise.
  void choose_files(stream::Files files);
  Result<std::string> dial(const std::string& to, const documents::Presence& presence, stream::Files files,
                           Now now);
  bool answer(const std::string& id, Now now);
  bool reject(const std::string& id, Now now);
  bool hang_up(const std::string& id, Now now);
  void hang_up_all(Now now);
  bool tell_statistics(const std::string& id, Now now);
  boost::json::array json() const;

 private:
  using CallId = beckon::direct::CallId;
  struct Call {
    std::string peer;
    bool outgoing = false;
    bool verified = false;
    const char* state = "dialing";
    std::optional<stream::CallStatistics> figures;  ///< Of the whole session, once it has ended.
    bool ended = false;
  };

  // direct::Trust
  bool is_verified(std::string_view aor, const crypto::Key32& device_key) override;
  bool is_pinned(std::string_view aor, const beckon::direct::Ident& ident) override;

  // stream::User
  void on_event(const beckon::direct::Event& event, Time mono) override;
  void on_first_media(CallId id, Way way, Duration after_begin) override;
  void on_finished(CallId id, const stream::CallStatistics& figures) override;

  void on_incoming(const beckon::direct::Incoming& incoming, Now now);
  void enter(CallId id, const char* state, Now now, const beckon::direct::Ended* ended = nullptr);
  void forget_ended();
  void want_new_epoch(Now now);
  void update_policy();
  void tell(CallId id, const stream::CallStatistics& figures, Now now);
  /// A session of the contract's id that has not ended; null otherwise.
  std::pair<const CallId, Call>* find(const std::string& id);

  account::Context& context_;
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
  std::map<std::string, ds1::Mode> permits_;
  stream::Files files_;
  std::map<CallId, Call> calls_;
  stream::Calls streams_;
};

}  // namespace beckon::client::direct
