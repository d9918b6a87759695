#include "server/packages/conference.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <vector>

#include "protocol/base/text.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using documents::ConferencePart;
using subscription::Permission;
using subscription::Subscription;

namespace {

constexpr std::array conference_types{documents::conference_type};

documents::ConferenceUser user_of(const std::string& aor, const groups::Member& member) {
  using documents::EndpointStatus;
  const auto status = member.is_invited     ? EndpointStatus::pending
                      : member.shows_here() ? EndpointStatus::connected
                                            : EndpointStatus::disconnected;
  return {.entity = aor,
          .roles = {groups::to_string(member.role)},
          .endpoints = {{.entity = aor, .status = status}}};
}

documents::ConferenceDescription description_of(const std::string& room, const groups::Group& group) {
  const std::string_view name = std::string_view(room).substr(room.find(':') + 1);
  return {.display_text = std::string(name.substr(0, name.find('@'))), .subject = group.profile.topic};
}

documents::ConferenceState state_of(const groups::Group& group) {
  const bool is_active =
      std::ranges::any_of(group.members, [](const auto& each) { return each.second.shows_here(); });
  return {.user_count = group.size(), .active = is_active, .locked = !group.profile.is_open};
}

}  // namespace

/// What the next partial document of a subscription carries.
struct Conference::News final : subscription::PackageData {
  /// Past it the next document is full.
  static constexpr std::size_t members_max = 64;
  bool has_profile = false;
  std::set<std::string> members;

  void clear() {
    has_profile = false;
    members.clear();
  }
};

Conference::Conference(groups::Groups& groups) : groups_(groups) {
  groups_.observe(
      [this](Entry& room, const groups::Groups::News& news, Now now) { on_change(room, news, now); });
}

std::span<const std::string_view> Conference::body_types() const { return conference_types; }

void Conference::find(const Entry& resource, Found found) { found(groups_.find(resource) ? 200 : 404); }

/// `find` says that there is no room, where there is none.
Permission Conference::admit(Entry& resource, const std::string& watcher, Now) {
  const bool may = !groups_.find(resource) || groups_.is_member(resource, watcher);
  return may ? Permission::active : Permission::refused;
}

Permission Conference::begin(Subscription& subscription, Now) {
  subscription.data = std::make_unique<News>();
  const bool may = groups_.is_member(subscription.resource(), subscription.watcher());
  return may ? Permission::active : Permission::refused;
}

/// Full state follows when the watcher is back.
void Conference::lost(Subscription& subscription, Now) { static_cast<News&>(*subscription.data).clear(); }

/// Whoever is no member any more hears so, and nothing else.
void Conference::on_change(Entry& room, const groups::Groups::News& news, Now now) {
  std::vector<subscription::SubscriptionPtr> staying, leaving;
  subscriptions().each(*this, room, [&](Subscription& subscription) {
    if (!groups_.is_member(room, subscription.watcher())) return leaving.push_back(&subscription);
    if (!subscription.hears_news()) return;
    News& kept = static_cast<News&>(*subscription.data);
    kept.has_profile = kept.has_profile || news.has_profile;
    kept.members.insert(news.members.begin(), news.members.end());
    staying.emplace_back(&subscription);
  });
  for (const auto& subscription : leaving) subscriptions().decide(*subscription, Permission::refused, now);
  if (!leaving.empty()) subscriptions().deliver(*this, room, now);
  for (const auto& subscription : staying) subscriptions().changed(*subscription, now);
}

subscription::Content Conference::compose(Subscription& subscription, event::Notifier::Body body, Now) {
  News& news = static_cast<News&>(*subscription.data);
  const std::string& room = subscription.resource().aor();
  const groups::Group* group = groups_.find(subscription.resource());
  documents::ConferenceInfo info{.entity = room, .version = subscription.number()};
  const bool is_shown = group && group->find(subscription.watcher());
  if (!is_shown) {
    info.part = group ? ConferencePart::partial : ConferencePart::deleted;
  } else if (body == event::Notifier::Body::full || news.members.size() > News::members_max) {
    info.description = description_of(room, *group);
    info.state = state_of(*group);
    info.users.emplace();
    for (const auto& [aor, member] : group->members)
      if (member.role != groups::Role::gone) info.users->users.push_back(user_of(aor, member));
  } else {
    info.part = ConferencePart::partial;
    if (news.has_profile) info.description = description_of(room, *group);
    info.state = state_of(*group);
    info.users.emplace();
    info.users->part = ConferencePart::partial;
    for (const std::string& aor : news.members) {
      const groups::Member* member = group->find(aor);
      info.users->users.push_back(
          member ? user_of(aor, *member)
                 : documents::ConferenceUser{.entity = aor, .part = ConferencePart::deleted});
    }
  }
  news.clear();
  return {documents::conference_type, share(documents::print(info))};
}

}  // namespace beckon::server::packages
