#include <algorithm>

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

TEST_CASE("INVITE rings all devices; the first 2xx wins and the others are cancelled (RFC 3261 16.7)") {
  Town town;
  town.enter_bob(2);
  const auto first = town.from_alice(invite);
  const auto second = town.take();
  CHECK(first.to.remote.port != second.to.remote.port);
  town.answer(first, 180, "b1");
  CHECK(town.take().message.status() == 180);
  town.answer(second, 180, "b2");
  CHECK(town.take().message.status() == 180);
  town.accept(first);
  CHECK(town.take().message.status() == 200);
  const auto cancel = town.take();
  CHECK(cancel.message.method_text() == "CANCEL");
  CHECK(cancel.to.remote == second.to.remote);
  town.answer(second, 487, "b2");
  CHECK(town.take().message.method_text() == "ACK");
  CHECK(town.wire.sent.empty());
}

TEST_CASE("CANCEL from the caller reaches the device, and its 487 goes back (RFC 3261 16.10)") {
  Town town;
  town.enter_bob();
  Ask request = invite;
  request.branch = "z9hG4bKcall";
  const auto got = town.from_alice(request);
  town.answer(got, 180);
  CHECK(town.take().message.status() == 180);
  const Ask cancel = cancel_of(request);
  town.receive(udp(5070), town.text_of(cancel));
  CHECK(town.take().message.status() == 200);
  CHECK(town.take().message.method_text() == "CANCEL");
  town.answer(got, 487);
  bool ended = false;
  while (!town.wire.sent.empty()) ended = town.take().message.status() == 487 || ended;
  CHECK(ended);
}

TEST_CASE("CANCEL at any step of the look-up of a callee without devices: its INVITE is 487 (RFC 3261 9.2)") {
  int cancelled = 0, late = 0;
  for (int steps = 0; late == 0; ++steps) {
    CAPTURE(steps);
    REQUIRE(steps < 20);
    Town town;
    Ask call = invite;
    call.branch = "z9hG4bKcall";
    call = town.with_credentials(call);
    town.bring(udp(5070), town.text_of(call));
    for (int i = 0; i < steps; ++i) town.timers.step(town.clock.now().mono);
    town.bring(udp(5070), town.text_of(cancel_of(call)));
    town.run();
    std::vector<int> finals;
    for (const Sent& sent : town.wire.sent) {
      const auto cseq = sent.message.header(HeaderId::cseq);
      if (cseq.ends_with("INVITE") && sent.message.status() >= 200) finals.push_back(sent.message.status());
    }
    REQUIRE(finals.size() == 1);
    ++(finals[0] == 487 ? cancelled : late);
    if (late != 0) CHECK(finals[0] == 480);
  }
  CHECK(cancelled >= 2);  // while the credentials are checked, and while the callee is looked up
}

TEST_CASE("a repeated 2xx goes to its own caller, with two calls open (RFC 6026 7.1)") {
  Town town;
  town.enter_bob();
  std::vector<Sent> calls;
  for (const char* id : {"one", "two"}) {
    Ask call = invite;
    call.call_id = id;
    calls.push_back(town.from_alice(call));
    town.accept(calls.back());
    CHECK(town.take().message.status() == 200);
  }
  for (const Sent& call : calls) {
    town.accept(call);
    const auto again = town.take().message;
    CHECK(again.status() == 200);
    CHECK(again.call_id() == call.message.call_id());
    CHECK(town.wire.is_silent());
  }
}

TEST_CASE("CANCEL races of a forked INVITE (RFC 3261 16.10, 9)") {
  Town town;
  town.enter_bob(2);
  Ask request = invite;
  request.branch = "z9hG4bKcall";
  const auto first = town.from_alice(request);
  const auto second = town.take();
  town.answer(first, 180, "b1");
  CHECK(town.take().message.status() == 180);
  const Ask cancel = cancel_of(request);
  town.receive(udp(5070), town.text_of(cancel));
  CHECK(town.take().message.header(HeaderId::cseq) == "2 CANCEL");
  const auto to_first = town.take();
  CHECK(to_first.message.method_text() == "CANCEL");
  CHECK(to_first.to == first.to);
  CHECK(town.wire.sent.empty());  // the second has not answered: no CANCEL may be sent yet

  const auto statuses = [&] {
    std::vector<std::string> seen;
    while (!town.wire.sent.empty()) {
      const auto sent = town.take();
      seen.push_back(sent.message.is_request() ? std::string(sent.message.method_text())
                                               : std::to_string(sent.message.status()));
    }
    return seen;
  };
  SUBCASE("both refuse with 487: one 487 goes back") {
    town.answer(first, 487, "b1");
    CHECK(statuses() == std::vector<std::string>{"ACK"});
    town.answer(second, 180, "b2");
    CHECK(statuses() == std::vector<std::string>{"CANCEL", "180"});
    town.answer(second, 487, "b2");
    CHECK(statuses() == std::vector<std::string>{"ACK", "487"});
  }
  SUBCASE("a 2xx crosses it: the call is made, the other is cancelled") {
    town.accept(first);
    CHECK(statuses() == std::vector<std::string>{"200"});
    town.answer(second, 180, "b2");
    CHECK(statuses() == std::vector<std::string>{"CANCEL"});
    town.answer(second, 487, "b2");
    CHECK(statuses() == std::vector<std::string>{"ACK"});
  }
  SUBCASE("both answer at once: both 2xx go back, each makes a dialog (RFC 3261 16.7 step 5)") {
    town.accept(first);
    town.accept(second, "b2");
    CHECK(statuses() == std::vector<std::string>{"200", "200"});
  }
  SUBCASE("one is silent: the 487 of the other goes back when it has timed out") {
    town.answer(first, 487, "b1");
    statuses();
    town.wait(33s);
    const auto seen = statuses();
    CHECK(std::ranges::count(seen, "487") > 0);
    CHECK(std::ranges::count(seen, "408") == 0);
  }
  SUBCASE("a copy of the CANCEL does nothing more") {
    town.receive(udp(5070), town.text_of(cancel));
    CHECK(statuses() == std::vector<std::string>{"200"});
  }
}

TEST_CASE(
    "timer C: a branch that rings for more than three minutes is cancelled, the others go on; each 1xx but "
    "100 "
    "begins its time anew (RFC 3261 16.6 step 11, 16.7 step 2, 16.8)") {
  Town town;
  town.enter_bob(2);
  const auto is_cancelled = [&](const Sent& branch, const std::string& tag) {
    const auto cancel = town.take();
    CHECK(cancel.message.method_text() == "CANCEL");
    CHECK(cancel.to == branch.to);
    town.answer(cancel, 200, tag);
    town.answer(branch, 487, tag);
    CHECK(town.take().message.method_text() == "ACK");
  };
  const auto first = town.from_alice(invite);
  const auto second = town.take();
  town.answer(first, 180, "b1");
  town.answer(second, 180, "b2");
  town.wait(100s);
  town.answer(first, 100, "b1");
  town.answer(second, 183, "b2");
  town.wait(81s);  // three minutes
  for (const Sent& sent : town.wire.sent) CHECK(sent.message.is_response());
  town.wire.sent.clear();
  town.wait(4s);
  is_cancelled(first, "b1");
  town.wait(80s);
  CHECK(town.wire.sent.empty());
  SUBCASE("no device answers") {
    town.wait(20s);
    is_cancelled(second, "b2");
    CHECK(town.take().message.status() == 487);
  }
  SUBCASE("the other device answers, and nothing is cancelled any more") {
    town.accept(second, "b2");
    CHECK(town.take().message.status() == 200);
    town.wait(20min);
  }
  CHECK(town.wire.sent.empty());
}

TEST_CASE("timer C: a device that rings and ignores its CANCEL is 408 to the caller (RFC 3261 16.8, 9.1)") {
  Town town;
  town.enter_bob();
  const auto got = town.from_alice(invite);
  town.answer(got, 180);
  town.wait(186s);
  const auto cancels = std::ranges::count_if(
      town.wire.sent, [](const Sent& sent) { return sent.message.method_text() == "CANCEL"; });
  CHECK(cancels > 0);
  town.wire.sent.clear();
  town.wait(32s);
  const auto ends =
      std::ranges::count_if(town.wire.sent, [](const Sent& sent) { return sent.message.status() == 408; });
  CHECK(ends > 0);
}

TEST_CASE(
    "a CANCEL that comes while the credentials are checked ends the INVITE, and no device rings (RFC 3261 "
    "9.2)") {
  Town town;
  town.enter_bob();
  Ask request = invite;
  request.branch = "z9hG4bKasked";
  request = town.with_credentials(request);
  for (const Ask& each : {request, cancel_of(request)})
    town.node().shard(0).on_message(udp(5070), sip::Message::parse(share(town.text_of(each))).value());
  town.run();
  CHECK(town.take().message.header(HeaderId::cseq) == "2 CANCEL");
  const auto answer = town.take().message;
  CHECK(answer.status() == 487);
  CHECK(answer.header(HeaderId::cseq) == "2 INVITE");
  CHECK(town.wire.sent.empty());
}

TEST_CASE(
    "a forked request that comes back unchanged loops: 482; with another target it spirals (RFC 5393 4.2)") {
  Town town;
  town.enter_bob(2);
  town.enter(alice, udp(5071), "sip:alice@192.0.2.9:5071");
  const auto got = town.from_alice(invite);
  const auto mark = [](const Sent& sent) {
    const std::string branch(sent.message.top_via()->branch());
    return branch.find('~') == branch.npos ? std::string() : branch.substr(branch.find('~'));
  };
  CHECK(mark(got).size() == 17);
  CHECK(mark(town.take()) == mark(got));
  // Another proxy sends it back, with its own Via and parameters after the address.
  const auto back = [&](const std::string& uri) {
    std::string text(got.message.text());
    const auto from = text.find(' ') + 1;
    text.replace(from, text.find(' ', from) - from, uri);
    text.insert(text.find("\r\n") + 2, "Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKfar\r\n");
    town.receive(udp(5099), text);
    return town.take();
  };
  SUBCASE("looping, which costs no challenge") {
    CHECK(back("sip:bob@example.org;whack=thud").message.status() == 482);
    CHECK(town.wire.sent.empty());
  }
  SUBCASE("spiraling") { CHECK(back("sip:alice@example.org").message.status() == 407); }
}

TEST_CASE(
    "a spiral is permitted: the request that comes back for another user reaches that user (RFC 3261 16.3)") {
  World world(World::open_settings());
  const auto enter = [&](const std::string& aor, const std::string& contacts) {
    REQUIRE(world.ask(udp(5080), {.from = aor, .call_id = aor, .lines = {"Contact: " + contacts}}).status() ==
            200);
  };
  enter(bob, "<sip:bob@192.0.2.9:5080>, <sip:far@198.51.100.1:5060>");
  enter(carol, "<sip:carol@192.0.2.9:5090>");
  world.receive(udp(5070), world.text_of(invite));
  std::optional<Sent> far;
  while (!world.wire.sent.empty()) {
    const auto sent = world.take();
    if (sent.message.request_uri_text() == "sip:far@198.51.100.1:5060") far = sent;
  }
  REQUIRE(far);
  // The other proxy knows that bob is to be found at carol's.
  const Hop other{Protocol::udp, *parse_address("198.51.100.1:5060"), *parse_address("192.0.2.1:5060"), 0};
  const auto back = [&](const std::string& uri) {
    std::string text(far->message.text());
    const auto from = text.find(' ') + 1;
    text.replace(from, text.find(' ', from) - from, uri);
    text.insert(text.find("\r\n") + 2, "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKfar\r\n");
    world.receive(other, text);
    return world.take();
  };
  SUBCASE("a spiral") {
    const auto got = back(carol);
    CHECK(got.message.request_uri_text() == "sip:carol@192.0.2.9:5090");
    CHECK(got.message.values(HeaderId::via).size() == 4);
    CHECK(got.message.values(HeaderId::record_route).size() == 2);
  }
  SUBCASE("a loop") { CHECK(back(bob).message.status() == 482); }
}

TEST_CASE("a request to one device carries no mark: it cannot multiply (RFC 5393 4.1)") {
  Town town;
  town.enter_bob();
  CHECK(town.from_alice(hello).message.top_via()->branch().find('~') == std::string_view::npos);
}

TEST_CASE("Max-Breadth is divided among the branches (RFC 5393 5.3.3)") {
  struct Row {
    const char* asked;
    std::uint32_t first;
    std::uint32_t second;
  };
  for (const Row& row : {Row{"", 30, 30}, Row{"Max-Breadth: 5", 3, 2}, Row{"Max-Breadth: 500", 30, 30}}) {
    CAPTURE(row.asked);
    Town town;
    town.enter_bob(2);
    Ask request = hello;
    if (*row.asked != 0) request.lines.emplace_back(row.asked);
    CHECK(town.from_alice(request).message.number(HeaderId::max_breadth) == row.first);
    CHECK(town.take().message.number(HeaderId::max_breadth) == row.second);
  }
}

TEST_CASE("Max-Breadth 0 reaches no device: 440 (RFC 5393 5.3.3)") {
  Town town;
  town.enter_bob();
  Ask request = hello;
  request.lines.push_back("Max-Breadth: 0");
  CHECK(town.from_alice(request).message.status() == 440);
}

TEST_CASE("past Max-Breadth devices are rung one after the other (RFC 5393 5.5)") {
  Town town;
  town.enter_bob(2);
  Ask request = invite;
  request.branch = "z9hG4bKcall";
  request.lines.push_back("Max-Breadth: 1");
  const auto first = town.from_alice(request);
  CHECK(first.message.number(HeaderId::max_breadth) == 1U);
  CHECK(town.wire.sent.empty());
  SUBCASE("the second when the first refuses; the better answer goes back") {
    town.answer(first, 486);
    CHECK(town.take().message.method_text() == "ACK");
    const auto second = town.take();
    CHECK(second.to.remote != first.to.remote);
    CHECK(second.message.number(HeaderId::max_breadth) == 1U);
    town.answer(second, 404, "b2");
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.take().message.status() == 486);
  }
  SUBCASE("not when the first answers") {
    town.accept(first);
    CHECK(town.take().message.status() == 200);
  }
  SUBCASE("not when the first declines for all devices") {
    town.answer(first, 603);
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.take().message.status() == 603);
  }
  SUBCASE("not when the caller has hung up") {
    town.answer(first, 180);
    town.take();
    const Ask cancel = cancel_of(request);
    town.receive(udp(5070), town.text_of(cancel));
    town.take();
    CHECK(town.take().message.method_text() == "CANCEL");
    town.answer(first, 487);
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.take().message.status() == 487);
  }
  CHECK(town.wire.sent.empty());
}

TEST_CASE("a copy of a 2xx goes back the way of its own INVITE, also of one that passes here twice") {
  Town town(1, World::open_settings());
  town.add_user("carol@example.org");
  town.enter_bob();
  town.enter(carol, udp(5090), "sip:carol@192.0.2.9:5090");
  town.receive(udp(5070), town.text_of(invite));
  const auto first = town.take();
  CHECK(first.to.remote.port == 5080);
  // It is a proxy, which sends it on to carol by way of us.
  const std::string via = "SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bKspiral";
  town.receive(udp(5080), sip::Splice(first.message).request_uri(carol).prepend(HeaderId::via, via).finish());
  const auto second = town.take();
  CHECK(second.to.remote.port == 5090);
  town.accept(second, "c1");
  const auto half_way = town.take();
  CHECK(half_way.to.remote.port == 5080);
  const std::string back = sip::Splice(half_way.message).drop_first(HeaderId::via).finish();
  town.receive(udp(5080), back);
  CHECK(town.take().to.remote.port == 5070);
  for (int i = 0; i < 2; ++i) {
    town.accept(second, "c1");
    CHECK(town.take().to.remote.port == 5080);
    town.receive(udp(5080), back);
    CHECK(town.take().to.remote.port == 5070);
    CHECK(town.wire.is_silent());
  }
}
