#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/event/package.hpp"
#include "server/presence/information.hpp"
#include "server/presence/policy.hpp"
#include "server/shard/services.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::packages {

/// Event package "presence" (RFC 3856): always full documents.
class Presence final : public event::EventPackage {
 public:
  /// True while a watcher's permit has not yet been told to the presentity: his grants wait for it
  /// (DIRECT_SESSIONS 3.7).
  using PermitIsDue = std::function<bool(std::string_view resource, std::string_view watcher)>;

  Presence(Services& services, presence::PresenceInformation& information, const xcap::Documents& documents,
           PermitIsDue permit_is_due);

  std::string_view name() const override { return "presence"; }
  event::Expiry expiry() const override;
  std::span<const std::string_view> body_types() const override;
  event::Permission permission(std::string_view resource, std::string_view watcher, Now now) override;
  event::Content compose(event::Subscription& subscription, event::Permission permission,
                         event::Notifier::Body body, Now now) override;

  presence::View view(std::string_view resource, std::string_view watcher, Now now) const;
  /// Would the rules of now show this subscription something else than its last document did?
  bool is_outdated(const event::Subscription& subscription, Now now) const;
  /// Its last document lacked grants because a permit was due.
  static bool is_withheld(const event::Subscription& subscription);

 private:
  Services& services_;
  presence::PresenceInformation& information_;
  const xcap::Documents& documents_;
  PermitIsDue permit_is_due_;
};

}  // namespace beckon::server::packages
