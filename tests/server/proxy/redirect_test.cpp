#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// Follows redirections itself; bob and carol have phones.
struct Crossing : Town {
  explicit Crossing(unsigned shards = 1, Settings settings = recursing())
      : Town(shards, std::move(settings)) {
    add_user("carol@example.org");
    enter_bob();
    enter_as("carol", udp(5090),
             {"Contact: <sip:carol@192.0.2.9:5090>", "Contact: <sip:carol@192.0.2.9:5091>"});
  }
  static Settings recursing() {
    Settings settings = default_settings();
    settings.recurse = true;
    return settings;
  }
  void enter_as(const std::string& name, const Hop& hop, std::vector<std::string> lines) {
    const std::string call_id = "reg-" + name + std::to_string(hop.remote.port);
    const Ask request{.from = "sip:" + name + "@example.org", .call_id = call_id, .lines = std::move(lines)};
    REQUIRE(ask_as(hop, request, name).status() == 200);
  }
  void redirect(const Sent& got, const std::string& contacts, int status = 302) {
    answer(got, status, "b1", "Contact: " + contacts + "\r\n");
    if (got.message.method_text() == "INVITE") CHECK(take().message.method_text() == "ACK");
  }
};

}  // namespace

TEST_CASE("a redirection to another user of ours is followed, where that is set (RFC 3261 16.7 step 4)") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Crossing town(shards);
    town.redirect(town.from_alice(invite), "<sip:carol@example.org>");
    const auto first = town.take();
    const auto second = town.take();
    CHECK(first.message.request_uri_text() == "sip:carol@192.0.2.9:5090");
    CHECK(second.message.request_uri_text() == "sip:carol@192.0.2.9:5091");
    CHECK(first.message.number(HeaderId::max_breadth) == 30U);
    CHECK(first.message.header(HeaderId::p_asserted_identity) == "<sip:alice@example.org>");
    town.answer(first, 180, "c1");
    CHECK(town.take().message.status() == 180);
    town.accept(second, "c2");
    CHECK(town.take().message.status() == 200);
  }
}

TEST_CASE("the redirection is no answer when it was followed; what follows decides (RFC 3261 16.7 step 4)") {
  Crossing town;
  town.redirect(town.from_alice(hello), "<sip:carol@example.org>");
  const auto first = town.take();
  const auto second = town.take();
  town.answer(first, 487, "c1");
  town.answer(second, 486, "c2");
  CHECK(town.take().message.status() == 486);
}

TEST_CASE("a redirection is passed on to the caller where it is not followed") {
  SUBCASE("by default") {
    Crossing town(1, World::default_settings());
    town.redirect(town.from_alice(hello), "<sip:carol@example.org>");
    CHECK(town.take().message.status() == 302);
  }
  SUBCASE("to another domain: no open relay") {
    Crossing town;
    town.redirect(town.from_alice(hello), "<sip:carol@example.net>, <sip:carol@192.0.2.9:5090>");
    const auto answer = town.take().message;
    CHECK(answer.status() == 302);
    CHECK(answer.values(HeaderId::contact).size() == 2);
  }
  SUBCASE("to a user without devices") {
    Crossing town;
    town.redirect(town.from_alice(hello), "<sip:dave@example.org>");
    CHECK(town.take().message.status() == 302);
  }
  SUBCASE("to the user who was asked: no loop") {
    Crossing town;
    town.redirect(town.from_alice(hello), "<sip:bob@example.org>");
    CHECK(town.take().message.status() == 302);
  }
  SUBCASE("for another proxy") {
    Crossing town;
    town.redirect(town.from_alice(hello), "<sip:carol@example.org>", 305);
    CHECK(town.take().message.status() == 305);
  }
}

TEST_CASE(
    "the Contacts that are not followed stay in the redirection, one of the answers (RFC 3261 16.7 step 4)") {
  Crossing town;
  town.redirect(town.from_alice(hello), "<sip:carol@example.net>;q=0.5, <sip:carol@example.org>");
  const auto first = town.take();
  const auto second = town.take();
  town.answer(first, 486, "c1");
  town.answer(second, 486, "c2");
  const auto answer = town.take().message;
  CHECK(answer.status() == 302);
  CHECK(answer.values(HeaderId::contact) == std::vector<std::string_view>{"<sip:carol@example.net>;q=0.5"});
}

TEST_CASE("who redirects back is not tried again (RFC 3261 16.5)") {
  Crossing town;
  town.redirect(town.from_alice(hello), "<sip:carol@example.org>");
  const auto first = town.take();
  const auto second = town.take();
  town.redirect(first, "<sip:bob@example.org>");
  town.redirect(second, "<sip:carol@example.org;x=y>");
  const auto answer = town.take().message;
  CHECK(answer.status() == 302);
  CHECK(answer.values(HeaderId::contact).size() == 2);
  CHECK(town.wire.sent.empty());
}

TEST_CASE("a call that was cancelled before a device redirects it rings nobody else, and ends with 487") {
  for (const bool recurse : {true, false}) {
    CAPTURE(recurse);
    Crossing town(3, recurse ? Crossing::recursing() : World::default_settings());
    Ask request = invite;
    request.branch = "z9hG4bKcall";
    const auto got = town.from_alice(request);
    town.answer(got, 180, "b1");
    town.take();
    town.receive(udp(5070), town.text_of(cancel_of(request)));
    town.take();
    CHECK(town.take().message.method_text() == "CANCEL");
    town.answer(got, 302, "b1", "Contact: <sip:carol@example.org>\r\n");
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.take().message.status() == 487);
    CHECK(town.wire.sent.empty());
  }
}

TEST_CASE("in a dialog that a redirection led to, the GRUU is that of the user who answered (RFC 5627 6.1)") {
  const std::string gruu = "sip:carol@example.org;gr=urn:uuid:7";
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Crossing town(shards);
    town.enter_as("carol", udp(5092),
                  {"Contact: <sip:carol@192.0.2.9:5092>;+sip.instance=\"<urn:uuid:7>\"", "Supported: gruu"});
    town.redirect(town.from_alice(invite), '<' + gruu + '>');
    const auto got = town.take();
    CHECK(got.message.request_uri_text() == "sip:carol@192.0.2.9:5092");
    town.answer(got, 200, "c1", "Contact: <" + gruu + ">\r\n");
    CHECK(town.take().message.status() == 200);
    Ask bye = in_call("BYE", gruu, {"Route: " + std::string(got.message.header(HeaderId::record_route))});
    bye.to = "<sip:bob@example.org>;tag=c1";
    town.receive(udp(5070), town.text_of(bye));
    const auto end = town.take();
    CHECK(end.to == udp(5092));
    CHECK(end.message.request_uri_text() == "sip:carol@192.0.2.9:5092");
  }
}

TEST_CASE("what a peer of the trust domain asserts stays when a redirection is followed (RFC 3325 5)") {
  Settings settings = Crossing::recursing();
  settings.trust_domain = {*parse_network("192.0.2.9/32")};
  Crossing town(1, settings);
  Ask request = hello;
  request.lines.emplace_back("P-Asserted-Identity: <sip:boss@example.net>");
  town.redirect(town.from_alice(request), "<sip:carol@example.org>");
  CHECK(town.take().message.header(HeaderId::p_asserted_identity) == "<sip:boss@example.net>");
}

TEST_CASE("a redirection leads to each place once, and tells equal contacts of two networks apart") {
  Town town(1, Crossing::recursing());
  const std::string contact = "sip:phone@10.0.0.5";
  town.enter(bob, udp(5080), contact);
  for (const std::string name : {"carol", "dave"}) {
    town.add_user(name + "@example.org");
    const Ask request{
        .from = "sip:" + name + "@example.org", .call_id = name, .lines = {"Contact: <" + contact + '>'}};
    REQUIRE(town.ask_as(udp(5090), request, name).status() == 200);
  }
  town.answer(town.from_alice(hello), 302, "b1",
              "Contact: <sip:carol@example.org>, <sip:dave@example.org>\r\n");
  CHECK(town.take().to == udp(5090));
  CHECK(town.wire.sent.empty());
}

TEST_CASE("a flow that fails behind a redirection is taken from the user whose it is (RFC 5626 7)") {
  Crossing town;
  town.add_user("dave@example.org");
  town.enter_as("dave", udp(5060),
                {"Contact: <sip:dave@192.0.2.9:5095>;+sip.instance=\"<urn:uuid:7>\";reg-id=1",
                 "Via: SIP/2.0/TCP 192.0.2.44;branch=z9hG4bKedge", "Path: <sip:edge@192.0.2.41;lr;ob>",
                 "Supported: path, outbound"});
  const std::string dave = "sip:dave@example.org";
  REQUIRE(town.registrar(dave).bindings(dave).size() == 1);
  town.redirect(town.from_alice(hello), '<' + dave + '>');
  town.answer(town.take(), 430);
  CHECK(town.take().message.status() == 202);
  CHECK(town.registrar(dave).bindings(dave).empty());
}

TEST_CASE("two Contacts for one user ring that user once, and the caller is not sent there again") {
  Crossing town;
  town.redirect(town.from_alice(hello),
                "<sip:carol@example.org>, <sip:carol@example.org;x=y>, <sip:bob@example.org>");
  const auto first = town.take();
  const auto second = town.take();
  town.answer(first, 486, "c1");
  town.answer(second, 486, "c2");
  CHECK(town.take().message.status() == 486);
  CHECK(town.wire.sent.empty());
}

TEST_CASE("a device of another user, to whom a redirection led, is not taken for one of the callee's") {
  Crossing town;
  town.redirect(town.from_alice(hello), "<sip:carol@example.org>");
  const auto first = town.take();
  town.take();
  town.answer(first, 480, "c1");
  town.wait(9s);  // the other one is silent: it is stored for bob
  while (!town.wire.is_silent()) town.take();
  town.enter_bob();
  town.wait(1ms);
  const auto stored = town.take();
  CHECK(stored.to == udp(5080));
  CHECK(stored.message.body() == "hi");
}
