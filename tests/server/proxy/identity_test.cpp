#include "server/proxy/identity.hpp"

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

const Hop abroad{Protocol::udp, *parse_address("198.51.100.1:5060"), *parse_address("192.0.2.1:5060"), 0};

/// 198.51.100.0/24 is in the trust domain; requests may leave for it, and for anywhere else.
Settings trusting() {
  Settings settings = World::default_settings();
  settings.foreign = ForeignPolicy::forward;
  settings.trust_domain = {*parse_network("198.51.100.0/24")};
  return settings;
}

}  // namespace

TEST_CASE("who is shown an asserted identity: the trust domain, our own users, others not (RFC 3325 7)") {
  struct Row {
    const char* privacy;
    const char* left;  ///< Of Privacy, when what is done here is off.
    bool device, trusted, stranger;
  };
  const std::string asserted = "<sip:alice@example.org>";
  for (const Row& row :
       {Row{"", "", true, true, false}, Row{"Privacy: id", "id", false, true, false},
        Row{"Privacy: header;id;x", "id;x", false, true, false},
        Row{"Privacy: ID;critical", "ID;critical", false, true, false},
        Row{"Privacy: none", "none", true, true, true}, Row{"Privacy: header", "", true, true, false},
        Row{"Privacy: header;critical", "", true, true, false}}) {
    CAPTURE(row.privacy);
    const auto shown = [&](const std::string& uri) {
      Town town(1, trusting());
      town.enter_bob();
      Ask request = hello;
      request.uri = request.to = uri;
      request.lines.emplace_back("P-Asserted-Identity: <sip:boss@example.org>");
      request.lines.emplace_back("P-Preferred-Identity: <sip:boss@example.org>");
      if (*row.privacy != 0) request.lines.emplace_back(row.privacy);
      const auto got = town.from_alice(request).message;
      CHECK_FALSE(got.has(HeaderId::p_preferred_identity));
      CHECK(got.header(HeaderId::privacy) == row.left);
      if (got.has(HeaderId::p_asserted_identity))
        CHECK(got.header(HeaderId::p_asserted_identity) == asserted);
      return got.has(HeaderId::p_asserted_identity);
    };
    CHECK(shown(bob) == row.device);
    CHECK(shown("sip:carol@198.51.100.1") == row.trusted);
    CHECK(shown("sip:carol@203.0.113.1") == row.stranger);
  }
}

TEST_CASE("what a peer of the trust domain asserts is believed, of whoever it is (RFC 3325 5)") {
  for (const bool inside : {true, false}) {
    CAPTURE(inside);
    Town town(1, trusting());
    town.enter_bob();
    Ask request = hello;
    request.lines.emplace_back("P-Asserted-Identity: \"Boss\" <sip:boss@example.org>, <tel:+4930123>");
    request = town.with_credentials(request);
    town.receive(inside ? abroad : udp(5070), town.text_of(request));
    const auto got = town.take().message;
    const auto values = got.values(HeaderId::p_asserted_identity);
    if (inside)
      CHECK(values == std::vector<std::string_view>{"\"Boss\" <sip:boss@example.org>", "<tel:+4930123>"});
    else
      CHECK(values == std::vector<std::string_view>{"<sip:alice@example.org>"});
  }
}

TEST_CASE("privacy that is critical and not to be had is 500 and says which (RFC 3323 5)") {
  Town town;
  town.enter_bob();
  const auto answer = [&](const std::string& privacy) {
    Ask request = hello;
    request.call_id = privacy;
    request.lines.push_back("Privacy: " + privacy);
    return town.from_alice(request).message;
  };
  const auto refused = answer("session;id;critical;header");
  CHECK(refused.status() == 500);
  CHECK(refused.reason() == "Privacy Not Available: session");
  CHECK(answer(std::string(80, 'x') + ";critical").status() == 500);
  CHECK(answer("session;header").method_text() == "MESSAGE");
  CHECK(answer("id;critical").method_text() == "MESSAGE");
}

TEST_CASE("what any line of Privacy asks for counts: none of another line does not show an identity") {
  for (const bool first : {true, false}) {
    Town town(1, trusting());
    Ask request = hello;
    request.uri = request.to = "sip:carol@203.0.113.1";
    request.lines = {first ? "Privacy: id" : "Privacy: none", first ? "Privacy: none" : "Privacy: id"};
    CHECK_FALSE(town.from_alice(request).message.has(HeaderId::p_asserted_identity));
  }
}

TEST_CASE("Proxy-Require: privacy is understood, and taken off when all is done (RFC 3323 4.3, 5)") {
  Town town;
  town.enter_bob();
  const auto required = [&](const std::string& privacy) {
    Ask request = hello;
    request.call_id = privacy;
    request.lines = {"Proxy-Require: privacy", "Privacy: " + privacy};
    return std::string(town.from_alice(request).message.header(HeaderId::proxy_require));
  };
  CHECK(required("id").empty());
  CHECK(required("header").empty());
  CHECK(required("session") == "privacy");
  Ask other = hello;
  other.lines = {"Proxy-Require: privacy, x"};
  const auto refused = town.ask(udp(5070), other);
  CHECK(refused.status() == 420);
  CHECK(refused.header(HeaderId::unsupported) == "x");
}

TEST_CASE(
    "identities in answers: a device's are dropped, those of the trust domain shown as wished (RFC 3325 5)") {
  Town town(1, trusting());
  const auto answered = [&](const std::string& uri, const std::string& lines) {
    Ask request = hello;
    request.uri = request.to = uri;
    request.call_id = town.random.token(6);
    town.answer(town.from_alice(request), 200, "b1", lines);
    const auto back = town.take().message;
    CHECK(back.status() == 200);
    CHECK_FALSE(back.has(HeaderId::p_preferred_identity));
    return back.has(HeaderId::p_asserted_identity);
  };
  town.enter_bob();
  const std::string asserted =
      "P-Asserted-Identity: <sip:carol@example.net>\r\nP-Preferred-Identity: <sip:carol@example.net>\r\n";
  CHECK_FALSE(answered(bob, asserted));
  CHECK_FALSE(answered("sip:carol@203.0.113.1", asserted));
  const std::string trusted = "P-Asserted-Identity: <sip:carol@example.net>\r\n";
  CHECK(answered("sip:carol@198.51.100.1", trusted));
  CHECK_FALSE(answered("sip:carol@198.51.100.1", trusted + "Privacy: id\r\n"));
}

TEST_CASE("a device asserts nothing in an answer whose lines LF alone ends, either (RFC 3325 5)") {
  Town town;
  town.enter_bob();
  std::string lines = "P-Asserted-Identity: <sip:boss@example.org>\r\n";
  for (int i = 0; i < 200; ++i) lines += "X-Line: x\n";
  town.answer(town.from_alice(hello), 200, "b1", lines);
  const auto back = town.take().message;
  CHECK(back.status() == 200);
  CHECK_FALSE(back.has(HeaderId::p_asserted_identity));
}

TEST_CASE("a user of ours who proves it may send without a name (RFC 3323 4.1.1.3); nobody else may") {
  Town town(1, trusting());
  town.enter_bob();
  Ask unnamed = hello;
  unnamed.from = "sip:anonymous@anonymous.invalid";
  SUBCASE("to a device: no identity is shown, and the credentials are not") {
    const auto got = town.from_alice(unnamed).message;
    CHECK(got.header(HeaderId::from).starts_with("<sip:anonymous@anonymous.invalid>"));
    CHECK(got.text().find("alice@") == std::string_view::npos);
    CHECK_FALSE(got.has(HeaderId::proxy_authorization));
  }
  SUBCASE("a call") {
    Ask call = invite;
    call.from = unnamed.from;
    call.lines = {"Contact: <sip:anonymous@192.0.2.9:5070>", "Privacy: id"};
    const auto got = town.from_alice(call).message;
    CHECK(got.method() == sip::Method::invite);
    CHECK_FALSE(got.has(HeaderId::p_asserted_identity));
  }
  SUBCASE("the trust domain is told, others are not") {
    for (const bool trusted : {true, false}) {
      Ask away = unnamed;
      away.call_id = trusted ? "t" : "u";
      away.uri = away.to = trusted ? "sip:carol@198.51.100.1" : "sip:carol@203.0.113.1";
      const auto got = town.from_alice(away).message;
      CHECK(got.header(HeaderId::p_asserted_identity) == (trusted ? "<sip:alice@example.org>" : ""));
    }
  }
  SUBCASE("without credentials, or with wrong ones, it goes nowhere") {
    CHECK(town.ask(udp(5070), unnamed).status() == 407);
    CHECK(town.ask_as(udp(5070), unnamed, "alice", "guess").status() == 407);
    CHECK(town.ask_as(udp(5070), unnamed, "carol").status() == 407);
    unnamed.uri = unnamed.to = "sip:carol@203.0.113.1";
    CHECK(town.ask(udp(5070), unnamed).status() == 407);
    CHECK(town.wire.is_silent());
  }
  SUBCASE("a subscription and a publication have a name") {
    for (const char* method : {"SUBSCRIBE", "PUBLISH"}) {
      Ask state = unnamed;
      state.method = method;
      state.lines = {"Event: presence", "Contact: <sip:anonymous@192.0.2.9:5070>"};
      CHECK(town.ask_as(udp(5070), state, "alice").status() == 403);
    }
  }
  SUBCASE("the name of another user does not do") {
    unnamed.from = "sip:bob@example.org";
    CHECK(town.ask_as(udp(5070), unnamed, "alice").status() == 403);
  }
}

TEST_CASE(
    "a message of a user without a name waits, and comes without one; its sender hears what becomes of it") {
  Town town;
  Ask unnamed = hello;
  unnamed.from = "sip:anonymous@anonymous.invalid";
  CHECK(town.ask_as(udp(5070), unnamed, "alice").status() == 202);
  town.enter_bob();
  town.wait(1ms);
  const auto got = town.take().message;
  CHECK(got.body() == "hi");
  CHECK(got.text().find("alice@") == std::string_view::npos);
}

TEST_CASE(
    "Privacy: user leaves out what a sender wrote about itself; what it cannot have is 500 where critical") {
  const std::vector<std::string> personal{"Subject: chess",
                                          "Organization: Wonderland",
                                          "User-Agent: looking-glass",
                                          "Reply-To: <sip:alice@example.org>",
                                          "In-Reply-To: 1@h",
                                          "Call-Info: <http://h/alice>;purpose=info"};
  struct Row {
    std::string privacy;
    int status;  ///< 0: it goes on.
    bool is_whole;
  };
  for (const Row& row :
       {Row{"user", 0, false}, Row{"User;id", 0, false}, Row{"id", 0, true}, Row{"user;none", 0, true},
        Row{"session", 0, true}, Row{"user;critical", 500, false}, Row{"session;critical", 500, false}}) {
    CAPTURE(row.privacy);
    Town town;
    town.enter_bob();
    Ask request = hello;
    request.lines.insert(request.lines.end(), personal.begin(), personal.end());
    request.lines.push_back("Privacy: " + row.privacy);
    const auto got = town.from_alice(request).message;
    CHECK(got.status() == row.status);
    if (row.status != 0) continue;
    CHECK(got.header(HeaderId::privacy) == row.privacy);
    for (const HeaderId id : {HeaderId::subject, HeaderId::organization, HeaderId::user_agent,
                              HeaderId::reply_to, HeaderId::in_reply_to, HeaderId::call_info})
      CHECK(got.has(id) == row.is_whole);
  }
}
