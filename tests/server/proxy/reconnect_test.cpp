#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

// A device whose connection breaks while it rings answers over another one (RFC 3261 18.2.2).

namespace {

/// The last message to alice.
std::optional<sip::Message> heard(Town& town) {
  std::optional<sip::Message> last;
  while (!town.wire.is_silent()) {
    auto sent = town.take();
    if (sent.to.remote == udp(5070).remote) last = std::move(sent.message);
  }
  return last;
}

/// bob's device, which rings.
struct Ringing : Town {
  explicit Ringing(unsigned shards = 1, Settings settings = default_settings())
      : Town(shards, std::move(settings)), call(ring()) {}
  Sent ring() {
    enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
    auto got = from_alice(invite);
    answer(got, 180);
    CHECK(heard(*this)->status() == 180);
    return got;
  }
  void lose() {
    node().on_flow_closed(1);
    run();
    CHECK(wire.is_silent());
  }
  /// Over another connection.
  void say(const std::string& response) { receive(tls(2), response); }
  std::string response(int status, const std::string& lines = {}) const {
    auto text = sip::Builder::reply(call.message, status, "b1").finish();
    text.insert(text.find("Content-Length"), lines);
    return text;
  }

  Sent call;
};

const std::string contact = "Contact: <sip:bob@192.0.2.9:40000;transport=tls>\r\n";

}  // namespace

TEST_CASE(
    "the answer of a device that rings, loses its connection and makes another one reaches the caller") {
  for (const unsigned shards : {1U, 3U}) {
    CAPTURE(shards);
    Ringing town(shards);
    town.lose();
    town.say(town.response(200, contact));
    CHECK(heard(town)->status() == 200);
    town.say(town.response(200, contact));  // no ACK has come yet
    CHECK(heard(town)->status() == 200);
  }
}

TEST_CASE("a device that rings and does not come back is given up after 5 s") {
  Ringing town;
  town.lose();
  town.wait(4s);
  CHECK(town.wire.is_silent());
  town.wait(2s);
  CHECK(heard(town)->status() == 480);
}

TEST_CASE("nobody answers for a device whose branch they do not know, or in the name of another server") {
  Ringing town;
  town.lose();
  std::string text = town.response(200, contact);
  SUBCASE("another branch") {
    const auto at = text.find("branch=z9hG4bK") + sizeof "branch=z9hG4bK" - 1;
    for (std::size_t i = at + 5; i < at + 16; ++i) text[i] = text[i] == 'a' ? 'b' : 'a';
  }
  SUBCASE("another sent-by") { text.replace(text.find("192.0.2.1:5061"), 14, "192.0.2.7:5061"); }
  town.say(text);
  CHECK(town.wire.is_silent());
}

TEST_CASE("an identity in an answer is believed to the connection that it came by (RFC 3325 5)") {
  const std::string identity = "P-Asserted-Identity: <tel:+15551234567>\r\n";
  Settings settings = Town::default_settings();
  settings.federation.trusted = {"example.net"};
  Town town(1, settings);
  Hop edge = tls(1);
  edge.name = "example.net";
  bool is_believed = true;
  Hop from = edge;
  SUBCASE("of a peer that is trusted") {}
  SUBCASE("of whoever has seen the branch") {
    from = tls(2);
    is_believed = false;
  }
  town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
  Ask ask = invite;
  ask.lines.emplace_back("Privacy: none");
  auto got = town.from_alice(ask);
  got.to = from;
  town.answer(got, 200, "b1", contact + identity);
  const auto answer = heard(town);
  REQUIRE(answer);
  CHECK(answer->status() == 200);
  CHECK(answer->has(HeaderId::p_asserted_identity) == is_believed);
}
