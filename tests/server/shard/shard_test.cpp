#include "server/shard/shard.hpp"

#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

std::vector<std::string> algorithms(const sip::Message& challenge) {
  std::vector<std::string> found;
  for (const auto& line : challenge.headers()) {
    if (line.id != HeaderId::www_authenticate && line.id != HeaderId::proxy_authenticate) continue;
    const auto parsed = auth::parse_challenge(line.value);
    if (parsed) found.emplace_back(auth::to_string(parsed->algorithm));
  }
  return found;
}

const Ask to_register{.lines = {"Contact: <sip:alice@192.0.2.9:5070>"}};

}  // namespace

TEST_CASE("a request without credentials is challenged, the strongest algorithm first (RFC 8760 2.4)") {
  World world;
  world.add_user("alice@example.org");
  const auto challenge = world.ask(udp(5070), to_register);
  CHECK(challenge.status() == 401);
  CHECK(algorithms(challenge) == std::vector<std::string>{"SHA-256", "MD5"});
}

TEST_CASE("SHA-512-256 is offered when it is configured") {
  auto settings = World::default_settings();
  settings.digest_sha512_256 = true;
  World world(settings);
  CHECK(algorithms(world.ask(udp(5070), to_register)) ==
        std::vector<std::string>{"SHA-512-256", "SHA-256", "MD5"});
}

TEST_CASE(
    "phones that give up on a challenge that is not MD5 get none (COMPAT: baresip, Twinkle, sipsak, SIPp)") {
  World world;
  Ask old = to_register;
  old.lines.push_back("User-Agent: baresip v1.0.0 (x86_64/linux)");
  CHECK(algorithms(world.ask(udp(5070), old)) == std::vector<std::string>{"MD5"});
}

TEST_CASE(
    "over WebSocket MD5 alone is asked for, whatever the User-Agent (COMPAT: JsSIP, SIP.js); elsewhere by "
    "choice") {
  auto settings = World::default_settings();
  settings.md5_only_at.push_back({.protocol = Protocol::tls, .port = 5071});
  settings.md5_only_at.push_back({.protocol = Protocol::udp, .port = 5062});
  World world(settings);
  world.add_user("alice@example.org");
  struct Row {
    Protocol protocol;
    const char* local;
    bool md5_only;
  };
  const Row rows[] = {
      {Protocol::ws, "192.0.2.1:5080", true},   {Protocol::wss, "192.0.2.1:443", true},
      {Protocol::tls, "192.0.2.1:5071", true},  {Protocol::tls, "192.0.2.1:5061", false},
      {Protocol::udp, "192.0.2.1:5062", true},  {Protocol::udp, "192.0.2.1:5060", false},
      {Protocol::tcp, "192.0.2.1:5071", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.local);
    const std::vector<std::string> offered =
        row.md5_only ? std::vector<std::string>{"MD5"} : std::vector<std::string>{"SHA-256", "MD5"};
    const Hop hop{row.protocol, *parse_address("192.0.2.9:40000"), *parse_address(row.local), 7};
    Ask ask = to_register;
    ask.call_id = row.local;
    ask.lines.push_back("User-Agent: SIP.js/0.21.2");
    CHECK(algorithms(world.ask(hop, ask)) == offered);
    Ask stale = ask;
    stale.lines.push_back(
        "Authorization: Digest username=\"alice\", realm=\"example.org\", nonce=\"n\", "
        "uri=\"sip:example.org\", response=\"0\"");
    CHECK(algorithms(world.ask(hop, stale)) == offered);
    CHECK(world.ask_as(hop, ask, "alice").status() == 200);
  }
}

TEST_CASE("where MD5 is switched off, WebSocket is asked for SHA-256 as well") {
  auto settings = World::default_settings();
  settings.digest_md5 = false;
  World world(settings);
  const Hop ws{Protocol::ws, *parse_address("192.0.2.9:40000"), *parse_address("192.0.2.1:5080"), 7};
  CHECK(algorithms(world.ask(ws, to_register)) == std::vector<std::string>{"SHA-256"});
}

TEST_CASE(
    "an authorised request is answered again wherever its copy comes from, and not taken for a replay") {
  const Hop tcp{Protocol::tcp, *parse_address("192.0.2.9:40000"), *parse_address("192.0.2.1:5060"), 7};
  Hop next = tcp;
  next.remote.port = 40001;
  next.flow = 8;
  struct Row {
    const char* name;
    Hop first, copy;
  };
  const Row rows[] = {
      {"on its connection", tcp, tcp},
      {"on its next connection", tcp, next},
      {"over TLS", tls(7), tls(8)},
      {"behind a NAT that gave it another port", udp(5070), udp(5071)},
      {"from another address",
       udp(5070),
       {Protocol::udp, *parse_address("203.0.113.5:5060"), *parse_address("192.0.2.1:5060"), 0}},
  };
  for (const unsigned shards : {1U, 2U}) {
    for (const Row& row : rows) {
      CAPTURE(row.name);
      CAPTURE(shards);
      World world(World::default_settings(), shards);
      world.add_user("alice@example.org");
      Ask request = to_register;
      const auto challenge = world.ask(row.first, request);
      request.lines.push_back(World::credentials(challenge, request, "alice", "secret"));
      request.branch = "z9hG4bKsame";
      const auto text = world.text_of(request);
      world.receive(row.first, text);
      const auto first = world.take();
      world.receive(row.copy, text);
      const auto again = world.take();
      CHECK(first.message.status() == 200);
      CHECK(again.message.status() == 200);
      CHECK(again.to == row.copy);
      CHECK(again.message.to_tag() == first.message.to_tag());
      CHECK(again.message.header(HeaderId::contact) == first.message.header(HeaderId::contact));
      CHECK(world.wire.sent.empty());
    }
  }
}

TEST_CASE(
    "a copy is not answered for a state that ended with the first connection: its client is challenged") {
  const Ask to_subscribe{.method = "SUBSCRIBE", .uri = "sip:alice@example.org", .lines = {"Event: presence"}};
  const Ask to_message{.method = "MESSAGE", .uri = "sip:bob@example.org"};
  struct Row {
    Ask request;
    int status, again;
  };
  for (const unsigned shards : {1U, 2U}) {
    for (const Row& row :
         {Row{to_register, 200, 401}, Row{to_subscribe, 405, 401}, Row{to_message, 202, 202}}) {
      CAPTURE(shards);
      CAPTURE(row.request.method);
      World world(World::default_settings(), shards);
      world.add_user("alice@example.org");
      world.add_user("bob@example.org");
      Ask request = row.request;
      const auto challenge = world.ask(tls(7), request);
      request.lines.push_back(World::credentials(challenge, request, "alice", "secret"));
      request.branch = "z9hG4bKsame";
      const auto text = world.text_of(request);
      world.receive(tls(7), text);
      CHECK(world.take().message.status() == row.status);
      world.node().on_flow_closed(7);
      world.run();
      world.receive(tls(8), text);
      CHECK(world.take().message.status() == row.again);
    }
  }
}

TEST_CASE("the right password lets in, under either user name; on one shard or two") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    World world(World::default_settings(), shards);
    world.add_user("alice@example.org");
    CHECK(world.ask_as(udp(5070), to_register, "alice").status() == 200);
    CHECK(world.ask_as(udp(5070), {.call_id = "call-2"}, "alice@example.org").status() == 200);
  }
}

TEST_CASE("a wrong password and an unknown user get the same kind of answer") {
  World world;
  world.add_user("alice@example.org");
  const auto wrong = world.ask_as(udp(5070), to_register, "alice", "guess");
  Ask stranger = to_register;
  stranger.from = "sip:nobody@example.org";
  const auto unknown = world.ask_as(udp(5070), stranger, "nobody", "guess");
  CHECK(wrong.status() == 401);
  CHECK(unknown.status() == 401);
  CHECK(wrong.headers().size() == unknown.headers().size());
  CHECK(algorithms(wrong) == algorithms(unknown));
}

TEST_CASE("credentials used before are not accepted again (RFC 7616 3.4.5)") {
  World world;
  world.add_user("alice@example.org");
  Ask request = to_register;
  const auto challenge = world.ask(udp(5070), request);
  request.lines.push_back(World::credentials(challenge, request, "alice", "secret"));
  CHECK(world.ask(udp(5070), request).status() == 200);
  request.cseq++;
  CHECK(world.ask(udp(5071), request).status() == 401);
}

TEST_CASE("a retransmission is answered by its transaction and not taken for a replay") {
  World world;
  world.add_user("alice@example.org");
  Ask request = to_register;
  const auto challenge = world.ask(udp(5070), request);
  request.lines.push_back(World::credentials(challenge, request, "alice", "secret"));
  request.branch = "z9hG4bKsame";
  const auto text = world.text_of(request);
  world.receive(udp(5070), text);
  world.receive(udp(5070), text);
  CHECK(world.take().message.status() == 200);
  CHECK(world.take().message.status() == 200);
}

TEST_CASE("after a restart a copied datagram gets its kept answer, but no more than three times its octets") {
  for (const std::size_t octets : {20U, 900U}) {
    CAPTURE(octets);
    World world;
    world.add_user("alice@example.org");
    Ask far{.call_id = "far"};
    for (const char* device : {"1", "2"})
      far.lines.push_back("Contact: <sip:" + std::string(octets, 'a') + device + "@192.0.2.9:5070>");
    REQUIRE(world.ask_as(tls(7), far, "alice").status() == 200);
    Ask request = to_register;
    request.lines.push_back(World::credentials(world.ask(udp(5070), request), request, "alice", "secret"));
    request.branch = "z9hG4bKsame";
    const auto text = world.text_of(request);
    world.receive(udp(5070), text);
    REQUIRE(world.take().message.status() == 200);
    world.restart(1);
    const Hop victim{Protocol::udp, *parse_address("203.0.113.5:5060"), *parse_address("192.0.2.1:5060"), 0};
    world.receive(victim, text);
    const auto answer = world.take().message;
    CHECK(answer.status() == (octets == 20 ? 200 : 401));
    CHECK(answer.text().size() <= 3 * text.size());
  }
}

TEST_CASE("an old nonce with the right password is challenged as stale (RFC 7616 3.3)") {
  World world;
  world.add_user("alice@example.org");
  Ask request = to_register;
  const auto challenge = world.ask(udp(5070), request);
  request.lines.push_back(World::credentials(challenge, request, "alice", "secret"));
  world.wait(World::default_settings().nonce_lifetime + 1s);
  const auto again = world.ask(udp(5070), request);
  CHECK(again.status() == 401);
  CHECK(again.header(HeaderId::www_authenticate).find("stale=true") != std::string_view::npos);
}

TEST_CASE("of two credentials the one that answers this request's kind of challenge counts (RFC 3261 22.3)") {
  World world;
  world.add_user("alice@example.org");
  Ask to_server = to_register;
  const auto old = world.ask(udp(5070), to_server);
  world.wait(World::default_settings().nonce_lifetime + 1s);
  Ask to_bob{.method = "OPTIONS", .uri = "sip:bob@example.org", .call_id = "options"};
  const auto fresh = world.ask(udp(5070), to_bob);
  REQUIRE(fresh.status() == 407);
  SUBCASE("a stale Authorization does not hide a fresh Proxy-Authorization") {
    to_bob.lines.push_back(World::credentials(old, to_bob, "alice", "secret"));
    to_bob.lines.push_back(World::credentials(fresh, to_bob, "alice", "secret"));
    CHECK(world.ask(udp(5070), to_bob).status() == 404);  // let in: there is no bob
  }
  SUBCASE("nor the other way round") {
    to_server.lines.push_back(World::credentials(fresh, to_server, "alice", "guess"));
    to_server.lines.push_back(
        World::credentials(world.ask(udp(5070), to_server), to_server, "alice", "secret"));
    CHECK(world.ask(udp(5070), to_server).status() == 200);
  }
}

TEST_CASE("a user sends requests in its own name only (RFC 3261 10.3 step 4)") {
  World world;
  world.add_user("alice@example.org");
  world.add_user("mallory@example.org");
  CHECK(world.ask_as(udp(5070), to_register, "mallory").status() == 403);
  const Ask as_alice{.method = "MESSAGE", .uri = "sip:alice@example.org", .call_id = "m"};
  CHECK(world.ask_as(udp(5070), as_alice, "mallory").status() == 403);
}

TEST_CASE("a disabled user is refused, and only the right password shows why") {
  World world;
  world.add_user("alice@example.org");
  world.memory.users.begin()->second.enabled = false;
  CHECK(world.ask_as(udp(5070), to_register, "alice", "guess").status() == 401);
  Ask again = to_register;
  again.call_id = "call-2";
  CHECK(world.ask_as(udp(5070), again, "alice").status() == 403);
}

TEST_CASE("OPTIONS to the server needs no password and lists what it supports (RFC 3261 11)") {
  World world;
  const auto answer =
      world.ask(udp(5070), {.method = "OPTIONS", .from = "sip:anyone@example.com", .to = "sip:example.org"});
  CHECK(answer.status() == 200);
  CHECK(answer.lists(HeaderId::allow, "REGISTER"));
  CHECK(answer.lists(HeaderId::allow, "MESSAGE"));
  CHECK(answer.lists(HeaderId::supported, "path"));
}

TEST_CASE("OPTIONS to the server keeps no state; a copy gets the same answer (RFC 3261 8.2.7)") {
  World world;
  const Ask options{.method = "OPTIONS", .to = "sip:example.org"};
  const std::string text = world.text_of(options);
  world.receive(udp(5070), text);
  world.receive(udp(5070), text);
  REQUIRE(world.wire.sent.size() == 2);
  const sip::Message& answer = world.wire.sent[0].message;
  CHECK(answer.text() == world.wire.sent[1].message.text());
  CHECK_FALSE(answer.to_tag().empty());
  CHECK(world.node().shard(0).transactions().size() == 0);
}

TEST_CASE("a copy that arrives at another shard gets the same answer, too (RFC 3261 8.2.7)") {
  World world(World::default_settings(), 2);
  const std::string text = world.text_of({.method = "OPTIONS", .to = "sip:example.org"});
  for (const unsigned shard : {0U, 1U})
    world.node().shard(shard).on_message(udp(5070), sip::Message::parse(share(text)).value());
  REQUIRE(world.wire.sent.size() == 2);
  CHECK(world.wire.sent[0].message.text() == world.wire.sent[1].message.text());
}

TEST_CASE("requests that the server does not support are refused as RFC 3261 8.2 says") {
  World world(World::open_settings());
  struct Row {
    Ask ask;
    int status;
    HeaderId header;
    const char* value;
  };
  const Row rows[] = {
      {{.method = "FROBNICATE"}, 405, HeaderId::allow, "REGISTER"},
      {{.lines = {"Require: 100rel"}}, 420, HeaderId::unsupported, "100rel"},
      // An option is served when some room says so.
      {{.lines = {"Require: path, eventlist"}}, 420, HeaderId::unsupported, "eventlist"},
      {{.method = "MESSAGE", .uri = "sip:bob@example.org", .lines = {"Proxy-Require: gruu"}},
       420,
       HeaderId::unsupported,
       "gruu"},
      {{.lines = {"Content-Type: text/plain", "Content-Encoding: gzip"}, .body = "x"},
       415,
       HeaderId::accept_encoding,
       "identity"},
      {{.uri = "tel:+15551234"}, 416, HeaderId::other, ""},
      {{.method = "MESSAGE", .uri = "tel:112"}, 416, HeaderId::other, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.ask.method);
    const auto answer = world.ask(udp(5070), row.ask);
    CHECK(answer.status() == row.status);
    if (row.header != HeaderId::other) CHECK(answer.lists(row.header, row.value));
  }
}

TEST_CASE("Max-Forwards 0 ends a request to be proxied with 483 (RFC 3261 16.3)") {
  World world(World::open_settings());
  std::string text = world.text_of({.method = "MESSAGE", .uri = "sip:bob@example.org"});
  text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
  world.receive(udp(5070), text);
  CHECK(world.take().message.status() == 483);
}

TEST_CASE("a To-tag of our own form makes no request the server's own: Max-Forwards 0 ends it all the same") {
  World world(World::open_settings());
  for (const char* method : {"INVITE", "MESSAGE", "BYE"}) {
    CAPTURE(method);
    std::string text = world.text_of({.method = method,
                                      .uri = "sip:bob@example.org",
                                      .to = "<sip:bob@example.org>;tag=bk000.x",
                                      .call_id = method});
    text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 0 ");
    world.receive(udp(5070), text);
    CHECK(world.take().message.status() == 483);
  }
}

TEST_CASE(
    "an answer without state goes where the Via says, the same for each copy (RFC 3261 8.2.7, 18.2.2)") {
  World world;
  std::string text = world.text_of({.method = "MESSAGE", .uri = "sip:bob@example.org"});
  text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 300");
  text.replace(text.find("192.0.2.9:5070;rport"), 20, "pc.example.org:5099");
  world.receive(udp(40000), text);
  const auto first = world.take();
  CHECK(first.message.status() == 400);
  CHECK(first.to.remote.port == 5099);
  CHECK(first.message.header(HeaderId::via).find(";received=192.0.2.9") != std::string_view::npos);
  world.receive(udp(40000), text);
  CHECK(world.take().message.to_tag() == first.message.to_tag());
}

TEST_CASE("malformed octets are answered 400 when they can be, else dropped") {
  World world;
  auto& shard = world.node().shard(0);
  shard.on_malformed(udp(5070), sip::Errc::bad_start_line, "garbage\r\n\r\n");
  CHECK(world.wire.sent.empty());
  std::string text = world.text_of({.method = "MESSAGE", .uri = "sip:bob@example.org"});
  text.replace(text.find("CSeq: 1"), 7, "CSeq: x");
  world.receive(udp(5070), text);
  CHECK(world.take().message.status() == 400);
  CHECK(shard.counters().malformed == 2);
}

TEST_CASE("a full queue to another shard is answered 503 with Retry-After") {
  auto settings = World::open_settings();
  settings.queue_between_shards = 0;
  World world(settings, 2);
  int refused = 0;
  for (const char* user : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    const std::string aor = std::string("sip:") + user + "@example.org";
    const auto answer = world.ask(udp(5070), {.from = aor, .call_id = user});
    const bool is_far = world.node().owner(bucket_of(aor)) != 0;
    CHECK((answer.status() == 503) == is_far);
    if (is_far) CHECK(answer.has(HeaderId::retry_after));
    refused += is_far ? 1 : 0;
  }
  CHECK(refused > 0);
}

TEST_CASE("a stored record of a kind that no room reads is skipped and kept; the others come back") {
  World world(World::open_settings());
  const std::string aor = "sip:alice@example.org";
  world.ask(udp(5070), {.lines = {"Contact: <sip:alice@192.0.2.9:5070>"}});
  // 4 was the kind of an older version, 200 may be one of a newer.
  for (const int kind : {4, 200}) world.memory.records[{aor, store::Kind(kind), "key"}] = "value";
  world.restart(1);
  CHECK(world.registrar(aor).bindings(aor).size() == 1);
  CHECK(world.memory.records.size() == 3);
}
