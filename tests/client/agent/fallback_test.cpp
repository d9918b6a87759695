#include <doctest/doctest.h>

#include <set>

#include "client/direct/claim.hpp"
#include "client/direct/offer.hpp"
#include "media/direct/hello.hpp"
#include "protocol/stun/message.hpp"
#include "tests/client/agent/fixture.hpp"
#include "tests/client/invite/pair.hpp"

using namespace beckon;
using namespace beckon::agent_test;
using sip::Method;

namespace {

/// bob watches alice, whose device offers direct sessions, and never answers.
struct Calling : client::test::OwnPorts, Fixture {
  Calling() : Fixture(transaction::Protocol::tls, {}, &ports) {
    const auto id = execute({"subscribe", "alice@example.org"});
    auto subscribe = wire.take().message;
    reply(subscribe, 200, {{HeaderId::expires, "3600"}});
    notify(subscribe, "active;expires=3600", print(make_presence()));
    wire.sent.clear();
    REQUIRE(result(id).at("ok").as_bool());
  }
  documents::Presence make_presence() {
    SeededRandom other(9);
    const auto device = client::direct::make_keyring(other);
    auto element = client::direct::make_direct(device, alice, ds1::Mode::automatic, {1, 2, 3, 4}, {},
                                               {{{}, 1, *parse_address("192.0.2.10:40000")}});
    element.secret.reset();
    element.grant = ds1::make_grant(crypto::Key32{7}, {1, 2, 3, 4}, {ds1::Mode::automatic, bob}, other);
    documents::Tuple tuple;
    tuple.id = "a";
    tuple.basic = documents::Basic::open;
    tuple.contact = documents::Contact{"sip:alice@example.org;gr=urn:uuid:1", 500};
    tuple.status_extensions.push_back(documents::print(element));
    documents::Presence out;
    out.entity = alice;
    out.tuples.push_back(std::move(tuple));
    return out;
  }
  /// The INVITEs that have been sent.
  std::vector<sip::Message> invites() const {
    std::vector<sip::Message> out;
    for (const auto& each : wire.sent)
      if (each.message.is_request() && each.message.method() == Method::invite) out.push_back(each.message);
    return out;
  }
  std::string warning() const {
    const auto event = last("warning");
    return event.empty() ? "" : std::string(event.at("text").as_string());
  }
};

}  // namespace

TEST_CASE_FIXTURE(Calling,
                  "a direct attempt without an answer for 400 ms is followed by an INVITE in the same call "
                  "(DIRECT_SESSIONS 11)") {
  const auto id = execute({"call", "alice@example.org", "--unproven"});
  REQUIRE(result(id).at("call") == "1");
  CHECK(last("call").at("kind") == "direct");
  CHECK(port.sent > 0);
  pass(399ms);
  CHECK(invites().empty());
  pass(1ms);
  REQUIRE(invites().size() == 1);
  const auto invite = invites().front();
  CHECK(invite.request_uri_text() == "sip:alice@example.org;gr=urn:uuid:1");
  CHECK(client::direct::parse_claims(invite.header("Direct-Session")).size() == 1);
  CHECK(last("call").at("call") == "1");
  CHECK(last("call").at("kind") == "invite");
  CHECK(last("call").at("why_not_direct") == "the callee's device has not answered within 400 ms");
  CHECK(warning().starts_with("this call by INVITE cannot prove"));
  SUBCASE("the attempt ends after 2 s, and the INVITE goes on alone") {
    pass(2s);
    reply(invite, 180);
    CHECK(last("call").at("state") == "ringing");
    reply(invite, 486);
    CHECK(last("call").at("state") == "ended");
    CHECK(last("call").at("cause") == "unavailable");
    CHECK(last("call").at("reason_code") == 486);
  }
  SUBCASE("refused at once, it leaves the attempt its time; then the call ends for what the INVITE met") {
    reply(invite, 480);
    CHECK(last("call").at("state") == "dialing");
    pass(2s);
    CHECK(last("call").at("state") == "ended");
    CHECK(last("call").at("reason_code") == 480);
  }
  SUBCASE("declined is declined") {
    reply(invite, 603);
    CHECK(last("call").at("state") == "ended");
    CHECK(last("call").at("cause") == "refused");
  }
  SUBCASE("the user gives up: both end") {
    reply(invite, 180);
    wire.sent.clear();
    execute({"hangup", "1"});
    CHECK(last("call").at("state") == "ended");
    CHECK(last("call").at("cause") == "done");
    CHECK(wire.take().message.method() == Method::cancel);
  }
}

TEST_CASE_FIXTURE(Calling, "a closed port is known at once") {
  execute({"call", "alice@example.org", "--unproven"});
  agent->on_unreachable(*parse_address("192.0.2.10:40000"), now());
  CHECK(invites().size() == 1);
  CHECK(last("call").at("why_not_direct") == "the callee's device cannot be reached at its addresses");
}

TEST_CASE_FIXTURE(Calling,
                  "no silent downgrade: where the callee's identity is known only the user lets an INVITE "
                  "stand in (DIRECT_SESSIONS 11)") {
  SUBCASE("not by itself: a warning says why, and what the user can do") {
    execute({"call", "alice@example.org"});
    pass(400ms);
    CHECK(invites().empty());
    CHECK(
        warning().starts_with("the callee's device has not answered within 400 ms; an INVITE cannot prove"));
    pass(2s);
    CHECK(last("call").at("state") == "ended");
    CHECK(last("call").at("cause") == "unreachable");
  }
  SUBCASE("who asks for a direct session gets one, or none") {
    execute({"call", "alice@example.org", "--by", "direct"});
    pass(3s);
    CHECK(invites().empty());
    CHECK(warning().empty());
    CHECK(last("call").at("state") == "ended");
  }
  SUBCASE("nor where there is no direct session at all") {
    execute({"unsubscribe", "alice@example.org"});
    serve();
    const auto id = execute({"call", "alice@example.org"});
    CHECK(result(id).at("cause") == "no-direct");
    CHECK(std::string(result(id).at("reason").as_string()).find("--unproven") != std::string::npos);
  }
  SUBCASE("who asks for an INVITE is warned") {
    execute({"call", "alice@example.org", "--by", "invite"});
    CHECK(invites().size() == 1);
    CHECK(warning().starts_with("this call by INVITE cannot prove"));
  }
}

namespace {

/// bob's device offers direct sessions; alice rings at it.
struct Called : client::test::OwnPorts, Fixture {
  Called() : Fixture(transaction::Protocol::tls, {}, &ports) {
    const client::Headers offers{{HeaderId::supported, "beckon-direct"}};
    execute({"register"});
    serve(offers);
    execute({"publish", "open", "--direct", "ask"});
    const auto document = documents::parse_pidf(wire.sent.front().message.body());
    offered = *documents::find_direct(document->tuples.front());
    serve(offers);
  }
  /// The HELLO of a call, and what its INVITE says.
  client::direct::Claim ring() {
    const auto caller = crypto::make_x25519(random);
    direct::HelloBody body;
    body.tag = {1, 2, 3};
    body.want = ds1::Mode::ask;
    body.media = {{direct::MediaKind::audio, direct::Direction::sendrecv, 111, 7}};
    body.ephemeral = crypto::make_x25519(random).pub;
    const auto grant = ds1::make_grant(*offered.secret, offered.epoch, {ds1::Mode::ask, alice}, random);
    const auto hello = direct::seal_hello({keyring.device.pub, offered.epoch, grant}, caller,
                                          crypto::make_x25519(random), body);
    REQUIRE(hello.has_value());
    const auto datagram = stun::Writer(stun::Class::request, stun::binding, stun::TransactionId{})
                              .add(stun::attribute::direct_hello, hello->attribute)
                              .add_fingerprint();
    agent->on_datagram(*parse_address("192.0.2.66:4000"), datagram.bytes(), now());
    return {{}, body.tag, offered.epoch, hello->keys.proof};
  }
  void invite(const client::direct::Claim& claim, const std::string& asserted = alice) {
    sdp::Audio audio;
    audio.session_id = "1";
    audio.local = *parse_address("192.0.2.66:4002");
    audio.formats = {{0, "PCMU", 8000, 1, {}}};
    audio.keys.push_back({1, "AES_CM_128_HMAC_SHA1_80", {{Bytes(30, 7), {}, {}, {}}}, {}});
    std::string more =
        "Contact: <sip:alice@192.0.2.66>\r\nContent-Type: application/sdp\r\nDirect-Session: " +
        print(claim) + "\r\n";
    if (!asserted.empty()) more += "P-Asserted-Identity: <" + asserted + ">\r\n";
    receive(*sip::Message::parse(share(request_text("INVITE", more, sdp::Negotiation(audio).offer()))));
  }
  std::size_t calls() const {
    std::set<std::string> out;
    for (const auto& event : events)
      if (event.at("event") == "call") out.insert(std::string(event.at("call").as_string()));
    return out.size();
  }
  std::vector<int> statuses() {
    std::vector<int> out;
    for (const auto& each : wire.sent)
      if (each.message.is_response() && each.message.cseq()->method == "INVITE")
        out.push_back(each.message.status());
    return out;
  }
  documents::Direct offered;
};

}  // namespace

TEST_CASE_FIXTURE(Called,
                  "nobody rings twice: a proven INVITE joins the session that rings (DIRECT_SESSIONS 11)") {
  const auto claim = ring();
  REQUIRE(last("call").at("state") == "ringing");
  SUBCASE("proven") {
    invite(claim);
    CHECK(calls() == 1);
    CHECK(statuses() == std::vector{180});
    SUBCASE("no answer to the HELLO has reached the caller: the INVITE is answered") {
      execute({"answer", "1"});
      CHECK(statuses() == std::vector{180, 200});
      CHECK(last("call").at("kind") == "invite");
      CHECK(last("call").at("state") == "answered");
    }
    SUBCASE("declined: 603") {
      execute({"reject", "1"});
      CHECK(statuses() == std::vector{180, 603});
      CHECK(last("call").at("state") == "ended");
    }
  }
  SUBCASE("a wrong proof is an ordinary call") {
    auto wrong = claim;
    wrong.proof[3] ^= 1;
    invite(wrong);
    CHECK(calls() == 2);
  }
  SUBCASE("another caller is an ordinary call") {
    invite(claim, "sip:mallory@example.org");
    CHECK(calls() == 2);
  }
  SUBCASE("whom the server does not name is an ordinary call") {
    invite(claim, "");
    CHECK(calls() == 2);
  }
  SUBCASE("of an epoch that is not this device's: it waits 2 s") {
    auto other = claim;
    other.epoch[0] ^= 1;
    invite(other);
    pass(1999ms);
    CHECK(calls() == 1);
    pass(1ms);
    CHECK(calls() == 2);
  }
}
