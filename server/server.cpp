#include "server/server.hpp"

#include <memory>

#include "protocol/base/text.hpp"
#include "server/archive/archive.hpp"
#include "server/archive/history.hpp"
#include "server/calls/calls.hpp"
#include "server/calls/lines.hpp"
#include "server/calls/reach.hpp"
#include "server/groups/groups.hpp"
#include "server/groups/page.hpp"
#include "server/groups/standing.hpp"
#include "server/lists/back_ends.hpp"
#include "server/lists/lists.hpp"
#include "server/mailbox.hpp"
#include "server/message/messages.hpp"
#include "server/message/page.hpp"
#include "server/packages/conference.hpp"
#include "server/packages/dialog.hpp"
#include "server/packages/domain_registrations.hpp"
#include "server/packages/message_archive.hpp"
#include "server/packages/message_summary.hpp"
#include "server/packages/presence.hpp"
#include "server/packages/reg.hpp"
#include "server/packages/winfo.hpp"
#include "server/packages/xcap_diff.hpp"
#include "server/presence/presentities.hpp"
#include "server/presence/preview.hpp"
#include "server/proxy/proxy.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/subscription/subscriptions.hpp"
#include "server/web.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server {

namespace {

/// What the shards of a node share.
struct Shared {
  std::shared_ptr<subscription::Tally> tally;
  std::shared_ptr<xcap::ServiceIndex> services = std::make_shared<xcap::ServiceIndex>();
  std::shared_ptr<packages::DomainRegistrations::Followers> followers =
      std::make_shared<packages::DomainRegistrations::Followers>(0);
};

void add_rooms(Shard& shard, const ServerKey& key, const Shared& shared) {
  auto& registrar = shard.add<registrar::Registrar>(shard, key.gruus);
  auto& proxy = shard.add<proxy::Proxy>(proxy::Proxy::Parts{.services = shard,
                                                            .sender = shard,
                                                            .peers = shard,
                                                            .locator = shard.locator(),
                                                            .users = shard.users(),
                                                            .registrar = registrar},
                                        key.dialogs);
  auto& archive = shard.add<archive::Archive>(shard, shard, key.gruus);
  // It is asked first who takes a MESSAGE.
  auto& groups = shard.add<groups::Groups>(groups::Groups::Parts{
      .services = shard, .peers = shard, .users = shard.users(), .registrar = registrar, .archive = archive});
  auto& messages = shard.add<message::Messages>(message::Messages::Parts{.services = shard,
                                                                         .sender = shard,
                                                                         .peers = shard,
                                                                         .locator = shard.locator(),
                                                                         .users = shard.users(),
                                                                         .registrar = registrar,
                                                                         .proxy = proxy,
                                                                         .archive = archive},
                                                key.dialogs);
  groups.deliver_by(messages);
  auto& documents = shard.add<xcap::Documents>(shard, shard.users(), shared.services);
  auto& publications = shard.add<publication::Publications>(shard, registrar);
  auto& presentities =
      shard.add<presence::Presentities>(shard, shard, shard.bus(), publications, registrar, documents);
  auto& watches = presentities.watches();
  shard.add<groups::Standings>(groups, presentities);
  auto& lines = shard.add<calls::Lines>(shard, shard, registrar);
  auto& calls = shard.add<calls::Calls>(shard, shard);
  proxy.set_observer(calls);
  auto& reach = shard.add<calls::Reach>(shard, presentities, lines);
  proxy.set_wishes(reach);
  messages.ask_first(
      [&reach](Entry& user, std::string_view sender) { return reach.is_left_alone(user, sender); });
  groups.refuse_first(
      [&reach](const Entry& user, std::string_view sender) { return reach.is_blocked(user, sender); });
  messages.refuse_first(
      [&reach](const Entry& user, std::string_view sender) { return reach.is_blocked(user, sender); });
  presentities.set_on_changed([&messages](Entry& user, Now now) { messages.wake(user, now); });
  const auto note_missed = [&shard, &messages](const std::string& callee, const std::string& caller,
                                               Now now) {
    if (!shard.settings().missed_notes) return;
    const std::string name = caller.empty() ? "an anonymous caller" : caller;
    messages.leave({.user = callee,
                    .from = "sip:" + std::string(domain_of_aor(callee)),
                    .body = "Missed call from " + name + ", " + print_time(now.wall),
                    .topic = "missed " + caller,
                    .body_again = "missed calls from " + name + ", the last " + print_time(now.wall)});
  };
  reach.set_on_missed(note_missed);
  calls.set_on_missed(note_missed);

  subscription::Packages packages;
  auto& presence = packages.add<packages::Presence>(watches);
  auto& watchers = packages.add<packages::Winfo>(shard, presence, "WST", &watches);
  packages.add<packages::Winfo>(shard, watchers, "presence.winfo.winfo", nullptr);
  auto& lists = shard.add<lists::Lists>(shard, shard, shard.bus(), documents);
  auto& domains = shard.add<packages::DomainRegistrations>(shard, shard, registrar, shared.followers);
  auto& reg = packages.add<packages::Reg>(shard, registrar, domains);
  packages.add<packages::Winfo>(shard, reg, "reg.winfo", nullptr);
  auto& dialog = packages.add<packages::Dialog>(shard, packages::Dialog::Parts{.presentities = presentities,
                                                                               .publications = publications,
                                                                               .registrar = registrar,
                                                                               .lines = lines});
  packages.add<packages::Winfo>(shard, dialog, "dialog.winfo", nullptr);
  packages.add<packages::MessageSummary>(std::make_unique<Mailboxes>(
      std::make_unique<packages::PublishedMailbox>(shard, publications), messages));
  packages.add<packages::MessageArchive>(archive);
  packages.add<packages::Conference>(groups);
  packages.add<packages::XcapDiff>(documents);
  for (subscription::Package* listed :
       std::initializer_list<subscription::Package*>{&presence, &reg, &dialog})
    lists.add(packages, *listed);
  auto& back_ends = shard.add<lists::BackEnds>(
      lists::BackEnds::Parts{.services = shard, .sender = shard, .peers = shard, .locator = shard.locator()},
      key.dialogs);
  auto& subscriptions = shard.add<subscription::Subscriptions>(
      shard, shard, shard, shard.store(), shard.users(), shared.tally, std::move(packages));
  subscriptions.set_outside(back_ends);
  lists.set_subscriptions(subscriptions);
  auto& web = shard.add<Web>(shard, documents);
  const auto history = std::make_shared<archive::History>(shard, archive);
  web.serve(archive::history_root, [history](const std::string& user, const beckon::xcap::UserTarget& target,
                                             beckon::xcap::Method method, Web::Done done) {
    history->handle(user, target, method, std::move(done));
  });
  const auto waiting = std::make_shared<message::Page>(shard, messages.boxes());
  web.serve(message::inbox_root, [waiting](const std::string& user, const beckon::xcap::UserTarget& target,
                                           beckon::xcap::Method method, Web::Done done) {
    waiting->handle(user, target, method, std::move(done));
  });
  const auto rooms = std::make_shared<groups::Page>(shard, groups);
  web.serve(groups::rooms_root, [rooms](const std::string& user, const beckon::xcap::UserTarget& target,
                                        beckon::xcap::Method method, Web::Done done) {
    rooms->handle(user, target, method, std::move(done));
  });
  const auto preview = std::make_shared<presence::Preview>(shard, watches, documents);
  web.serve(presence::view_root, [preview](const std::string& user, const beckon::xcap::UserTarget& target,
                                           beckon::xcap::Method method, const Web::Done& done) {
    preview->handle(user, target, method, done);
  });
  shard.set_relay(proxy);
}

}  // namespace

void add_rooms(Node& node) {
  const Shared shared{.tally = std::make_shared<subscription::Tally>(node.size(), node.key().tags)};
  for (unsigned i = 0; i < node.size(); ++i) add_rooms(node.shard(i), node.key(), shared);
}

}  // namespace beckon::server
