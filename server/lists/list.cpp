#include "server/lists/list.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/event/body_type.hpp"
#include "server/lists/body.hpp"
#include "server/lists/lists.hpp"
#include "server/shard/rounds.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::lists {

using subscription::Permission;
using subscription::Subscription;

namespace {

/// The first NOTIFY waits so long for its members. The watcher waits for it for 32 s (RFC 6665 4.1.2.4).
constexpr Duration gathering_max = 500ms;
/// Before a shard that was overloaded is asked again.
constexpr Duration retry_pause = 1s;
/// Lists in lists: past it a member that is a list is not followed.
constexpr std::size_t depth_max = 3;

constexpr std::array multipart_related = {std::string_view("multipart/related")};
/// Of one datagram, without what stands before the state.
constexpr std::size_t datagram_max = 60000;

BodyRoom room_for(const Subscription& subscription, const Settings& settings) {
  if (subscription.is_follower()) return {subscription.octets_max(), subscription.octets_max()};
  if (subscription.is_by_datagram()) return {settings.list_datagram_octets, datagram_max};
  return {settings.list_notify_octets, std::numeric_limits<std::size_t>::max()};
}

}  // namespace

/// What a subscription to a list follows.
struct List::Following final : subscription::PackageData {
  struct Member : MemberState {
    std::string aor;
    bool is_list = false;
    bool is_past_limit = false;  ///< Of members in other domains.
    std::uint32_t number = 0;    ///< Of what follows it; 0: nothing does.
    bool is_final = false;       ///< It will not be followed: it leads back here, or is past the limit.
  };

  explicit Following(TimerQueue& timers) : window(timers), gathering(timers), asking(timers), retry(timers) {}

  std::vector<std::unique_ptr<Member>> members;          ///< As the list has them.
  std::unordered_map<std::uint32_t, Member*> by_number;  ///< Those that are followed.
  std::vector<MemberState*> due;                         ///< Those with news, the oldest first.
  std::size_t unknown = 0;                               ///< How many are not known yet.
  std::vector<documents::DisplayName> names;
  std::size_t next = 0;  ///< Of those before it nothing is left to do.
  std::uint32_t last_number = 0;
  bool is_defined = false;
  bool is_full_due = false;  ///< Members came or went, which no partial document says.
  bool is_gathering = false;
  bool is_secure = false;  ///< As members are followed.
  Timer window, gathering, asking, retry;

  bool is_complete() const { return is_defined && next == members.size() && unknown == 0; }
  /// There is news of it.
  void learn(Member& member, subscription::Report::State state, std::string_view reason,
             subscription::Content content) {
    if (!std::exchange(member.is_known, true)) --unknown;
    if (!std::exchange(member.is_due, true)) due.push_back(&member);
    member.state = state;
    member.reason = reason;
    member.content = std::move(content);
  }
};

List::List(Environment& environment, subscription::Package& base, Lists& lists)
    : environment_(environment), base_(base), lists_(lists), key_(std::string(base.name()) + " list") {}

List::Following& List::following(Subscription& subscription) {
  return static_cast<Following&>(*subscription.data);
}

/// The types of the members, and that of a list around them (RFC 4662 4.3).
std::optional<std::uint8_t> List::choose_body_type(const sip::Message& subscribe) const {
  if (event::choose_body_type(subscribe, multipart_related).empty()) return std::nullopt;
  const auto types = base_.body_types();
  // All of what a member says is sent each time.
  for (std::size_t i = 0; i < types.size(); ++i)
    if (types[i] != base_.body_type_by_name() &&
        !event::choose_body_type(subscribe, std::span(&types[i], 1)).empty())
      return static_cast<std::uint8_t>(i);
  return std::nullopt;
}

Permission List::begin(Subscription& subscription, Now) {
  subscription.data = std::make_unique<Following>(environment_.timers());
  return Permission::active;
}

/// The first NOTIFY goes out when all members are known, or a little later.
void List::begun(Subscription& subscription, Now now) {
  Following& all = following(subscription);
  all.is_secure = subscription.is_secure();
  all.is_gathering = true;
  subscriptions().hold(subscription);
  all.gathering.set(now.mono + gathering_max, [this, &subscription](Time) {
    const subscription::SubscriptionPtr kept(&subscription);
    following(subscription).is_gathering = false;
    subscriptions().release(subscription, environment_.clock().now());
  });
  if (subscription.list().empty()) return ask_for_definition(subscription);
  auto carried = define_carried(subscription.list(), environment_.settings().list_members);
  if (carried) take(subscription, std::move(*carried));
  follow_all(subscription, now);
}

void List::ask_for_definition(Subscription& subscription) {
  Following& all = following(subscription);
  if (lists_.ask(std::string(subscription.tag()), subscription.resource().aor(), subscription.watcher(),
                 base_.name()))
    return;
  all.asking.set(environment_.clock().now().mono + retry_pause,
                 [this, &subscription](Time) { ask_for_definition(subscription); });
}

void List::define(Subscription& subscription, Definition definition, Now now) {
  if (definition.status != 200) return subscriptions().end(subscription, "noresource", now);
  take(subscription, std::move(definition));
  follow_all(subscription, now);
  announce(subscription, now);
}

/// Members that stay keep their state.
void List::take(Subscription& subscription, Definition definition) {
  Following& all = following(subscription);
  const Settings& settings = environment_.settings();
  std::unordered_map<std::string, std::unique_ptr<Following::Member>> before;
  for (auto& member : all.members) {
    std::string uri = member->uri;
    before.emplace(std::move(uri), std::move(member));
  }
  all.members.clear();
  std::uint32_t elsewhere = 0;
  for (Definition::Member& each : definition.members) {
    auto kept = before.extract(each.uri);
    auto member = kept && kept.mapped()->is_list == each.is_list ? std::move(kept.mapped())
                                                                 : std::make_unique<Following::Member>();
    if (kept && kept.mapped()) before.insert(std::move(kept));
    member->uri = each.uri;
    member->names = std::move(each.names);
    member->aor = aor_of(each.uri);
    member->is_list = each.is_list;
    const bool is_past_limit =
        !settings.serves(domain_of_aor(member->aor)) && ++elsewhere > settings.list_foreign_members;
    if (std::exchange(member->is_past_limit, is_past_limit) && !is_past_limit) member->is_final = false;
    all.members.push_back(std::move(member));
  }
  for (const auto& [uri, gone] : before) {
    if (gone->number == 0) continue;
    all.by_number.erase(gone->number);
    subscriptions().unfollow({std::string(subscription.tag()), gone->number}, gone->aor);
  }
  all.due.clear();
  all.unknown = 0;
  for (const auto& member : all.members) {
    if (member->is_due) all.due.push_back(member.get());
    if (!member->is_known) ++all.unknown;
  }
  all.names = std::move(definition.names);
  all.is_full_due = all.is_defined;
  all.is_defined = true;
}

void List::follow_all(Subscription& subscription, Now now) {
  following(subscription).next = 0;
  work(subscription, now);
}

/// Follows who is not followed yet, a slice at a time.
void List::work(Subscription& subscription, Now now) {
  Following& all = following(subscription);
  Slice slice(environment_.clock());
  for (; all.next != all.members.size(); ++all.next) {
    Following::Member& member = *all.members[all.next];
    if (member.number != 0 || member.is_final) continue;
    const auto& path = subscription.path();
    const bool leads_back =
        member.is_list && (member.aor == subscription.resource().aor() ||
                           std::ranges::find(path, member.aor) != path.end() || path.size() + 1 >= depth_max);
    if (leads_back || member.is_past_limit) {
      member.is_final = true;
      all.learn(member, subscription::Report::State::terminated, leads_back ? "noresource" : "giveup", {});
      continue;
    }
    if (!subscriptions().may_follow(subscription)) {
      all.learn(member, subscription::Report::State::terminated, "giveup", {});
      continue;
    }
    if (!slice.take()) {
      all.retry.set(now.mono + std::chrono::microseconds(1),
                    [this, &subscription](Time) { work(subscription, environment_.clock().now()); });
      return;
    }
    subscription::Follow follow{.id = {std::string(subscription.tag()), all.last_number + 1},
                                .resource = member.aor,
                                .package = std::string(base_.name()),
                                .watcher = subscription.watcher(),
                                .display_name = std::string(subscription.display_name()),
                                .body_type = std::string(subscription.body_type()),
                                .is_secure = all.is_secure,
                                .is_list = member.is_list,
                                .octets_max = room_for(subscription, environment_.settings()).octets_max / 2,
                                .asker = subscription.source(),
                                .path = path};
    follow.path.push_back(subscription.resource().aor());
    if (!subscriptions().follow(std::move(follow))) {
      all.retry.set(now.mono + retry_pause,
                    [this, &subscription](Time) { work(subscription, environment_.clock().now()); });
      return;
    }
    member.number = ++all.last_number;
    all.by_number.emplace(member.number, &member);
  }
  announce(subscription, now);
}

void List::reported(Subscription& subscription, subscription::Report report, Now now) {
  Following& all = following(subscription);
  const auto found = all.by_number.find(report.id.number);
  if (found == all.by_number.end()) return;
  Following::Member& member = *found->second;
  all.learn(member, report.state, report.reason, std::move(report.content));
  // It is tried again with the next SUBSCRIBE.
  if (report.is_last) {
    all.by_number.erase(found);
    member.number = 0;
  }
  announce(subscription, now);
}

/// There may be news.
void List::announce(Subscription& subscription, Now now) {
  Following& all = following(subscription);
  if (all.is_gathering) {
    if (!all.is_complete()) return;
    all.is_gathering = false;
    all.gathering.cancel();
    return subscriptions().release(subscription, now);
  }
  const bool is_news = all.is_full_due || !all.due.empty();
  if (!is_news || all.window.is_set()) return;
  all.window.set(now.mono + environment_.settings().list_window, [this, &subscription](Time) {
    subscriptions().changed(subscription, environment_.clock().now());
  });
}

void List::refreshed(Subscription& subscription, Now now) {
  Following& all = following(subscription);
  if (all.is_secure != subscription.is_secure()) {
    leave(subscription);
    // What was made for another hop may not go over this one.
    all.due.clear();
    all.unknown = all.members.size();
    for (const auto& member : all.members) {
      member->is_known = member->is_due = member->is_final = false;
      member->content = {};
    }
    all.is_secure = subscription.is_secure();
    if (subscription.list().empty()) ask_for_definition(subscription);
  }
  if (all.is_defined) follow_all(subscription, now);
}

void List::ended(Subscription& subscription, Now now) {
  // What is fetched is still to come.
  if (subscription.is_fetch()) return;
  leave(subscription);
  // Nothing but the last NOTIFY goes out any more: it waits for nobody.
  following(subscription).is_gathering = false;
  subscriptions().release(subscription, now);
}

void List::forgotten(Subscription& subscription) { leave(subscription); }

void List::leave(Subscription& subscription) {
  Following& all = following(subscription);
  const std::string tag(subscription.tag());
  for (const auto& member : all.members) {
    if (member->number != 0) subscriptions().unfollow({tag, member->number}, member->aor);
    member->number = 0;
  }
  all.by_number.clear();
  for (Timer* timer : {&all.window, &all.gathering, &all.asking, &all.retry}) timer->cancel();
  if (subscription.list().empty()) lists_.forget(tag, subscription.watcher());
}

subscription::Content List::compose(Subscription& subscription, event::Notifier::Body body, Now) {
  Following& all = following(subscription);
  const Settings& settings = environment_.settings();
  const bool is_full = body != event::Notifier::Body::partial || all.is_full_due;
  std::vector<MemberState*> members;
  if (is_full) {
    members.reserve(all.members.size());
    for (const auto& member : all.members) members.push_back(member.get());
  } else {
    members = std::move(all.due);
  }
  all.is_full_due = false;
  const BodyHead head{.uri = subscription.resource().aor(),
                      .names = all.names,
                      .version = subscription.number(),
                      .domain = std::string(domain_of_aor(subscription.resource().aor())),
                      .is_full = is_full};
  subscription::Content content =
      make_body(head, members, room_for(subscription, settings), environment_.random());
  std::erase_if(members, [](const MemberState* member) { return !member->is_due; });
  all.due = std::move(members);
  return content;
}

/// Whoever found no room goes into the next one. A list in a list is told whole each time, as far as there is
/// room for it.
void List::notified(Subscription& subscription, Now now) {
  if (subscription.is_follower() || subscription.is_fetch()) return;
  if (!following(subscription).due.empty()) subscriptions().changed(subscription, now);
}

}  // namespace beckon::server::lists
