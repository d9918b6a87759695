#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "protocol/ds1/ticket.hpp"
#include "protocol/event/package.hpp"
#include "server/presence/watchers.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::packages {

/// Event package "presence.winfo" (RFC 3857, RFC 3858): the presentity sees all of his watchers and what
/// each is permitted directly (DIRECT_SESSIONS 3.7), anyone else his own entries. The first document is
/// full, later ones carry what changed.
class Winfo final : public event::EventPackage {
 public:
  using Permits = std::map<std::string, ds1::Mode>;  ///< By watcher's AOR.
  /// What every watcher of a presentity is permitted now: all that subscribe or hold a grant.
  using PermitsOf = std::function<Permits(std::string_view resource)>;

  Winfo(Services& services, const presence::Watchers& watchers, PermitsOf permits_of);

  std::string_view name() const override { return "presence.winfo"; }
  event::Expiry expiry() const override;
  std::span<const std::string_view> body_types() const override;
  /// RFC 3857 4.8: not more than one document in five seconds.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(5)}; }
  event::Permission permission(std::string_view resource, std::string_view watcher, Now now) override;
  event::Content compose(event::Subscription& subscription, event::Permission permission,
                         event::Notifier::Body body, Now now) override;

  /// The presentity's own subscription, which sees everything?
  static bool is_own(const event::Subscription& subscription) {
    return subscription.watcher == subscription.resource;
  }
  /// Remembers for the next document of `subscription` that a watcher changed; nothing if he is not to be
  /// seen.
  static void note_watcher(event::Subscription& subscription, const presence::WatcherEntry& watcher);
  /// The same for a permit.
  static void note_permit(event::Subscription& subscription, const std::string& watcher);
  static bool has_news(const event::Subscription& subscription);
  /// Is a permit (of `watcher`, or of anybody) waiting to be told?
  static bool has_permit_due(const event::Subscription& subscription, std::string_view watcher);
  static bool has_permit_due(const event::Subscription& subscription);

 private:
  documents::WatcherInfo full(const event::Subscription& subscription, Now now) const;
  documents::WatcherInfo partial(const event::Subscription& subscription, Now now) const;

  Services& services_;
  const presence::Watchers& watchers_;
  PermitsOf permits_of_;
};

}  // namespace beckon::server::packages
