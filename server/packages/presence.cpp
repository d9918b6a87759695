#include "server/packages/presence.hpp"

#include <array>

#include "protocol/documents/pidf.hpp"

namespace beckon::server::packages {

using event::Permission;

namespace {

struct Memory final : event::PackageMemory {
  presence::View shown;
  bool withheld = false;
};

const Memory* memory_of(const event::Subscription& subscription) {
  return static_cast<const Memory*>(subscription.memory.get());
}

Memory& memory_of(event::Subscription& subscription) {
  if (!subscription.memory) subscription.memory = std::make_unique<Memory>();
  return static_cast<Memory&>(*subscription.memory);
}

constexpr std::array<std::string_view, 2> types{documents::pidf_type, documents::cpim_pidf_type};

}  // namespace

Presence::Presence(Services& services, presence::PresenceInformation& information,
                   const xcap::Documents& documents, PermitIsDue permit_is_due)
    : services_(services),
      information_(information),
      documents_(documents),
      permit_is_due_(std::move(permit_is_due)) {}

event::Expiry Presence::expiry() const {
  const Lifetimes& lifetimes = services_.settings().subscription;
  using std::chrono::seconds;
  return {seconds(lifetimes.minimum), seconds(lifetimes.standard), seconds(lifetimes.maximum)};
}

std::span<const std::string_view> Presence::body_types() const { return types; }

presence::View Presence::view(std::string_view resource, std::string_view watcher, Now now) const {
  return presence::decide(services_.settings(), documents_.rules(resource), resource, watcher, now.wall);
}

Permission Presence::permission(std::string_view resource, std::string_view watcher, Now now) {
  return view(resource, watcher, now).permission;
}

event::Content Presence::compose(event::Subscription& subscription, Permission permission,
                                 event::Notifier::Body, Now now) {
  Memory& memory = memory_of(subscription);
  memory.withheld = false;
  if (permission == Permission::confirm || permission == Permission::block) return {};
  if (permission == Permission::polite_block)
    return {subscription.body_type, share(information_.render_nothing(subscription.resource))};
  memory.shown = view(subscription.resource, subscription.watcher, now);
  documents::Transformations what = memory.shown.what;
  // Without a password the watcher is whoever From names, and nobody is granted anything.
  if (services_.settings().authentication == Authentication::none) what.direct = ds1::Mode::off;
  if (what.direct != ds1::Mode::off && permit_is_due_(subscription.resource, subscription.watcher)) {
    memory.withheld = true;
    what.direct = ds1::Mode::off;
  }
  return {subscription.body_type, information_.render(*services_.directory().get(subscription.resource), what,
                                                      subscription.secure, subscription.watcher)};
}

bool Presence::is_outdated(const event::Subscription& subscription, Now now) const {
  const Memory* memory = memory_of(subscription);
  return !memory || memory->shown != view(subscription.resource, subscription.watcher, now);
}

bool Presence::is_withheld(const event::Subscription& subscription) {
  const Memory* memory = memory_of(subscription);
  return memory && memory->withheld;
}

}  // namespace beckon::server::packages
