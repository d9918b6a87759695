#include "server/proxy/proxy.hpp"

#include <algorithm>
#include <utility>

#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

const std::string alice = "sip:alice@example.org";
const std::string bob = "sip:bob@example.org";

/// alice at a UDP phone (port 5070), bob with as many devices as a test wants.
class Town : public World {
 public:
  explicit Town(unsigned shards = 1, Settings settings = default_settings())
      : World(std::move(settings), shards) {
    add_user("alice@example.org");
    add_user("bob@example.org");
  }
  void enter(const std::string& aor, const Hop& hop, const std::string& contact) {
    const std::string name = aor == alice ? "alice" : "bob";
    const Ask request{.from = aor, .call_id = "reg-" + contact, .lines = {"Contact: <" + contact + '>'}};
    REQUIRE(ask_as(hop, request, name).status() == 200);
  }
  /// What alice sends, with credentials.
  Sent from_alice(Ask request) {
    const std::string branch = std::exchange(request.branch, {});
    const auto challenge = ask(udp(5070), request);
    REQUIRE(challenge.status() == 407);
    request.branch = branch;
    request.lines.push_back(credentials(challenge, request, "alice", "secret"));
    request.cseq = 2;
    receive(udp(5070), text_of(request));
    return take();
  }
  /// A device answers what it got.
  void answer(const Sent& got, int status, const std::string& tag = "b1", const std::string& lines = {}) {
    auto text = sip::Builder::reply(got.message, status, tag).finish();
    text.insert(text.find("Content-Length"), lines);
    receive(got.to, text);
  }
};

const Ask hello{.method = "MESSAGE",
                .uri = bob,
                .from = alice,
                .to = bob,
                .call_id = "m",
                .lines = {"Content-Type: text/plain"},
                .body = "hi"};

Ask invite() {
  return {.method = "INVITE",
          .uri = bob,
          .from = alice,
          .to = bob,
          .call_id = "i",
          .lines = {"Contact: <sip:alice@192.0.2.9:5070>"}};
}

}  // namespace

TEST_CASE("MESSAGE reaches the user's device unchanged, with who really sent it (RFC 3428 6, RFC 3325 5)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Town town(shards);
    town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
    Ask forged = hello;
    forged.lines.push_back("P-Asserted-Identity: <sip:boss@example.org>");
    const auto got = town.from_alice(forged);
    CHECK(got.to.flow == 1);
    CHECK(got.message.request_uri_text() == "sip:bob@192.0.2.9:40000;transport=tls");
    CHECK(got.message.body() == "hi");
    CHECK(got.message.number(HeaderId::max_forwards) == 69U);
    CHECK(got.message.header(HeaderId::p_asserted_identity) == "<sip:alice@example.org>");
    CHECK_FALSE(got.message.has(HeaderId::proxy_authorization));
    CHECK_FALSE(got.message.has(HeaderId::record_route));
    town.answer(got, 200);
    const auto back = town.take();
    CHECK(back.to == udp(5070));
    CHECK(back.message.status() == 200);
    CHECK(back.message.values(HeaderId::via).size() == 1);
  }
}

TEST_CASE("no GRUU is made here: a request to one goes to all devices of its user, as to his address") {
  Town town;
  town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
  Ask request = hello;
  request.uri = bob + ";gr=urn:uuid:00000000-0000-4000-8000-0123456789ab";
  CHECK(town.from_alice(request).message.request_uri_text() == "sip:bob@192.0.2.9:40000;transport=tls");
}

TEST_CASE("nobody to deliver to: 404 for no such user, 480 for one who is offline, 403 for another domain") {
  struct Row {
    const char* uri;
    int status;
  };
  const Row rows[] = {{"sip:bob@example.org", 480},
                      {"sip:nobody@example.org", 404},
                      {"sip:example.org", 404},
                      {"sip:carol@example.net", 403}};
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    Town town;
    Ask request = hello;
    request.uri = row.uri;
    CHECK(town.ask_as(udp(5070), request, "alice").status() == row.status);
  }
}

TEST_CASE("a device that does not answer is 408 to the caller, one whose connection is gone 480") {
  Town town;
  SUBCASE("silent") {
    town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
    town.from_alice(invite());
    town.wait(33s);
    while (town.wire.sent.front().message.status() < 408)
      town.take();  // copies of INVITE and 407: nobody ACKs
    CHECK(town.take().message.status() == 408);
  }
  SUBCASE("gone") {
    town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
    town.from_alice(hello);
    town.node().on_flow_closed(1);
    town.run();
    CHECK(town.take().message.status() == 480);
  }
}

TEST_CASE("a MESSAGE too long for a datagram goes over TCP or not at all (RFC 3428 8, RFC 3261 18.1.1)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  Ask request = hello;
  request.body = std::string(1300, 'x');
  const auto got = town.from_alice(request);
  CHECK(got.to.protocol == Protocol::tcp);
  CHECK(got.to.remote == udp(5080).remote);
  CHECK(got.message.top_via()->transport == "TCP");
  SUBCASE("a device that listens there gets it") {
    town.answer(got, 200);
    CHECK(town.take().message.status() == 200);
  }
  SUBCASE("for one that does not it is too long") {
    got.failed(make_error_code(boost::system::errc::connection_refused));
    CHECK(town.take().message.status() == 513);
  }
  CHECK(town.wire.sent.empty());
}

TEST_CASE("an INVITE too long for a datagram goes over TCP, or over UDP all the same (RFC 3261 18.1.1)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  Ask request = invite();
  request.lines.push_back("Content-Type: application/sdp");
  request.body = std::string(1300, 'x');
  const auto got = town.from_alice(request);
  CHECK(got.to.protocol == Protocol::tcp);
  got.failed(make_error_code(boost::system::errc::connection_refused));
  const auto again = town.take();
  CHECK(again.to.protocol == Protocol::udp);
  CHECK(again.message.top_via()->transport == "UDP");
  CHECK(again.message.body() == got.message.body());
}

TEST_CASE("INVITE rings all devices; the first 2xx wins and the others are cancelled (RFC 3261 16.7)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  town.enter(bob, udp(5081), "sip:bob@192.0.2.9:5081");
  const auto first = town.from_alice(invite());
  const auto second = town.take();
  CHECK(first.to.remote.port != second.to.remote.port);
  town.answer(first, 180, "b1");
  CHECK(town.take().message.status() == 180);
  town.answer(second, 180, "b2");
  CHECK(town.take().message.status() == 180);
  town.answer(first, 200, "b1", "Contact: <sip:bob@192.0.2.9:5080>\r\n");
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
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  Ask request = invite();
  request.branch = "z9hG4bKcall";
  const auto got = town.from_alice(request);
  town.answer(got, 180);
  CHECK(town.take().message.status() == 180);
  Ask cancel = request;
  cancel.method = "CANCEL";
  cancel.cseq = 2;
  cancel.lines.clear();
  town.receive(udp(5070), town.text_of(cancel));
  CHECK(town.take().message.status() == 200);
  CHECK(town.take().message.method_text() == "CANCEL");
  town.answer(got, 487);
  bool ended = false;
  while (!town.wire.sent.empty()) ended = town.take().message.status() == 487 || ended;
  CHECK(ended);
}

TEST_CASE("CANCEL races of a forked INVITE (RFC 3261 16.10, 9)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  town.enter(bob, udp(5081), "sip:bob@192.0.2.9:5081");
  Ask request = invite();
  request.branch = "z9hG4bKcall";
  const auto first = town.from_alice(request);
  const auto second = town.take();
  town.answer(first, 180, "b1");
  CHECK(town.take().message.status() == 180);
  Ask cancel = request;
  cancel.method = "CANCEL";
  cancel.cseq = 2;
  cancel.lines.clear();
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
    town.answer(first, 200, "b1", "Contact: <sip:bob@192.0.2.9:5080>\r\n");
    CHECK(statuses() == std::vector<std::string>{"200"});
    town.answer(second, 180, "b2");
    CHECK(statuses() == std::vector<std::string>{"CANCEL"});
    town.answer(second, 487, "b2");
    CHECK(statuses() == std::vector<std::string>{"ACK"});
  }
  SUBCASE("both take it at once: both 2xx go back, each makes a dialog (RFC 3261 16.7 step 5)") {
    town.answer(first, 200, "b1", "Contact: <sip:bob@192.0.2.9:5080>\r\n");
    town.answer(second, 200, "b2", "Contact: <sip:bob@192.0.2.9:5081>\r\n");
    CHECK(statuses() == std::vector<std::string>{"200", "200"});
  }
  SUBCASE("one is silent: 487 of the other goes back when it has timed out") {
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
    "a forked request that comes back as it was loops: 482; for somebody else it spirals (RFC 5393 4.2)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  town.enter(bob, udp(5081), "sip:bob@192.0.2.9:5081");
  town.enter(alice, udp(5071), "sip:alice@192.0.2.9:5071");
  const auto got = town.from_alice(invite());
  const auto mark = [](const Sent& sent) {
    const std::string branch(sent.message.top_via()->branch());
    return branch.find('~') == branch.npos ? std::string() : branch.substr(branch.find('~'));
  };
  CHECK(mark(got).size() == 17);
  CHECK(mark(town.take()) == mark(got));
  // Another proxy sends it back to us, with its own Via and whatever it likes behind the address.
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

TEST_CASE("a request to one device carries no mark: it cannot multiply (RFC 5393 4.1)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
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
    town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
    town.enter(bob, udp(5081), "sip:bob@192.0.2.9:5081");
    Ask request = hello;
    if (*row.asked != 0) request.lines.emplace_back(row.asked);
    CHECK(town.from_alice(request).message.number(HeaderId::max_breadth) == row.first);
    CHECK(town.take().message.number(HeaderId::max_breadth) == row.second);
  }
}

TEST_CASE("past Max-Breadth devices are rung one after the other (RFC 5393 5.5)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  town.enter(bob, udp(5081), "sip:bob@192.0.2.9:5081");
  Ask request = invite();
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
  SUBCASE("not when the first takes it") {
    town.answer(first, 200, "b1", "Contact: <sip:bob@192.0.2.9:5080>\r\n");
    CHECK(town.take().message.status() == 200);
  }
  SUBCASE("not when the user wants nobody to be rung") {
    town.answer(first, 603);
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.take().message.status() == 603);
  }
  SUBCASE("not when the caller has hung up") {
    town.answer(first, 180);
    town.take();
    Ask cancel = request;
    cancel.method = "CANCEL";
    cancel.cseq = 2;
    cancel.lines.clear();
    town.receive(udp(5070), town.text_of(cancel));
    town.take();
    CHECK(town.take().message.method_text() == "CANCEL");
    town.answer(first, 487);
    CHECK(town.take().message.method_text() == "ACK");
    CHECK(town.take().message.status() == 487);
  }
  CHECK(town.wire.sent.empty());
}

TEST_CASE("Max-Breadth 0 reaches nobody: 440 (RFC 5393 5.3.3)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  Ask request = hello;
  request.lines.push_back("Max-Breadth: 0");
  CHECK(town.from_alice(request).message.status() == 440);
}

TEST_CASE("strict routers are served (RFC 3261 16.4, 16.6 step 6)") {
  Town town;
  SUBCASE("behind us: its URI is the Request-URI, ours the last Route") {
    const Ask request{
        .from = bob,
        .call_id = "reg",
        .lines = {"Contact: <sip:bob@192.0.2.9:5080>", "Path: <sip:192.0.2.77:5060>", "Supported: path"}};
    REQUIRE(town.ask_as(udp(5080), request, "bob").status() == 200);
    const auto got = town.from_alice(hello);
    CHECK(got.message.request_uri_text() == "sip:192.0.2.77:5060");
    CHECK(got.message.header(HeaderId::route) == "<sip:bob@192.0.2.9:5080>");
    CHECK(print(got.to.remote) == "192.0.2.77:5060");
  }
  SUBCASE("in front of us: our Record-Route is the Request-URI, the target the last Route") {
    town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
    const auto got = town.from_alice(invite());
    const std::string route(got.message.header(HeaderId::record_route));
    town.answer(got, 200, "b1", "Contact: <sip:bob@192.0.2.9:5080>\r\n");
    town.take();
    const Ask bye{.method = "BYE",
                  .uri = route.substr(1, route.size() - 2),
                  .from = alice,
                  .to = "<sip:bob@example.org>;tag=b1",
                  .call_id = "i",
                  .cseq = 3,
                  .lines = {"Route: <sip:bob@192.0.2.9:5080>"}};
    town.receive(udp(5070), town.text_of(bye));
    const auto sent = town.take();
    CHECK(sent.message.method_text() == "BYE");
    CHECK(sent.message.request_uri_text() == "sip:bob@192.0.2.9:5080");
    CHECK_FALSE(sent.message.has(HeaderId::route));
    CHECK(sent.to.remote == udp(5080).remote);
  }
}

TEST_CASE("a dialog made through the proxy goes on through it, without credentials, both ways") {
  Town town;
  town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
  const auto got = town.from_alice(invite());
  // RFC 5658: one Record-Route for each side, the one the callee can reach on top.
  const auto routes = got.message.values(HeaderId::record_route);
  REQUIRE(routes.size() == 2);
  CHECK(routes[0].ends_with("@192.0.2.1:5061;transport=tls;lr>"));
  CHECK(routes[1].ends_with("@192.0.2.1:5060;lr>"));
  const std::string callee_side(routes[0]);
  const std::string caller_side(routes[1]);
  town.answer(got, 200, "b1", "Contact: <sip:bob@192.0.2.9:40000;transport=tls>\r\n");
  CHECK(town.take().message.status() == 200);

  SUBCASE("the caller's ACK and BYE") {
    for (const char* method : {"ACK", "BYE"}) {
      const Ask ask{.method = method,
                    .uri = "sip:bob@192.0.2.9:40000;transport=tls",
                    .from = alice,
                    .to = "<sip:bob@example.org>;tag=b1",
                    .call_id = "i",
                    .cseq = 2,
                    .lines = {"Route: " + caller_side + ", " + callee_side}};
      town.receive(udp(5070), town.text_of(ask));
      const auto sent = town.take();
      CHECK(sent.message.method_text() == method);
      CHECK(sent.to.flow == 1);
      CHECK_FALSE(sent.message.has(HeaderId::route));
    }
  }
  SUBCASE("the callee's BYE") {
    Ask bye{.method = "BYE",
            .uri = "sip:alice@192.0.2.9:5070",
            .from = bob,
            .to = "<sip:alice@example.org>;tag=from1",
            .call_id = "i",
            .lines = {"Route: " + callee_side, "Route: " + caller_side}};
    std::string text = town.text_of(bye);
    text.replace(text.find(";tag=from1"), 10, ";tag=b1");
    town.receive(tls(1), text);
    CHECK(town.take().to == udp(5070));
  }
  SUBCASE("a Route behind ours is followed to the dialog's other end, by address or as a name") {
    for (const char* next : {"<sip:192.0.2.9:40000;transport=tls;lr>", "<sip:edge.example.net;lr>"}) {
      CAPTURE(next);
      Ask bye{.method = "BYE",
              .uri = "sip:bob@192.0.2.9:40000;transport=tls",
              .from = alice,
              .to = "<sip:bob@example.org>;tag=b1",
              .call_id = "i",
              .cseq = 2,
              .lines = {"Route: " + caller_side + ", " + next}};
      town.receive(udp(5070), town.text_of(bye));
      const auto sent = town.take();
      CHECK(sent.to.flow == 1);
      CHECK(sent.message.header(HeaderId::route) == next);
      CHECK(town.zone.asked() == 0);
    }
  }
  SUBCASE("a Route behind ours that leads elsewhere opens no way out, for nobody") {
    Ask stray{.method = "MESSAGE",
              .uri = "sip:victim@198.51.100.7",
              .from = alice,
              .to = "<sip:bob@example.org>;tag=b1",
              .call_id = "i",
              .cseq = 2,
              .lines = {"Route: " + caller_side + ", <sip:198.51.100.7;lr>"}};
    CHECK(town.ask(udp(5070), stray).status() == 407);
    stray.cseq = 3;
    CHECK(town.ask_as(udp(5070), stray, "alice").status() == 403);
    stray.method = "ACK";
    town.receive(udp(5070), town.text_of(stray));
    CHECK(town.wire.sent.empty());
  }
  SUBCASE("the same Route in another call is worth nothing") {
    const Ask ask{.method = "BYE",
                  .uri = "sip:bob@192.0.2.9:40000",
                  .from = alice,
                  .to = "<sip:bob@example.org>;tag=b1",
                  .call_id = "other",
                  .lines = {"Route: " + caller_side}};
    CHECK(town.ask(udp(5070), ask).status() == 407);
  }
}

TEST_CASE(
    "a CANCEL that comes while the credentials are checked ends the INVITE, and nobody rings (RFC 3261 "
    "9.2)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  Ask request = invite();
  const auto challenge = town.ask(udp(5070), request);
  request.lines.push_back(World::credentials(challenge, request, "alice", "secret"));
  request.cseq = 2;
  request.branch = "z9hG4bKasked";
  Ask cancel = request;
  cancel.method = "CANCEL";
  cancel.lines.clear();
  cancel.body.clear();
  for (const Ask& each : {request, cancel})
    town.node().shard(0).on_message(udp(5070), sip::Message::parse(share(town.text_of(each))).value());
  town.run();
  CHECK(town.take().message.header(HeaderId::cseq) == "2 CANCEL");
  const auto answer = town.take().message;
  CHECK(answer.status() == 487);
  CHECK(answer.header(HeaderId::cseq) == "2 INVITE");
  CHECK(town.wire.sent.empty());
}

TEST_CASE("the same request on a second way is merged: 482 (RFC 3261 8.2.2.2, 16.3)") {
  Town town;
  town.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080");
  Ask request = hello;
  const auto challenge = town.ask(udp(5070), request);
  request.lines.push_back(World::credentials(challenge, request, "alice", "secret"));
  request.cseq = 2;
  town.receive(udp(5070), town.text_of(request));
  CHECK(town.take().message.method_text() == "MESSAGE");
  CHECK(town.ask(udp(5070), request).status() == 482);
}

TEST_CASE("Path of the binding is the Route of the request (RFC 3327 5.3)") {
  Town town;
  const Ask request{
      .from = bob,
      .call_id = "reg",
      .lines = {"Contact: <sip:bob@192.0.2.9:5080>", "Path: <sip:192.0.2.77:5060;lr>", "Supported: path"}};
  REQUIRE(town.ask_as(udp(5080), request, "bob").status() == 200);
  const auto got = town.from_alice(hello);
  CHECK(got.message.header(HeaderId::route) == "<sip:192.0.2.77:5060;lr>");
  CHECK(print(got.to.remote) == "192.0.2.77:5060");
}

namespace {

namespace dns = locate::test;

/// Forwards to example.net, which has two servers: a is to be tried before b.
class Port : public Town {
 public:
  explicit Port(unsigned shards = 1) : Town(shards, settings()) {
    zone.set("_sip._udp.example.net", locate::Type::srv,
             dns::services({{1, 0, 5070, "a.example.net"}, {2, 0, 5080, "b.example.net"}}, 3600s));
    zone.set("a.example.net", locate::Type::a, dns::addresses({"198.51.100.1"}, 3600s));
    zone.set("b.example.net", locate::Type::a, dns::addresses({"198.51.100.2"}, 3600s));
  }
  static Settings settings() {
    Settings settings = default_settings();
    settings.foreign = ForeignPolicy::forward;
    return settings;
  }
  static Ask abroad(Ask request) {
    request.uri = request.to = "sip:carol@example.net";
    return request;
  }
  /// The second request and later ones of a test.
  static Ask again(Ask request, const std::string& call_id) {
    request.call_id = call_id;
    return request;
  }
};

const Hop server_a{Protocol::udp, *parse_address("198.51.100.1:5070"), {}, 0};
const Hop server_b{Protocol::udp, *parse_address("198.51.100.2:5080"), {}, 0};

}  // namespace

TEST_CASE("a user's request to another domain goes to its server (RFC 3263), where that is allowed") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Port port(shards);
    const auto got = port.from_alice(Port::abroad(hello));
    CHECK(got.to == server_a);
    CHECK(got.message.request_uri_text() == "sip:carol@example.net");
    CHECK_FALSE(got.message.has(HeaderId::proxy_authorization));
    CHECK_FALSE(got.message.has(HeaderId::p_asserted_identity));
    port.answer(got, 200);
    CHECK(port.take().message.status() == 200);
  }
}

TEST_CASE(
    "it is no open relay: who is not a user of ours, or not proven to be, sends nothing to other domains") {
  Ask stranger = Port::abroad(hello);
  SUBCASE("without credentials") {
    Port port;
    CHECK(port.ask(udp(5070), stranger).status() == 407);
    CHECK(port.wire.sent.empty());
  }
  SUBCASE("from another domain") {
    Port port;
    stranger.from = "sip:mallory@example.com";
    CHECK(port.ask(udp(5070), stranger).status() == 403);
    CHECK(port.zone.asked() == 0);
  }
  SUBCASE("where nobody has to prove anything") {
    Settings open = Port::settings();
    open.authentication = Authentication::none;
    World world(open);
    CHECK(world.ask(udp(5070), stranger).status() == 403);
    CHECK(world.zone.asked() == 0);
  }
  SUBCASE("by a Route of the sender's own making") {
    Port port;
    stranger.uri = bob;
    stranger.from = "sip:mallory@example.com";
    stranger.lines.push_back("Route: <sip:example.net;lr>");
    CHECK(port.ask(udp(5070), stranger).status() == 403);
    CHECK(port.zone.asked() == 0);
  }
}

TEST_CASE("a Route of our own user is followed by its host's name") {
  Port port;
  Ask request = Port::abroad(hello);
  request.uri = "sip:carol@elsewhere.example";
  request.lines.push_back("Route: <sip:example.net;lr>");
  const auto got = port.from_alice(request);
  CHECK(got.to == server_a);
  CHECK(got.message.values(HeaderId::route).size() == 1);
}

TEST_CASE("a server that fails is followed by the domain's next one, in a new transaction (RFC 3263 4.3)") {
  Port port;
  const auto first = port.from_alice(Port::abroad(hello));
  CHECK(first.to == server_a);
  SUBCASE("503") { port.answer(first, 503); }
  SUBCASE("not to be reached") {
    first.failed(std::make_error_code(std::errc::connection_refused));
    port.run();
  }
  const auto second = port.take();
  CHECK(second.to == server_b);
  CHECK(second.message.body() == "hi");
  CHECK(second.message.top_via()->branch() != first.message.top_via()->branch());
  port.answer(second, 200);
  CHECK(port.take().message.status() == 200);

  // The one that failed comes last for a while.
  const auto next = port.from_alice(Port::again(Port::abroad(hello), "m2"));
  CHECK(next.to == server_b);
  port.answer(next, 200);
  port.take();
  port.wait(locate::failed_pause);
  CHECK(port.from_alice(Port::again(Port::abroad(hello), "m3")).to == server_a);
}

TEST_CASE("a silent server is followed by the next one when its transaction has timed out (RFC 3263 4.3)") {
  Port port;
  CHECK(port.from_alice(Port::abroad(invite())).to == server_a);
  while (port.wire.sent.empty() || port.wire.sent.front().to != server_b) {
    if (!port.wire.sent.empty()) {
      port.wire.sent.pop_front();  // a copy for server a, or a 100 for alice
      continue;
    }
    REQUIRE(port.timers.next().has_value());
    port.wait(std::max(Duration::zero(), *port.timers.next() - port.clock.now().mono));
  }
  port.answer(port.take(), 200, "c1", "Contact: <sip:carol@198.51.100.2:5080>\r\n");
  const auto back = port.take();
  CHECK(back.to == udp(5070));
  CHECK(back.message.status() == 200);
}

TEST_CASE("for how long a server comes last is its own to say (RFC 3261 21.5.4)") {
  Port port;
  port.answer(port.from_alice(Port::abroad(hello)), 503, "b1", "Retry-After: 300\r\n");
  port.answer(port.take(), 200);
  port.take();
  port.wait(299s);
  const auto next = port.from_alice(Port::again(Port::abroad(hello), "m2"));
  CHECK(next.to == server_b);
  port.answer(next, 200);
  port.take();
  port.wait(1s);
  CHECK(port.from_alice(Port::again(Port::abroad(hello), "m3")).to == server_a);
}

TEST_CASE("an answer ends the search for one: only the last server's 503 goes back, as 500 (RFC 3261 16.7)") {
  Port port;
  SUBCASE("486") {
    port.answer(port.from_alice(Port::abroad(hello)), 486);
    CHECK(port.take().message.status() == 486);
    CHECK(port.wire.sent.empty());
  }
  SUBCASE("503 of both") {
    port.answer(port.from_alice(Port::abroad(hello)), 503);
    port.answer(port.take(), 503);
    CHECK(port.take().message.status() == 500);
    CHECK(port.wire.sent.empty());
  }
}

TEST_CASE("a domain that is not found is 404, name servers that do not answer are 504 (RFC 3261 21.5.5)") {
  Port port;
  Ask request = Port::abroad(hello);
  request.uri = "sip:carol@nowhere.example";
  CHECK(port.from_alice(request).message.status() == 404);
  for (const char* name :
       {"dead.example", "_sips._tcp.dead.example", "_sip._tcp.dead.example", "_sip._udp.dead.example"}) {
    for (const auto type : {locate::Type::naptr, locate::Type::srv, locate::Type::a})
      port.zone.set(name, type, locate::Answer{});
  }
  request.uri = "sip:carol@dead.example";
  CHECK(port.from_alice(Port::again(request, "m2")).message.status() == 504);
  request.uri = "sip:carol@192.0.2.77;transport=sctp";
  CHECK(port.from_alice(Port::again(request, "m3")).message.status() == 404);
}

TEST_CASE("a call to another domain keeps to the server it was made with, both ways") {
  Port port;
  Ask call = Port::abroad(invite());
  port.answer(port.from_alice(call), 503);
  port.take();  // our ACK
  const auto got = port.take();
  CHECK(got.to == server_b);
  const auto routes = got.message.values(HeaderId::record_route);
  REQUIRE(routes.size() == 1);
  const std::string route(routes[0]);
  port.answer(got, 200, "c1", "Contact: <sip:carol@pc.example.net>\r\n");
  CHECK(port.take().message.status() == 200);
  for (const char* method : {"ACK", "BYE"}) {
    const Ask ask{.method = method,
                  .uri = "sip:carol@pc.example.net",
                  .from = alice,
                  .to = "<sip:carol@example.net>;tag=c1",
                  .call_id = "i",
                  .cseq = 2,
                  .lines = {"Route: " + route}};
    port.receive(udp(5070), port.text_of(ask));
    CHECK(port.take().to == server_b);
  }
  Ask bye{.method = "BYE",
          .uri = "sip:alice@192.0.2.9:5070",
          .from = "sip:carol@example.net",
          .to = "<sip:alice@example.org>;tag=from1",
          .call_id = "i",
          .lines = {"Route: " + route}};
  std::string text = port.text_of(bye);
  text.replace(text.find(";tag=from1"), 10, ";tag=c1");
  port.receive(server_b, text);
  CHECK(port.take().to == udp(5070));
}

TEST_CASE("a call cancelled while its server is being located is sent to nobody") {
  Port port;
  port.zone.latency = 10ms;
  Ask call = Port::abroad(invite());
  const auto challenge = port.ask(udp(5070), call);
  REQUIRE(challenge.status() == 407);
  call.lines.push_back(World::credentials(challenge, call, "alice", "secret"));
  call.cseq = 2;
  call.branch = "z9hG4bKcall";
  port.receive(udp(5070), port.text_of(call));
  Ask cancel{.method = "CANCEL", .uri = call.uri, .from = alice, .to = call.to, .call_id = "i", .cseq = 2};
  cancel.branch = call.branch;
  port.receive(udp(5070), port.text_of(cancel));
  port.wait(100ms);
  std::vector<int> statuses;
  for (const Sent& sent : port.wire.sent) {
    CHECK(sent.message.is_response());
    statuses.push_back(sent.message.status());
  }
  CHECK(std::ranges::count(statuses, 487) >= 1);
}

TEST_CASE("a contact with a host's name is looked up; where it fails its REGISTER's source is tried") {
  Town town;
  town.zone.set("pc.example.org", locate::Type::a, dns::addresses({"203.0.113.5"}));
  town.enter(bob, udp(5080), "sip:bob@pc.example.org");
  const auto first = town.from_alice(hello);
  CHECK(first.to.remote == *parse_address("203.0.113.5:5060"));
  first.failed(std::make_error_code(std::errc::connection_refused));
  town.run();
  const auto second = town.take();
  CHECK(second.to == udp(5080));
  town.answer(second, 200);
  CHECK(town.take().message.status() == 200);

  SUBCASE("so is a name nobody has (RFC 7118 5)") {
    const int asked = town.zone.asked();
    town.enter(alice, udp(5090), "sip:alice@df7jal23ls0d.invalid");
    Ask request = Port::again(hello, "m2");
    request.uri = request.to = alice;
    CHECK(town.from_alice(request).to == udp(5090));
    CHECK(town.zone.asked() == asked);
  }
}
