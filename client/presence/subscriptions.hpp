#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/incoming/room.hpp"
#include "client/presence/dialogs.hpp"
#include "client/presence/list.hpp"
#include "client/presence/registrations.hpp"
#include "client/presence/rooms.hpp"
#include "client/presence/subscription.hpp"
#include "client/presence/view.hpp"
#include "client/presence/watchers.hpp"
#include "protocol/documents/message_archive.hpp"
#include "protocol/documents/message_summary.hpp"
#include "protocol/documents/pidf_diff.hpp"

namespace beckon::client::presence {

inline constexpr std::string_view presence_package = "presence";
inline constexpr std::string_view winfo_package = "presence.winfo";
inline constexpr std::string_view dialog_package = "dialog";
inline constexpr std::string_view summary_package = "message-summary";
inline constexpr std::string_view reg_package = "reg";
inline constexpr std::string_view archive_package = "beckon-messages";
inline constexpr std::string_view conference_package = "conference";

enum class Errc {
  already_subscribed = 1,
  not_own_watchers,  ///< presence.winfo of another user was asked for.
  not_subscribed,
};
const char* to_string(Errc value);

/// The subscriptions of this user agent and what they show: presence of others (event "presence"), the own
/// watchers (event "watchers"), dialogs (event "dialogs"), rooms (event "room"), waiting messages (event
/// "message-summary"), which devices of others register (event "registrations", and a hook) and what becomes
/// of the own messages (hooks). Takes the NOTIFYs of all these packages. One thread.
class Subscriptions final : public incoming::Room {
 public:
  struct Hooks {
    IsVerified is_verified;
    /// A presence document was read; it is shown next.
    std::function<void(const std::string& of, const documents::Presence& presence, Now now)> on_presence;
    /// A winfo document was taken; it is shown next.
    std::function<void(const documents::WatcherInfo& info, Now now)> on_watchers;
    /// A device of that user registered; `contact` is its URI.
    std::function<void(const std::string& of, const std::string& contact, Now now)> on_registered{};
    /// The archive of the own messages changed; null: that subscription has ended.
    std::function<void(const documents::MessageArchive* changes, Now now)> on_archive{};
    /// A subscription changed its state.
    std::function<void()> on_change;
  };
  /// The final status, 0 without answer. Each is called once.
  using Done = Subscription::Done;

  Subscriptions(account::Context& context, Hooks hooks);

  /// `to` is a canonical AOR, of a user or of a list (RFC 4662): of that come the events "list", and the
  /// package's own event of each member. `done` gets the status of the first SUBSCRIBE. Errors, without
  /// `done`: already_subscribed, not_own_watchers.
  Result<void> subscribe(const std::string& to, const std::string& package, std::uint32_t expires_seconds,
                         Done done, Now now, const sip::Rates& rates = {});
  /// `done` is called when the subscription has ended. Error, without `done`: not_subscribed.
  Result<void> unsubscribe(const std::string& to, const std::string& package, Done done, Now now);
  void unsubscribe_all(Now now);
  /// Asks for the state in every subscription: the connection is new.
  void refresh_all(Now now);

  /// The current document of an active subscription; null without one.
  const documents::Presence* document_of(const std::string& aor) const;
  /// Is the subscription to the own watchers active?
  bool watches_own() const;

  boost::json::array subscriptions_json() const;
  boost::json::array presence_json() const;
  const Watchers& watchers() const { return watchers_; }

  // incoming::Room
  const incoming::Services& services() const override;
  void on_request(const incoming::Request& request, Now now) override;

 private:
  using Key = std::pair<std::string, std::string>;  ///< AOR, package.

  Subscription* find(const std::string& to, std::string_view package) const;
  void on_document(const Key& key, const sip::Message& notify, Now now);
  void on_presence(const Key& key, const sip::Message& notify, Now now);
  bool on_partial_presence(const Key& key, const sip::Message& notify, Now now);
  void show(const std::string& of, const documents::Presence& presence, Now now);
  void confirm(const Key& key, Now now);
  void on_list(const Key& key, const sip::Message& notify, Now now);
  void show_member(const Key& list, const std::string& aor, const std::string& document, Now now);
  void show_unknown(const std::string& of, Now now);
  void show_dialogs(const std::string& of, const Dialogs& dialogs, std::uint32_t version, bool is_full,
                    Now now);
  void show_registrations(const documents::RegistrationInfo& info, Now now);
  void on_winfo(const Key& key, const sip::Message& notify, Now now);
  void on_dialogs(const Key& key, const sip::Message& notify, Now now);
  void on_registrations(const Key& key, const sip::Message& notify, Now now);
  void on_archive(const sip::Message& notify, Now now);
  void on_room(const Key& key, const sip::Message& notify, Now now);
  void on_summary(const std::string& of, const sip::Message& notify, Now now);
  void show_summary(const std::string& of, Now now);
  void on_change(const Key& key, Now now);
  void warn(const std::string& text, Now now);
  void drop_ended();

  account::Context& context_;
  Hooks hooks_;
  Watchers watchers_;
  std::map<Key, std::unique_ptr<Subscription>> subscriptions_;
  std::vector<std::unique_ptr<Subscription>> replaced_;  ///< Ended, and begun again since.
  Timer drop_timer_;  ///< Ended subscriptions are destroyed when none of their functions is on the stack.
  std::map<std::string, documents::Presence>
      presences_;  ///< The last documents of subscriptions that have not ended, by AOR.
  std::map<std::string, documents::PartialPresence> partials_;  ///< Those of them that come in parts.
  std::map<Key, List> lists_;
  std::map<std::string, Dialogs> dialogs_;    ///< By AOR.
  std::map<std::string, WatchedRoom> rooms_;  ///< Likewise.
  /// By AOR. Kept when a subscription ends, so that the next one shows no device as new that was known.
  std::map<std::string, Registrations> registrations_;
  std::map<std::string, documents::MessageSummary> summaries_;
  /// Needs full state, which is asked for once the NOTIFY that shows it is answered.
  Subscription* incomplete_ = nullptr;
};

}  // namespace beckon::client::presence

BECKON_ERROR_ENUM(beckon::client::presence, Errc, "beckon.client.presence")
