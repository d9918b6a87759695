#include "client/agent/waits.hpp"

#include "tests/client/agent/fixture.hpp"

using namespace beckon;
using namespace beckon::agent_test;
using client::parse_wait;

TEST_CASE("how long to wait is a number with its unit") {
  struct Row {
    const char* text;
    std::optional<Duration> time;
  };
  for (const Row& row :
       {Row{"5s", 5s}, Row{"500ms", 500ms}, Row{"2m", 120s}, Row{"1h", 3600s}, Row{"7", 7s}, Row{"0s", 0s},
        Row{"", std::nullopt}, Row{"s", std::nullopt}, Row{"-5s", std::nullopt}, Row{"5 s", std::nullopt},
        Row{"5d", std::nullopt}, Row{"9000h", std::nullopt}, Row{"99999999999999999999s", std::nullopt}}) {
    CAPTURE(row.text);
    CHECK(parse_wait(row.text) == row.time);
  }
}

namespace {

constexpr const char* open_alice =
    R"(<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.org"><tuple id="t"><status>)"
    R"(<basic>open</basic></status></tuple></presence>)";

}  // namespace

TEST_CASE_FIXTURE(Fixture, "who waits for a user's presence watches it, and is told when it comes") {
  const auto id = execute({"wait", "presence", "alice@example.org", "open", "--within", "5s"});
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  CHECK(results(id).empty());
  CHECK(notify(subscribe, "active;expires=3600", open_alice).status() == 200);
  CHECK(result(id).at("ok").as_bool());
  pass(6s);
  CHECK(results(id).size() == 1);
  // What is known already need not come.
  CHECK(result(execute({"wait", "presence", "alice@example.org", "open"})).at("ok").as_bool());
}

TEST_CASE_FIXTURE(Fixture, "what does not come in time ends with a cause of its own, a refusal at once") {
  const auto id = execute({"wait", "presence", "alice@example.org", "open", "--within", "5s"});
  SUBCASE("nothing comes") {
    notify(answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}}), "pending;expires=3600");
    pass(5s);
    CHECK(result(id).at("cause") == "timeout");
    CHECK(result(id).at("reason") == "it did not come within 5s");
  }
  SUBCASE("the server refuses") {
    answer(403);
    CHECK(result(id).at("cause") == "refused");
    pass(5s);
    CHECK(results(id).size() == 1);
  }
  CHECK(result(execute({"wait", "message", "--within", "soon"})).at("cause") == "usage");
  CHECK(result(execute({"wait", "message", "--matching", "(("})).at("cause") == "usage");
}

TEST_CASE_FIXTURE(Fixture, "a message is waited for by its sender and its text; the device is registered") {
  const auto id = execute({"wait", "message", "--from", "alice@example.org", "--matching", "^h.llo"});
  CHECK(serve() == std::vector<std::string>{"REGISTER"});
  ask(request_text("MESSAGE", "Content-Type: text/plain\r\n", "good bye"));
  CHECK(results(id).empty());
  std::string second = request_text("MESSAGE", "Content-Type: text/plain\r\n", "hello");
  second.replace(second.find("z9hG4bKx"), 8, "z9hG4bKy");
  second.replace(second.find("Call-ID: c"), 10, "Call-ID: d");
  ask(second);
  CHECK(result(id).at("ok").as_bool());
}

TEST_CASE_FIXTURE(Fixture, "who waits for a watcher watches the own watchers, and is told when it asks") {
  const auto id = execute({"wait", "watcher", "alice@example.org", "--status", "pending", "--within", "5s"});
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  CHECK(subscribe.header(HeaderId::event) == "presence.winfo");
  documents::WatcherInfo info;
  info.state = documents::WatcherInfo::State::full;
  info.lists.push_back({.resource = bob, .package = "presence", .watchers = {}, .extensions = {}});
  CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
  CHECK(results(id).empty());
  info.version = 1;
  info.lists.front().watchers.push_back(
      {.id = "w1", .uri = alice, .display_name = {}, .expiration_seconds = {}, .subscribed_seconds = {}});
  CHECK(notify(subscribe, "active;expires=3600", print(info)).status() == 200);
  CHECK(result(id).at("ok").as_bool());
  CHECK(result(execute({"wait", "watcher", "alice@example.org"})).at("ok").as_bool());
  const auto other =
      execute({"wait", "watcher", "alice@example.org", "--status", "active", "--within", "1s"});
  CHECK(results(other).empty());
  pass(1s);
  CHECK(result(other).at("cause") == "timeout");
}

TEST_CASE_FIXTURE(Fixture, "a tone to wait for is one that a telephone carries") {
  CHECK(result(execute({"wait", "audio", "--tone", "50"})).at("cause") == "usage");
  const auto id = execute({"wait", "audio", "--tone", "440", "--within", "1s"});
  CHECK(results(id).empty());
  pass(1s);
  CHECK(result(id).at("cause") == "timeout");
}
