#include <boost/json/parse.hpp>

#include "server/admin/explanation.hpp"
#include "tests/server/admin/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;
using namespace beckon::server::test;

TEST_CASE(
    "an explanation is sentences, with what is left out, the last NOTIFY and what holds back the next") {
  const auto facts = boost::json::parse(R"({
    "presentity": "sip:alice@example.org", "watcher": "sip:bob@example.org", "time": "2026-11-29T21:00:00Z",
    "user": true,
    "devices": [{"contact": "sip:a@192.0.2.9", "instance": "", "device": "00ff", "user_agent": "phone/1",
                 "expires": 60, "suspended": false, "shown": "as it published"}],
    "publications": [{"number": 3, "device": "00ff", "expires": 50, "incomplete": false, "direct_offers": 0,
       "elements": [{"element": "tuple", "id": "a", "became": "itself"},
                    {"element": "tuple", "id": "b", "became": "renamed", "shown_as": "tb"},
                    {"element": "person", "id": "p", "became": "merged", "shown_as": "p"},
                    {"element": "device", "id": "d", "became": "left-out"}]}],
    "decision": {"by": "rules", "rules": ["friends", "all"], "policy": "confirm", "result": "allow",
                 "direct": "ask"},
    "state": {"basic": "open", "tuples": [{"id": "a", "basic": "open"}, {"id": "tb", "basic": "closed"}],
              "left_out": [{"element": "tuple", "id": "tb", "left_out": "whole"},
                           {"element": "person", "id": "p", "left_out": "part"}]},
    "subscriptions": [{"id": "x1", "state": "active", "since": 5, "expires": 100, "secure": true,
       "reachable": true, "in_flight": false, "due": true, "failures": 2, "waits_for": "retry", "waits": 30,
       "last_notify": {"number": 7, "octets": 812, "ago": 4, "time": "2026-11-29T20:59:56Z", "status": 408}}]
  })")
                         .as_object();
  CHECK(print_explanation(facts) ==
        "alice@example.org as bob@example.org sees it, 2026-11-29T21:00:00Z\n"
        "\nDevices\n"
        "  sip:a@192.0.2.9 is registered for 60 s more, by phone/1.\n"
        "    It is device 00ff, and shown as it published.\n"
        "\nPublications\n"
        "  Publication 3 of device 00ff lasts 50 s more.\n"
        "    tuple \"a\" is shown as it is.\n"
        "    tuple \"b\" is shown as \"tb\", as its id was taken.\n"
        "    person \"p\" is part of \"p\", which others publish too.\n"
        "    device \"d\" is not shown.\n"
        "\nState\n"
        "  Together this is open: \"a\" open, \"tb\" closed.\n"
        "\nDecision\n"
        "  Rules \"friends\", \"all\" decide about bob@example.org.\n"
        "  bob@example.org is allowed; direct sessions: ask.\n"
        "  tuple \"tb\" is left out.\n"
        "  A part of person \"p\" is left out.\n"
        "\nNOTIFYs\n"
        "  Subscription x1 is active, for 100 s more.\n"
        "    The last NOTIFY is number 7 of 812 octets, sent 4 s ago (2026-11-29T20:59:56Z), answered 408.\n"
        "    2 NOTIFYs in a row failed; the state is sent again in 30 s.\n");
  CHECK(knows_presentity(facts));
}

TEST_CASE("an explanation says what of the watcher's messages is stored, why, and how far each device is") {
  const auto print = [](const std::string& messages) {
    const auto facts = boost::json::parse(R"({"presentity": "sip:alice@example.org", "user": true,
      "watcher": "sip:bob@example.org", "messages": )" +
                                          messages + '}')
                           .as_object();
    const std::string text = print_explanation(facts);
    return text.substr(text.find("\nMessages\n"));
  };
  CHECK(print("[]") == "\nMessages\n  No message of bob@example.org is stored.\n");
  CHECK(print(R"([
    {"id": "01", "since": "2026-11-29T20:59:56Z", "expires": 100, "octets": 412, "notification": false,
     "stored_as": "away", "devices": [
       {"device": "instance urn:uuid:1", "is": "delivered"}, {"device": "sip:a@192.0.2.9", "is": "refused"},
       {"device": "sip:b@192.0.2.9", "is": "under-way"}, {"device": "sip:c@192.0.2.9", "is": "idle"},
       {"device": "sip:d@192.0.2.9", "is": "put-off", "times": 2, "waits": 70}]},
    {"id": "02", "since": "2026-11-29T21:00:00Z", "expires": 9, "octets": 300, "notification": true,
     "stored_as": "in-order", "devices": []},
    {"id": "03", "since": "2026-11-29T21:00:00Z", "expires": 9, "octets": 300, "notification": false,
     "stored_as": "left-alone", "devices": [{"device": "sip:a@192.0.2.9", "is": "left-alone"}]}, 7])") ==
        "\nMessages\n"
        "  Message 01 of 412 octets came 2026-11-29T20:59:56Z, and is kept for 100 s more.\n"
        "    It was stored as no device took it.\n"
        "    instance urn:uuid:1 has it.\n"
        "    sip:a@192.0.2.9 has refused it, and does not get it again.\n"
        "    One is under way to sip:b@192.0.2.9, or is next.\n"
        "    sip:c@192.0.2.9 gets it when it registers anew.\n"
        "    sip:d@192.0.2.9 could not take a message (2 times in a row); it is tried again in 70 s.\n"
        "  Receipt 02 of 300 octets came 2026-11-29T21:00:00Z, and is kept for 9 s more.\n"
        "    It was stored as an earlier message of bob@example.org waited.\n"
        "    It goes to the devices that register.\n"
        "  Message 03 of 300 octets came 2026-11-29T21:00:00Z, and is kept for 9 s more.\n"
        "    It was stored as alice@example.org was not to be disturbed.\n"
        "    sip:a@192.0.2.9 gets it when alice@example.org may be disturbed again.\n"
        "  Message  of  octets came , and is kept for  s more.\n"
        "    It was stored as no device took it.\n"
        "    It goes to the devices that register.\n");
}

TEST_CASE("an explanation says why nothing is sent, and any answer of a server is printed") {
  struct Row {
    const char* facts;
    const char* told;
  };
  for (
      const Row& row :
      {Row{R"({"decision": {"by": "own", "result": "allow"}})",
           "It is the presentity itself, and sees everything."},
       Row{R"({"publications": [], "hard_state": "shown"})",
           "Nothing is published.\n  The document written over XCAP is shown, as no device says anything.\n"},
       Row{R"({"hard_state": "not-shown"})",
           "The document written over XCAP is not shown, as a device is there.\n"},
       Row{R"({"watcher": "sip:eve@x", "decision": {"by": "foreign-domain", "result": "block"}})",
           "The domain of eve@x is not trusted here.\n  eve@x is refused: a SUBSCRIBE is answered with 403."},
       Row{R"({"presentity": "sip:a@x", "watcher": "sip:b@x", "decision": {"by": "default-policy",
            "policy": "confirm", "result": "confirm"}})",
           "the server's policy is \"confirm\".\n  b@x sees nothing until a@x decides."},
       Row{R"({"watcher": "sip:b@x", "decision": {"by": "rules", "rules": ["r"], "result": "polite-block"}})",
           "b@x is blocked politely, and sees closed only."},
       Row{R"({"watcher": "sip:b@x"})", "b@x has no subscription, so nothing is sent."},
       Row{R"({"watcher": "sip:b@x", "subscriptions": [{"waits_for": "connection"}]})",
           "b@x's connection is gone: nothing is sent until b@x is back."},
       Row{R"({"subscriptions": [{"waits_for": "store"}]})", "wait for the store"},
       Row{R"({"subscriptions": [{"waits_for": "rules"}]})", "A change of rules is being worked through"},
       Row{R"({"subscriptions": [{"waits_for": "answer"}]})", "It is not answered yet.\n"},
       Row{R"({"subscriptions": [{"waits_for": "answer", "due": true}]})",
           "a newer state follows the answer"},
       Row{R"({"subscriptions": [{"waits_for": "turn", "waits": 4}]})", "waits for its turn, 4 s more"},
       Row{R"({"watcher": "sip:b@x", "subscriptions": [{"waits_for": "pace", "waits": 4}]})",
           "waits for b@x's own pace, 4 s more"},
       Row{R"({"watcher": "sip:b@x", "subscriptions": [{"waits_for": "suppressed"}]})",
           "b@x asked for no NOTIFYs."},
       Row{R"({"presentity": "sip:a@x", "user": false})", "a@x is no user of this server."},
       Row{"{}", "Nothing is published."},
       Row{R"({"devices": 5, "publications": {}, "state": [], "decision": "x"})", "No device is registered."},
       Row{R"({"devices": [1, null, []], "publications": [7, {"elements": ["x"]}], "state": {"tuples": [1], "left_out": [2]},
            "decision": {"by": "rules", "rules": [1, {}], "result": "allow"}, "subscriptions": ["x", 4]})",
           "Rules \"1\", \"{}\" decide"}}) {
    CAPTURE(row.facts);
    const auto facts = boost::json::parse(row.facts).as_object();
    const std::string text = print_explanation(facts);
    CAPTURE(text);
    CHECK(text.find(row.told) != text.npos);
  }
  CHECK_FALSE(knows_presentity(boost::json::parse(R"({"user": false, "devices": []})").as_object()));
}
