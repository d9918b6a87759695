#include "client/background/hub.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <vector>

#include "client/background/answers.hpp"
#include "client/control/event.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client;
using background::Hub;
using boost::json::object;

namespace {

/// A hub with an agent that notes what it is told and answers when the test says so.
struct Fixture {
  explicit Fixture(Hub::Limits limits = {})
      : hub({.execute = [this](const control::Command& command) { executed.push_back(command); },
             .refuse = [this](const control::Rejected& rejected) { refused.push_back(rejected); }},
            "example.org", limits) {
    event({{"event", "ready"}, {"account", "sip:alice@example.org"}});
  }

  void event(object event_of_agent) { hub.on_event(event_of_agent); }
  void result(const std::string& id, const std::string& command) {
    event({{"event", "result"}, {"id", id}, {"command", command}, {"ok", true}, {"cause", "done"}});
  }
  /// The events that wait for a controller, by name; of a result its id.
  std::vector<std::string> read(Hub::Number controller) {
    std::vector<std::string> names;
    const std::string lines = hub.take(controller);
    for (const auto line : split(lines, '\n')) {
      const object read_event = boost::json::parse({line.data(), line.size()}).as_object();
      std::string name(read_event.at("event").as_string());
      if (const auto* id = read_event.if_contains("id")) name += " " + std::string(id->as_string());
      names.push_back(name);
    }
    return names;
  }

  std::vector<control::Command> executed;
  std::vector<control::Rejected> refused;
  Hub hub;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a controller is greeted as by an agent of its own") {
  Fixture agent;
  const auto one = agent.hub.attach().value();
  CHECK(agent.hub.waiting() == std::vector{one});
  CHECK(agent.read(one) == Names{"ready"});
  CHECK(agent.hub.waiting().empty());
}

TEST_CASE("a result goes to who asked, with the id that was given, also where two gave the same") {
  Fixture agent;
  const auto one = agent.hub.attach().value(), two = agent.hub.attach().value();
  agent.read(one);
  agent.read(two);
  agent.hub.on_line(one, R"({"id":"1","command":"register"})");
  agent.hub.on_line(two, R"({"id":"1","command":"message","to":"bob","text":"hi"})");
  REQUIRE(agent.executed.size() == 2);
  CHECK(agent.executed[0].id != agent.executed[1].id);
  CHECK(agent.executed[1].text("to") == "sip:bob@example.org");
  agent.result(agent.executed[1].id, "message");
  CHECK(agent.read(one).empty());
  CHECK(agent.read(two) == Names{"result 1"});
  agent.result(agent.executed[0].id, "register");
  CHECK(agent.read(one) == Names{"result 1"});
  CHECK(agent.read(two).empty());
  // Nobody asked for this: the agent itself did.
  agent.result("start", "register");
  CHECK(agent.hub.waiting().empty());
}

TEST_CASE("a command without id gets its result without one") {
  Fixture agent;
  const auto one = agent.hub.attach().value();
  agent.read(one);
  agent.hub.on_line(one, R"({"command":"register"})");
  agent.result(agent.executed.at(0).id, "register");
  CHECK(agent.read(one) == Names{"result"});
}

TEST_CASE("what happens is told to all, an answer only to those who asked for one") {
  Fixture agent;
  const auto one = agent.hub.attach().value(), two = agent.hub.attach().value();
  agent.read(one);
  agent.read(two);
  agent.event({{"event", "presence"}, {"of", "sip:bob@example.org"}, {"basic", "open"}});
  CHECK(agent.read(one) == Names{"presence"});
  CHECK(agent.read(two) == Names{"presence"});
  agent.hub.on_line(one, R"({"id":"7","command":"inbox"})");
  agent.event({{"event", "inbox"}, {"messages", boost::json::array{}}});
  agent.result(agent.executed.at(0).id, "inbox");
  agent.event({{"event", "inbox"}, {"messages", boost::json::array{}}});
  CHECK(agent.read(one) == Names{"inbox", "result 7"});
  CHECK(agent.read(two).empty());
}

TEST_CASE("a line that is no command is refused to its writer") {
  Fixture agent;
  const auto one = agent.hub.attach().value();
  agent.read(one);
  agent.hub.on_line(one, "register");
  agent.hub.on_line(one, R"({"id":"9","command":"message"})");
  agent.hub.on_line(one, "  ");
  REQUIRE(agent.refused.size() == 2);
  CHECK(agent.executed.empty());
  agent.result(agent.refused[1].id, "message");
  CHECK(agent.read(one) == Names{"result 9"});
}

TEST_CASE("results and events for a controller that has gone are dropped") {
  Fixture agent;
  const auto one = agent.hub.attach().value();
  agent.hub.on_line(one, R"({"id":"1","command":"register"})");
  agent.hub.detach(one);
  agent.result(agent.executed.at(0).id, "register");
  agent.event({{"event", "connection"}, {"state", "up"}});
  agent.hub.on_line(one, R"({"id":"2","command":"register"})");
  CHECK(agent.executed.size() == 1);
  CHECK(agent.hub.waiting().empty());
  CHECK(agent.hub.attach().value() != one);
}

TEST_CASE("a controller that does not read is let go; the others lose nothing") {
  Fixture agent({.controllers = 2, .running = 2, .queue = 1000});
  const auto slow = agent.hub.attach().value(), quick = agent.hub.attach().value();
  CHECK_FALSE(agent.hub.attach().has_value());
  for (int i = 0; i < 100; ++i) {
    agent.event({{"event", "warning"}, {"text", "something"}});
    CHECK_FALSE(agent.read(quick).empty());
  }
  CHECK(agent.hub.is_lost(slow));
  CHECK_FALSE(agent.hub.is_lost(quick));
  CHECK(agent.hub.take(slow).empty());
  CHECK(agent.hub.waiting() == std::vector{slow});
  agent.hub.detach(slow);
  CHECK(agent.hub.waiting().empty());
  CHECK(agent.hub.attach().has_value());
}

TEST_CASE("a controller with too many commands at once is refused further ones, until results have come") {
  Fixture agent({.controllers = 2, .running = 2, .queue = 10000});
  const auto one = agent.hub.attach().value();
  for (const char* id : {"1", "2", "3"})
    agent.hub.on_line(one, std::string(R"({"command":"register","id":")") + id + "\"}");
  CHECK(agent.executed.size() == 2);
  REQUIRE(agent.refused.size() == 1);
  agent.result(agent.refused[0].id, "register");
  agent.result(agent.executed[0].id, "register");
  agent.hub.on_line(one, R"({"command":"register","id":"4"})");
  CHECK(agent.executed.size() == 3);
}

TEST_CASE("what only answers a command, and what is news for all") {
  for (const auto& [event, command] : {std::pair{"inbox", "inbox"}, std::pair{"contacts", "contacts add"},
                                       std::pair{"rules", "rules show"}, std::pair{"snapshot", "snapshot"}}) {
    CAPTURE(event);
    CHECK(background::is_answer(event, command));
    CHECK(background::is_answer(event));
    CHECK(control::find_specification(command) != nullptr);
  }
  CHECK_FALSE(background::is_answer("inbox", "history"));
  CHECK_FALSE(background::is_answer("message"));
  // Of a call that ended, or on command.
  CHECK(background::is_answer("call-statistics", "statistics"));
  CHECK_FALSE(background::is_answer("call-statistics"));
}
