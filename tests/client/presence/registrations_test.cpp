#include "client/presence/registrations.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using client::presence::Registrations;
using documents::ContactEvent;
using documents::ContactState;
using documents::RegistrationInfo;
using Fresh = std::vector<std::string>;

namespace {

constexpr auto full = RegistrationInfo::State::full;
constexpr auto partial = RegistrationInfo::State::partial;

struct Contact {
  std::string name;
  ContactEvent event = ContactEvent::registered;
};

RegistrationInfo info(std::uint32_t version, RegistrationInfo::State state,
                      const std::vector<Contact>& contacts) {
  RegistrationInfo info{.version = version, .state = state};
  documents::Registration registration{.aor = "sip:a@b", .id = "r"};
  for (const Contact& each : contacts) {
    documents::RegisteredContact contact{.id = "id-" + each.name, .uri = "sip:" + each.name};
    contact.event = each.event;
    if (each.event == ContactEvent::expired || each.event == ContactEvent::unregistered)
      contact.state = ContactState::terminated;
    registration.contacts.push_back(contact);
  }
  info.registrations.push_back(registration);
  return info;
}

}  // namespace

TEST_CASE("a contact is new once: not in the first document, not when it is refreshed (RFC 3680 5.1)") {
  Registrations registrations;
  CHECK(registrations.take(info(0, full, {{"old"}})).fresh.empty());
  CHECK(registrations.take(info(1, partial, {{"new"}})).fresh == Fresh{"sip:new"});
  CHECK(registrations
            .take(info(2, partial, {{"new", ContactEvent::refreshed}, {"old", ContactEvent::refreshed}}))
            .fresh.empty());
  CHECK(registrations.take(info(3, partial, {{"new", ContactEvent::unregistered}})).fresh.empty());
  CHECK(registrations.take(info(4, partial, {{"new"}, {"made", ContactEvent::created}})).fresh ==
        Fresh{"sip:new", "sip:made"});
}

TEST_CASE("a server that names devices without end costs no memory, and fills no outbox") {
  Registrations registrations;
  registrations.take(info(0, full, {}));
  std::size_t fresh = 0;
  for (std::uint32_t version = 1; version <= 3; ++version) {
    std::vector<Contact> contacts;
    for (std::size_t i = 0; i < Registrations::devices_max; ++i)
      contacts.push_back({std::to_string(version) + '-' + std::to_string(i)});
    fresh += registrations.take(info(version, partial, contacts)).fresh.size();
  }
  CHECK(fresh == Registrations::devices_max);
  CHECK(registrations.take(info(4, full, {{"1-0"}, {"4"}})).fresh == Fresh{"sip:4"});
}

TEST_CASE("a full document repeats what is known, and shows what was missed") {
  Registrations registrations;
  registrations.take(info(7, full, {{"a"}, {"b"}}));
  SUBCASE("after a restart of the server") {
    CHECK(registrations.take(info(0, full, {{"a"}, {"b"}})).fresh.empty());
    CHECK(registrations.take(info(1, partial, {{"c"}})).fresh == Fresh{"sip:c"});
  }
  SUBCASE("one that has left and comes back is new") {
    CHECK(registrations.take(info(8, full, {{"b"}, {"c"}})).fresh == Fresh{"sip:c"});
    CHECK(registrations.take(info(9, partial, {{"a"}})).fresh == Fresh{"sip:a"});
  }
}

TEST_CASE("a gap in the versions asks for full state; a late document says nothing") {
  Registrations registrations;
  CHECK(registrations.take(info(5, partial, {{"a"}})).is_gap);  // before any full one
  CHECK(registrations.take(info(5, full, {{"a"}})).fresh.empty());
  CHECK_FALSE(registrations.take(info(5, partial, {{"x"}})).is_gap);
  CHECK(registrations.take(info(4, partial, {{"x"}})).fresh.empty());
  const auto gap = registrations.take(info(8, partial, {{"c"}}));
  CHECK(gap.is_gap);
  CHECK(gap.fresh == Fresh{"sip:c"});
  CHECK(registrations.take(info(9, full, {{"a"}, {"b"}, {"c"}})).fresh == Fresh{"sip:b"});
}

TEST_CASE("a device that comes back over another connection, with another contact, is not new (RFC 5626)") {
  Registrations registrations;
  const auto with_instance = [](RegistrationInfo info) {
    for (auto& contact : info.registrations.front().contacts)
      contact.unknown_parameters = {{"+sip.instance", "<urn:uuid:1>"}, {"reg-id", "1"}};
    return info;
  };
  registrations.take(with_instance(info(0, full, {{"old"}})));
  CHECK(registrations.take(with_instance(info(1, partial, {{"old", ContactEvent::expired}, {"new"}})))
            .fresh.empty());
  CHECK(registrations.take(with_instance(info(2, full, {{"other"}}))).fresh.empty());
  CHECK(registrations.take(info(3, partial, {{"no-instance"}})).fresh == Fresh{"sip:no-instance"});
}

TEST_CASE("a document about a domain names who has registered, each after its user (RFC 3680 4.7.2)") {
  auto news = info(1, partial,
                   {{"new"},
                    {"made", ContactEvent::created},
                    {"old", ContactEvent::refreshed},
                    {"gone", ContactEvent::unregistered}});
  news.registrations.push_back({.aor = "sip:c@b", .id = "s", .contacts = {{.id = "x", .uri = "sip:other"}}});
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(client::presence::newly_registered(news) ==
        Pairs{{"sip:a@b", "sip:new"}, {"sip:a@b", "sip:made"}, {"sip:c@b", "sip:other"}});
}
