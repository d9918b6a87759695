#include "client/message/pager.hpp"

#include <set>

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using sip::HeaderId;

namespace {

const std::string alice = "sip:alice@example.org", bob = "sip:bob@example.org";
using Ask = message::Pager::Ask;
using Peers = message::Peers;

/// alice's pager.
struct Fixture : Bench {
  explicit Fixture(bool displays = false)
      : pager(context,
              {.displays = displays, .on_peers_changed = [this](const Peers& known) { peers = known; }}) {
    dispatcher.add(pager);
  }

  Peers peers;  ///< As stored.
  message::Pager pager;
  std::vector<message::Pager::Outcome> outcomes;
  Ends ends;

  Statuses statuses() const {
    Statuses out;
    for (const auto& outcome : outcomes) out.push_back(outcome.status);
    return out;
  }
  void send(std::string text, Ask ask = Ask::as_known, const std::string& to = bob) {
    pager.send(
        to, std::move(text), ask,
        [this](const message::Pager::Outcome& outcome, Now) { outcomes.push_back(outcome); }, now());
  }
  /// A request of bob's, from the server: the status of the answer, which has left the wire.
  int deliver(const sip::Message& message) {
    receive(message);
    const auto response =
        std::ranges::find_if(wire.sent, [](const auto& each) { return each.message.is_response(); });
    REQUIRE(response != wire.sent.end());
    const int status = response->message.status();
    wire.sent.erase(response);
    return status;
  }
  /// The server asks for credentials, and from now on it is known how much room they take.
  void log_in() {
    send("first");
    answer(401, {challenge("0123456789abcdef0123456789abcdef", ", opaque=\"0123456789abcdef\"")});
    answer(200);
    outcomes.clear();
  }
  void type(bool active) { pager.type(bob, active, ends.take_reason(), now()); }
  /// The oldest request of alice, as message/cpim.
  documents::Cpim take_cpim(int status = 200) {
    const auto request = answer(status);
    CHECK(request.header(HeaderId::content_type) == documents::cpim_type);
    return documents::parse_cpim(request.body()).value();
  }
  documents::Imdn take_notification(int status = 200) {
    const auto cpim = take_cpim(status);
    CHECK(cpim.content_type == documents::imdn_type);
    return documents::parse_imdn(cpim.content).value();
  }
};

/// Her messages are displayed at once.
struct AtTerminal : Fixture {
  AtTerminal() : Fixture(true) {}
};

struct Incoming {
  std::string from = "<sip:bob@example.org>;tag=b";
  std::string asserted{};  ///< P-Asserted-Identity; empty: none.
  std::string type = "text/plain";
  std::string text = "hi";
  std::string call_id{};  ///< Empty: a new one.
};
sip::Message make(const Incoming& incoming) {
  static int last = 0;
  auto builder = sip::Builder::request("MESSAGE", "sip:alice@192.0.2.1");
  builder.add(HeaderId::via, "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bKm" + std::to_string(++last));
  builder.add(HeaderId::from, incoming.from).add(HeaderId::to, "<sip:alice@example.org>");
  builder.add(HeaderId::call_id, incoming.call_id.empty() ? "c" + std::to_string(last) : incoming.call_id);
  builder.add(HeaderId::cseq, "1 MESSAGE");
  if (!incoming.asserted.empty()) builder.add(HeaderId::p_asserted_identity, incoming.asserted);
  return *sip::Message::parse(share(std::move(builder).finish(incoming.type, incoming.text)));
}

/// A text of bob in message/cpim.
documents::Cpim cpim_of_bob(const std::string& id, const documents::Dispositions& wanted) {
  return {.from = {.uri = bob},
          .to = {{.uri = alice}},
          .date_time = "2026-11-21T04:00:00Z",
          .message_id = id,
          .wanted = wanted,
          .content = "hi"};
}
sip::Message wrap(const documents::Cpim& cpim) { return make({.type = "message/cpim", .text = print(cpim)}); }

constexpr documents::Dispositions delivery{.positive_delivery = true}, display{.display = true},
    everything{true, true, true, true};

sip::Message notification_of(const std::string& id, documents::Imdn::Kind kind,
                             documents::Imdn::Status status) {
  return make({.type = "message/imdn+xml",
               .text = print(documents::Imdn{.message_id = id, .kind = kind, .status = status})});
}

}  // namespace

// --- texts out

TEST_CASE_FIXTURE(Fixture, "each text is a request of its own (RFC 3428 4)") {
  send("hi");
  send("there");
  const auto first = answer(200), second = answer(202);
  CHECK(first.request_uri_text() == bob);
  CHECK(first.body() == "hi");
  CHECK(first.header(HeaderId::content_type) == "text/plain;charset=UTF-8");
  CHECK_FALSE(first.has(HeaderId::contact));  // "MUST NOT" (RFC 3428 4)
  CHECK(first.call_id() != second.call_id());
  CHECK(statuses() == Statuses{200, 202});
  CHECK(outcomes.at(0).message_id == std::string(first.call_id()) + ":1");
  CHECK_FALSE(outcomes.at(0).asked);
}

TEST_CASE_FIXTURE(Fixture,
                  "a request with its credentials stays within 1300 octets, or is not sent (RFC 3428 8)") {
  for (const Ask ask : {Ask::no, Ask::yes}) {
    bool refused = false;
    for (std::size_t size = 0; size < 1300; size += 50) {
      CAPTURE(size);
      outcomes.clear();
      send(std::string(size, 'x'), ask);
      if (wire.is_silent()) {
        refused = true;
        CHECK(statuses() == Statuses{513});
        continue;
      }
      CHECK_FALSE(refused);
      answer(401, {challenge("0123456789abcdef0123456789abcdef", ", opaque=\"0123456789abcdef\"")});
      CHECK(wire.sent.front().message.text().size() <= message::request_max);
      answer(200);
      CHECK(outcomes.at(0).asked == (ask == Ask::yes && size <= 250));
    }
    CHECK(refused);
  }
}

TEST_CASE_FIXTURE(Fixture, "sending a text ends with its status, or with 0 where no answer comes") {
  send("hi");
  SUBCASE("refused") {
    answer(404);
    CHECK(statuses() == Statuses{404});
  }
  SUBCASE("silence") {
    pass(32s);
    CHECK(statuses() == Statuses{0});
  }
  SUBCASE("a 200 from a server that does not know the password") {
    answer(401, {challenge("n1")});
    answer(200, {forged_proof(wire.sent.front().message)});
    CHECK(statuses() == Statuses{control::unproven});
  }
}

TEST_CASE_FIXTURE(
    Fixture,
    "a text that asks for receipts is message/cpim with id, time and what is asked for (RFC 5438 7.1.1)") {
  send("hi", Ask::yes, bob + ";gr=urn:uuid:1");
  CHECK(wire.sent.front().message.request_uri_text() == bob + ";gr=urn:uuid:1");
  const std::string call_id(wire.sent.front().message.call_id());
  const auto cpim = take_cpim();
  CHECK(cpim.from.uri == alice);
  CHECK(cpim.to.at(0).uri == bob);
  CHECK(parse_time(cpim.date_time).has_value());
  CHECK(cpim.message_id == call_id);
  CHECK(cpim.wanted == everything);
  CHECK(cpim.content_type == "text/plain;charset=UTF-8");
  CHECK(cpim.content == "hi");
  CHECK(outcomes.at(0).message_id == call_id);
  CHECK(outcomes.at(0).asked);
}

TEST_CASE_FIXTURE(Fixture,
                  "a peer that refuses message/cpim gets the text once more, alone, and later texts so from "
                  "the beginning") {
  send("one", Ask::yes);
  send("two", Ask::yes);
  const auto refused = answer(415);
  const auto plain = answer(200);
  CHECK(plain.body() == "one");
  CHECK(plain.call_id() == refused.call_id());
  CHECK(plain.cseq()->number > refused.cseq()->number);
  CHECK(answer(415).header(HeaderId::content_type) == documents::cpim_type);  // it waited already
  CHECK(answer(415).body() == "two");
  CHECK(statuses() == Statuses{200, 415});
  CHECK_FALSE(outcomes.at(0).asked);
  CHECK(peers.form_of(bob, now().wall) == Peers::Form::plain);
  send("three", Ask::yes);
  CHECK(answer(200).body() == "three");
  SUBCASE("until it sends message/cpim itself") {
    ask(wrap(cpim_of_bob("1", {})));
    CHECK(peers.form_of(bob, now().wall) == Peers::Form::cpim);
    send("four");
    CHECK(take_cpim().content == "four");
    send("five", Ask::no);
    CHECK(answer(200).body() == "five");
  }
}

TEST_CASE_FIXTURE(Fixture, "a receipt says what became of a text; one is reported once") {
  using documents::Imdn;
  send("hi", Ask::yes);
  const std::string id = take_cpim().message_id;
  for (int copy = 0; copy < 2; ++copy)
    CHECK(ask(notification_of(id, Imdn::Kind::delivery, Imdn::Status::delivered)).at(0).status() == 200);
  CHECK(count("receipt") == 1);
  auto event = last("receipt");
  CHECK(event.at("message_id").as_string() == id);
  CHECK(event.at("state") == "delivered");
  CHECK(event.at("from").as_string() == bob);
  CHECK(event.at("to").as_string() == bob);
  SUBCASE("inside message/cpim") {
    const documents::Cpim cpim{
        .from = {.uri = bob},
        .message_id = "n",
        .content_type = "message/imdn+xml",
        .content_disposition = "notification",
        .content =
            print(Imdn{.message_id = id, .kind = Imdn::Kind::display, .status = Imdn::Status::displayed})};
    ask(wrap(cpim));
    CHECK(last("receipt").at("state") == "displayed");
  }
  SUBCASE("of another device's text, or somebody else's word for it") {
    ask(notification_of("other", Imdn::Kind::processing, Imdn::Status::stored));
    event = last("receipt");
    CHECK(event.at("state") == "stored");
    CHECK_FALSE(event.contains("to"));
  }
  SUBCASE("COMPAT: linphone's of a plain text, by its Call-ID") {
    send("plain", Ask::no);
    const auto request = answer(200);
    ask(notification_of(std::string(request.call_id()), Imdn::Kind::delivery, Imdn::Status::delivered));
    CHECK(last("receipt").at("message_id").as_string() == outcomes.back().message_id);
    CHECK(last("receipt").at("to").as_string() == bob);
  }
  CHECK(wire.is_silent());  // "The IM Sender MUST NOT send an IMDN for an IMDN" (RFC 5438 7.2.1)
}

// --- typing

TEST_CASE_FIXTURE(Fixture,
                  "the recipient hears that the user types, and that it goes on or ended (RFC 3994 3.2)") {
  type(true);
  auto request = answer(200);
  CHECK(request.header(HeaderId::content_type) == documents::is_composing_type);
  CHECK(request.header(HeaderId::expires) == "60");
  CHECK(documents::parse_is_composing(request.body()).value() ==
        documents::IsComposing{.active = true, .content_type = "text/plain", .refresh_seconds = 60});
  type(true);  // no news
  CHECK(ends.statuses == Statuses{200, 200});
  SUBCASE("ended by time") {
    pass(15s);
    CHECK_FALSE(documents::parse_is_composing(answer(200).body())->active);
    CHECK(ends.statuses == Statuses{200, 200});
  }
  SUBCASE("ended by the user") {
    type(false);
    CHECK_FALSE(documents::parse_is_composing(answer(200).body())->active);
    CHECK(ends.statuses == Statuses{200, 200, 200});
  }
  SUBCASE("ended by the text") {
    send("hi");
    CHECK(answer(200).body() == "hi");
    pass(1min);
    CHECK(wire.is_silent());
  }
}

TEST_CASE_FIXTURE(Fixture, "a peer that refuses typing notices gets no further one (RFC 3994 4)") {
  type(true);
  answer(415);
  CHECK_FALSE(peers.takes_typing(bob, now().wall));
  type(false);
  type(true);
  pass(10min);
  CHECK(wire.is_silent());
  CHECK(ends.statuses == Statuses{415, 415, 415});
}

TEST_CASE_FIXTURE(Fixture, "a peer that types is shown, until its text comes (RFC 3994 3.3)") {
  const auto status =
      make({.type = "application/im-iscomposing+xml", .text = print(documents::IsComposing{.active = true})});
  CHECK(ask(status).at(0).status() == 200);
  CHECK(last("typing").at("state") == "active");
  CHECK(last("typing").at("from").as_string() == bob);
  ask(make({}));
  CHECK(last("typing").at("state") == "idle");
  CHECK(events.back().at("event") == "message");
}

// --- texts in

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
    CHECK(event.at("from").as_string() == row.from);
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

TEST_CASE_FIXTURE(
    Fixture,
    "a text in message/cpim is shown with its id and time; another sender inside is shown as a claim") {
  struct Row {
    const char* from;
    const char* claimed;
  };
  for (const Row& row :
       {Row{"sip:bob@example.org", ""}, Row{"im:bob@EXAMPLE.org", ""}, Row{"sips:bob@example.org", ""},
        Row{"sip:carol@example.org", "sip:carol@example.org"}, Row{"tel:+15551234", "tel:+15551234"}}) {
    CAPTURE(row.from);
    auto cpim = cpim_of_bob(std::string("id of ") + "x", {});
    cpim.message_id = row.from;
    cpim.from.uri = row.from;
    cpim.others = {{std::string(documents::cpim_ns), "Subject", "", "lunch"}};
    CHECK(ask(wrap(cpim)).at(0).status() == 200);
    const auto event = last("message");
    CHECK(event.at("from").as_string() == bob);
    CHECK(event.at("text") == "hi");
    CHECK(event.at("content_type") == "text/plain");
    CHECK(event.at("message_id").as_string() == row.from);
    CHECK(event.at("sent") == "2026-11-21T04:00:00Z");
    CHECK(event.at("subject") == "lunch");
    CHECK(event.contains("claimed_from") == (*row.claimed != '\0'));
    if (*row.claimed != '\0') CHECK(event.at("claimed_from") == row.claimed);
  }
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "copies of one message are answered, and shown once") {
  log_in();
  SUBCASE("by its Message-ID") {
    for (int copy = 0; copy < 3; ++copy) CHECK(deliver(wrap(cpim_of_bob("1", delivery))) == 200);
    CHECK(count("message") == 1);
    CHECK(take_notification().message_id == "1");
    CHECK(wire.is_silent());
  }
  SUBCASE("by its Call-ID and CSeq, where it has none") {
    for (int copy = 0; copy < 3; ++copy) CHECK(deliver(make({.call_id = "same"})) == 200);
    CHECK(count("message") == 1);
    CHECK(last("message").at("message_id") == "same:1");
  }
  SUBCASE("another sender's message of that id is another message") {
    deliver(make({.call_id = "same"}));
    deliver(make({.from = "<sip:carol@example.org>;tag=c", .call_id = "same"}));
    CHECK(count("message") == 2);
  }
}

TEST_CASE_FIXTURE(
    Fixture,
    "the sender hears that its text was delivered, if it asks, and after the 200 (RFC 5438 12.1.3.1)") {
  log_in();
  receive(wrap(cpim_of_bob("1", everything)));
  CHECK(wire.take().message.status() == 200);
  CHECK(wire.sent.front().message.request_uri_text() == bob);
  const auto imdn = take_notification();
  CHECK(imdn.message_id == "1");
  CHECK(imdn.kind == documents::Imdn::Kind::delivery);
  CHECK(imdn.status == documents::Imdn::Status::delivered);
  CHECK(imdn.date_time == "2026-11-21T04:00:00Z");
  CHECK(wire.is_silent());
  SUBCASE("and when the user has seen it, once") {
    CHECK(pager.displayed(bob, "1", now()));
    CHECK(take_notification().status == documents::Imdn::Status::displayed);
    CHECK_FALSE(pager.displayed(bob, "1", now()));
    CHECK_FALSE(pager.displayed(bob, "other", now()));
    CHECK(wire.is_silent());
  }
}

TEST_CASE_FIXTURE(Fixture, "two senders who choose the same Message-ID hear of their own messages") {
  log_in();
  const std::string carol = "sip:carol@example.org";
  deliver(wrap(cpim_of_bob("1", display)));
  auto of_carol = cpim_of_bob("1", display);
  of_carol.from.uri = carol;
  deliver(make({.from = "<sip:carol@example.org>;tag=b", .type = "message/cpim", .text = print(of_carol)}));
  CHECK(count("message") == 2);
  CHECK(pager.displayed(carol, "1", now()));
  REQUIRE_FALSE(wire.is_silent());
  CHECK(wire.sent.front().message.request_uri_text() == carol);
  answer(200);
  CHECK(pager.displayed(bob, "1", now()));
  REQUIRE_FALSE(wire.is_silent());
  CHECK(wire.sent.front().message.request_uri_text() == bob);
}

TEST_CASE_FIXTURE(AtTerminal, "what is shown on a terminal is displayed") {
  log_in();
  deliver(wrap(cpim_of_bob("1", display)));
  CHECK(take_notification().status == documents::Imdn::Status::displayed);
  deliver(wrap(cpim_of_bob("2", {})));
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(AtTerminal,
                  "no notification without a request, for a notification, to the account itself") {
  deliver(wrap(cpim_of_bob("1", {.negative_delivery = true, .processing = true})));
  deliver(wrap(cpim_of_bob("", everything)));
  auto own = cpim_of_bob("2", everything);
  own.from.uri = alice;
  deliver(make({.from = "<sip:alice@example.org>;tag=b", .type = "message/cpim", .text = print(own)}));
  auto notification = cpim_of_bob("3", everything);
  notification.content_type = "message/imdn+xml";
  notification.content = print(documents::Imdn{.message_id = "x"});
  deliver(wrap(notification));
  CHECK(wire.is_silent());
  CHECK_FALSE(pager.displayed(bob, "1", now()));
  CHECK_FALSE(pager.displayed(bob, "2", now()));
}

TEST_CASE_FIXTURE(AtTerminal, "a peer that refuses a notification gets no further one") {
  log_in();
  deliver(wrap(cpim_of_bob("1", everything)));
  CHECK(take_notification(415).status == documents::Imdn::Status::delivered);
  take_notification(415);  // it waited already
  CHECK_FALSE(peers.takes_receipts(bob, now().wall));
  deliver(wrap(cpim_of_bob("2", everything)));
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture,
                  "notifications wait while many requests are under way, and are dropped rather than grow") {
  log_in();
  for (std::size_t i = 0; i < message::Outbox::requests_max; ++i)
    deliver(wrap(cpim_of_bob(std::to_string(i), delivery)));
  std::size_t told = 0;
  for (; !wire.is_silent(); ++told) answer(200);
  CHECK(told == message::Outbox::requests_max / 2);
  CHECK(count("message") == message::Outbox::requests_max);
}

TEST_CASE_FIXTURE(
    Fixture, "a notification stays within 1300 octets, shorter where it must, bare at last (RFC 3428 8)") {
  log_in();
  std::set<std::string> forms;
  for (std::size_t size = 1; size <= documents::cpim_message_id_max; size += 5) {
    CAPTURE(size);
    deliver(wrap(cpim_of_bob(std::string(size, 'x'), delivery)));
    CHECK(wire.sent.front().message.text().size() <= message::request_max);
    const auto request = answer(200);
    const bool is_bare = request.header(HeaderId::content_type) == documents::imdn_type;
    const auto imdn = documents::parse_imdn(is_bare ? std::string(request.body())
                                                    : documents::parse_cpim(request.body())->content);
    CHECK(imdn->message_id.size() == size);
    forms.insert(is_bare ? "bare" : imdn->recipient.empty() ? "brief" : "full");
  }
  CHECK(forms == std::set<std::string>{"bare", "brief", "full"});
}
