#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/dialog/dialog.hpp"
#include "protocol/event/notifier.hpp"
#include "protocol/event/package.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"

namespace beckon::server::presence {

/// One subscription, as the tables PST and WST keep it.
struct SubscriptionEntry {
  SubscriptionEntry(event::Subscription subscribed, dialog::Dialog made, event::Notifier machine,
                    TimerQueue& timers)
      : subscription(std::move(subscribed)),
        dialog(std::move(made)),
        notifier(std::move(machine)),
        timer(timers) {}

  event::Subscription subscription;
  dialog::Dialog dialog;
  event::Notifier notifier;
  event::Permission permission = event::Permission::confirm;
  transaction::Hop hop;   ///< Where NOTIFYs go: where the last SUBSCRIBE came from.
  bool reachable = true;  ///< False while the connection is gone (RFC 5626: the watcher has to come back).
  bool held = false;      ///< After a restart: its next CSeqs are not in the store yet, nothing is sent.
  bool stored = true;     ///< False for a fetch: it leaves no trace.
  Bucket bucket = 0;
  std::string watcher_id;  ///< In winfo documents; stays over restarts.
  std::string display_name;
  WallTime since{};
  std::uint64_t notifies = 0;  ///< Counts what was sent; the answer to an older one is no news.
  Timer timer;
};

/// The subscriptions of one event package on one shard: SUBSCRIBE in, NOTIFY out, records in between
/// (RFC 6665 4.2). PST is the one of "presence", WST the one of "presence.winfo".
class Subscriptions {
 public:
  /// What becomes of a subscription. Runs before the NOTIFY that tells the watcher.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void on_subscribed(SubscriptionEntry&, Now) {}
    virtual void on_refreshed(SubscriptionEntry&, Now) {}
    /// `entry.notifier.reason()` tells why.
    virtual void on_terminated(SubscriptionEntry&, Now) {}
    /// The watcher's connection is gone; until he is back nothing is sent to him.
    virtual void on_lost(SubscriptionEntry&, Now) {}
    /// A NOTIFY with the newest state has just been handed to the network.
    virtual void on_notified(SubscriptionEntry&, Now) {}
  };

  /// All referenced things outlive it. `name` is the table's: "PST", "WST".
  Subscriptions(std::string name, store::Kind kind, Services& services, event::EventPackage& package,
                Observer& observer);
  ~Subscriptions();

  /// A SUBSCRIBE of this package, in a dialog or not.
  void on_request(const RequestPtr& request);

  /// The resource changed: every active subscription to it is told.
  void changed(std::string_view resource, Now now);
  void changed(SubscriptionEntry& entry, Now now);
  /// The same, not held back by the package's pacing.
  void changed_urgently(SubscriptionEntry& entry, Now now);
  /// What `entry.permission` was before its owner changed it: approve, suspend or end accordingly.
  void permission_changed(SubscriptionEntry& entry, event::Permission before, Now now);

  /// The subscriptions to `resource`, oldest first; valid until the next call that may end one.
  std::vector<SubscriptionEntry*> of(std::string_view resource);
  SubscriptionEntry* find(std::uint64_t id);

  void on_flow_closed(transaction::FlowId flow, Now now);
  void restore(const store::Record& record, Now now);
  /// Full state goes out to whom it can reach, spread over time (DESIGN 1.4).
  void restored(Now now);
  Table table(Now now) const;
  std::size_t size() const { return entries_.size(); }

 private:
  using EntryPtr = std::unique_ptr<SubscriptionEntry>;

  void on_initial(const RequestPtr& request);
  void admit(const RequestPtr& request, const std::string& resource, std::chrono::seconds expires);
  void begin(const RequestPtr& request, EntryPtr entry);
  void drop_lost_twins(const SubscriptionEntry& started, Now now);
  void on_refresh(const RequestPtr& request, SubscriptionEntry& entry);
  void refreshed(SubscriptionEntry& entry, const Request& request, Time expires);
  std::string answer_to(const Request& request, std::chrono::seconds expires) const;
  void refuse_brief(const Request& request, std::chrono::seconds least);
  bool is_full(std::string_view resource) const;

  void insert(EntryPtr entry);
  void erase(SubscriptionEntry& entry);
  /// Does what the notifier says; the entry may be gone afterwards.
  void perform(SubscriptionEntry& entry, const event::Notifier::Actions& actions, Now now);
  void notify(SubscriptionEntry& entry, const event::Notifier::Notify& notify, Now now);
  void on_notify_outcome(std::uint64_t id, std::uint64_t sent, const transaction::Outcome& outcome, Now now);
  void set_hop(SubscriptionEntry& entry, const transaction::Hop& hop);
  void lose(SubscriptionEntry& entry, Now now);
  void arm(SubscriptionEntry& entry);
  void reserve_anew(SubscriptionEntry& entry);
  void resume(SubscriptionEntry& entry, Now now);
  void save(const SubscriptionEntry& entry);
  store::Change record_of(const SubscriptionEntry& entry, Time expires) const;

  std::string name_;
  store::Kind kind_;
  Services& services_;
  event::EventPackage& package_;
  Observer& observer_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, EntryPtr> entries_;
  std::unordered_map<dialog::Id, std::uint64_t> by_dialog_;
  std::map<std::string, std::set<std::uint64_t>, std::less<>> by_resource_;
  std::unordered_map<transaction::FlowId, std::set<std::uint64_t>> by_flow_;
};

}  // namespace beckon::server::presence
