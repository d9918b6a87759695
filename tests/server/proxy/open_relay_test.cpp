// The proxy is no open relay: what a stranger, or a user of ours who may not, can try to send outwards, to
// reach a third party or to speak for somebody else (RFC 3261 26.1, 26.3.2.4; RFC 5393 1).

#include <algorithm>
#include <initializer_list>

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

constexpr const char* victim = "198.51.100.7";
const std::string victim_uri = "sip:carol@198.51.100.7";
const Hop mallory{Protocol::udp, *parse_address("203.0.113.66:5070"), *parse_address("192.0.2.1:5060"), 0};

constexpr std::initializer_list<const char*> relay_methods{
    "INVITE", "ACK",    "BYE",   "CANCEL",  "MESSAGE",   "REFER",   "INFO",
    "NOTIFY", "UPDATE", "PRACK", "OPTIONS", "SUBSCRIBE", "PUBLISH", "X-NEW"};

Settings with_policy(ForeignPolicy policy) {
  Settings settings = World::default_settings();
  settings.foreign = policy;
  settings.unauthenticated_burst = 100'000;  // silence would prove nothing
  return settings;
}

/// A way to somebody else.
struct Way {
  const char* what;
  std::string uri = bob;
  std::string route{};  ///< Of Route; empty for none.
  std::string to_tag{};
};

const std::vector<Way> relay_ways{
    {"Request-URI in another domain", "sip:carol@example.net"},
    {"Request-URI that is an address", victim_uri},
    {"Request-URI that is a secured address", "sips:carol@198.51.100.7"},
    {"Request-URI at a port of this host that is not ours", "sip:carol@192.0.2.1:5099"},
    {"Request-URI on the loopback interface", "sip:carol@127.0.0.1:5060"},
    {"maddr in the Request-URI", "sip:bob@example.org;maddr=198.51.100.7"},
    {"a tel URI", "tel:+15551234567"},
    {"Route", bob, "<sip:198.51.100.7;lr>"},
    {"Route to a name", bob, "<sip:example.net;lr>"},
    {"Route by way of us", bob, "<sip:192.0.2.1:5060;lr>, <sip:198.51.100.7;lr>"},
    {"Route by way of our domain", victim_uri, "<sip:example.org;lr>"},
    {"a strict Route", bob, "<sip:198.51.100.7>"},
    {"maddr in a Route", bob, "<sip:192.0.2.1:5060;maddr=198.51.100.7;lr>"},
    {"a Record-Route token of one's own making", victim_uri,
     "<sip:bk000r1-2-3~0_0_c6336407-13c4_c0000201-13c4~0_0_c6336407-13c4_c0000201-13c4~00112233445566778899@"
     "192.0.2.1;lr>"},
    {"the same in a dialog", victim_uri,
     "<sip:bk000r1-2-3~0_0_c6336407-13c4_c0000201-13c4~0_0_c6336407-13c4_c0000201-13c4~00112233445566778899@"
     "192.0.2.1;lr>",
     ";tag=x"},
    {"such a token as the Request-URI of a strict router before us",
     "sip:bk000r1-2-3~0_0_c6336407-13c4_c0000201-13c4~0_0_c6336407-13c4_c0000201-13c4~00112233445566778899@"
     "192.0.2.1",
     "<sip:198.51.100.7;lr>"},
    {"a dialog that is not ours", victim_uri, {}, ";tag=x"},
};

Ask request_of(const char* method, const Way& way, const std::string& from) {
  Ask ask{.method = method,
          .uri = way.uri,
          .from = from,
          .to = "<sip:carol@example.net>" + way.to_tag,
          .call_id = "relay",
          .lines = {"Contact: <sip:carol@198.51.100.7>", "Event: presence"}};
  if (!way.route.empty()) ask.lines.push_back("Route: " + way.route);
  return ask;
}

/// Nothing has left but refusals to the one who asked.
void check_refused(World& world, const Hop& asker) {
  CHECK(world.zone.asked() == 0);
  for (const Sent& sent : world.wire.sent) {
    CAPTURE(sent.message.text());
    CHECK(sent.to.remote.ip == asker.remote.ip);
    CHECK(sent.message.is_response());
    // OPTIONS to ourselves are answered.
    const bool own = sent.message.header(HeaderId::cseq).ends_with("OPTIONS");
    // A message that is for bob after all waits for him.
    const bool stored = sent.message.status() == 202;
    CHECK((sent.message.status() >= 300 || own || stored));
  }
  world.wire.sent.clear();
}

}  // namespace

TEST_CASE("a stranger reaches nobody outside, whatever the method, the way and the policy") {
  for (const auto policy : {ForeignPolicy::refuse, ForeignPolicy::forward}) {
    Town town(1, with_policy(policy));
    int calls = 0;
    for (const char* method : relay_methods) {
      for (const Way& way : relay_ways) {
        for (const std::string& from :
             {std::string("sip:mallory@example.com"), alice, std::string("sip:mallory@198.51.100.7")}) {
          CAPTURE(method);
          CAPTURE(way.what);
          CAPTURE(from);
          Ask ask = request_of(method, way, from);
          ask.call_id += std::to_string(++calls);
          town.receive(mallory, town.text_of(ask));
          check_refused(town, mallory);
        }
      }
    }
  }
}

TEST_CASE("a user of ours, proven, reaches nobody outside where the policy refuses that") {
  Town town(1, with_policy(ForeignPolicy::refuse));
  int calls = 0;
  for (const char* method : {"INVITE", "BYE", "MESSAGE", "REFER", "INFO", "UPDATE", "SUBSCRIBE", "X-NEW"}) {
    for (const Way& way : relay_ways) {
      CAPTURE(method);
      CAPTURE(way.what);
      Ask ask = request_of(method, way, alice);
      ask.call_id += std::to_string(++calls);
      const auto challenge = town.ask(udp(5070), ask);
      if (challenge.status() == 401 || challenge.status() == 407) {
        ask.lines.push_back(World::credentials(challenge, ask, "alice", "secret"));
        ask.cseq++;
        town.receive(udp(5070), town.text_of(ask));
      }
      check_refused(town, udp(5070));
    }
  }
}

TEST_CASE("a user of ours speaks for nobody else: From of another user or of another domain is refused") {
  for (const std::string& from : {bob, std::string("sip:carol@example.net")}) {
    for (const auto policy : {ForeignPolicy::refuse, ForeignPolicy::forward}) {
      CAPTURE(from);
      Town town(1, with_policy(policy));
      town.enter_bob();
      Ask spoof = invite;
      spoof.from = from;
      CHECK(town.ask_as(udp(5070), spoof, "alice").status() == 403);
      CHECK(town.wire.is_silent());
    }
  }
}

TEST_CASE("answers go to where the request came from, whatever its Via says (RFC 3261 18.2.2, RFC 3581 4)") {
  Town town(1, with_policy(ForeignPolicy::refuse));
  int calls = 0;
  for (const char* via :
       {"SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;rport",
        "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;received=198.51.100.7;rport=5060",
        "SIP/2.0/UDP 203.0.113.66:5070;branch=z9hG4bK1;received=198.51.100.7",
        "SIP/2.0/UDP 203.0.113.66:5070;branch=z9hG4bK1;maddr=198.51.100.7",
        "SIP/2.0/UDP 203.0.113.66:5070;branch=z9hG4bK1;maddr=198.51.100.7;ttl=1;rport",
        "SIP/2.0/TCP 198.51.100.7;branch=z9hG4bK1", "SIP/2.0/UDP victim.example;branch=z9hG4bK1"}) {
    for (const char* method : {"INVITE", "MESSAGE", "OPTIONS", "BYE", "CANCEL", "REGISTER", "X-NEW"}) {
      CAPTURE(via);
      CAPTURE(method);
      town.receive(mallory, method + std::string(" sip:bob@example.org SIP/2.0\r\nVia: ") + via +
                                "\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=1\r\nTo: "
                                "<sip:bob@example.org>\r\nCall-ID: " +
                                std::to_string(++calls) + "\r\nCSeq: 1 " + method +
                                "\r\nContent-Length: 0\r\n\r\n");
      check_refused(town, mallory);
    }
  }
}

TEST_CASE("a response to no request of ours goes nowhere (RFC 6026 8.9)") {
  Town town;
  for (const char* top : {"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1:5060"}) {
    for (const int status : {100, 180, 200, 302, 486}) {
      town.receive(
          mallory,
          "SIP/2.0 " + std::to_string(status) + " Yes\r\nVia: " + top +
              "\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK2\r\nFrom: <sip:a@example.org>;tag=1\r\nTo: "
              "<sip:b@example.org>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
      CHECK(town.wire.is_silent());
    }
  }
}

TEST_CASE("who has seen the token of a call reaches its two ends, and nobody else") {
  Town town;
  town.enter_bob();
  const auto got = town.from_alice(invite);
  const std::string route = "Route: " + std::string(got.message.first(HeaderId::record_route));
  town.accept(got);
  town.take();
  for (const char* method : relay_methods) {
    for (const char* tag : {"from1", "b1", "other"}) {
      CAPTURE(method);
      CAPTURE(tag);
      for (const auto& [uri, more] : std::initializer_list<std::pair<std::string, std::string>>{
               {victim_uri, ""},
               {"sip:bob@192.0.2.9:5080;maddr=198.51.100.7", ""},
               {victim_uri, ", <sip:198.51.100.7;lr>"},
               {victim_uri, ", <sip:198.51.100.7>"}}) {
        Ask stray = in_call(method, uri, {route + more, "Contact: <sip:carol@198.51.100.7>"});
        stray.from_tag = tag;
        town.receive(mallory, town.text_of(stray));
        CHECK(town.zone.asked() == 0);
        for (const Sent& sent : town.wire.sent) CHECK(print(sent.to.remote.ip) != victim);
        town.wire.sent.clear();
      }
    }
  }
}

TEST_CASE("a token is of no use outside its dialog: in another call, or for a request that begins one") {
  Town town;
  town.enter_bob();
  const auto got = town.from_alice(invite);
  const std::string route = "Route: " + std::string(got.message.first(HeaderId::record_route));
  town.accept(got);
  town.take();
  for (const char* method : {"INVITE", "BYE", "MESSAGE", "REFER"}) {
    CAPTURE(method);
    const Ask stray = in_call(method, victim_uri, {route, "Contact: <sip:carol@198.51.100.7>"});
    Ask other_call = stray, no_dialog = stray, changed = stray;
    other_call.call_id = "other";
    no_dialog.to = bob;
    changed.lines[0].insert(changed.lines[0].find('~'), "0");
    for (const Ask& ask : {other_call, no_dialog, changed}) {
      town.receive(mallory, town.text_of(ask));
      check_refused(town, mallory);
    }
  }
}

TEST_CASE("a Record-Route of the caller's own making leads the callee's requests nowhere else") {
  Town town;
  town.enter_bob();
  Ask call = invite;
  call.lines.push_back("Record-Route: <sip:198.51.100.7;lr>");
  const auto got = town.from_alice(call);
  const auto routes = got.message.values(HeaderId::record_route);
  REQUIRE(routes.size() == 2);
  town.accept(got);
  town.take();
  town.receive(
      udp(5080),
      town.text_of(callees_bye({"Route: " + std::string(routes[0]) + ", " + std::string(routes[1])})));
  check_refused(town, udp(5080));
}

TEST_CASE("a device whose Contact is somebody else's address is reached at its own") {
  Town town;
  town.enter(bob, udp(5080), victim_uri);
  CHECK(town.from_alice(invite).to == udp(5080));
}

TEST_CASE("no identity is believed that comes in: P-Asserted-Identity, P-Preferred-Identity (RFC 3325 5)") {
  Town town;
  town.enter_bob();
  for (const char* name : {"P-Asserted-Identity", "P-Preferred-Identity"}) {
    Ask forged = invite;
    forged.call_id = name;
    forged.lines.push_back(std::string(name) + ": <sip:boss@example.org>, <tel:+15550000>");
    const auto got = town.from_alice(forged);
    CHECK(got.message.header(HeaderId::p_asserted_identity) == "<sip:alice@example.org>");
    CHECK_FALSE(got.message.has(HeaderId::p_preferred_identity));
    CHECK(got.message.text().find("boss") == std::string_view::npos);
  }
  // In a dialog, too.
  const auto call = town.from_alice(invite);
  const std::string route(call.message.first(HeaderId::record_route));
  town.accept(call);
  town.take();
  Ask bye = in_call("INFO", "sip:bob@192.0.2.9:5080",
                    {"Route: " + route, "P-Asserted-Identity: <sip:boss@example.org>"});
  town.receive(udp(5070), town.text_of(bye));
  CHECK(town.take().message.text().find("boss") == std::string_view::npos);
}
