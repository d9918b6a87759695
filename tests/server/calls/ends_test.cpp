#include "tests/server/calls/exchange.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

// Nothing of a call sticks, however it ends.

namespace {

/// carol sends to herself what names the dialog of others, and answers it.
void imitate(Exchange& town, const std::string& method, int status, const std::string& lines = {}) {
  const Ask enter{.from = carol, .call_id = "carol's", .lines = {"Contact: <sip:carol@192.0.2.9:5090>"}};
  REQUIRE(town.tell(udp(5090), enter, "carol").status() == 200);
  Ask ask{.method = method,
          .uri = carol,
          .from = carol,
          .to = "<sip:bob@example.org>;tag=b1",
          .call_id = "i",
          .cseq = 20,
          .lines = {"Contact: <sip:carol@192.0.2.9:5090>"}};
  town.receive(udp(5090), town.text_of(ask));
  ask.lines.push_back(Exchange::credentials(town.got(5090, "407").message, ask, "carol", "secret"));
  ask.cseq = 21;
  town.receive(udp(5090), town.text_of(ask));
  town.answer(town.got(5090, method), status, "b1", lines);
  town.got(5090, std::to_string(status));
}

}  // namespace

TEST_CASE("a session that is not refreshed in time is over (RFC 4028 8.3)") {
  Exchange town;
  const Sent call = town.talk_seen("Session-Expires: 1800;refresher=uac\r\n");
  SUBCASE("by nobody") { town.settle(1790s); }
  SUBCASE("by a re-INVITE") {
    town.settle(1000s);
    town.accept_with(town.in_talk(call, "INVITE"), "Session-Expires: 1800;refresher=uac\r\n");
    town.settle(1790s);
  }
  SUBCASE("by an UPDATE") {
    town.settle(1000s);
    town.answer(town.in_talk(call, "UPDATE"), 200, "b1", "Session-Expires: 1800;refresher=uac\r\n");
    town.settle(1790s);
  }
  CHECK(town.seen(bob).empty());
  town.settle(20s);
  CHECK(town.last(bob) == "partial: terminated(timeout)");
  CHECK(town.watched() == 0);
}

TEST_CASE("a call without session timer is believed in for a bounded time") {
  Settings settings = Exchange::lamp_settings();
  settings.call_age_max = 600s;
  Exchange town(1, settings);
  const Sent call = town.talk_seen();
  town.settle(500s);
  SUBCASE("since it was answered") {}
  SUBCASE("since its last re-INVITE") {
    town.accept_with(town.in_talk(call, "INVITE"));
    CHECK(town.seen(bob).empty());
    town.settle(500s);
  }
  CHECK(town.seen(bob).empty());
  town.settle(100s);
  CHECK(town.last(bob) == "partial: terminated(timeout)");
}

TEST_CASE("a device's connection closes: its calls are over, for both sides") {
  Exchange town;
  town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
  town.enter_bob();
  for (const auto& of : {alice, bob}) town.watch(of);
  const Sent dies = town.talk("dies", 40000);
  town.got(5080, "INVITE");
  for (const auto& of : {alice, bob}) CHECK(town.last(of) == "partial: confirmed");
  town.node().on_flow_closed(1);
  for (const auto& of : {alice, bob}) CHECK(town.seen(of).starts_with("partial: terminated(error)"));
  CHECK(town.lines() == 0);
  town.settle(80s);
  CHECK(town.watched() == 0);
}

TEST_CASE("a device's registration ends: its calls are over") {
  Exchange town;
  town.enter_bob(2);
  town.watch(bob);
  const Sent first = town.talk("one", 5080);
  const Sent second = town.ring("two", 5081);
  town.accept_with(second);
  CHECK(town.last(bob).starts_with("partial: confirmed"));
  const Ask leave{
      .from = bob, .call_id = "leave", .cseq = 100, .lines = {"Contact: <sip:bob@192.0.2.9:5080>;expires=0"}};
  REQUIRE(town.tell(udp(5080), leave, "bob").status() == 200);
  CHECK(town.last(bob) == "partial: terminated(error)");
  town.settle(3600s);
  CHECK(town.last(bob) == "full: unregistered");
  CHECK(town.lines() == 0);
}

TEST_CASE("the caller is removed: the call is over for the callee, too") {
  Exchange town(3);
  town.talk_seen();
  town.node().each([](Shard& shard) { shard.on_user_gone(alice, true); });
  CHECK(town.last(bob) == "partial: terminated(error)");
  CHECK(town.lines() == 0);
}

TEST_CASE("a device that does not know the dialog any more ends it (RFC 3261 12.2.1.2)") {
  Exchange town;
  const Sent call = town.talk_seen();
  SUBCASE("a re-INVITE") { town.answer(town.in_talk(call, "INVITE"), 481); }
  SUBCASE("an UPDATE") { town.answer(town.in_talk(call, "UPDATE"), 481); }
  CHECK(town.last(bob) == "partial: terminated(error)");
}

TEST_CASE("a refused re-INVITE ends nothing") {
  Exchange town;
  const Sent call = town.talk_seen();
  town.answer(town.in_talk(call, "INVITE"), 488);
  CHECK(town.seen(bob).empty());
}

TEST_CASE("a BYE of somebody who is not in the dialog ends nothing") {
  Exchange town;
  const Sent call = town.talk_seen();
  Ask bye = in_call("BYE", bob, {});
  bye.from = carol;
  bye.from_tag = "guess";
  bye.call_id = "i";
  const auto challenge = town.ask(udp(5090), bye);
  REQUIRE(challenge.status() == 407);
  bye.lines.push_back(Exchange::credentials(challenge, bye, "carol", "secret"));
  town.receive(udp(5090), town.text_of(bye));
  town.got(5080, "BYE");
  Ask routed = callees_bye({});
  routed.from_tag = "another";
  for (const auto route : call.message.values(sip::HeaderId::record_route))
    routed.lines.push_back("Route: " + std::string(route));
  town.receive(udp(5080), town.text_of(routed));
  CHECK(town.seen(bob).empty());
}

TEST_CASE("the tags of a dialog alone, which its watchers know, neither end nor shorten it") {
  Exchange town;
  town.talk_seen();
  SUBCASE("UPDATE, 481") { imitate(town, "UPDATE", 481); }
  SUBCASE("INVITE, 481") { imitate(town, "INVITE", 481); }
  SUBCASE("UPDATE, a short session") { imitate(town, "UPDATE", 200, "Session-Expires: 90\r\n"); }
  town.settle(200s);
  CHECK(town.seen(bob).empty());
  CHECK(town.watched() == 1);
}

TEST_CASE("kill -9 in a call: the new server has forgotten it, and watchers get full state") {
  Exchange town;
  town.talk_seen();
  town.restart(1);
  town.settle(5s);
  CHECK(town.last(bob) == "full:");
  CHECK(town.lines() == 0);
}

TEST_CASE("of the calls that share a Call-ID each ends with its own BYE") {
  Exchange town;
  town.enter_bob();
  town.watch(bob);
  std::vector<Sent> calls;
  for (const char* tag : {"one", "two", "three"}) {
    Ask ask = invite;
    ask.from_tag = tag;
    town.receive(udp(5070), town.text_of(ask));
    ask.lines.push_back(Exchange::credentials(town.got(5070, "407").message, ask, "alice", "secret"));
    ask.cseq = 2;
    town.receive(udp(5070), town.text_of(ask));
    calls.push_back(town.got(5080, "INVITE"));
    town.accept_with(calls.back());
    town.got(5070, "200");
  }
  CHECK(town.lines() == 6);
  for (std::size_t ended = 0; ended < calls.size(); ++ended) {
    Ask bye = Exchange::in_talk_of(calls[ended], "BYE");
    bye.from_tag = calls[ended].message.from_tag();
    town.receive(udp(5070), town.text_of(bye));
    town.answer(town.got(5080, "BYE"), 200);
    town.settle();
    CHECK(town.lines() == 2 * (calls.size() - ended - 1));
  }
}
