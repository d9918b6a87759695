#include "tests/server/calls/exchange.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

enum class Side { caller, callee };

void play_call(unsigned shards, Side hangs_up) {
  Exchange town(shards);
  town.enter_bob();
  town.enter(alice, udp(5070), "sip:alice@192.0.2.9:5070");
  CHECK(town.watch(alice) == "full:");
  CHECK(town.watch(bob) == "full:");

  const Sent call = town.ring();
  CHECK(town.seen(alice) == "partial: trying");
  CHECK(town.seen(bob) == "partial: trying");
  town.answer(call, 180);
  CHECK(town.seen(alice) == "partial: early");
  CHECK(town.seen(bob) == "partial: early");
  town.accept_with(call);
  CHECK(town.seen(alice) == "partial: confirmed");
  CHECK(town.seen(bob) == "partial: confirmed");

  REQUIRE(town.known(alice).size() == 1);
  const auto callers = town.known(alice).begin()->second;
  CHECK(callers.call_id == "i");
  CHECK(callers.local_tag == "from1");
  CHECK(callers.remote_tag == "b1");
  CHECK(callers.direction == documents::DialogDirection::initiator);
  CHECK(callers.code == 200);
  CHECK(callers.local->identity->uri == alice);
  CHECK(callers.local->target->uri == "sip:alice@192.0.2.9:5070");
  CHECK(callers.remote->identity->uri == bob);
  CHECK(callers.remote->target->uri == "sip:bob@192.0.2.9:5080");
  CHECK(callers.duration_seconds.has_value());
  const auto callees = town.known(bob).begin()->second;
  CHECK(callees.local_tag == "b1");
  CHECK(callees.remote_tag == "from1");
  CHECK(callees.direction == documents::DialogDirection::recipient);
  CHECK(callees.remote->identity->uri == alice);
  CHECK(callees.id != callers.id);

  if (hangs_up == Side::caller) {
    town.hang_up(call);
    CHECK(town.seen(alice) == "partial: terminated(local-bye)");
    CHECK(town.seen(bob) == "partial: terminated(remote-bye)");
  }
  if (hangs_up == Side::callee) {
    Ask bye = callees_bye({});
    for (const auto route : call.message.values(sip::HeaderId::record_route))
      bye.lines.push_back("Route: " + std::string(route));
    town.receive(udp(5080), town.text_of(bye));
    town.got(5070, "BYE");  // which is not answered: alice is gone
    CHECK(town.seen(alice) == "partial: terminated(remote-bye)");
    CHECK(town.seen(bob) == "partial: terminated(local-bye)");
  }
  CHECK(town.lines() == 0);
  town.settle(40s);
  CHECK(town.watched() == 0);
}

}  // namespace

TEST_CASE("a busy lamp shows a call ring, begin and end; first all, then what changed (RFC 4235 3.3, 4.1)") {
  for (const unsigned shards : {1U, 5U})
    for (const Side side : {Side::caller, Side::callee}) {
      CAPTURE(shards);
      play_call(shards, side);
    }
}

TEST_CASE("a fork: each device rings in a dialog of its own, one answers, the others are cancelled") {
  Exchange town;
  town.enter_bob(2);
  town.watch(alice);
  town.watch(bob);
  const Sent first = town.ring();
  const Sent second = town.got(5081, "INVITE");
  town.answer(first, 180, "b1");
  town.answer(second, 180, "b2");
  for (const auto& of : {alice, bob}) CHECK(town.last(of) == "partial: early early");
  town.accept_with(second, {}, "b2");
  CHECK(town.has(5080, "CANCEL"));
  town.answer(first, 487, "b1");
  for (const auto& of : {alice, bob})
    CHECK(town.seen(of) == "partial: confirmed | partial: terminated(cancelled)");
  town.answer(town.in_talk(second, "BYE", 10, "b2"), 200);
  CHECK(town.last(bob) == "partial: terminated(remote-bye)");
  CHECK(town.lines() == 0);
}

TEST_CASE("one dialog's end leaves the user's other dialogs shown") {
  Exchange town;
  town.enter_bob();
  town.watch(bob);
  const Sent first = town.talk("one");
  const Sent second = town.talk("two");
  CHECK(town.last(bob) == "partial: confirmed confirmed");
  town.hang_up(first);
  CHECK(town.last(bob) == "partial: terminated(remote-bye)");
  CHECK(town.watch(bob) == "full: confirmed");
  town.hang_up(second);
  CHECK(town.seen(bob).find("terminated(remote-bye)") != std::string::npos);
}

TEST_CASE("a call that is not answered ends as it was refused (RFC 4235 4.1.2)") {
  Exchange town;
  town.enter_bob();
  town.watch(alice);
  town.watch(bob);
  const Sent call = town.ring();
  town.answer(call, 180);
  SUBCASE("refused") {
    town.answer(call, 486);
    for (const auto& of : {alice, bob}) CHECK(town.last(of) == "partial: terminated(rejected)");
    CHECK(town.known(bob).begin()->second.code == 486);
  }
  SUBCASE("cancelled by the caller") {
    Ask cancel = cancel_of(invite);
    cancel.branch = "z9hG4bKi";
    town.receive(udp(5070), town.text_of(cancel));
    town.answer(call, 487);
    for (const auto& of : {alice, bob}) CHECK(town.last(of) == "partial: terminated(cancelled)");
  }
  SUBCASE("the device is silent") {
    town.settle(190s);  // timer C
    town.settle(40s);
    for (const auto& of : {alice, bob}) CHECK(town.seen(of).ends_with("terminated(timeout)"));
  }
  CHECK(town.lines() == 0);
  town.settle(40s);
  CHECK(town.watched() == 0);
}

TEST_CASE("what a phone publishes of a call and what the proxy sees of it is one dialog") {
  Exchange town;
  const Sent call = town.talk_seen();
  const std::string id = town.known(bob).begin()->first;
  const auto publish = [&](const std::string& dialogs) {
    const Ask ask{.method = "PUBLISH",
                  .uri = bob,
                  .from = bob,
                  .call_id = "p",
                  .lines = {"Event: dialog", "Content-Type: application/dialog-info+xml"},
                  .body =
                      "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' "
                      "entity='sip:bob@example.org'>" +
                      dialogs + "</dialog-info>"};
    const auto answer = town.tell(udp(5080), ask, "bob");
    REQUIRE(answer.status() == 200);
    return std::string(answer.header(sip::HeaderId::sip_etag));
  };
  const std::string identity =
      "<remote><identity display-name='Alice'>sip:alice@example.org</identity></remote>";
  const auto shown = [&](const std::string& state, const std::string& tags) {
    return "<dialog id='line1' call-id='i' " + tags + "><state>" + state + "</state>" + identity +
           "</dialog>";
  };
  SUBCASE("it knows the tags; the later state counts, and the end that the proxy sees") {
    publish(shown("early", "local-tag='b1' remote-tag='from1'"));
    CHECK(town.last(bob) == "partial: confirmed");  // the display name is news
    CHECK(town.known(bob).size() == 1);
    CHECK(town.known(bob).begin()->first == id);
    CHECK(town.known(bob).begin()->second.remote->identity->display == "Alice");
    town.hang_up(call);
    CHECK(town.last(bob) == "partial: terminated(remote-bye)");
    CHECK(town.watch(bob) == "full:");  // though the phone still publishes it
  }
  SUBCASE("it does not know the tags") {
    publish(shown("confirmed", ""));
    CHECK(town.last(bob) == "partial: confirmed");
    CHECK(town.known(bob).size() == 1);
    town.hang_up(call);
    CHECK(town.last(bob) == "partial: terminated(remote-bye)");
    CHECK(town.watch(bob) == "full:");
  }
  SUBCASE("another call of the phone is another dialog, and stays") {
    publish("<dialog id='line1' call-id='other'><state>confirmed</state></dialog>");
    CHECK(town.last(bob) == "partial: confirmed");
    CHECK(town.known(bob).size() == 2);
    town.hang_up(call);
    CHECK(town.last(bob) == "partial: terminated(remote-bye)");
    CHECK(town.watch(bob) == "full: confirmed");
  }
}

TEST_CASE("an answered call puts both on the phone (DESIGN 6)") {
  Exchange town;
  town.enter_bob();
  town.enter(alice, udp(5070), "sip:alice@192.0.2.9:5070");
  const std::vector<std::string> on_the_phone{"on-the-phone"};
  for (const auto& of : {alice, bob}) town.watch(of, "presence");
  for (const auto& of : {alice, bob}) CHECK(town.activities(of).empty());
  const Sent ringing = town.ring();
  town.answer(ringing, 180);
  CHECK(town.activities(bob).empty());
  town.accept_with(ringing);
  for (const auto& of : {alice, bob}) CHECK(town.activities(of) == on_the_phone);
  town.hang_up(ringing);
  for (const auto& of : {alice, bob}) CHECK(town.activities(of).empty());
}

TEST_CASE("idle is told from not registered: by <registration> in full documents (RFC 4235 4.4, RFC 3680)") {
  Exchange town;
  CHECK(town.watch(bob) == "full: unregistered");
  town.enter_bob();
  CHECK(town.seen(bob) == "full:");
  const Ask leave{.from = bob, .call_id = "leave", .cseq = 100, .lines = {"Contact: *", "Expires: 0"}};
  REQUIRE(town.tell(udp(5080), leave, "bob").status() == 200);
  CHECK(town.seen(bob) == "full: unregistered");
}

TEST_CASE("past the limit of a user calls are not shown, and nothing is kept of them") {
  Settings settings = Exchange::lamp_settings();
  settings.calls_per_user = 2;
  Exchange town(1, settings);
  town.enter_bob();
  town.watch(bob);
  std::vector<Sent> calls;
  for (const char* id : {"one", "two", "three"}) calls.push_back(town.talk(id));
  CHECK(town.last(bob) == "partial: confirmed confirmed");
  town.settle(40s);
  CHECK(town.lines() == 4);
  CHECK(town.watched() == 2);
  town.hang_up(calls[2]);
  CHECK(town.seen(bob).empty());
  town.hang_up(calls[0]);
  CHECK(town.last(bob) == "partial: terminated(remote-bye)");
  calls.push_back(town.talk("four"));
  CHECK(town.last(bob) == "partial: confirmed");
}

TEST_CASE("a call that found no place is not shown later, when its next state crosses the refusal") {
  Settings settings = Exchange::lamp_settings();
  settings.calls_per_user = 1;
  Exchange town(1, settings);
  town.enter_bob();
  town.watch(bob);
  const Sent first = town.talk("one");
  CHECK(town.last(bob) == "partial: confirmed");

  Ask call = invite;
  call.call_id = "two";
  const Ask proven = town.with_credentials(call);
  town.bring(udp(5070), town.text_of(proven));
  while (!town.has(5080, "INVITE")) REQUIRE(town.timers.step(town.clock.now().mono));
  const Sent second = town.got(5080, "INVITE");
  // The user's place becomes free between two states of the second call.
  town.bring(udp(5070), town.text_of(town.in_talk_of(first, "BYE")));
  town.bring(udp(5080), sip::Builder::reply(second.message, 180, "b1").finish());
  town.run();
  town.accept_with(second);
  town.hang_up(second);
  town.settle(60s);
  CHECK(town.lines() == 0);
  CHECK(town.watched() == 0);
}

TEST_CASE("a copy of a 2xx after the BYE begins nothing (RFC 6026 7.1)") {
  Exchange town;
  town.enter_bob();
  town.watch(bob);
  const Sent call = town.talk();
  town.hang_up(call);
  CHECK(town.last(bob) == "partial: terminated(remote-bye)");
  town.accept_with(call);
  CHECK(town.seen(bob).empty());
  CHECK(town.lines() == 0);
}

TEST_CASE("without calls.dialog_events nothing of calls is shown") {
  Settings settings = Exchange::lamp_settings();
  settings.dialog_events = false;
  Exchange town(1, settings);
  town.enter_bob();
  CHECK(town.watch(bob) == "full:");
  town.talk();
  CHECK(town.seen(bob).empty());
  CHECK(town.watched() == 0);
}

TEST_CASE("a message costs no call, and neither does another INVITE in a dialog") {
  Exchange town;
  town.enter_bob();
  town.from_alice(hello);
  CHECK(town.watched() == 0);
  const Sent call = town.talk();
  CHECK(town.watched() == 1);
  town.accept_with(town.in_talk(call, "INVITE"));
  CHECK(town.watched() == 1);
}

TEST_CASE(
    "a call that the proxy redirects is shown to the user whom it leads to, and no more to the first one") {
  Settings settings = Exchange::lamp_settings();
  settings.recurse = true;
  settings.missed_notes = true;
  Exchange office(1, settings);
  const std::string dave = "sip:dave@example.org";
  office.add_user("dave@example.org");
  const Ask registration{
      .from = dave, .call_id = "reg-dave", .lines = {"Contact: <sip:dave@192.0.2.9:5095>"}};
  REQUIRE(office.ask_as(udp(5095), registration, "dave").status() == 200);
  office.enter_bob();
  office.watch(bob);
  office.watch(dave);
  const auto got = office.from_alice(invite);
  CHECK(office.seen(bob) == "partial: trying");
  office.answer(got, 302, "b1", "Contact: <sip:dave@example.org>, <sip:dave@example.org;x=y>\r\n");
  office.settle();
  CHECK(office.seen(bob) == "partial: terminated(rejected)");
  CHECK(office.seen(dave) == "partial: trying");
  Sent at_dave = office.take();
  while (at_dave.to != udp(5095)) at_dave = office.take();
  SUBCASE("answered") {
    office.accept(at_dave, "d1");
    CHECK(office.last(dave) == "partial: confirmed");
    CHECK(office.seen(bob).empty());
  }
  SUBCASE("refused: it rings nowhere a second time, and who was led to has missed it") {
    office.answer(at_dave, 480, "d1");
    CHECK(office.last(dave) == "partial: terminated(rejected)");
    int status = 0, notes = 0;
    office.wait(1ms);
    while (!office.wire.is_silent()) {
      const auto next = office.take();
      if (next.to == udp(5070)) status = next.message.status();
      if (next.message.method() == sip::Method::message && next.to == udp(5095)) ++notes;
    }
    CHECK(status == 480);
    CHECK(notes > 0);
  }
}
