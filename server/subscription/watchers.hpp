#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/winfo.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::subscription {

/// One watcher of a resource (RFC 3857 4.7): what WT shows.
struct WatcherEntry {
  std::string id;
  std::string aor;
  std::string display_name;
  documents::WatcherStatus status = documents::WatcherStatus::pending;
  documents::WatcherEvent event = documents::WatcherEvent::subscribe;
  Time since{};
  Time expires{};  ///< Of the subscription; of a waiting one: when it is given up.

  /// As it stands in a document now. The view is of this entry's texts.
  documents::WatcherView view(Now now) const;
};

/// WT, the watcher information table: the state machine of RFC 3857 4.7.1 over the subscriptions of one
/// package. A watcher that has a subscription is that subscription; kept here is only who asked and got no
/// decision (`waiting`).
class Watchers final : public Observer {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Each change once; a terminated watcher is reported and forgotten.
    virtual void on_watcher(Entry& resource, const WatcherEntry& watcher, Now now) = 0;
    /// What was reported of `resource` is complete.
    virtual void on_settled(Entry& resource, Now now) = 0;
  };

  /// How long a watcher that asked and got no decision is remembered, after which it is given up.
  static constexpr Duration waiting_time = std::chrono::hours(24);

  /// Observes `subscriptions`; all referenced things outlive it.
  Watchers(Subscriptions& subscriptions, Package& package, Listener& listener);
  ~Watchers() override;

  // Observer
  void on_begun(Subscription& subscription, Now now) override;
  void on_decided(Subscription& subscription, Now now) override;
  void on_ended(Subscription& subscription, Now now) override;
  void on_rules_changed(Entry& resource, Now now) override;
  void on_settled(Entry& resource, Now now) override { listener_.on_settled(resource, now); }

  /// All watchers of `resource`, as they stand in a document now; nothing is copied. `visit` changes none.
  using Visit = std::function<void(const documents::WatcherView& watcher)>;
  void each(const Entry& resource, Now now, const Visit& visit) const;
  /// Those of one AOR; costs no more with many others.
  void each(const Entry& resource, std::string_view watcher, Now now, const Visit& visit) const;
  Table table(Now now) const;
  /// Those who wait.
  std::size_t size() const { return waiting_.size(); }
  bool is_idle() const { return rounds_.is_idle(); }

 private:
  /// Somebody who asked and got no decision.
  struct Waiting {
    EntryPtr resource;
    WatcherEntry watcher;
    std::list<Waiting>::iterator self{};
    boost::intrusive::list_member_hook<> of_resource{};
  };
  using OfResource = boost::intrusive::list<
      Waiting,
      boost::intrusive::member_hook<Waiting, boost::intrusive::list_member_hook<>, &Waiting::of_resource>>;
  struct WaitingPart final : Part {
    OfResource all;                              ///< Oldest first.
    OfResource::iterator undecided = all.end();  ///< From here on newer rules have still to be asked.
  };

  void wait(Entry& resource, WatcherEntry watcher, Now now);
  void end(Waiting& waiting, documents::WatcherEvent event, Now now);
  bool decide(Entry& resource, Slice& slice, Now now);
  void give_up(Now now);
  void arm();

  Subscriptions& subscriptions_;
  Package& package_;
  Listener& listener_;
  Slot<WaitingPart> slot_;
  std::list<Waiting> waiting_;  ///< Of all resources, the first to be given up first.
  ResourceRounds rounds_;
  Timer timer_;
};

}  // namespace beckon::server::subscription
