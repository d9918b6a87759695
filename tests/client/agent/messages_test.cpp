#include <boost/json/array.hpp>

#include "tests/client/agent/fixture.hpp"

using namespace beckon;
using namespace beckon::agent_test;
using sip::HeaderId;

TEST_CASE_FIXTURE(Fixture, "the list of stored messages is read from the server, beside XCAP") {
  const auto ask_for = [&](unsigned status, const std::string& body) {
    const auto id = execute({"inbox"});
    auto [request, done] = std::move(http.waiting.front());
    http.waiting.pop_front();
    CHECK(request.method == xcap::Method::get);
    CHECK(request.target == "/inbox/users/sip:bob@example.org");
    xcap::Response response;
    response.status = status;
    response.body = body;
    done(std::move(response), now());
    return result(id);
  };
  CHECK(ask_for(200, R"([{"id": 7, "from": "sip:alice@example.org", "date": "2026-11-21T04:00:00Z",
                          "expires": "2026-11-28T04:00:00Z", "size": 12, "type": "text/plain", "new": true},
                         {"id": "8"}, 5])")
            .at("ok")
            .as_bool());
  CHECK(last("inbox").at("messages").as_array().size() == 1);
  CHECK(client::control::print_for_people(last("inbox")) ==
        "2026-11-21T04:00:00Z     sip:alice@example.org  12 octets of text/plain, "
        "until 2026-11-28T04:00:00Z\n");
  CHECK(ask_for(200, "[]").at("ok").as_bool());
  CHECK(client::control::print_for_people(last("inbox")) == "no messages wait\n");
  CHECK(ask_for(200, "{}").at("cause") == "failed");
  CHECK(ask_for(200, "rubbish").at("reason") == "what waits cannot be read");
  CHECK(ask_for(404, "").at("cause") == "not-found");
}

TEST_CASE_FIXTURE(Fixture,
                  "the result of a message says what it is called, and what the answer means (RFC 3428 7)") {
  struct Row {
    int status;
    const char* cause;
    const char* state;
  };
  for (const Row& row :
       {Row{200, "done", "delivered"}, Row{202, "done", "stored"}, Row{404, "not-found", nullptr},
        Row{603, "refused", nullptr}, Row{606, "refused", nullptr}, Row{607, "refused", nullptr},
        Row{600, "unavailable", nullptr}}) {
    CAPTURE(row.status);
    const auto id = execute({"message", "--receipts", "ask", alice, "hi"});
    const auto request = answer(row.status);
    const auto event = result(id);
    CHECK(event.at("cause") == row.cause);
    CHECK(event.at("message_id").as_string() == request.call_id());
    CHECK(event.contains("state") == (row.state != nullptr));
    if (row.state == nullptr) continue;
    CHECK(event.at("state") == row.state);
    CHECK(event.at("receipts").as_bool());
  }
}

TEST_CASE_FIXTURE(Fixture, "a message summary says what waits (RFC 3842)") {
  execute({"subscribe", "bob@example.org", "--package", "message-summary"});
  CHECK(wire.sent.front().message.header(HeaderId::accept) == "application/simple-message-summary");
  const auto subscribe = answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  CHECK(notify(subscribe, "active;expires=3600",
               "Messages-Waiting: yes\r\nMessage-Account: sip:bob@vmail.example.org\r\n"
               "Voice-Message: 2/8 (0/2)\r\nFax-Message: 0/1\r\n")
            .status() == 200);
  CHECK(last("message-summary").at("account") == "sip:bob@vmail.example.org");
  CHECK(client::control::print_for_people(last("message-summary")) ==
        "messages of " + bob +
            ": waiting\n    voice-message        2 new, 8 old (urgent: 0 new, 2 old)\n"
            "    fax-message          0 new, 1 old\n");
  CHECK(notify(subscribe, "active;expires=3600", "Messages-Waiting: no\r\n").status() == 200);
  CHECK(client::control::print_for_people(last("message-summary")) ==
        "messages of " + bob + ": none waiting\n");
  CHECK(notify(subscribe, "active;expires=3600", "rubbish").status() == 200);
  CHECK(last("warning").at("text").as_string().starts_with("the message summary of " + bob));
}
