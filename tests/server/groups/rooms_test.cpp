#include "server/groups/groups.hpp"

#include "tests/server/groups/hall.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

Settings with(const std::function<void(RoomLimits&)>& change) {
  Settings settings = World::default_settings();
  change(settings.rooms);
  return settings;
}

}  // namespace

TEST_CASE(
    "a message to a room is answered 202 and reaches all other members, from the room, with its author in "
    "message/cpim (RFC 3862)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Hall hall(shards);
    hall.make_lunch();
    CHECK(hall.put(alice, "&member=" + carol) == 200);
    for (const std::string& each : {alice, bob, carol}) hall.enter_phone(each);
    CHECK(hall.say(alice, "Shall we eat?") == 202);
    const auto got = hall.collect();
    REQUIRE(got.size() == 2);
    for (const auto& each : got) {
      CHECK((each.to == "bob" || each.to == "carol"));
      CHECK(each.request.header(HeaderId::from).starts_with('<' + lunch + '>'));
      CHECK(each.request.header(HeaderId::content_type) == "message/cpim");
      CHECK(each.words.from.uri == alice);
      REQUIRE(each.words.to.size() == 1);
      CHECK(each.words.to[0].uri == lunch);
      CHECK_FALSE(each.words.date_time.empty());
      CHECK_FALSE(each.words.message_id.empty());
      CHECK_FALSE(each.words.wanted.any());
      CHECK(each.words.content == "Shall we eat?");
    }
    CHECK(got[0].words.message_id == got[1].words.message_id);
    CHECK(hall.say(bob, "Yes") == 202);
    CHECK(hall.heard() == Lines{"alice: Yes (bob)", "carol: Yes (bob)"});
  }
}

TEST_CASE("only members may write to a room: 403; there is no such room: 404") {
  Hall hall;
  CHECK(hall.say(carol, "hi") == 404);
  hall.make_lunch();
  CHECK(hall.say(carol, "hi") == 403);
  CHECK(hall.del(bob, "&member=" + bob) == 200);
  CHECK(hall.say(bob, "hi") == 403);
}

TEST_CASE("a member who is away gets what was said once, in order, over a kill of the server (DESIGN 1.4)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Hall hall(shards);
    hall.make_lunch();
    for (const char* text : {"1", "2", "3"}) CHECK(hall.say(alice, text) == 202);
    hall.restart(3 - shards);
    hall.wait(1ms);
    CHECK(hall.say(alice, "4") == 202);
    hall.enter_phone(bob);
    CHECK(hall.heard() == Lines{"bob: 1 (alice)", "bob: 2 (alice)", "bob: 3 (alice)", "bob: 4 (alice)"});
    hall.restart(shards);
    hall.wait(1ms);
    hall.enter_phone(bob);
    CHECK(hall.heard().empty());
  }
}

TEST_CASE("what was answered 202 and was not handed to the members yet is, after a kill, and nothing twice") {
  Hall hall;
  hall.make_lunch();
  CHECK(hall.say(alice, "first") == 202);
  hall.wait(1ms);
  const auto before = hall.memory.records;
  CHECK(hall.say(alice, "second") == 202);
  hall.wait(1ms);
  // The kill came between the 202 and the members' buckets: of the second message there is the room's record.
  for (auto each = hall.memory.records.begin(); each != hall.memory.records.end();) {
    const bool is_of_bob = std::get<0>(each->first) == bob;
    each = is_of_bob && !before.contains(each->first) ? hall.memory.records.erase(each) : std::next(each);
  }
  for (const auto& [key, value] : before)
    if (std::get<0>(key) == bob) hall.memory.records[key] = value;
  for (auto& [key, value] : hall.memory.records) {
    if (!std::get<2>(key).starts_with("post:") || before.contains(key)) continue;
    groups::Group group;
    REQUIRE(groups::decode(std::get<2>(key), value, group));
    groups::Post post = group.posts.begin()->second;
    documents::Cpim words;
    words.from.uri = alice;
    words.to = {{.uri = lunch}};
    words.message_id = post.id;
    words.content = "second";
    post.text = share(documents::print(words));
    value = groups::encode(post);
  }
  hall.restart(2);
  hall.wait(1ms);
  hall.enter_phone(bob);
  CHECK(hall.heard() == Lines{"bob: first (alice)", "bob: second (alice)"});
  hall.restart(1);
  hall.wait(1ms);
  hall.enter_phone(bob);
  CHECK(hall.heard().empty());
}

TEST_CASE(
    "whoever is a member when a message is answered 202 gets it, though the room ends, or the member leaves, "
    "before it is handed over; over a kill, too, and once") {
  for (const bool ends : {true, false}) {
    for (const bool restarts : {true, false}) {
      CAPTURE(ends);
      CAPTURE(restarts);
      Hall hall;
      hall.make_lunch();
      hall.memory.hangs = bob;
      for (const char* text : {"1", "2", "3"}) CHECK(hall.say(alice, text) == 202);
      CHECK((ends ? hall.del(alice, "") : hall.del(bob, "&member=" + bob)) == 200);
      CHECK(hall.say(alice, "4") == (ends ? 404 : 202));
      if (restarts) hall.restart(1);
      hall.memory.hangs.clear();
      hall.wait(1s);
      if (ends) CHECK(hall.records() == 0);
      hall.restart(2);
      hall.wait(1s);
      hall.enter_phone(bob);
      CHECK(hall.heard() == Lines{"bob: 1 (alice)", "bob: 2 (alice)", "bob: 3 (alice)"});
      CHECK(hall.web(bob, Method::get, "").body == "[]");
    }
  }
}

TEST_CASE("a message that is prepared again, as another node changed the records, keeps nobody waiting") {
  Hall hall;
  hall.make_lunch();
  hall.memory.is_shared = true;
  hall.restart(1);
  hall.wait(1ms);
  hall.memory.hangs = bob;
  CHECK(hall.say(alice, "to all") == 202);
  hall.wait(1ms);
  hall.memory.versions[bob] = ++hall.memory.version;  // another node
  hall.memory.hangs.clear();
  hall.wait(1s);
  hall.enter_phone(bob);
  CHECK(hall.heard() == Lines{"bob: to all (alice)"});
  CHECK_FALSE(hall.shard_of(bob).room<message::Messages>().attempts().waits_from(*hall.entry(bob), lunch,
                                                                                 hall.clock.now()));
}

TEST_CASE(
    "a member gets nothing of whom it blocks, nor of a room that it blocks, and nobody whom it blocks adds "
    "it") {
  for (const std::string& blocked : {alice, lunch}) {
    CAPTURE(blocked);
    Hall hall;
    hall.make_lunch();
    REQUIRE(hall.put(alice, "&member=" + carol) == 200);
    hall.groups_of(bob).refuse_first([&blocked](const Entry& user, std::string_view sender) {
      return user.aor() == bob && sender == blocked;
    });
    CHECK(hall.say(alice, "1") == 202);
    CHECK(hall.say(carol, "2") == 202);
    hall.enter_phone(bob);
    CHECK(hall.heard() == (blocked == alice ? Lines{"bob: 2 (carol)"} : Lines{}));
    CHECK(hall.del(bob, "&member=" + bob) == 200);
    hall.wait(1ms);
    CHECK(hall.put(alice, "&member=" + bob) == (blocked == alice ? 403U : 200U));
  }
}

TEST_CASE("who is anonymous is no author in a room: its members are told who wrote (RFC 3323)") {
  Hall hall;
  hall.make_lunch();
  Ask ask = hall.message(alice, "guess who");
  ask.from = "sip:anonymous@anonymous.invalid";
  CHECK(hall.give(alice, ask).status() == 403);
}

TEST_CASE("a member whom too much is asked of does not halt the room") {
  Hall hall;
  hall.make_lunch();
  REQUIRE(hall.put(alice, "&member=" + carol) == 200);
  hall.memory.hangs = bob;
  auto& archive = hall.shard_of(bob).room<archive::Archive>();
  for (unsigned i = 0; i <= store::Sequence::backlog_max; ++i)
    archive.set_kept(*hall.entry(bob), false, [](int) {});
  CHECK(hall.say(alice, "1") == 202);
  hall.wait(1s);
  const groups::Group* group = hall.groups_of(lunch).find(*hall.entry(lunch));
  REQUIRE(group != nullptr);
  CHECK(group->posts_left() == 1);
  hall.wait(1s * groups::Group::busy_max);
  CHECK(group->posts_left() == 0);
  hall.enter_phone(carol);
  CHECK(hall.heard() == Lines{"carol: 1 (alice)"});
}

TEST_CASE("the history of a room has what was answered 202 right before a kill, once") {
  Hall hall;
  hall.make_lunch();
  hall.memory.hangs = bob;  // who has still to get it
  CHECK(hall.say(alice, "answered 202") == 202);
  hall.wait(1ms);
  std::erase_if(hall.memory.records, [](const auto& each) {
    return std::get<1>(each.first) == store::Kind::archive;  // as if the kill had come before
  });
  for (int i = 0; i < 2; ++i) {
    hall.restart(1);
    hall.wait(1ms);
    const std::string history = hall.web(alice, Method::get, "?room=" + lunch + "&history").body;
    const auto at = history.find("answered 202");
    CHECK(at != std::string::npos);
    CHECK(history.find("answered 202", at + 1) == std::string::npos);
  }
}

TEST_CASE("whoever joins gets what is said from then on") {
  Hall hall;
  hall.make_lunch("&open=yes");
  CHECK(hall.say(alice, "before") == 202);
  CHECK(hall.put(carol, "&member=" + carol) == 200);
  CHECK(hall.say(alice, "after") == 202);
  hall.enter_phone(carol);
  CHECK(hall.heard() == Lines{"carol: after (alice)"});
  CHECK(hall.del(carol, "&member=" + carol) == 200);
  CHECK(hall.say(alice, "gone") == 202);
  CHECK(hall.heard().empty());
  CHECK(hall.put(carol, "&member=" + carol) == 200);
  CHECK(hall.say(alice, "back") == 202);
  CHECK(hall.heard() == Lines{"carol: back (alice)"});
}

TEST_CASE("one Message-ID is delivered once, whatever requests bring it; that of another member is another") {
  Hall hall;
  hall.make_lunch();
  hall.enter_phone(bob);
  const std::string body =
      Hall::wrapped("From: <im:x@y>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: one", "hi");
  CHECK(hall.give(alice, hall.message(alice, body, "message/cpim")).status() == 202);
  CHECK(hall.give(alice, hall.message(alice, body, "message/cpim")).status() == 202);
  CHECK(hall.heard() == Lines{"bob: hi (alice)"});
  CHECK(hall.give(bob, hall.message(bob, body, "message/cpim")).status() == 202);
  hall.enter_phone(alice);
  CHECK(hall.heard() == Lines{"alice: hi (bob)"});
}

TEST_CASE("a room asks nobody for notifications, and passes none on, nor who is typing; no text is 415") {
  Hall hall;
  hall.make_lunch();
  hall.enter_phone(bob);
  const std::string asks = Hall::wrapped(
      "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m1\r\nimdn.Disposition-Notification: display",
      "hi");
  CHECK(hall.give(alice, hall.message(alice, asks, "message/cpim")).status() == 202);
  const auto got = hall.collect();
  REQUIRE(got.size() == 1);
  CHECK_FALSE(got[0].words.wanted.any());
  const std::string tells = Hall::wrapped("From: <" + alice + '>', "<imdn/>", "message/imdn+xml");
  CHECK(hall.give(alice, hall.message(alice, tells, "message/cpim")).status() == 200);
  CHECK(hall.give(alice, hall.message(alice, "<x/>", "application/im-iscomposing+xml")).status() == 200);
  const auto refused = hall.give(alice, hall.message(alice, "GIF", "image/gif"));
  CHECK(refused.status() == 415);
  CHECK(refused.header(HeaderId::accept) == "text/plain, message/cpim");
  CHECK(hall.collect().empty());
}

TEST_CASE("a phone that refuses message/cpim gets the text with its author's name (RFC 3428)") {
  Hall hall;
  hall.make_lunch();
  hall.enter_phone(bob);
  CHECK(hall.say(alice, "hi") == 202);
  const auto got = hall.collect(415);
  REQUIRE(got.size() == 2);
  CHECK(got[0].request.header(HeaderId::content_type) == "message/cpim");
  CHECK(got[1].request.header(HeaderId::content_type) == "text/plain");
  CHECK(got[1].request.header(HeaderId::from).starts_with('<' + lunch + '>'));
  CHECK(got[1].request.body() == "alice@example.org: hi");
}

TEST_CASE("history: the room's members read what was said, its owners erase it") {
  Hall hall;
  hall.make_lunch();
  CHECK(hall.say(alice, "one") == 202);
  CHECK(hall.say(bob, "two") == 202);
  hall.wait(1ms);
  const auto page = hall.web(bob, Method::get, "?room=" + lunch + "&history");
  CHECK(page.status == 200);
  const auto read = documents::parse_message_archive(page.body);
  REQUIRE(read.has_value());
  REQUIRE(read->messages.size() == 2);
  CHECK(read->messages[0].with == alice);
  CHECK(read->messages[0].text == "one");
  CHECK(read->messages[1].with == bob);
  CHECK(hall.web(carol, Method::get, "?room=" + lunch + "&history").status == 403);
  CHECK(hall.del(bob, "&history") == 403);
  CHECK(hall.del(alice, "&history") == 200);
  const auto rest =
      documents::parse_message_archive(hall.web(bob, Method::get, "?room=" + lunch + "&history").body);
  CHECK(rest->messages.empty());
}

TEST_CASE("a member's own history has what came from the room, and the sender's what went there") {
  Hall hall(2);
  hall.make_lunch();
  hall.enter_phone(bob);
  CHECK(hall.say(alice, "one") == 202);
  hall.collect();
  const auto of = [&](const std::string& user) {
    return hall.shard_of(user).room<archive::Archive>().page(*hall.entry(user), {}, 9).messages;
  };
  REQUIRE(of(alice).size() == 1);
  CHECK(of(alice)[0].with == lunch);
  CHECK(of(alice)[0].direction == archive::MessageDirection::sent);
  REQUIRE(of(bob).size() == 1);
  CHECK(of(bob)[0].with == lunch);
  CHECK(of(bob)[0].text == "one");
  CHECK(of(bob)[0].state == archive::MessageState::delivered);
}

TEST_CASE("a removed user is in no room any more, and what it owned passes to the eldest member or ends") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Hall hall(shards);
    hall.make_lunch();
    CHECK(hall.put(alice, "&member=" + carol) == 200);
    const auto remove = [&](const std::string& user) {
      hall.memory.users.erase(user);
      for (unsigned i = 0; i < hall.node().size(); ++i) hall.node().shard(i).on_user_gone(user, true);
      hall.wait(1ms);
    };
    remove(alice);
    CHECK(hall.put(bob, "&topic=mine") == 200);
    CHECK(hall.put(carol, "&topic=no") == 403);
    remove(bob);
    CHECK(hall.put(carol, "&topic=mine") == 200);
    remove(carol);
    CHECK(hall.records() == 0);
  }
}

TEST_CASE("a member that is removed while a message for it waits leaves, and the room goes on") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Hall hall(shards);
    hall.make_lunch();
    REQUIRE(hall.put(alice, "&member=" + carol) == 200);
    hall.memory.hangs = bob;
    hall.shard_of(bob).room<archive::Archive>().set_kept(*hall.entry(bob), false, [](int) {});
    for (const char* text : {"1", "2"}) CHECK(hall.say(alice, text) == 202);
    hall.wait(1ms);
    hall.memory.users.erase(bob);
    for (unsigned i = 0; i < hall.node().size(); ++i) hall.node().shard(i).on_user_gone(bob, true);
    hall.wait(1ms);
    CHECK(hall.show(alice).find(bob) == std::string::npos);
    hall.memory.hangs.clear();
    hall.wait(40s);
    for (const auto& [key, value] : hall.memory.records) CHECK(std::get<0>(key) != bob);
    const groups::Group* group = hall.groups_of(lunch).find(*hall.entry(lunch));
    REQUIRE(group != nullptr);
    CHECK(group->posts_left() == 0);
    CHECK_FALSE(group->members.contains(bob));
    hall.enter_phone(carol);
    CHECK(hall.heard() == Lines{"carol: 1 (alice)", "carol: 2 (alice)"});
  }
}

TEST_CASE("limits: too fast, too many under way, too long, too many members (DESIGN 7)") {
  SUBCASE("messages of one member a minute") {
    Hall hall(1, with([](RoomLimits& limits) { limits.messages_per_minute = 2; }));
    hall.make_lunch();
    CHECK(hall.say(alice, "1") == 202);
    CHECK(hall.say(alice, "2") == 202);
    const auto refused = hall.give(alice, hall.message(alice, "3"));
    CHECK(refused.status() == 480);
    CHECK(refused.has(HeaderId::warning));
    CHECK(hall.say(bob, "1") == 202);
    hall.wait(30s);
    CHECK(hall.say(alice, "3") == 202);
  }
  SUBCASE("messages of one user to all rooms a minute") {
    Hall hall(1, with([](RoomLimits& limits) { limits.messages_per_minute = 2; }));
    const auto say_in = [&hall](const std::string& room) {
      Ask request = hall.message(alice, "hello");
      request.uri = request.to = room;
      return hall.give(alice, request).status();
    };
    std::vector<std::string> rooms;
    for (int i = 0; i < 7; ++i) {
      rooms.push_back("sip:room" + std::to_string(i) + "@example.org");
      REQUIRE(hall.web(alice, Method::put, "?room=" + rooms.back() + "&make").status == 201);
    }
    for (int i = 0; i < 5; ++i)
      for (int j = 0; j < 2; ++j) CHECK(say_in(rooms[static_cast<std::size_t>(i)]) == 202);
    CHECK(say_in(rooms[5]) == 480);
    hall.make_lunch();
    CHECK(hall.say(bob, "I have written nothing yet") == 202);
    hall.wait(6s);
    CHECK(say_in(rooms[5]) == 202);
    CHECK(say_in(rooms[6]) == 480);
  }
  SUBCASE("octets") {
    Hall hall(1, with([](RoomLimits& limits) { limits.message_octets = 4; }));
    hall.make_lunch();
    CHECK(hall.say(alice, "four") == 202);
    CHECK(hall.say(alice, "five!") == 413);
  }
  SUBCASE("members of a room") {
    Hall hall(1, with([](RoomLimits& limits) { limits.members = 2; }));
    hall.make_lunch();
    CHECK(hall.put(alice, "&member=" + carol) == 409);
    CHECK(hall.put(alice, "&member=" + bob) == 200);
  }
  SUBCASE("rooms that a user owns") {
    Hall hall(1, with([](RoomLimits& limits) { limits.per_user = 1; }));
    hall.make_lunch();
    CHECK(hall.web(alice, Method::put, "?room=tea@example.org&make").status == 403);
    CHECK(hall.web(bob, Method::put, "?room=tea@example.org&make").status == 201);
    CHECK(hall.del(alice, "") == 200);
    CHECK(hall.web(alice, Method::put, "?room=dinner@example.org&make").status == 201);
  }
  SUBCASE("rooms that a user owns are not given away, and nobody fills the quota of another") {
    Hall hall(2, with([](RoomLimits& limits) { limits.per_user = 2; }));
    const auto ask = [&hall](const std::string& who, const std::string& query) {
      const unsigned status = hall.web(who, Method::put, "?room=" + query).status;
      hall.wait(1ms);
      return status;
    };
    const auto give = [&](const std::string& room) {
      REQUIRE(ask(alice, room + "&make") == 201);
      const unsigned status = ask(alice, room + "&member=" + bob + "&role=owner");
      if (status == 200)
        REQUIRE(hall.web(alice, Method::del, "?room=" + room + "&member=" + alice).status == 200);
      return status;
    };
    CHECK(give("one@example.org") == 200);
    CHECK(give("two@example.org") == 200);
    CHECK(give("three@example.org") == 409);
    CHECK(ask(bob, "bobs@example.org&make") == 201);
    CHECK(ask(bob, "one@example.org&member=" + bob) == 200);
    CHECK(ask(bob, "more@example.org&make") == 403);
  }
  SUBCASE("where users make no rooms, the owners of the administrator's rooms name others") {
    Hall hall(1, with([](RoomLimits& limits) { limits.per_user = 0; }));
    std::optional<int> status;
    hall.groups_of(lunch).ask(bucket_of(lunch),
                              {.verb = groups::Command::Verb::make, .room = lunch, .member = alice},
                              [&](groups::Answer answer) { status = answer.status; });
    hall.wait(1ms);
    CHECK(status == 201);
    CHECK(hall.put(alice, "&member=" + bob + "&role=owner") == 200);
    CHECK(hall.put(bob, "&topic=soup") == 200);
  }
  SUBCASE("rooms that a user is in") {
    Hall hall(1, with([](RoomLimits& limits) { limits.memberships_per_user = 1; }));
    hall.make_lunch();
    CHECK(hall.web(carol, Method::put, "?room=tea@example.org&make").status == 201);
    CHECK(hall.web(carol, Method::put, "?room=tea@example.org&member=bob@example.org").status == 409);
  }
  SUBCASE("rooms of a domain") {
    Hall hall(1, with([](RoomLimits& limits) { limits.per_domain = 1; }));
    hall.make_lunch();
    CHECK(hall.web(bob, Method::put, "?room=tea@example.org&make").status == 403);
  }
}

TEST_CASE("a room of 200 members: each gets the message once") {
  Hall hall(2, with([](RoomLimits& limits) { limits.members = 200; }));
  std::vector<std::string> all;
  for (int i = 0; i < 198; ++i) {
    all.push_back("sip:guest" + std::to_string(i) + "@example.org");
    auto user = users::User(hall.memory.users.at(bob));
    user.aor = all.back();
    hall.memory.users.emplace(user.aor, user);
  }
  hall.make_lunch();
  for (const std::string& each : all) CHECK(hall.put(alice, "&member=" + each) == 200);
  CHECK(hall.put(alice, "&member=" + carol) == 409);
  CHECK(hall.say(bob, "hello") == 202);
  hall.wait(10ms);
  std::size_t waiting = 0;
  for (unsigned i = 0; i < 2; ++i)
    waiting += hall.node().shard(i).room<message::Messages>().boxes().waiting();
  CHECK(waiting == 199);
}
