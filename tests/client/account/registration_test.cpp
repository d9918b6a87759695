#include "client/account/registration.hpp"

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using sip::HeaderId;

namespace {

struct Fixture : Bench {
  account::Registration registration{context, [this](Now) { ++registered; }};
  Ends ends;
  int registered = 0;

  void start(std::uint32_t expires = 600) { registration.start(expires, ends.take(), now()); }
  /// The server's 200 with what it grants.
  sip::Message grant(std::uint32_t expires, const Headers& more = {}) {
    Headers headers{{HeaderId::contact, context.contact() + ";expires=" + std::to_string(expires)}};
    headers.insert(headers.end(), more.begin(), more.end());
    return answer(200, headers);
  }
  std::string expires_asked(const sip::Message& request) {
    return std::string(request.contacts()->front().parameter("expires").value_or(""));
  }
};

const std::pair<HeaderId, std::string> tag{HeaderId::supported, "path, beckon-direct"};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "REGISTER names the device and the flow (RFC 5626 4.2)") {
  start();
  const auto request = grant(600);
  CHECK(request.request_uri_text() == "sip:example.org");
  CHECK(request.contacts()->front().parameter("reg-id") == "1");
  CHECK(request.header(HeaderId::contact).find(account.instance) != std::string_view::npos);
  CHECK(request.lists(HeaderId::supported, "outbound"));
  CHECK(ends.statuses == Statuses{200});
  CHECK(last("registration").at("state") == "registered");
  CHECK(last("registration").at("expires") == 600);
}

TEST_CASE_FIXTURE(Fixture,
                  "a registration is refreshed before it expires, in the same Call-ID with the next CSeq "
                  "(RFC 3261 10.2.4)") {
  start();
  const auto first = grant(100);
  pass(79s);
  CHECK(wire.is_silent());
  pass(2s);
  const auto second = grant(100);
  CHECK(second.call_id() == first.call_id());
  CHECK(second.cseq()->number == first.cseq()->number + 1);
  CHECK(registered == 2);
  CHECK(ends.statuses == Statuses{200});  // called once
}

TEST_CASE_FIXTURE(Fixture,
                  "the own binding is found among others, however the registrar spells it, and whatever "
                  "cannot be read beside it (RFC 3261 10.2.4, 19.1.4)") {
  start();
  std::string own = context.contact();
  const auto at = own.find("alice");
  REQUIRE(at != std::string::npos);
  SUBCASE("as it was sent") {}
  SUBCASE("with an escape") { own.replace(at, 1, "%61"); }
  SUBCASE("with a transport in capitals") { own.replace(own.find("=tls"), 4, "=TLS"); }
  answer(200, {{HeaderId::contact, "<sip:a b@>, <sip:alice@192.0.2.77>;expires=50, " + own + ";expires=100"},
               {HeaderId::expires, "3000"}});
  CHECK(last("registration").at("expires") == 100);
}

TEST_CASE_FIXTURE(Fixture, "the device's public GRUU is asked for, and shown as it is now (RFC 5627 4.2)") {
  start();
  const std::string own = context.contact() + ";expires=100";
  const auto request = answer(
      200, {{HeaderId::contact, "<sip:alice@192.0.2.77>;pub-gruu=\"sip:alice@example.org;gr=urn:uuid:2\", " +
                                    own + ";pub-gruu=\"sip:alice@example.org;gr=urn:uuid:1\""}});
  CHECK(request.lists(HeaderId::supported, "gruu"));
  CHECK(last("registration").at("gruu") == "sip:alice@example.org;gr=urn:uuid:1");
  pass(81s);
  answer(200, {{HeaderId::contact, own}});
  CHECK_FALSE(last("registration").contains("gruu"));
}

TEST_CASE_FIXTURE(
    Fixture, "dialogs have the GRUU as Contact while the device has one; REGISTERs never (RFC 5627 4.4)") {
  const std::string gruu = "sip:alice@example.org;gr=urn:uuid:1";
  CHECK(context.dialog_contact() == context.contact());
  start();
  const std::string own = context.contact() + ";expires=100";
  SUBCASE("and none that is no URI, no GRUU or more than one value") {
    for (const char* bad : {"alice", "sip:alice@example.org", "sip:a@b;gr>, <sip:c@d"}) {
      CAPTURE(bad);
      answer(200, {{HeaderId::contact, own + ";pub-gruu=\"" + bad + "\""}});
      CHECK(context.dialog_contact() == context.contact());
      pass(81s);
    }
    return;
  }
  answer(200, {{HeaderId::contact, own + ";pub-gruu=\"" + gruu + "\""}});
  CHECK(context.dialog_contact() == "<" + gruu + ">");
  SUBCASE("unless the user does not want it") {
    context.has_gruu_contact = false;
    CHECK(context.dialog_contact() == context.contact());
  }
  SUBCASE("until it leaves") {
    registration.stop({}, now());
    const auto request = answer(200);
    CHECK(request.header(HeaderId::contact).starts_with(context.contact()));
    CHECK(context.dialog_contact() == context.contact());
  }
}

TEST_CASE_FIXTURE(Fixture, "requests take the way that the registrar names (RFC 3608 6.1)") {
  const auto route = [this](const char* method) {
    const auto text =
        context.request(method, "sip:bob@example.org", "sip:bob@example.org", "t", "c", 1).finish();
    return std::string(sip::Message::parse(share(text)).value().header(HeaderId::route));
  };
  start();
  CHECK(route("MESSAGE").empty());
  grant(100, {{HeaderId::service_route, "<sip:one.example.org;lr>, <sip:two.example.org;lr>"},
              {HeaderId::service_route, "<sip:three.example.org;lr>"}});
  CHECK(route("MESSAGE") == "<sip:one.example.org;lr>, <sip:two.example.org;lr>, <sip:three.example.org;lr>");
  pass(81s);
  CHECK_FALSE(grant(100).has(HeaderId::route));
  CHECK(route("MESSAGE").empty());
}

TEST_CASE_FIXTURE(Fixture, "a server that grants next to nothing is not asked in a loop") {
  start();
  grant(0);
  pass(4s);
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(
    Fixture,
    "423: sent again with the server's minimum, and only that answer is reported (RFC 3261 10.2.8)") {
  start(10);
  answer(423, {{HeaderId::min_expires, "120"}});
  CHECK(ends.statuses.empty());
  CHECK(expires_asked(grant(120)) == "120");
  CHECK(ends.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "a 423 that asks for no more is a refusal") {
  start(120);
  answer(423, {{HeaderId::min_expires, "120"}});
  CHECK(ends.statuses == Statuses{423});
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "a server that raises its minimum again and again is followed once") {
  start(10);
  answer(423, {{HeaderId::min_expires, "120"}});
  answer(423, {{HeaderId::min_expires, "240"}});
  CHECK(ends.statuses == Statuses{423});
  pass(1h);
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "a 423 does not change the lifetime that the user has asked for meanwhile") {
  start(10);
  start(3000);
  answer(423, {{HeaderId::min_expires, "120"}});
  CHECK(expires_asked(grant(120)) == "120");
  CHECK(expires_asked(grant(3000)) == "3000");
  pass(2400s);
  CHECK(expires_asked(grant(3000)) == "3000");
}

TEST_CASE_FIXTURE(Fixture,
                  "439: sent again without outbound, but still as this device; each new connection is asked "
                  "anew (RFC 5626 6)") {
  const auto is_plain = [](const sip::Message& request) {
    const auto contact = request.contacts()->front();
    CHECK(contact.parameter("+sip.instance"));
    CHECK(request.lists(HeaderId::supported, "path"));
    const bool outbound = request.lists(HeaderId::supported, "outbound");
    CHECK(outbound == contact.parameter("reg-id").has_value());
    return !outbound;
  };
  start(100);
  CHECK_FALSE(is_plain(answer(439)));
  CHECK(ends.statuses.empty());
  SUBCASE("it is accepted, refreshed so, and asked with outbound at a new connection") {
    CHECK(is_plain(grant(100)));
    CHECK(ends.statuses == Statuses{200});
    pass(80s);
    CHECK(is_plain(grant(100)));
    connection.flow = first_flow + 1;
    registration.on_connection_lost(now());
    while (wire.is_silent()) pass(10ms);
    CHECK_FALSE(is_plain(grant(100)));
  }
  SUBCASE("a second 439 is final") {
    CHECK(is_plain(answer(439)));
    CHECK(ends.statuses == Statuses{439});
    pass(1h);
    CHECK(wire.is_silent());
  }
}

TEST_CASE_FIXTURE(Fixture, "after a lost connection the REGISTER is sent again, with rising pauses") {
  start();
  grant(3600);
  registration.on_connection_lost(now());
  CHECK(wire.is_silent());
  Duration waited{};
  for (int failure = 0; failure < 5; ++failure) {
    CAPTURE(failure);
    const Time before = now().mono;
    while (wire.is_silent()) pass(10ms);
    const Duration pause = now().mono - before;
    const Duration longest = 500ms * (1 << failure);
    CHECK(pause >= longest / 2);
    CHECK(pause <= longest + 10ms);
    waited += pause;
    answer(503);
    registration.on_connection_lost(now());  // the next connection dies, too
  }
  CHECK(last("registration").at("state") == "failed");
  while (wire.is_silent()) pass(10ms);
  grant(3600);
  CHECK(last("registration").at("state") == "registered");
  CHECK(ends.statuses == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "a failure that lasts is reported once, and another one again, with its reason") {
  start();
  grant(3600);
  namespace errc = boost::system::errc;
  const auto fail = [this](errc::errc_t why) {
    while (wire.is_silent()) pass(10ms);
    wire.take().failed(errc::make_error_code(why));
  };
  const auto before = count("registration");
  registration.on_connection_lost(now());
  for (int failure = 0; failure < 5; ++failure) fail(errc::connection_refused);
  CHECK(count("registration") == before + 1);
  CHECK(last("registration").at("state") == "failed");
  CHECK(last("registration").at("reason") == "Connection refused");
  fail(errc::network_unreachable);
  CHECK(count("registration") == before + 2);
  CHECK(last("registration").at("reason") == "Network is unreachable");
  SUBCASE("a command gets its result in any case") {
    start();
    fail(errc::network_unreachable);
    CHECK(count("registration") == before + 3);
    CHECK(ends.statuses == Statuses{200, 0});
  }
  SUBCASE("after a success it is news") {
    while (wire.is_silent()) pass(10ms);
    grant(3600);
    registration.on_connection_lost(now());
    fail(errc::network_unreachable);
    CHECK(count("registration") == before + 4);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "a password that is refused after it was accepted is tried again after long pauses, as the "
                  "server may damp guesses of others") {
  start(100);
  grant(100);
  pass(81s);
  const auto refuse = [this] {
    answer(401, {challenge("n")});
    answer(401, {challenge("m")});
  };
  refuse();
  CHECK(last("registration").at("state") == "failed");
  CHECK(last("registration").at("status") == 401);
  CHECK(last("registration").at("reason").as_string() == control::refused_credentials(true));
  const auto reports = count("registration");
  registration.on_connection_lost(now());  // a new connection is no reason to guess sooner
  for (const Duration longest : {10min, 20min, 40min, 60min, 60min}) {
    const Time before = now().mono;
    while (wire.is_silent()) pass(1s);
    CHECK(now().mono - before >= longest / 2);
    CHECK(now().mono - before <= longest + 1s);
    refuse();
  }
  CHECK(count("registration") == reports);
  while (wire.is_silent()) pass(1s);
  grant(100);
  CHECK(last("registration").at("state") == "registered");
}

TEST_CASE_FIXTURE(Fixture, "the own binding is found by the address that the REGISTER named") {
  wire.own_address = "192.0.2.1:40001";
  start();
  const std::string named(wire.sent.front().message.header(HeaderId::contact));
  wire.own_address = "192.0.2.1:40002";  // it dialled meanwhile
  answer(200, {{HeaderId::contact, named + ";pub-gruu=\"sip:alice@example.org;gr=urn:uuid:1\""}});
  CHECK(last("registration").at("gruu") == "sip:alice@example.org;gr=urn:uuid:1");
  CHECK(named.starts_with(std::string(last("registration").at("contact").as_string())));
}

TEST_CASE_FIXTURE(Fixture, "Retry-After of a 503 is obeyed (RFC 3261 20.33)") {
  start();
  answer(503, {{HeaderId::retry_after, "20"}});
  CHECK(ends.statuses == Statuses{503});
  pass(19s);
  CHECK(wire.is_silent());
  pass(2s);
  CHECK_FALSE(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture,
                  "refusals are final: 403 and 603 are not tried again, nor after a lost connection") {
  start();
  SUBCASE("403") { answer(403); }
  SUBCASE("603") { answer(603); }
  registration.on_connection_lost(now());
  pass(1h);
  CHECK(wire.is_silent());
  CHECK(registration.state() == account::Registration::State::failed);
}

TEST_CASE_FIXTURE(
    Fixture,
    "direct sessions are offered for the connection whose 2xx said so, and no other (DIRECT_SESSIONS 3.1)") {
  start();
  SUBCASE("with the tag") {
    grant(600, {tag});
    CHECK(last("registration").at("direct") == true);
    connection.flow = first_flow + 1;
    CHECK_FALSE(connection.offers_direct());
    connection.flow = first_flow;
    CHECK(connection.offers_direct());
    start();
    grant(600);  // the next 2xx takes it back
    CHECK_FALSE(connection.offers_direct());
  }
  SUBCASE("without it") {
    grant(600, {{HeaderId::supported, "path"}});
    CHECK(last("registration").at("direct") == false);
  }
}

TEST_CASE("direct sessions are never offered without TLS (DIRECT_SESSIONS 3.1)") {
  for (const auto protocol : {transaction::Protocol::tcp, transaction::Protocol::udp}) {
    Bench bench(protocol);
    account::Registration registration(bench.context, [](Now) {});
    registration.start(600, {}, bench.now());
    bench.answer(200, {tag});
    CHECK_FALSE(bench.connection.offers_direct());
  }
}

TEST_CASE_FIXTURE(
    Fixture,
    "one REGISTER at a time: what is asked meanwhile follows, each with its own end (RFC 3261 10.2)") {
  start();
  registration.stop(ends.take(), now());
  start(60);
  const auto first = wire.take().message;
  CHECK(wire.is_silent());
  receive(reply_to(first, 200));
  CHECK(expires_asked(answer(200)) == "0");
  CHECK(expires_asked(grant(60)) == "60");
  CHECK(ends.statuses == Statuses{200, 200, 200});
  CHECK(registration.state() == account::Registration::State::registered);
}

TEST_CASE_FIXTURE(Fixture, "a binding that was removed is not refreshed") {
  start(100);
  grant(100);
  registration.stop(ends.take(), now());
  CHECK(expires_asked(answer(200)) == "0");
  CHECK(last("registration").at("state") == "unregistered");
  registration.on_connection_lost(now());
  pass(1h);
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "no answer is reported as 0") {
  start();
  pass(32s);
  CHECK(ends.statuses == Statuses{0});
}

namespace {

struct TwoServers : Bench {
  TwoServers() : Bench(transaction::Protocol::udp) {
    connection.servers = {connection.server, connection.server};
    connection.servers[1].remote = second;
  }
  void start() { registration.start(600, ends.take(), now()); }

  const Address first = *parse_address("192.0.2.9:5061");
  const Address second = *parse_address("192.0.2.10:5060");
  int all_failed = 0;
  account::Registration registration{context, [](Now) {}, [this] { ++all_failed; }};
  Ends ends;
};

}  // namespace

TEST_CASE_FIXTURE(TwoServers,
                  "a server's 503 makes the REGISTER go to the domain's next at once (RFC 3263 4.3)") {
  start();
  CHECK(wire.last_hop.remote == first);
  answer(503);
  CHECK(wire.last_hop.remote == second);
  CHECK(ends.statuses.empty());
  answer(200, {{HeaderId::contact, context.contact() + ";expires=600"}});
  CHECK(ends.statuses == Statuses{200});
  CHECK(connection.server.remote == second);  // it stays there
  CHECK(all_failed == 0);
}

TEST_CASE_FIXTURE(
    TwoServers,
    "a 200 from a server that does not know the password is an answer: no other server is tried") {
  start();
  answer(401, {challenge("n1")});
  answer(200, {forged_proof(wire.sent.front().message)});
  CHECK(connection.server.remote == first);
  CHECK(ends.statuses == Statuses{control::unproven});
  CHECK(last("registration").at("reason") == "the server did not prove that it knows the password");
  CHECK(all_failed == 0);
}

TEST_CASE_FIXTURE(TwoServers,
                  "a server that does not answer makes the REGISTER go to the domain's next; when none "
                  "answers, they are located again") {
  start();
  while (wire.last_hop.remote == first) {
    wire.sent.clear();
    pass(1s);
  }
  CHECK(ends.statuses.empty());
  while (ends.statuses.empty()) {
    wire.sent.clear();
    pass(1s);
  }
  CHECK(ends.statuses == Statuses{0});
  CHECK(all_failed == 1);
  CHECK(last("registration").at("state") == "failed");
  CHECK(connection.server.remote == first);  // and the next round begins there
}

TEST_CASE_FIXTURE(TwoServers, "a server that the DNS no longer names is left when it fails (RFC 3263 4.3)") {
  connection.servers.erase(connection.servers.begin());
  start();
  CHECK(wire.last_hop.remote == first);
  answer(503);
  CHECK(wire.last_hop.remote == second);
  CHECK(connection.server.remote == second);
  CHECK(all_failed == 0);
}

TEST_CASE_FIXTURE(TwoServers, "a refusal is an answer: no other server is tried") {
  start();
  answer(403);
  CHECK(wire.is_silent());
  CHECK(ends.statuses == Statuses{403});
  CHECK(all_failed == 0);
}
