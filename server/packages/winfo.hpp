#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/documents/winfo.hpp"
#include "server/presence/watch.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"
#include "server/subscription/watchers.hpp"

namespace beckon::server::packages {

/// The template-package "winfo" (RFC 3857, RFC 3858) of any package: a resource sees all of its watchers,
/// anyone else its own entries. The first document is full, later ones carry what changed. That of "presence"
/// also says what each watcher is permitted directly (DIRECT_SESSIONS 3.7).
class Winfo final : public subscription::Package, private subscription::Watchers::Listener {
 public:
  /// `table` names the live table. `watches`: whose permits are shown; may be null. All outlive it.
  Winfo(Environment& environment, subscription::Package& watched, std::string_view table,
        presence::Watches* watches);
  ~Winfo() override;

  std::string_view name() const override { return name_; }
  std::string_view table() const override { return table_; }
  std::span<const std::string_view> body_types() const override;
  /// RFC 3857 4.8: not more than one document in five seconds.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(5)}; }

  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void begun(subscription::Subscription& subscription, Now now) override;
  void refreshed(subscription::Subscription& subscription, Now now) override;
  void ended(subscription::Subscription& subscription, Now now) override;
  void lost(subscription::Subscription& subscription, Now now) override;
  void notified(subscription::Subscription& subscription, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;
  std::vector<Table> tables(Now now) const override { return {watchers_->table(now)}; }
  std::size_t size() const override { return watchers_->size(); }

 private:
  struct News;
  static News& news_of(const subscription::Subscription& subscription);
  void attached() override;
  // subscription::Watchers::Listener
  void on_watcher(Entry& resource, const subscription::WatcherEntry& watcher, Now now) override;
  void on_settled(Entry& resource, Now now) override;

  bool has_permit_news(const subscription::Subscription& subscription) const;
  std::string full(const subscription::Subscription& subscription, Now now) const;
  std::string partial(const subscription::Subscription& subscription, Now now) const;

  Environment& environment_;
  subscription::Package& watched_;
  presence::Watches* watches_;
  std::string name_;
  std::string_view table_;
  std::unique_ptr<subscription::Watchers> watchers_;
  std::vector<subscription::SubscriptionPtr> noted_;  ///< Those with news since their resource was settled.
};

}  // namespace beckon::server::packages
