#include "tests/simulation/ledger.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/simulation/picture.hpp"

using namespace beckon;
using namespace beckon::simulation;

// What the histories are checked by finds what it is there to find.

namespace {

const std::string alice = "sip:alice@example.org";
const std::string bob = "sip:bob@example.org";
const Address server = *parse_address("10.0.0.1:5060");
const Address device = *parse_address("10.0.0.2:5060");

sip::Message message(const std::string& method, const std::string& from, const std::string& to, int cseq,
                     const std::string& lines, const std::string& body = {}) {
  return *sip::Message::parse(share(fmt::format(
      "{} sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9\r\nFrom: <{}>;tag={}\r\nTo: <{}>\r\nCall-ID: "
      "call\r\nCSeq: {} {}\r\n{}\r\nContent-Length: {}\r\n\r\n{}",
      method, from, from == bob ? "b" : "a", to, cseq, method, lines, body.size(), body)));
}

sip::Message notify(int cseq, const std::string& body, const std::string& lines = {}) {
  return message("NOTIFY", alice, bob, cseq, "Subscription-State: active" + lines, body);
}

/// bob has subscribed to alice.
struct Watched {
  Watched() { ledger.on_sent(server, device, message("SUBSCRIBE", bob, alice, 1, "Event: presence")); }
  void notified(int cseq, const std::string& body = {}, const std::string& rates = {}) {
    ledger.on_sent(server, server, notify(cseq, body, rates));
  }
  World world{1};
  Ledger ledger{world};
};

std::string winfo(int version, const std::string& state, const std::string& watcher) {
  return fmt::format(
      "<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"{}\" state=\"{}\"><watcher-list "
      "resource=\"{}\" package=\"presence\"><watcher id=\"{}\" status=\"active\" event=\"subscribe\">{}"
      "</watcher></watcher-list></watcherinfo>",
      version, state, alice, watcher, bob);
}

const std::string winfo_type = "\r\nContent-Type: application/watcherinfo+xml";

}  // namespace

TEST_CASE(
    "a subscription whose end is sent need not be there, and must not when its watcher has heard of the "
    "end") {
  Watched it;
  const Ledger::Thing thing{"subscription", bob, "call"};
  it.ledger.asked(thing, 600s);
  it.ledger.granted(thing, it.world.now().mono, 600s);
  CHECK(it.ledger.check("subscription", bob, {}) != "");
  it.ledger.on_sent(server, server, message("NOTIFY", alice, bob, 1, "Subscription-State: terminated"));
  CHECK(it.ledger.check("subscription", bob, {}) == "");
  CHECK(it.ledger.check("subscription", bob, {"call"}) == "");
  it.ledger.ended(thing);
  it.world.run_for(5s);
  CHECK(it.ledger.check("subscription", bob, {"call"}) != "");
}

TEST_CASE("a subscription to a user who was removed may end at any time; to one who was disabled it stays") {
  for (const bool removed : {true, false}) {
    CAPTURE(removed);
    Watched it;
    const Ledger::Thing thing{"subscription", bob, "call"};
    it.ledger.user_gone(alice, removed);
    it.ledger.asked(thing, 600s);
    it.ledger.granted(thing, it.world.now().mono, 600s);
    CHECK(it.ledger.check("subscription", bob, {}).empty() == removed);
    CHECK(it.ledger.check("subscription", bob, {"call"}) == "");
  }
}

TEST_CASE("what was acknowledged must be there until it is over, and no longer") {
  World world{1};
  Ledger ledger{world};
  const Ledger::Thing contact{"binding", alice, "c"};
  ledger.asked(contact, 60s);
  CHECK(ledger.check("binding", alice, {}) == "");  // not acknowledged yet
  CHECK(ledger.check("binding", alice, {"c"}) == "");
  ledger.granted(contact, world.now().mono, 60s);
  CHECK(ledger.check("binding", alice, {"c"}) == "");
  CHECK(ledger.check("binding", alice, {}) ==
        "binding of sip:alice@example.org was acknowledged and is lost: c");
  CHECK(ledger.check("binding", alice, {"c", "d"}) == "binding of sip:alice@example.org that nobody made: d");
  SUBCASE("its lifetime runs out") { world.run_for(65s); }
  SUBCASE("its end is acknowledged") {
    ledger.ended(contact);
    world.run_for(5s);
  }
  CHECK(ledger.check("binding", alice, {}) == "");
  CHECK(ledger.check("binding", alice, {"c"}) ==
        "binding of sip:alice@example.org is over and still there: c");
}

TEST_CASE("a note that is hidden from a watcher must not be sent to it") {
  Watched it;
  it.notified(1);
  CHECK(it.ledger.fault() == "");
  SUBCASE("before any rule") { it.notified(2, "state-1-"); }
  SUBCASE("after the answer to a PUT that hides it, whoever put before") {
    it.ledger.rules_sent(alice, {{bob, Handling::allow}}, {bob});
    it.notified(2, "state-1-");
    it.ledger.rules_answered(alice, {{bob, Handling::allow}}, {bob});
    it.ledger.rules_sent(alice, {{bob, Handling::block}}, {bob});
    it.notified(3, "state-1-");
    CHECK(it.ledger.fault() == "");
    it.ledger.rules_answered(alice, {{bob, Handling::block}}, {bob});
    it.notified(3, "state-1-");  // a retransmission
    CHECK(it.ledger.fault() == "");
    it.notified(4, "state-1-");
  }
  CHECK(it.ledger.fault().starts_with("sip:bob@example.org is shown a note that is hidden"));
}

TEST_CASE("NOTIFYs without a cause are counted") {
  Watched it;
  int cseq = 0;
  while (it.ledger.fault().empty() && cseq < 100) it.notified(++cseq);
  CHECK(cseq < 12);
}

TEST_CASE("a watcher is not sent more than its max-rate, but for what follows a SUBSCRIBE") {
  Watched it;
  const std::string rate = ";max-rate=0.1";
  it.notified(1, {}, rate);
  it.notified(2, {}, rate);
  CHECK(it.ledger.fault() == "");
  it.world.run_for(10s);
  it.notified(3, {}, rate);
  CHECK(it.ledger.fault() == "");
  it.world.run_for(9s);
  it.notified(4, {}, rate);
  CHECK(it.ledger.fault() ==
        "sip:bob@example.org is sent more than its max-rate about sip:alice@example.org");
}

TEST_CASE("a picture is the last full document with the partial ones after it, without a gap") {
  Picture picture;
  CHECK(picture.apply(notify(1, winfo(1, "full", "a"), winfo_type)) == "");
  CHECK(picture.apply(notify(2, winfo(2, "partial", "b"), winfo_type)) == "");
  CHECK(picture.print() == "a sip:bob@example.org active\nb sip:bob@example.org active\n");
  CHECK(picture.apply(notify(3, winfo(4, "partial", "c"), winfo_type)) == "partial document 4 follows 2");
  CHECK(picture.apply(notify(4, winfo(5, "full", "c"), winfo_type)) == "");
  CHECK(picture.print() == "c sip:bob@example.org active\n");
}

TEST_CASE("a body is left out only where the watcher has it") {
  Picture picture;
  CHECK(picture.apply(notify(1, "state", "\r\nSIP-ETag: x")) == "");
  CHECK(picture.apply(notify(2, "", "\r\nSIP-ETag: x")) == "");
  CHECK(picture.print() == "state");
  CHECK(picture.apply(notify(3, "", "\r\nSIP-ETag: y")) ==
        "no body, and the entity-tag is not the watcher's");
}
