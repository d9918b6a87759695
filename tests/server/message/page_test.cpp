#include "server/message/page.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "tests/server/message/office.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using beckon::xcap::Method;
using beckon::xcap::Response;

namespace {

/// What bob is answered.
Response ask(Office& office, Method method, const std::string& query = {}) {
  message::Page page(office.node().shard(0), office.room().boxes());
  const auto target =
      beckon::xcap::parse_user_target("/inbox/users/sip:bob@example.org" + query, message::inbox_root);
  REQUIRE(target.has_value());
  std::optional<Response> answer;
  page.handle(bob, *target, method, [&](Response response) { answer = std::move(response); });
  office.wait(1ms);
  REQUIRE(answer.has_value());
  return *answer;
}

std::string text(const boost::json::value& message, const char* name) {
  return message.at(name).as_string().c_str();
}

boost::json::array list(Office& office) {
  const auto response = ask(office, Method::get);
  CHECK(response.status == 200);
  CHECK(response.content_type == "application/json");
  return boost::json::parse(response.body).as_array();
}

}  // namespace

TEST_CASE("what waits is listed for its user, the oldest first, without the texts") {
  Office office;
  CHECK(list(office).empty());
  CHECK(office.send("one", {"Expires: 60"}) == 202);
  CHECK(office.send("three") == 202);
  const auto all = list(office);
  REQUIRE(all.size() == 2);
  CHECK(text(all[0], "from") == alice);
  CHECK(all[0].at("size").as_int64() == 3);
  CHECK(text(all[0], "type") == "text/plain");
  CHECK(parse_time(text(all[0], "expires")).value() - parse_time(text(all[0], "date")).value() == 60s);
  CHECK(all[1].at("size").as_int64() == 5);
  CHECK(ask(office, Method::head).body == ask(office, Method::get).body);  // the front leaves it out
  office.enter_phone("00000000-0000-1000-8000-000000000001");
  office.answer(office.delivered(), 200);
  CHECK(list(office).size() == 1);
}

TEST_CASE("its user deletes one message, or all; nothing is delivered then") {
  Office office;
  for (const char* text : {"one", "two", "three"}) CHECK(office.send(text) == 202);
  const std::string id = text(list(office)[1], "id");
  CHECK(ask(office, Method::del, "?id=" + id).status == 200);
  CHECK(ask(office, Method::del, "?id=" + id).status == 404);
  CHECK(ask(office, Method::del, "?id=x").status == 404);
  CHECK(ask(office, Method::del, "?number=1").status == 400);
  CHECK(list(office).size() == 2);
  office.memory.broken = store::Errc::io;
  CHECK(ask(office, Method::del).status == 500);
  office.memory.broken = {};
  CHECK(ask(office, Method::del).status == 200);
  CHECK(ask(office, Method::del).status == 200);
  CHECK(office.records() == 0);
  office.enter_phone();
  CHECK(office.is_quiet());
  CHECK(ask(office, Method::put).status == 405);
}

TEST_CASE("with all that waits goes what is kept for the user's other devices") {
  Office office;
  CHECK(office.send("one") == 202);
  office.enter_phone("00000000-0000-1000-8000-000000000001");
  office.answer(office.delivered(), 200);
  CHECK(office.records() == 1);
  CHECK(list(office).empty());
  CHECK(ask(office, Method::del).status == 200);
  CHECK(office.records() == 0);
  office.enter_phone("00000000-0000-1000-8000-000000000002", 5081);
  CHECK(office.is_quiet());
}

TEST_CASE("a sender cannot make the list unreadable: the type is shown without what is no JSON") {
  Office office;
  Ask request = office.message("x");
  request.lines[0] = "Content-Type: text/plain;name=\"\xff\"";
  CHECK(office.ask_as(udp(5070), request, "alice").status() == 202);
  const auto response = ask(office, Method::get);
  CHECK(is_utf8(response.body));
  const auto all = list(office);
  REQUIRE(all.size() == 1);
  CHECK(text(all[0], "type") == "text/plain");
}
