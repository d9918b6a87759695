#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "server/packages/presence.hpp"
#include "server/packages/winfo.hpp"
#include "server/presence/information.hpp"
#include "server/presence/subscriptions.hpp"
#include "server/presence/watchers.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::packages {

/// The presence agent of one shard (RFC 3856): SUBSCRIBE for "presence" and "presence.winfo", PUBLISH for
/// "presence". Joins the paper's four tables: PIT (state), PST and WST (subscriptions), WT (watchers).
class Agent final : public Room, public registrar::BindingsObserver {
 public:
  /// Observes the registrar, and the bus for changes of rules. All referenced things outlive it.
  Agent(Services& services, registrar::Registrar& registrar, const xcap::Documents& documents);

  Serves serves() const override;
  bool takes(const Request& request) const override;
  void on_request(const RequestPtr& request) override;
  void on_flow_closed(transaction::FlowId flow, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  std::vector<Table> tables(Now now) const override;

  void on_bindings_changed(server::Entry& entry, registrar::BindingEvent event,
                           const registrar::Binding& changed, const std::vector<registrar::Binding>& all,
                           Now now) override;

  /// Things it holds; 0 when all have left.
  std::size_t size() const { return information_.size() + pst_.size() + wst_.size() + watchers_.size(); }

 private:
  struct PresenceObserver final : presence::Subscriptions::Observer {
    explicit PresenceObserver(Agent& a) : agent(a) {}
    void on_subscribed(presence::SubscriptionEntry& entry, Now now) override {
      agent.on_subscribed(entry, now);
    }
    void on_refreshed(presence::SubscriptionEntry& entry, Now now) override {
      agent.on_refreshed(entry, now);
    }
    void on_terminated(presence::SubscriptionEntry& entry, Now now) override {
      agent.on_terminated(entry, now);
    }
    Agent& agent;
  };
  struct WinfoObserver final : presence::Subscriptions::Observer {
    explicit WinfoObserver(Agent& a) : agent(a) {}
    void on_terminated(presence::SubscriptionEntry& entry, Now now) override {
      agent.release_grants(entry.subscription.resource, now);
    }
    void on_lost(presence::SubscriptionEntry& entry, Now now) override {
      agent.release_grants(entry.subscription.resource, now);
    }
    void on_notified(presence::SubscriptionEntry& entry, Now now) override {
      agent.release_grants(entry.subscription.resource, now);
    }
    Agent& agent;
  };

  void on_subscribed(presence::SubscriptionEntry& entry, Now now);
  void on_refreshed(presence::SubscriptionEntry& entry, Now now);
  void on_terminated(presence::SubscriptionEntry& entry, Now now);
  /// The rules of `resource` changed: every watcher is judged anew, at once.
  void on_rules_changed(const std::string& resource, Now now);
  void judge_waiting(const std::string& resource, Now now);

  ds1::Mode permit_of(const std::string& resource, const std::string& watcher, Now now);
  Winfo::Permits permits_of(std::string_view resource, Now now);
  bool permit_is_due(std::string_view resource, std::string_view watcher);
  /// Notes for the presentity's own documents what `watcher` may do, if that changed.
  void note_permit(const std::string& resource, const std::string& watcher, Now now);
  void note_watcher(const std::string& resource, const presence::WatcherEntry& watcher, Now now);
  /// Sends what was noted: permits at once, the rest at the package's pace.
  void tell_winfo(const std::string& resource, Now now);
  /// Grants that waited for a permit follow it.
  void release_grants(const std::string& resource, Now now);

  Services& services_;
  presence::PresenceInformation information_;
  presence::Watchers watchers_;
  Presence presence_;
  Winfo winfo_;
  PresenceObserver presence_observer_{*this};
  WinfoObserver winfo_observer_{*this};
  presence::Subscriptions pst_;
  presence::Subscriptions wst_;
  std::map<std::string, Winfo::Permits, std::less<>>
      told_;             ///< By presentity: what was last noted, `off` left out.
  bool noting_ = false;  ///< Several changes are being noted; they go out together.
};

}  // namespace beckon::server::packages
