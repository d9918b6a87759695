#include "client/incoming/dispatcher.hpp"

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using sip::HeaderId;
using sip::Method;

namespace {

/// A room that keeps what it gets and answers what the test says.
struct FakeRoom final : incoming::Room {
  explicit FakeRoom(incoming::Services what) : served(std::move(what)) {}

  const incoming::Services& services() const override { return served; }
  void on_request(const incoming::Request& request, Now) override { requests.push_back(request); }
  void on_ack(const sip::Message& ack, Now) override { acks.emplace_back(ack.call_id()); }
  void on_cancel(transaction::TransactionId id, const sip::Message&, Now) override {
    cancelled.push_back(id);
  }
  void on_response(const sip::Message& response, Now) override { late.push_back(response.status()); }
  void on_failure(transaction::TransactionId id, transaction::Failure, Now) override { failed.push_back(id); }

  incoming::Services served;
  std::vector<incoming::Request> requests;
  std::vector<std::string> acks;
  std::vector<transaction::TransactionId> cancelled;
  std::vector<int> late;
  std::vector<transaction::TransactionId> failed;
};

struct Fixture : Bench {
  Fixture() : Bench(transaction::Protocol::udp) {}

  sip::Message make(const std::string& method, const Headers& headers = {}, const std::string& branch = {}) {
    if (branch.empty()) ++last;
    auto builder = sip::Builder::request(method, "sip:alice@192.0.2.1:40000");
    builder.add(HeaderId::via, "SIP/2.0/UDP 192.0.2.9:5061;branch=z9hG4bK" +
                                   (branch.empty() ? std::to_string(last) : branch));
    builder.add(HeaderId::max_forwards, 70U).add(HeaderId::from, "<sip:bob@example.org>;tag=b");
    builder.add(HeaderId::to, "<sip:alice@example.org>").add(HeaderId::call_id, "c" + std::to_string(last));
    builder.add(HeaderId::cseq, "1 " + method);
    for (const auto& [id, value] : headers) builder.add(id, value);
    return *sip::Message::parse(share(std::move(builder).finish()));
  }

  int last = 0;
  FakeRoom calls{{.methods = {Method::invite, Method::bye}, .option_tags = {"timer"}}};
  FakeRoom presence{{.methods = {Method::notify}, .packages = {"presence", "presence.winfo"}}};
  FakeRoom device{{.methods = {Method::notify, Method::subscribe}, .packages = {"dialog"}}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "without rooms every method but OPTIONS gets 405 with Allow (RFC 3261 8.2.1, 11.2)") {
  for (const std::string method : {"INVITE", "BYE", "MESSAGE", "NOTIFY", "SUBSCRIBE", "OPTIONS", "DANCE"}) {
    CAPTURE(method);
    const auto response = ask(make(method)).at(0);
    CHECK(response.status() == (method == "OPTIONS" ? 200 : 405));
    CHECK(response.header(HeaderId::allow) == "OPTIONS");
  }
}

TEST_CASE_FIXTURE(Fixture, "a request goes to the first room that serves its method and event package") {
  for (auto* room : {&calls, &presence, &device}) dispatcher.add(*room);
  ask(make("INVITE"));
  ask(make("NOTIFY", {{HeaderId::event, "presence.winfo;id=3"}}));
  ask(make("NOTIFY", {{HeaderId::event, "dialog"}}));
  ask(make("SUBSCRIBE", {{HeaderId::event, "dialog"}}));
  CHECK(calls.requests.size() == 1);
  CHECK(presence.requests.size() == 1);
  CHECK(device.requests.size() == 2);
  CHECK(ask(make("OPTIONS")).at(0).header(HeaderId::allow) ==
        "INVITE, ACK, CANCEL, BYE, NOTIFY, SUBSCRIBE, OPTIONS");
}

TEST_CASE_FIXTURE(
    Fixture, "a NOTIFY of a package that no room serves gets 481, a SUBSCRIBE 489 (RFC 6665 4.1.3, 7.3.2)") {
  for (auto* room : {&presence, &device}) dispatcher.add(*room);
  CHECK(ask(make("NOTIFY", {{HeaderId::event, "weather"}})).at(0).status() == 481);
  const auto response = ask(make("SUBSCRIBE", {{HeaderId::event, "presence"}})).at(0);
  CHECK(response.status() == 489);
  CHECK(response.header(HeaderId::allow_events) == "dialog");
}

TEST_CASE_FIXTURE(Fixture, "an extension that the room does not support gets 420 (RFC 3261 8.2.2.3)") {
  dispatcher.add(calls);
  const auto response =
      ask(make("INVITE", {{HeaderId::require, "Timer, teleportation"}, {HeaderId::require, "100rel"}})).at(0);
  CHECK(response.status() == 420);
  CHECK(response.header(HeaderId::unsupported) == "teleportation, 100rel");
  CHECK(calls.requests.empty());
  ask(make("INVITE", {{HeaderId::require, "timer"}}));
  CHECK(calls.requests.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a method that no room serves gets 405, whatever it requires (RFC 3261 8.2)") {
  dispatcher.add(calls);
  const auto response = ask(make("MESSAGE", {{HeaderId::require, "teleportation"}})).at(0);
  CHECK(response.status() == 405);
  CHECK(response.lists(HeaderId::allow, "INVITE"));
  CHECK_FALSE(response.has(HeaderId::unsupported));
  CHECK(ask(make("OPTIONS", {{HeaderId::require, "teleportation"}})).at(0).status() == 420);
}

TEST_CASE_FIXTURE(Fixture, "a body in another encoding than identity gets 415 (RFC 3261 8.2.3)") {
  dispatcher.add(calls);
  for (const std::string coding : {"gzip", "identity, gzip", "x"}) {
    CAPTURE(coding);
    const auto response = ask(make("INVITE", {{HeaderId::content_encoding, coding}})).at(0);
    CHECK(response.status() == 415);
    CHECK(response.header(HeaderId::accept_encoding) == "identity");
  }
  const auto required = make("INVITE", {{HeaderId::content_encoding, "gzip"}, {HeaderId::require, "x"}});
  CHECK(ask(required).at(0).status() == 420);
  CHECK(calls.requests.empty());
  ask(make("INVITE", {{HeaderId::content_encoding, "Identity"}}));
  CHECK(calls.requests.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a room that inflates gets bodies in the coding deflate, and no others") {
  calls.served.inflates = true;
  dispatcher.add(calls);
  for (const std::string coding : {"gzip", "deflate, deflate", "deflate, x"}) {
    CAPTURE(coding);
    const auto response = ask(make("INVITE", {{HeaderId::content_encoding, coding}})).at(0);
    CHECK(response.status() == 415);
    CHECK(response.header(HeaderId::accept_encoding) == "deflate, identity");
  }
  ask(make("INVITE", {{HeaderId::content_encoding, "Deflate"}}));
  CHECK(calls.requests.size() == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a room answers provisionally and finally, later, and with one To tag (RFC 3261 12.1.1)") {
  dispatcher.add(calls);
  CHECK(ask(make("INVITE")).empty());
  REQUIRE(calls.requests.size() == 1);
  const auto& request = calls.requests.front();
  pass(100ms);
  request.respond(180, now());
  pass(1s);
  auto answer = request.reply(200);
  answer.add(HeaderId::contact, context.contact());
  request.respond(std::move(answer), now());
  std::vector<int> statuses;
  for (const auto& sent : wire.sent) {
    const sip::Message& response = sent.message;
    if (response.status() == 100) continue;
    statuses.push_back(response.status());
    CHECK(response.to_tag() == request.to_tag());
    CHECK(response.header(HeaderId::server) == "beckon/" BECKON_VERSION);
  }
  CHECK(statuses == std::vector{180, 200});
}

TEST_CASE_FIXTURE(Fixture, "ACK, CANCEL and a failed answer reach the room that serves INVITE") {
  for (auto* room : {&presence, &calls}) dispatcher.add(*room);
  SUBCASE("an ACK for a 2xx (RFC 3261 13.2.2.4)") {
    ask(make("INVITE"));
    calls.requests.front().respond(200, now());
    ask(make("ACK", {}, "ack"));
    CHECK(calls.acks == std::vector<std::string>{"c1"});
  }
  SUBCASE("a CANCEL before the answer (RFC 3261 9.2)") {
    ask(make("INVITE"));
    const auto responses = ask(make("CANCEL", {}, "1"));
    CHECK(responses.at(0).status() == 200);
    CHECK(calls.cancelled == std::vector{calls.requests.front().id()});
  }
  SUBCASE("a refusal without ACK (RFC 3261 17.2.1)") {
    ask(make("INVITE"));
    calls.requests.front().respond(486, now());
    pass(33s);
    CHECK(calls.failed == std::vector{calls.requests.front().id()});
  }
  CHECK(presence.acks.empty());
  CHECK(presence.cancelled.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a 2xx after the end of its INVITE reaches the room that serves INVITE (RFC 6026)") {
  dispatcher.add(calls);
  auto request = context.request("INVITE", "sip:bob@example.org", "sip:bob@example.org", "a", "call", 1);
  request.add(HeaderId::contact, context.contact());
  std::vector<int> outcomes;
  layer.send(
      std::move(request).finish(), context.hop(),
      [&](const transaction::Outcome& outcome, Now) { outcomes.push_back(outcome.status); }, now());
  const auto invite = wire.take().message;
  receive(reply_to(invite, 200, {{HeaderId::contact, "<sip:bob@192.0.2.2>"}}));
  receive(reply_to(invite, 200, {{HeaderId::contact, "<sip:bob@192.0.2.2>"}}));
  CHECK(outcomes == std::vector{200});
  CHECK(calls.late == std::vector{200});
}
