#include <algorithm>

#include "server/proxy/gather.hpp"
#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// The response that alice gets, without what goes to devices in between.
sip::Message answer_to_alice(Town& town) {
  while (true) {
    const auto sent = town.take();
    if (sent.message.is_response() && sent.to == udp(5070)) return sent.message;
  }
}

/// The next CANCEL.
sip::Message next_cancel(Town& town) {
  while (true) {
    const auto sent = town.take();
    if (sent.message.method_text() == "CANCEL" && sent.message.is_request()) return sent.message;
  }
}

}  // namespace

TEST_CASE(
    "the challenges of all branches are put together into one answer, unchanged (RFC 3261 16.7 step 7)") {
  Town town;
  town.enter_bob(3);
  const auto first = town.from_alice(invite);
  const auto second = town.take();
  const auto third = town.take();
  town.answer(first, 407, "b1", "Proxy-Authenticate: Digest realm=\"one\", nonce=\"1\", stale=TRUE\r\n");
  town.answer(second, 401, "b2",
              "WWW-Authenticate: Digest realm=\"two\", nonce=\"2\", algorithm=SHA-256\r\n"
              "WWW-Authenticate: Digest realm=\"two\", nonce=\"2\"\r\n");
  town.answer(third, 486, "b3");
  const auto answer = answer_to_alice(town);
  CHECK(answer.status() == 407);
  std::vector<std::string> challenges;
  for (const auto line : answer.headers())
    if (line.id == HeaderId::proxy_authenticate || line.id == HeaderId::www_authenticate)
      challenges.emplace_back(line.line);
  CHECK(challenges ==
        std::vector<std::string>{"Proxy-Authenticate: Digest realm=\"one\", nonce=\"1\", stale=TRUE\r\n",
                                 "WWW-Authenticate: Digest realm=\"two\", nonce=\"2\", algorithm=SHA-256\r\n",
                                 "WWW-Authenticate: Digest realm=\"two\", nonce=\"2\"\r\n"});
  CHECK(answer.values(HeaderId::via).size() == 1);
}

TEST_CASE("the Contacts of several redirections are put together, each once (RFC 3261 16.7)") {
  Town town;
  town.enter_bob(3);
  const auto first = town.from_alice(hello);
  const auto second = town.take();
  const auto third = town.take();
  town.answer(first, 301, "b1", "Contact: <sip:bob@198.51.100.1>\r\n");
  town.answer(second, 302, "b2", "Contact: <sip:bob@198.51.100.2>;q=0.5, <sip:bob@198.51.100.1>\r\n");
  town.answer(third, 305, "b3", "Contact: <sip:proxy@198.51.100.3>\r\n");
  const auto answer = answer_to_alice(town);
  // "Moved Permanently" would be said of all of them.
  CHECK(answer.status() == 302);
  CHECK(answer.values(HeaderId::contact) ==
        std::vector<std::string_view>{"<sip:bob@198.51.100.2>;q=0.5", "<sip:bob@198.51.100.1>"});
}

TEST_CASE("what many branches say does not make an answer longer than a datagram can be") {
  const auto refusal = [](const std::string& line) {
    return sip::Message::parse(share("SIP/2.0 " + line + "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n"))
        .value();
  };
  const std::string long_text(1000, 'x');
  for (const bool is_redirected : {true, false}) {
    CAPTURE(is_redirected);
    std::vector<sip::Message> all;
    for (int i = 0; i < 60; ++i) {
      const std::string name = std::to_string(i) + long_text;
      all.push_back(refusal(is_redirected
                                ? "302 Moved\r\nContact: <sip:" + name + "@h>\r\n"
                                : "407 Prove\r\nProxy-Authenticate: Digest realm=\"" + name + "\"\r\n"));
    }
    std::vector<const sip::Message*> others;
    for (const sip::Message& each : all) others.push_back(&each);
    const auto whole = proxy::gather(all.front(), others);
    REQUIRE(whole.has_value());
    CHECK(whole->text().size() < 10'000);
    int lines = 0;
    for ([[maybe_unused]] const auto& line : whole->headers()) ++lines;
    CHECK(lines > 5);
  }
}

TEST_CASE("the CANCEL of a branch says why (RFC 3326)") {
  Town town;
  town.enter_bob(2);
  Ask request = invite;
  request.branch = "z9hG4bKcall";
  const auto first = town.from_alice(request);
  const auto second = town.take();
  town.answer(second, 180, "b2");
  const auto reasons = [](const sip::Message& cancel) { return cancel.values(HeaderId::reason); };
  SUBCASE("another device has taken the call") {
    town.accept(first);
    CHECK(reasons(next_cancel(town)) ==
          std::vector<std::string_view>{"SIP;cause=200;text=\"Call completed elsewhere\""});
  }
  SUBCASE("another device has declined for all") {
    town.answer(first, 600);
    CHECK(reasons(next_cancel(town)) ==
          std::vector<std::string_view>{"SIP;cause=600;text=\"Busy Everywhere\""});
  }
  SUBCASE("the caller's own reasons") {
    Ask cancel = cancel_of(request);
    cancel.lines = {"Reason: SIP;cause=487;text=\"changed, my mind\", Q.850;cause=16", "Reason: x;y=z"};
    town.receive(udp(5070), town.text_of(cancel));
    CHECK(
        reasons(next_cancel(town)) ==
        std::vector<std::string_view>{"SIP;cause=487;text=\"changed, my mind\"", "Q.850;cause=16", "x;y=z"});
  }
  SUBCASE("the caller gives none") {
    town.receive(udp(5070), town.text_of(cancel_of(request)));
    CHECK(reasons(next_cancel(town)).empty());
  }
  SUBCASE("it has rung for three minutes") {
    town.answer(first, 486);
    town.wait(186s);
    CHECK(reasons(next_cancel(town)) ==
          std::vector<std::string_view>{"SIP;cause=408;text=\"Request Timeout\""});
  }
}

TEST_CASE("199 tells the caller of early dialogs that end while others go on (RFC 6228 6)") {
  Town town;
  town.enter_bob(2);
  Ask request = invite;
  SUBCASE("it supports them") {
    request.lines.emplace_back("Supported: 100rel, 199");
    const auto first = town.from_alice(request);
    const auto second = town.take();
    town.answer(first, 180, "b1");
    town.answer(first, 183, "b1x");  // forked further on
    town.answer(second, 180, "b2");
    town.wire.sent.clear();
    town.answer(first, 486, "b1");
    CHECK(town.take().message.method_text() == "ACK");
    for (const char* tag : {"b1", "b1x"}) {
      const auto early = town.take().message;
      CHECK(early.status() == 199);
      CHECK(early.to_tag() == tag);
      CHECK(early.header(HeaderId::reason) == "SIP;cause=486");
      CHECK_FALSE(early.has(HeaderId::contact));
      CHECK_FALSE(early.has(HeaderId::record_route));
      CHECK(early.values(HeaderId::via).size() == 1);
    }
    SUBCASE("the last one is ended by the answer itself") {
      town.answer(second, 404, "b2");
      CHECK(town.take().message.method_text() == "ACK");
      CHECK(town.take().message.status() == 486);
    }
    SUBCASE("after a 2xx none follows") {
      town.accept(second, "b2");
      CHECK(town.take().message.status() == 200);
    }
    CHECK(town.wire.sent.empty());
  }
  SUBCASE("a 199 of a device is passed on, and not repeated") {
    request.lines.emplace_back("Supported: 199");
    const auto first = town.from_alice(request);
    const auto second = town.take();
    town.answer(first, 180, "b1");
    town.answer(first, 199, "b1");
    town.answer(second, 180, "b2");
    town.wire.sent.clear();
    town.answer(first, 486, "b1");
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.wire.sent.empty());
  }
  SUBCASE("no word of support, or reliable provisional responses required") {
    SUBCASE("") { request.lines.emplace_back("Supported: 100rel"); }
    SUBCASE("") {
      request.lines.emplace_back("Supported: 199");
      request.lines.emplace_back("Require: 100rel");
    }
    const auto first = town.from_alice(request);
    town.answer(first, 180, "b1");
    town.wire.sent.clear();
    town.answer(first, 486, "b1");
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.wire.sent.empty());
  }
}

TEST_CASE("199 tells the caller of an early dialog whose flow has failed, before the next one is tried") {
  Town town;
  const std::string device = ";+sip.instance=\"<urn:uuid:1>\";reg-id=";
  town.enter(bob, tls(1), "sip:bob@192.0.2.9:40001;transport=tls", device + "1");
  town.wait(1s);
  town.enter(bob, tls(2), "sip:bob@192.0.2.9:40002;transport=tls", device + "2");
  Ask request = invite;
  request.lines.emplace_back("Supported: 199");
  const auto first = town.from_alice(request);
  CHECK(first.to.flow == 2);
  town.answer(first, 180, "b1");
  town.wire.sent.clear();
  town.answer(first, 430, "b1");  // an edge proxy says so
  const auto early = answer_to_alice(town);
  CHECK(early.status() == 199);
  CHECK(early.to_tag() == "b1");
  CHECK(early.header(HeaderId::reason) == "SIP;cause=430");
  CHECK(town.take().to.flow == 1);
}

TEST_CASE("a device whose edge proxy is not found by name is reached by its next flow (RFC 5626 7)") {
  Town town;
  const std::string via = "Via: SIP/2.0/TCP 192.0.2.44;branch=z9hG4bKedge";
  const std::string device = ";+sip.instance=\"<urn:uuid:1>\";reg-id=";
  town.enter(bob, udp(5060), "sip:bob@192.0.2.9:5080", device + "1",
             {via, "Path: <sip:edge@192.0.2.41;lr;ob>"});
  town.wait(1s);
  town.enter(bob, udp(5060), "sip:bob@192.0.2.9:5080", device + "2",
             {via, "Path: <sip:edge@nowhere.example;lr;ob>"});
  const auto got = town.from_alice(hello);
  CHECK(got.message.header(HeaderId::route) == "<sip:edge@192.0.2.41;lr;ob>");
  town.answer(got, 200);
  CHECK(town.take().message.status() == 200);
}

TEST_CASE(
    "an answer that has lost the caller's Via is not forwarded; the caller gets 502 (RFC 3261 16.7 step 3)") {
  Town town;
  town.enter_bob();
  const auto got = town.from_alice(hello);
  const auto reply = sip::Builder::reply(got.message, 200, "b1").finish();
  const auto parsed = sip::Message::parse(share(reply));
  REQUIRE(parsed.has_value());
  const auto vias = parsed->values(HeaderId::via);
  town.receive(got.to, sip::Splice(*parsed).replace(HeaderId::via, vias.front()).finish());
  CHECK(town.take().message.status() == 502);
}
