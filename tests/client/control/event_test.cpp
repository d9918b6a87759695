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
