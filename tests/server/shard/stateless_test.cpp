#include <algorithm>

#include "server/shard/shard.hpp"
#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

// What is refused before its sender is known leaves no state and is sent once (RFC 3261 26.3.2.4, 8.2.7).
namespace {

/// 64*T1 and more: all that a server transaction sends by itself has left.
constexpr Duration long_after = 40s;

std::size_t transactions_of(World& world) {
  std::size_t sum = 0;
  for (unsigned i = 0; i < world.node().size(); ++i) sum += world.node().shard(i).transactions().size();
  return sum;
}

const Ask call{.method = "INVITE",
               .uri = bob,
               .from = alice,
               .to = bob,
               .call_id = "i",
               .lines = {"Contact: <sip:alice@192.0.2.9:5070>"}};

std::string without_hops(std::string text) {
  return text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
}

}  // namespace

TEST_CASE("a refusal before the sender is known is sent once and keeps no transaction (RFC 3261 26.3.2.4)") {
  for (const unsigned shards : {1U, 2U}) {
    Town town(shards);
    Ask ask = call;
    int status = 407;
    bool no_hops = false;
    SUBCASE("no credentials") {}
    SUBCASE("no credentials, to the server itself") {
      ask = {.method = "PUBLISH", .uri = alice, .lines = {"Event: presence"}};
      status = 401;
    }
    SUBCASE("an INVITE to the server itself") {
      ask.uri = "sip:example.org";
      status = 401;
    }
    SUBCASE("a domain that is not served") {
      ask.from = "sip:alice@example.net";
      status = 403;
    }
    SUBCASE("an extension that is not served") {
      ask.lines.push_back("Proxy-Require: gruu");
      status = 420;
    }
    SUBCASE("no hops left") {
      no_hops = true;
      status = 483;
    }
    SUBCASE("SIPS over an unsecured hop") {
      ask.uri = "sips:bob@example.org";
      status = 480;
    }
    SUBCASE("credentials that cannot be read") {
      ask.lines.push_back("Proxy-Authorization: Digest x");
      status = 400;
    }
    SUBCASE("credentials for another resource") {
      ask.lines.push_back(
          "Proxy-Authorization: Digest username=\"alice\", realm=\"example.org\", nonce=\"n\", "
          "uri=\"sip:carol@example.org\", response=\"0\"");
      status = 400;
    }
    SUBCASE("a nonce that is not ours") {
      ask.lines.push_back(
          "Proxy-Authorization: Digest username=\"alice\", realm=\"example.org\", nonce=\"n\", "
          "uri=\"sip:bob@example.org\", response=\"0\"");
    }
    SUBCASE("a nonce that is too old") {
      ask = town.with_credentials(ask);
      town.wait(World::default_settings().nonce_lifetime + 1s);
    }
    SUBCASE("a wrong password") {
      const auto challenge = town.ask(udp(5070), ask);
      ask.lines.push_back(World::credentials(challenge, ask, "alice", "guess"));
    }
    CAPTURE(shards);
    ask.branch = "z9hG4bKsame";
    std::string text = town.text_of(ask);
    if (no_hops) text = without_hops(std::move(text));
    REQUIRE(town.wire.sent.empty());
    for (const char* copy : {"the first", "its retransmission"}) {
      CAPTURE(copy);
      town.receive(udp(5070), text);
      CHECK(transactions_of(town) == 0);
      REQUIRE(town.wire.sent.size() == 1);
      CHECK(town.take().message.status() == status);
    }
    town.wait(long_after);
    CHECK(town.wire.sent.empty());
  }
}

TEST_CASE(
    "the copies of a stateless refusal have one To tag, at whatever shard they arrive (RFC 3261 8.2.7)") {
  Town town(2);
  const std::string text = town.text_of(call);
  for (const unsigned shard : {0U, 1U, 0U}) {
    town.node().shard(shard).on_message(udp(5070), sip::Message::parse(share(text)).value());
    town.run();
  }
  REQUIRE(town.wire.sent.size() == 3);
  const auto tag = town.wire.sent[0].message.to_tag();
  CHECK_FALSE(tag.empty());
  for (const Sent& sent : town.wire.sent) CHECK(sent.message.to_tag() == tag);
}

TEST_CASE(
    "the ACK to a stateless refusal ends at the shard where it arrives, without an answer (RFC 3261 "
    "17.1.1.3)") {
  Town town(2);
  Ask ask = call;
  ask.branch = "z9hG4bKsame";
  const auto refusal = town.ask(udp(5070), ask);
  REQUIRE(refusal.status() == 407);
  Ask ack = ask;
  ack.method = "ACK";
  ack.to = std::string(refusal.header(HeaderId::to));
  const auto timers = town.timers.size();
  for (const unsigned shard : {0U, 1U}) {
    town.node().shard(shard).on_message(udp(5070), sip::Message::parse(share(town.text_of(ack))).value());
    CHECK(town.timers.size() == timers);  // nothing was handed over
    town.run();
  }
  CHECK(town.wire.sent.empty());
  CHECK(transactions_of(town) == 0);
}

TEST_CASE(
    "a flood of INVITEs without credentials takes no transactions from users with some (RFC 3261 26.3.2.4)") {
  auto settings = World::default_settings();
  settings.trusted_networks = {*parse_network("192.0.2.0/24")};  // the rate of a source is another bound
  Town town(1, settings);
  constexpr int more_than_places = 70'000;
  const auto message = sip::Message::parse(share(town.text_of(call))).value();
  std::string text = town.text_of(call);
  const auto digits = text.find("branch=z9hG4bK") + 14;
  for (int i = 0; i < more_than_places; ++i) {
    text.replace(digits, 6, std::to_string(100'000 + i));
    town.node().shard(0).on_message(udp(5070), sip::Message::parse(share(text)).value());
    town.wire.sent.clear();
  }
  town.run();
  CHECK(town.ask_as(udp(5071), {.call_id = "registration"}, "alice").status() == 200);
}

TEST_CASE("a retransmission with credentials is absorbed while they are checked (RFC 3261 17.2.1)") {
  Town town;
  town.enter_bob();
  const std::string text = town.text_of(town.with_credentials(call));
  for (int copy = 0; copy < 3; ++copy)
    town.node().shard(0).on_message(udp(5070), sip::Message::parse(share(text)).value());
  town.run();
  REQUIRE(town.wire.sent.size() == 1);
  CHECK(town.take().to.remote.port == 5080);
}

TEST_CASE(
    "the CANCEL of an INVITE whose credentials turn out wrong is answered, and the INVITE challenged once") {
  Town town;
  Ask ask = call;
  const auto challenge = town.ask(udp(5070), ask);
  ask.lines.push_back(World::credentials(challenge, ask, "alice", "guess"));
  ask.branch = "z9hG4bKsame";
  Ask cancel = ask;
  cancel.method = "CANCEL";
  cancel.lines.clear();
  for (const Ask& each : {ask, cancel})
    town.node().shard(0).on_message(udp(5070), sip::Message::parse(share(town.text_of(each))).value());
  town.run();
  REQUIRE(town.wire.sent.size() == 2);
  CHECK(town.take().message.header(HeaderId::cseq) == "1 CANCEL");
  CHECK(town.take().message.status() == 407);
  town.wait(long_after);
  CHECK(town.wire.sent.empty());
}
