#include "server/groups/page.hpp"

#include "tests/server/groups/hall.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

TEST_CASE("a user makes a room, adds members, and changes it; others may not") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Hall hall(shards);
    CHECK(hall.put(alice, "&make&topic=Where%20to%20eat") == 201);
    CHECK(hall.put(bob, "&make") == 409);
    CHECK(hall.put(alice, "&member=bob@example.org") == 200);
    CHECK(hall.show(alice) ==
          R"({"room":"sip:lunch@example.org","topic":"Where to eat","open":false,"invites":false,"members":[)"
          R"({"user":"sip:alice@example.org","role":"owner","here":false},)"
          R"({"user":"sip:bob@example.org","role":"member","here":false}]})");
    CHECK(hall.show(bob) == hall.show(alice));
    CHECK(hall.web(carol, Method::get, "?room=" + lunch).status == 403);
    CHECK(hall.web(carol, Method::get, "?room=tea@example.org").status == 404);
    CHECK(hall.put(bob, "&topic=mine") == 403);
    CHECK(hall.put(bob, "&member=" + carol) == 403);
    CHECK(hall.put(carol, "&member=" + carol) == 403);
    CHECK(hall.put(alice, "&invites=yes") == 200);
    CHECK(hall.put(bob, "&member=" + carol) == 200);
    CHECK(hall.del(bob, "&member=" + carol) == 403);
    CHECK(hall.put(alice, "&member=" + bob + "&role=owner") == 200);
    CHECK(hall.del(bob, "&member=" + carol) == 200);
    CHECK(hall.del(alice, "&member=" + carol) == 404);
    CHECK(hall.put(alice, "&topic=") == 200);
    CHECK(hall.del(carol, "") == 403);
    CHECK(hall.del(alice, "") == 200);
    CHECK(hall.web(alice, Method::get, "?room=" + lunch).status == 404);
    CHECK(hall.records() == 0);
    CHECK(hall.put(bob, "&make") == 201);
  }
}

TEST_CASE("the rooms of a user are listed, over a restart too") {
  Hall hall(2);
  CHECK(hall.web(alice, Method::get, "").body == "[]");
  hall.make_lunch();
  CHECK(hall.web(bob, Method::get, "").body == R"(["sip:lunch@example.org"])");
  hall.restart(1);
  hall.wait(1ms);
  CHECK(hall.web(bob, Method::get, "").body == R"(["sip:lunch@example.org"])");
  CHECK(hall.del(bob, "&member=" + bob) == 200);
  CHECK(hall.web(bob, Method::get, "").body == "[]");
}

TEST_CASE("an open room is joined by anybody of its domain; the last one who leaves ends it") {
  Hall hall;
  hall.add_user("sip:eve@example.org");
  CHECK(hall.put(alice, "&make&open=yes") == 201);
  CHECK(hall.put(bob, "&member=" + bob) == 200);
  CHECK(hall.put(carol, "&member=" + carol) == 200);
  CHECK(hall.put(alice, "&open=no") == 200);
  CHECK(hall.put("sip:eve@example.org", "&member=eve@example.org") == 403);
  CHECK(hall.del(alice, "&member=" + alice) == 200);
  CHECK(hall.put(bob, "&topic=bob%20is%20the%20eldest%20now") == 200);
  CHECK(hall.del(bob, "&member=" + bob) == 200);
  CHECK(hall.del(carol, "&member=" + carol) == 200);
  CHECK(hall.records() == 0);
}

TEST_CASE(
    "the name of a user is no room, and a room is of its maker's domain; users of others are no members") {
  Hall hall;
  CHECK(hall.web(alice, Method::put, "?room=bob@example.org&make").status == 409);
  CHECK(hall.web(alice, Method::put, "?room=tea@example.com&make").status == 404);
  CHECK(hall.web(alice, Method::put, "?room=tea%20room@example.org&make").status == 400);
  hall.make_lunch();
  CHECK(hall.put(alice, "&member=dave@example.com") == 403);
  CHECK(hall.put(alice, "&member=nobody@example.org") == 404);
}

TEST_CASE("who is here is who has accepted to be a member and has a device registered") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Hall hall(shards);
    hall.enter_phone(bob);
    hall.make_lunch();
    const auto is_here = [&](const std::string& user) {
      return hall.show(alice).find("{\"user\":\"" + user + "\",\"role\":\"" +
                                   (user == alice ? "owner" : "member") + "\",\"here\":true}") !=
             std::string::npos;
    };
    CHECK_FALSE(is_here(bob));
    CHECK(hall.put(bob, "&member=" + bob) == 200);
    CHECK(is_here(bob));
    CHECK_FALSE(is_here(alice));
    hall.enter_phone(alice);
    hall.wait(1ms);
    CHECK(is_here(alice));
    hall.enter_phone(bob, 0);
    hall.wait(1ms);
    CHECK_FALSE(is_here(bob));
    hall.enter_phone(bob);
    hall.restart(shards);
    hall.wait(1ms);
    CHECK(is_here(alice));
    CHECK(is_here(bob));
    // Whoever leaves and is added again has accepted nothing.
    CHECK(hall.del(bob, "&member=" + bob) == 200);
    CHECK(hall.put(alice, "&member=" + bob) == 200);
    CHECK_FALSE(is_here(bob));
  }
}

TEST_CASE("HEAD is answered as GET is (RFC 9110 9.3.2)") {
  Hall hall;
  hall.make_lunch();
  CHECK(hall.say(alice, "hi") == 202);
  hall.wait(1ms);
  for (const std::string& query : {std::string(), "?room=" + lunch, "?room=" + lunch + "&history",
                                   "?room=" + lunch + "&make", std::string("?room=tea@example.org")}) {
    CAPTURE(query);
    const Response got = hall.web(bob, Method::get, query), head = hall.web(bob, Method::head, query);
    CHECK(head.status == got.status);
    CHECK(head.content_type == got.content_type);
    CHECK(head.body == got.body);  // HttpServer says how long it is, and leaves it out
  }
}

TEST_CASE("what cannot be read is 400, what is not served 405") {
  Hall hall;
  CHECK(hall.put(alice, "") == 400);
  CHECK(hall.put(alice, "&member=x%20y") == 400);
  CHECK(hall.put(alice, "&open=perhaps") == 400);
  CHECK(hall.put(alice, "&make&topic=" + std::string(513, 'x')) == 400);
  CHECK(hall.web(alice, Method::put, "").status == 400);
  CHECK(hall.web(alice, Method::get, "?room=" + lunch + "&history&since=x").status == 400);
  const Response refused = hall.web(alice, Method::other, "");
  CHECK(refused.status == 405);
  CHECK(refused.headers.front().second == "GET, HEAD, PUT, DELETE");
}

TEST_CASE("a request that says more than its verb knows is refused: a misspelt word ends no room") {
  Hall hall;
  hall.make_lunch();
  for (const char* query :
       {"&mebmer=bob@example.org", "&member=bob@example.org&history", "&topic=x", "&history&number=0",
        "&history&number=00", "&history&before=7", "&history&numbr=7"}) {
    CAPTURE(query);
    CHECK(hall.del(alice, query) == 400);
  }
  for (const char* query : {"&make&member=bob@example.org", "&topic=x&role=owner", "&open=yes&history"}) {
    CAPTURE(query);
    CHECK(hall.put(alice, query) == 400);
  }
  CHECK(hall.web(alice, Method::get, "?room=" + lunch + "&member=bob@example.org").status == 400);
  CHECK(hall.show(alice).find("bob@example.org") != std::string::npos);
}

TEST_CASE("a store that fails: nothing has changed") {
  Hall hall;
  hall.memory.broken = store::Errc::io;
  CHECK(hall.put(alice, "&make") == 500);
  hall.memory.broken = {};
  CHECK(hall.put(alice, "&make") == 201);
  hall.memory.broken = store::Errc::io;
  CHECK(hall.say(alice, "lost") == 500);
  hall.memory.broken = {};
}
