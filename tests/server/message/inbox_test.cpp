#include "server/message/inbox.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::message;

namespace {

const std::string phone = "instance urn:uuid:phone", laptop = "instance urn:uuid:laptop";
const std::string contact = "sip:bob@192.0.2.9:5080", other_contact = "sip:bob@192.0.2.9:5081";

Stored stored(std::uint64_t number, std::string sender = "sip:alice@example.org") {
  return {.number = number, .sender = std::move(sender), .ends = Time{} + 1h * number, .text = "12345"};
}

/// What the device is to get; 0: nothing.
std::uint64_t next(const Inbox& inbox, const std::string& device) {
  const Stored* found = inbox.next_for(device);
  return found ? found->number : 0;
}

/// One that arrives, of somebody who has nothing in the inbox.
Stored coming(Kind kind, std::size_t octets, std::string sender = "sip:carol@example.org") {
  return {.sender = std::move(sender), .text = std::string(octets, 'x'), .kind = kind};
}

void answer(Inbox& inbox, std::uint64_t number, const std::string& device, bool accepted = true,
            Duration kept = 24h) {
  auto after = Inbox::answered(*inbox.find(number), device, accepted, Time{}, kept);
  after ? inbox.put(std::move(*after)) : inbox.erase(number);
}

}  // namespace

TEST_CASE("a device is its instance ID, which survives a change of its contact, else its contact") {
  const registrar::Binding with({.contact = contact, .instance = "urn:uuid:phone"});
  CHECK(device_of(with) == phone);
  CHECK(is_instance(device_of(with)));
  const registrar::Binding without({.contact = contact});
  CHECK(device_of(without) == contact);
  CHECK_FALSE(is_instance(device_of(without)));
}

TEST_CASE("each device gets the messages in the order of their arrival, and each once") {
  Inbox inbox;
  inbox.put(stored(2));
  inbox.put(stored(1));
  CHECK(next(inbox, phone) == 1);
  answer(inbox, 1, phone);
  CHECK(next(inbox, phone) == 2);
  answer(inbox, 2, phone);
  CHECK(next(inbox, phone) == 0);
  CHECK(next(inbox, laptop) == 1);
  CHECK(inbox.waiting() == 0);
  CHECK(inbox.octets() == 10);
}

TEST_CASE("what a device without instance ID has accepted is over: it cannot be told from later ones") {
  Inbox inbox;
  inbox.put(stored(1));
  inbox.put(stored(2));
  answer(inbox, 1, contact);
  CHECK(inbox.find(1) == nullptr);
  answer(inbox, 2, phone);
  CHECK(next(inbox, other_contact) == 0);
  CHECK(next(inbox, laptop) == 2);
}

TEST_CASE("what one device has accepted is kept for the others for a while, or not at all") {
  Inbox inbox;
  inbox.put(stored(48));
  inbox.put(stored(2));
  answer(inbox, 48, phone);
  CHECK(inbox.find(48)->ends == Time{} + 24h);
  answer(inbox, 2, phone, true, 24h);
  CHECK(inbox.find(2)->ends == Time{} + 2h);
  CHECK(inbox.next_end() == Time{} + 2h);
  CHECK(inbox.ended(Time{} + 2h) == std::vector<std::uint64_t>{2});
  inbox.put(stored(3));
  answer(inbox, 3, phone, true, 0s);
  CHECK(inbox.find(3) == nullptr);
}

TEST_CASE("a device that refused a message does not get it again; the others do") {
  Inbox inbox;
  inbox.put(stored(1));
  answer(inbox, 1, contact, false);
  CHECK(next(inbox, contact) == 0);
  CHECK(next(inbox, other_contact) == 1);
  CHECK(inbox.waiting() == 1);
}

TEST_CASE("later messages of a sender wait behind earlier ones, unless a device refused those") {
  Inbox inbox;
  CHECK_FALSE(inbox.waits_from("sip:alice@example.org"));
  inbox.put(stored(1));
  CHECK(inbox.waits_from("sip:alice@example.org"));
  CHECK_FALSE(inbox.waits_from("sip:carol@example.org"));
  answer(inbox, 1, contact, false);
  CHECK_FALSE(inbox.waits_from("sip:alice@example.org"));
}

TEST_CASE("a message remembers a bounded number of devices, and goes to no further ones") {
  Inbox inbox;
  inbox.put(stored(1));
  for (std::size_t i = 0; i < Inbox::devices_max; ++i) {
    CHECK(next(inbox, "sip:" + std::to_string(i)) == 1);
    answer(inbox, 1, "sip:" + std::to_string(i), false);
  }
  CHECK(next(inbox, phone) == 0);
}

TEST_CASE("there is room up to the limits, and no more; what a device has gives way first (DESIGN 7)") {
  Inbox inbox;
  std::vector<std::uint64_t> giving_way;
  inbox.put(stored(1));
  inbox.put(stored(2));
  CHECK(inbox.has_room(coming(Kind::message, 5), {.messages = 3, .octets = 15}, giving_way));
  CHECK_FALSE(inbox.has_room(coming(Kind::message, 6), {.messages = 3, .octets = 15}, giving_way));
  CHECK_FALSE(inbox.has_room(coming(Kind::message, 5), {.messages = 2, .octets = 15}, giving_way));
  CHECK(giving_way.empty());
  answer(inbox, 2, phone);
  CHECK(inbox.has_room(coming(Kind::message, 10), {.messages = 2, .octets = 15}, giving_way));
  CHECK(giving_way == std::vector<std::uint64_t>{2});
}

TEST_CASE("notifications and the server's own texts have bounds of their own, and the oldest gives way") {
  Inbox inbox;
  std::vector<std::uint64_t> giving_way;
  inbox.put(stored(1));
  for (std::uint64_t number = 2; number < 8; ++number) {
    Stored notice = stored(number);
    notice.kind = number % 2 == 0 ? Kind::notification : Kind::own;
    inbox.put(std::move(notice));
  }
  CHECK(inbox.has_room(coming(Kind::message, 5), {.messages = 2, .octets = 10}, giving_way));
  CHECK(inbox.has_room(coming(Kind::notification, 5), {.messages = 4, .octets = 20}, giving_way));
  CHECK(giving_way.empty());
  CHECK(inbox.has_room(coming(Kind::notification, 5), {.messages = 3, .octets = 20}, giving_way));
  CHECK(giving_way == std::vector<std::uint64_t>{2});
  giving_way.clear();
  CHECK(inbox.has_room(coming(Kind::own, 10), {.messages = 4, .octets = 15}, giving_way));
  CHECK(giving_way == std::vector<std::uint64_t>{3, 5});
  giving_way.clear();
  CHECK_FALSE(inbox.has_room(coming(Kind::own, 16), {.messages = 4, .octets = 15}, giving_way));
  CHECK(giving_way.empty());
  CHECK(inbox.waiting() == 7);
  CHECK(inbox.fresh() == 4);
  CHECK(inbox.octets() == 35);
}

TEST_CASE(
    "a sender has no more waiting than is left free: nobody shuts others out alone, and whoever has nothing "
    "finds "
    "room") {
  constexpr Inbox::Limits limits{.messages = 100, .octets = 500};
  for (const std::size_t octets : {1U, 10U}) {  // by number, by octets
    CAPTURE(octets);
    Inbox inbox;
    std::vector<std::uint64_t> giving_way;
    std::map<std::string, int> taken;
    for (std::uint64_t number = 1; number <= 1000; ++number) {
      const std::string sender = "sip:" + std::to_string(number % 4) + "@example.org";
      Stored message = coming(Kind::message, octets, sender);
      message.number = number;
      if (!inbox.has_room(message, limits, giving_way)) continue;
      ++taken[sender];
      inbox.put(std::move(message));
    }
    const int room = octets == 1 ? 100 : 50;
    for (const auto& each : taken) CHECK(each.second == room / 5);
    CHECK(inbox.has_room(coming(Kind::message, octets), limits, giving_way));
    // What a device has counts for nobody, and gives way.
    for (std::uint64_t number = 1; number <= 1000; ++number)
      if (inbox.find(number)) answer(inbox, number, phone);
    CHECK(inbox.has_room(coming(Kind::message, octets, "sip:1@example.org"), limits, giving_way));
  }
  Inbox alone;
  std::vector<std::uint64_t> giving_way;
  for (std::uint64_t number = 1; alone.has_room(stored(number), limits, giving_way); ++number)
    alone.put(stored(number));
  CHECK(alone.waiting() == 50);
  CHECK(giving_way.empty());
}

TEST_CASE("a copy is of one sender, one id and one body") {
  Stored one = stored(1);
  one.text = "MESSAGE\r\nCall-ID: a\r\n\r\nhi";
  one.id = "a:1";
  Inbox inbox;
  inbox.put(one);
  Stored again = one;
  again.text = "MESSAGE\r\nX: y\r\n\r\nhi";
  CHECK(inbox.find_copy(again) == 1);
  for (std::string Stored::* const member : {&Stored::sender, &Stored::id, &Stored::text}) {
    Stored other = again;
    (other.*member) += 'x';
    CHECK(inbox.find_copy(other) == 0);
  }
  again.id.clear();
  CHECK(inbox.find_copy(again) == 0);
}

TEST_CASE("numbers rise, though the wall clock may not") {
  Inbox inbox;
  const WallTime now{std::chrono::milliseconds(1000)};
  CHECK(inbox.next_number(now) == 1000);
  inbox.put(stored(1000));
  CHECK(inbox.next_number(now) == 1001);
  CHECK(inbox.next_number(WallTime{}) == 1001);
  CHECK(Inbox().next_number(WallTime{} - 1h) == 1);
}
