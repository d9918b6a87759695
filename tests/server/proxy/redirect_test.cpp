#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// Follows redirections itself; bob and carol have phones.
struct Crossing : Town {
  explicit Crossing(unsigned shards = 1, bool recurse = true) : Town(shards, settings(recurse)) {
    add_user("carol@example.org");
    enter_bob();
    const Ask request{
        .from = carol,
        .call_id = "reg-carol",
        .lines = {"Contact: <sip:carol@192.0.2.9:5090>", "Contact: <sip:carol@192.0.2.9:5091>"}};
    REQUIRE(ask_as(udp(5090), request, "carol").status() == 200);
  }
  static Settings settings(bool recurse) {
    Settings settings = default_settings();
    settings.recurse = recurse;
    return settings;
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
    Crossing town(1, false);
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

TEST_CASE("a call cancelled while a redirection is followed rings nobody else") {
  Crossing town(3);
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
  CHECK(town.take().message.status() == 302);
  CHECK(town.wire.sent.empty());
}
