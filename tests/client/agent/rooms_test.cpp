#include <boost/json/array.hpp>

#include "tests/client/agent/fixture.hpp"

using namespace beckon;
using namespace beckon::agent_test;

TEST_CASE_FIXTURE(Fixture, "rooms are made, shown and changed over HTTP, beside XCAP") {
  using Words = std::vector<std::string>;
  const auto ask_for = [&](const Words& words, const std::string& method, const std::string& target,
                           unsigned status = 200, const std::string& body = {}) {
    const auto id = execute(words);
    auto [request, done] = std::move(http.waiting.front());
    http.waiting.pop_front();
    CHECK(xcap::to_string(request.method) == method);
    CHECK(request.target == "/rooms/users/sip:bob@example.org" + target);
    xcap::Response response;
    response.status = status;
    response.body = body;
    done(std::move(response), now());
    return id;
  };
  const std::string room = "lunch@example.org", lunch = "room=sip:lunch@example.org",
                    carol = "member=sip:carol@example.org";
  auto id = ask_for({"rooms"}, "GET", "", 200, R"(["sip:lunch@example.org", 7])");
  CHECK(result(id).at("ok").as_bool());
  CHECK(client::control::print_for_people(last("rooms")) == "sip:lunch@example.org\n");
  id = ask_for({"room", "members", room}, "GET", "?" + lunch, 200,
               R"({"room": "sip:lunch@example.org", "topic": "soup", "open": true, "invites": false, "new": 1,
                   "members": [{"user": "sip:bob@example.org", "role": "owner", "here": true}, {"user": 5}]})");
  CHECK(result(id).at("ok").as_bool());
  CHECK(client::control::print_for_people(last("room")) ==
        "sip:lunch@example.org: soup (open)\n    sip:bob@example.org  owner, here\n");
  id = ask_for({"room", "members", room}, "GET", "?" + lunch, 200, "[]");
  CHECK(result(id).at("reason") == "the room cannot be read");
  id = ask_for({"room", "add", room, "--topic", "a b"}, "PUT", "?topic=a%20b&make=&" + lunch, 201);
  CHECK(result(id).at("ok").as_bool());
  id = ask_for({"room", "invite", room, "--member", "carol@example.org"}, "PUT", "?" + carol + "&" + lunch);
  CHECK(result(id).at("ok").as_bool());
  id = ask_for({"room", "leave", room}, "DELETE", "?member=sip:bob@example.org&" + lunch, 403);
  CHECK(result(id).at("cause") == "refused");
  id = ask_for({"room", "end", room}, "DELETE", "?" + lunch, 404);
  CHECK(result(id).at("cause") == "not-found");
  CHECK(result(execute({"room", "remove", room})).at("cause") == "usage");
  CHECK(result(execute({"room", "history", room, "--since", "yesterday"})).at("cause") == "usage");
}
