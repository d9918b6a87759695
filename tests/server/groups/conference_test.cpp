#include "protocol/documents/conference.hpp"

#include "protocol/documents/pidf.hpp"
#include "server/groups/standing.hpp"
#include "tests/server/groups/hall.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using documents::ConferenceInfo;
using documents::ConferencePart;
using documents::EndpointStatus;
using sip::HeaderId;

namespace {

struct Watched : Hall {
  using Hall::Hall;

  sip::Message subscribe(const std::string& who, const std::string& event, const std::string& to = lunch) {
    Ask request{
        .method = "SUBSCRIBE",
        .uri = to,
        .from = who,
        .to = to,
        .call_id = "s-" + event + name_of(who),
        .lines = {"Event: " + event, "Expires: 3600",
                  "Contact: <sip:" + name_of(who) + "@192.0.2.9:" + std::to_string(port_of(who)) + '>'}};
    return give(who, request);
  }
  /// The next NOTIFY, answered.
  sip::Message notified() {
    for (int i = 0; i < 100; ++i) {
      const Sent sent = next();
      if (!sent.message.is_request() || sent.message.method() != sip::Method::notify) continue;
      answer(sent, 200);
      return sent.message;
    }
    FAIL("no NOTIFY");
    return wire.take().message;
  }
  ConferenceInfo info() {
    auto read = documents::parse_conference(notified().body());
    REQUIRE(read.has_value());
    return *read;
  }
};

}  // namespace

TEST_CASE("a member watches the room: full, then what changed, with rising versions (RFC 4575 4)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Watched hall(shards);
    hall.enter_phone(alice);
    hall.make_lunch("&topic=soup&open=yes");
    CHECK(hall.subscribe(alice, "conference").status() == 200);
    const auto full = hall.info();
    CHECK(full.entity == lunch);
    CHECK(full.part == ConferencePart::full);
    CHECK(full.description->display_text == "lunch");
    CHECK(full.description->subject == "soup");
    CHECK(full.state->user_count == 2);
    CHECK(full.state->active == true);
    CHECK(full.state->locked == false);
    REQUIRE(full.users->users.size() == 2);
    CHECK(full.users->users[0].entity == alice);
    CHECK(full.users->users[0].roles == std::vector<std::string>{"owner"});
    CHECK(full.users->users[0].endpoints[0].status == EndpointStatus::connected);
    CHECK(full.users->users[1].endpoints[0].status == EndpointStatus::pending);
    CHECK(hall.put(carol, "&member=" + carol) == 200);
    CHECK(hall.del(bob, "&member=" + bob) == 200);
    hall.wait(5s);
    const auto part = hall.info();
    CHECK(part.part == ConferencePart::partial);
    CHECK(*part.version == *full.version + 1);
    CHECK_FALSE(part.description);
    CHECK(part.users->part == ConferencePart::partial);
    REQUIRE(part.users->users.size() == 2);
    CHECK(part.users->users[0].entity == bob);
    CHECK(part.users->users[0].part == ConferencePart::deleted);
    CHECK(part.users->users[1].entity == carol);
    auto known = full;
    CHECK(documents::merge(known, part));
    CHECK(known.users->users.size() == 2);
  }
}

TEST_CASE(
    "only members watch a room (403), what is none has no conference (404); whoever leaves hears that it "
    "ends") {
  Watched hall;
  hall.make_lunch();
  CHECK(hall.subscribe(carol, "conference").status() == 403);
  CHECK(hall.subscribe(carol, "presence").status() == 403);
  CHECK(hall.subscribe(alice, "conference", bob).status() == 404);
  CHECK(hall.subscribe(bob, "conference").status() == 200);
  CHECK(hall.info().part == ConferencePart::full);
  CHECK(hall.del(bob, "&member=" + bob) == 200);
  hall.wait(1ms);
  const auto last = hall.notified();
  CHECK(last.header(HeaderId::subscription_state).starts_with("terminated;reason=rejected"));
  CHECK(last.body().find("alice") == std::string_view::npos);
}

TEST_CASE("the presence of a room says who is in it, to its members") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Watched hall(shards);
    hall.make_lunch();
    REQUIRE(hall.put(bob, "&member=" + bob) == 200);
    CHECK(hall.subscribe(bob, "presence").status() == 200);
    const auto shown = [&] {
      const auto read = documents::parse_pidf(hall.notified().body());
      REQUIRE(read.has_value());
      REQUIRE(read->tuples.size() == 1);
      const auto& tuple = read->tuples[0];
      return (tuple.basic == documents::Basic::open ? "open: " : "closed: ") + tuple.notes.at(0).text;
    };
    CHECK(shown() == "closed: 0 of 2 here");
    hall.enter_phone(bob);
    hall.wait(1ms);
    CHECK(shown() == "open: 1 of 2 here: bob@example.org");
    CHECK(hall.del(alice, "&member=" + bob) == 200);
    hall.wait(1ms);
    CHECK(hall.notified().header(HeaderId::subscription_state).starts_with("terminated;reason=rejected"));
  }
}

TEST_CASE(
    "whoever was added by another shows nothing of its devices, not even by a NOTIFY, until it joins or "
    "writes") {
  for (const bool writes : {true, false}) {
    CAPTURE(writes);
    Watched hall(2);
    hall.make_lunch();
    CHECK(hall.subscribe(alice, "conference").status() == 200);
    CHECK(hall.info().users->users[1].endpoints[0].status == EndpointStatus::pending);
    CHECK(hall.subscribe(alice, "presence").status() == 200);
    CHECK(hall.notified().body().find("0 of 2 here") != std::string_view::npos);
    hall.enter_phone(bob);
    hall.wait(5s);
    CHECK(hall.wire.is_silent());
    CHECK((writes ? hall.say(bob, "hello") == 202 : hall.put(bob, "&member=" + bob) == 200));
    hall.wait(5s);
    unsigned documents = 0;
    while (!hall.wire.is_silent()) {
      const Sent sent = hall.next();
      if (!sent.message.is_request() || sent.message.method() != sip::Method::notify) continue;
      hall.answer(sent, 200);
      ++documents;
      if (const auto info = documents::parse_conference(sent.message.body()); info.has_value()) {
        REQUIRE(info->users->users.size() == 1);
        CHECK(info->users->users[0].entity == bob);
        CHECK(info->users->users[0].endpoints[0].status == EndpointStatus::connected);
      } else {
        CHECK(sent.message.body().find("1 of 2 here: bob@example.org") != std::string_view::npos);
      }
    }
    CHECK(documents >= 2);  // they are sent again until they are answered
    hall.restart(1);
    hall.wait(1ms);
    CHECK(hall.show(alice).find("\"role\":\"member\",\"here\":true") != std::string::npos);
  }
}

TEST_CASE("the note of a full room names some and counts the others") {
  groups::Group group;
  for (int i = 10; i < 40; ++i) group.members["sip:m" + std::to_string(i) + "@x"] = {.is_here = true};
  const std::string text = groups::print_standing("sip:r@x", group);
  CHECK(text.find("30 of 30 here: m10@x, ") != std::string::npos);
  CHECK(text.find(", m29@x, and 10 more") != std::string::npos);
}
