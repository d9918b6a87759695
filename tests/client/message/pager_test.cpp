#include "client/message/pager.hpp"

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using sip::HeaderId;

namespace {

const std::string bob = "sip:bob@example.org";

struct Fixture : Bench {
  Fixture() { dispatcher.add(pager); }

  message::Pager pager{context};
  Ends ends;

  void send(std::string text) { pager.send(bob, std::move(text), ends.take_reason(), now()); }
};

struct Incoming {
  std::string from = "<sip:bob@example.org>;tag=b";
  std::string asserted{};  ///< P-Asserted-Identity; empty: none.
  std::string type = "text/plain";
  std::string text = "hi";
};
sip::Message make(const Incoming& incoming) {
  static int last = 0;
  auto builder = sip::Builder::request("MESSAGE", "sip:alice@192.0.2.1");
  builder.add(HeaderId::via, "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKm" + std::to_string(++last));
  builder.add(HeaderId::from, incoming.from).add(HeaderId::to, "<sip:alice@example.org>");
  builder.add(HeaderId::call_id, "c").add(HeaderId::cseq, "1 MESSAGE");
  if (!incoming.asserted.empty()) builder.add(HeaderId::p_asserted_identity, incoming.asserted);
  return *sip::Message::parse(share(std::move(builder).finish(incoming.type, incoming.text)));
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "each text is a request of its own (RFC 3428 4)") {
  send("hi");
  send("there");
  const auto first = answer(200), second = answer(202);
  CHECK(first.request_uri_text() == bob);
  CHECK(first.body() == "hi");
  CHECK(first.header(HeaderId::content_type) == "text/plain;charset=UTF-8");
  CHECK_FALSE(first.has(HeaderId::contact));  // "MUST NOT" (RFC 3428 4)
  CHECK(first.call_id() != second.call_id());
  CHECK(ends.statuses == Statuses{200, 202});
}

TEST_CASE_FIXTURE(Fixture,
                  "a request with its credentials stays within 1300 octets, or is not sent (RFC 3428 8)") {
  bool refused = false;
  for (std::size_t size = 0; size < 1300; size += 50) {
    CAPTURE(size);
    ends.statuses.clear();
    send(std::string(size, 'x'));
    if (wire.is_silent()) {
      refused = true;
      CHECK(ends.statuses == Statuses{513});
      continue;
    }
    CHECK_FALSE(refused);
    answer(401, {challenge("0123456789abcdef0123456789abcdef", ", opaque=\"0123456789abcdef\"")});
    CHECK(wire.sent.front().message.text().size() <= message::request_max);
    answer(200);
  }
  CHECK(refused);
}

TEST_CASE_FIXTURE(Fixture, "sending a text ends with its status, or with 0 where no answer comes") {
  send("hi");
  SUBCASE("refused") {
    answer(404);
    CHECK(ends.statuses == Statuses{404});
  }
  SUBCASE("silence") {
    pass(32s);
    CHECK(ends.statuses == Statuses{0});
  }
  SUBCASE("a 200 from a server that does not know the password") {
    answer(401, {challenge("n1")});
    answer(200, {forged_proof(wire.sent.front().message)});
    CHECK(ends.statuses == Statuses{control::unproven});
  }
}

TEST_CASE_FIXTURE(
    Fixture, "a text that comes in is shown; the own server's assertion names the sender (RFC 3325 9.1)") {
  struct Row {
    Incoming incoming;
    bool from_server;
    const char* from;
    bool asserted;
  };
  for (const Row& row :
       {Row{{}, true, "sip:bob@example.org", false},
        Row{{.asserted = "\"Carol\" <sip:carol@EXAMPLE.org>"}, true, "sip:carol@example.org", true},
        Row{{.asserted = "<tel:+15551234>, <sip:carol@example.org>"}, true, "sip:carol@example.org", true},
        Row{{.asserted = "<sip:carol@example.org>"}, false, "sip:bob@example.org", false}}) {
    CAPTURE(row.incoming.asserted);
    CAPTURE(row.from_server);
    auto from = connection.server;
    from.flow = row.from_server ? connection.flow : connection.flow + 1;
    CHECK(ask(make(row.incoming), from).at(0).status() == 200);
    const auto event = last("message");
    CHECK(event.at("from") == row.from);
    CHECK(event.at("asserted") == row.asserted);
    CHECK(event.at("text") == "hi");
  }
}

TEST_CASE_FIXTURE(Fixture, "what cannot be shown is refused and not shown") {
  struct Row {
    Incoming incoming;
    int status;
  };
  for (const Row& row :
       {Row{{.type = "application/octet-stream"}, 415}, Row{{.type = "message/cpim"}, 415},
        Row{{.type = "text"}, 415}, Row{{.type = "text /;"}, 415}, Row{{.text = "\xff\xfe"}, 400},
        Row{{.from = "<sip:example.org>;tag=b"}, 400}, Row{{.from = "<tel:+15551234>;tag=b"}, 400},
        Row{{.type = "text/html"}, 200}, Row{{.type = "TEXT/Plain; charset=utf-8"}, 200}}) {
    CAPTURE(row.incoming.type);
    CAPTURE(row.incoming.from);
    events.clear();
    const auto response = ask(make(row.incoming)).at(0);
    CHECK(response.status() == row.status);
    CHECK(response.has(HeaderId::accept) == (row.status == 415));
    CHECK(events.size() == (row.status == 200 ? 1U : 0U));
  }
}
