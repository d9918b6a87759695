#include "client/control/event.hpp"

#include <doctest/doctest.h>

#include <boost/json/array.hpp>

using namespace beckon;
using namespace beckon::client;

TEST_CASE("an event carries its name and the time with milliseconds") {
  const Now now{Time{}, WallTime(std::chrono::milliseconds(1'700'000'000'042))};
  const auto event = control::make_event("ready", now);
  CHECK(control::print(event) == "{\"event\":\"ready\",\"time\":\"2023-11-14T22:13:20.042Z\"}\n");
}

TEST_CASE("a peer's text cannot move the cursor of the terminal it is shown on") {
  auto event = control::make_event("message", {});
  event["from"] = "sip:mallory@example.org";
  event["text"] = "\x1b[2Jgone\nforged line";
  CHECK(control::print_for_people(event) == "sip:mallory@example.org: ?[2Jgone\n    forged line\n");
}

TEST_CASE("people see what a user does, says and when a device was last used") {
  auto event = control::make_event("presence", {});
  event["of"] = "sip:alice@example.org";
  event["basic"] = "open";
  event["activities"] = boost::json::array{"busy", "do-not-disturb"};
  event["notes"] = boost::json::array{"back at\x1b[2J ten", "or later"};
  const boost::json::object tuple{{"id", "d1"}, {"basic", "open"}, {"last_input", "2026-11-29T21:00:00Z"}};
  event["tuples"] = boost::json::array{boost::json::value(tuple)};
  CHECK(control::print_for_people(event) ==
        "sip:alice@example.org is open (busy, do-not-disturb)\n"
        "    back at?[2J ten\n"
        "    or later\n"
        "    d1           open    \n"
        "                 last seen 2026-11-29T21:00:00Z\n");
}

TEST_CASE("without --log nobody is said to have been shown nothing before") {
  auto event = control::make_event("watch-log", {});
  event["lines"] = boost::json::array();
  CHECK(control::print_for_people(event) == "no watchers to show\n");
}

TEST_CASE("a user who is watched no more is not called closed, and a state not known yet is not shown") {
  auto event = control::make_event("presence", {});
  event["of"] = "sip:alice@example.org";
  event["basic"] = "unknown";
  CHECK(control::print_for_people(event) == "sip:alice@example.org is not watched any more\n");
  auto asked = control::make_event("subscription", {});
  asked["state"] = "unknown";
  CHECK(control::print_for_people(asked).empty());
}

TEST_CASE("results show people what was done, or the cause of the failure") {
  auto event = control::make_event("result", {});
  event["command"] = "message";
  event["ok"] = true;
  event["cause"] = "done";
  CHECK(control::print_for_people(event) == "message: done\n");
  event["ok"] = false;
  event["cause"] = "not-found";
  event["reason"] = "Not Found";
  CHECK(control::print_for_people(event) == "message: not-found (Not Found)\n");
}
