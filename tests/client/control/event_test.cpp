#include "client/control/event.hpp"

#include <doctest/doctest.h>

#include <boost/json/array.hpp>

#include "protocol/base/columns.hpp"
#include "protocol/base/text.hpp"

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

TEST_CASE("who asks is shown with what to type: a watcher that waits, a session that rings") {
  using boost::json::array;
  using boost::json::object;
  CHECK(control::print_for_people({{"event", "watchers"},
                                   {"watchers", array{object{{"aor", "sip:bob@b"}, {"status", "pending"}},
                                                      object{{"aor", "sip:carol@b"}, {"status", "active"}}}},
                                   {"permits", array{object{{"aor", "sip:carol@b"}, {"mode", "auto"}}}}}) ==
        "watchers:\n"
        "    sip:bob@b    pending (wants to see you: allow sip:bob@b, or block sip:bob@b)\n"
        "    sip:carol@b  active (may start direct sessions: auto)\n");
  CHECK(control::print_for_people({{"event", "watchers"}, {"watchers", array()}, {"permits", array()}}) ==
        "watchers: none\n");
  const auto call = [](const char* direction) {
    return control::print_for_people({{"event", "call"},
                                      {"call", "1"},
                                      {"peer", "sip:bob@b"},
                                      {"direction", direction},
                                      {"state", "ringing"}});
  };
  CHECK(call("in") == "session 1 with sip:bob@b: ringing (answer 1, or reject 1)\n");
  CHECK(call("out") == "session 1 with sip:bob@b: ringing\n");
}

TEST_CASE("people read the address book, rules, and what a watcher would see") {
  using boost::json::array;
  using boost::json::object;
  CHECK(control::print_for_people({{"event", "contacts"}, {"groups", array()}}) == "no contacts\n");
  CHECK(control::print_for_people(
            {{"event", "contacts"},
             {"groups",
              array{object{{"group", "friends"},
                           {"name", "My friends"},
                           {"contacts", array{object{{"of", "sip:bob@b"}, {"name", "Bob\u202e"}}}}}}}}) ==
        "friends (My friends):\n    sip:bob@b  Bob?\n");
  CHECK(control::print_for_people({{"event", "rules"}, {"rules", array()}}) ==
        "no rules: the server's policy decides\n");
  CHECK(control::print_for_people({{"event", "rules"},
                                   {"rules", array{object{{"id", "w1"},
                                                          {"for", array{"sip:bob@b"}},
                                                          {"handling", "allow"},
                                                          {"shows", array{"everything"}},
                                                          {"direct", "auto"}}}}}) ==
        "sip:bob@b: allow; shows everything; direct sessions auto (rule w1)\n");
  CHECK(control::print_for_people({{"event", "view"},
                                   {"watcher", "sip:bob@b"},
                                   {"if", "block"},
                                   {"permission", "block"},
                                   {"by", "rules"},
                                   {"rules", array{"w1"}},
                                   {"direct", "off"}}) ==
        "sip:bob@b, if you block: block (rule w1)\n    is refused, and shown nothing\n");
  CHECK(control::print_for_people(
            {{"event", "registrations"},
             {"of", "sip:bob@b"},
             {"contacts",
              array{object{{"contact", "sip:x@y"}, {"state", "active"}, {"event", "registered"}}}}}) ==
        "sip:bob@b registered: sip:x@y (registered)\n");
}

TEST_CASE("listings are aligned by the columns of a terminal, whatever is in a name") {
  using boost::json::array;
  using boost::json::object;
  const array who{"sip:al@b", "sip:\u65e5\u672c@b", "sip:e\u0301va@b", "sip:\U0001f600@b"};
  /// Where the second column begins in each line that has `word`.
  const auto begins = [](const std::string& text, std::string_view word) {
    std::vector<std::size_t> at;
    for (const auto line : split(text, '\n'))
      if (const auto found = line.find(word); found != std::string_view::npos)
        at.push_back(columns(line.substr(0, found)));
    return at;
  };
  const auto rows = [&who](const char* name, const object& more) {
    array out;
    for (const auto& each : who) {
      object row = more;
      row[name] = each;
      out.push_back(row);
    }
    return out;
  };
  const array watchers = rows("aor", {{"status", "active"}});
  const array contacts = rows("of", {{"name", "NAME"}});
  const array members = rows("user", {{"role", "owner"}, {"here", true}});
  const array waiting = rows("from", {{"date", "2026-11-21T04:00:00Z"}, {"size", 1}, {"type", "text/plain"}});
  const array lines = rows("watcher", {{"from", "2026-11-21T04:00:00Z"}, {"view", "all"}, {"shown", "open"}});
  for (const auto& row :
       {std::pair{object{{"event", "watchers"}, {"watchers", watchers}, {"permits", array()}}, "active"},
        std::pair{
            object{{"event", "contacts"}, {"groups", array{object{{"group", "g"}, {"contacts", contacts}}}}},
            "NAME"},
        std::pair{object{{"event", "room"}, {"room", "sip:r@b"}, {"members", members}}, "owner"},
        std::pair{object{{"event", "inbox"}, {"messages", waiting}}, "1 octets"},
        std::pair{object{{"event", "watch-log"}, {"lines", lines}}, "open"}}) {
    const std::string text = control::print_for_people(row.first);
    const auto at = begins(text, row.second);
    CAPTURE(text);
    REQUIRE(at.size() == who.size());
    for (const auto each : at) CHECK(each == at.front());
  }
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

TEST_CASE(
    "people see of a message what JSON says: another sender inside, when it was sent, if not now, and its "
    "subject") {
  auto event = control::make_event("message", Now{Time{}, *parse_time("2026-11-21T04:00:00Z")});
  event["from"] = "sip:room@example.org";
  event["text"] = "hi";
  event["sent"] = "2026-11-21T05:00:30+01:00";
  CHECK(control::print_for_people(event) == "sip:room@example.org: hi\n");
  event["sent"] = "2026-11-20T04:00:00Z";
  event["claimed_from"] = "sip:bob@example.org";
  event["subject"] = "lunch\x1b";
  CHECK(control::print_for_people(event) ==
        "sip:room@example.org (says it is of sip:bob@example.org, sent 2026-11-20T04:00:00Z, about lunch?): "
        "hi\n");
}

TEST_CASE("people see what became of their messages, who types, and what waits") {
  auto sent = control::make_event("result", {});
  sent["command"] = "message";
  sent["ok"] = true;
  sent["cause"] = "done";
  sent["message_id"] = "1f2e";
  sent["state"] = "stored";
  CHECK(control::print_for_people(sent) == "message 1f2e: stored\n");
  auto receipt = control::make_event("receipt", {});
  receipt["message_id"] = "1f2e";
  receipt["state"] = "displayed";
  receipt["from"] = "sip:bob@example.org";
  CHECK(control::print_for_people(receipt) == "message 1f2e: displayed (sip:bob@example.org)\n");
  receipt["to"] = "sip:bob@example.org";
  CHECK(control::print_for_people(receipt) == "message 1f2e to sip:bob@example.org: displayed\n");
  auto typing = control::make_event("typing", {});
  typing["from"] = "sip:bob@example.org";
  typing["state"] = "active";
  CHECK(control::print_for_people(typing) == "sip:bob@example.org is writing a message\n");
  typing["state"] = "idle";
  CHECK(control::print_for_people(typing) == "sip:bob@example.org stopped writing\n");
}
