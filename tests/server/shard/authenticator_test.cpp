#include "server/shard/authenticator.hpp"

#include "protocol/auth/info.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

const std::string aor = "sip:alice@example.org";
const Duration half_life = World::default_settings().nonce_lifetime / 2 + 1s;

Hop from(const std::string& address) {
  return {Protocol::udp, *parse_address(address), *parse_address("192.0.2.1:5060"), 0};
}

/// Alice's phone, that keeps a nonce as a phone does.
struct Phone {
  World& world;
  Hop hop = udp(5070);
  std::string password = "secret";
  std::string user = "alice";
  std::string method = "REGISTER";
  std::string body = {};
  auth::Algorithm algorithm = auth::Algorithm::sha256;
  auth::Challenge challenge = {};
  std::uint32_t count = 0;
  unsigned cseq = 1;
  std::string call_id = "phone";
  auth::Credentials sent = {};

  Ask bare() {
    return {.method = method,
            .uri = method == "REGISTER" ? "sip:example.org" : aor,
            .call_id = call_id,
            .cseq = cseq++,
            // As long as a phone's request: a shorter one draws fewer challenges.
            .lines = {"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO"},
            .body = body};
  }
  void get_challenge() { take(world.ask(hop, bare())); }
  void take(const sip::Message& answer) {
    for (const auto& line : answer.headers()) {
      const auto read = auth::parse_challenge(line.value);
      if (read && read->algorithm == algorithm) challenge = *read;
    }
    REQUIRE_FALSE(challenge.nonce.empty());
    count = 0;
  }
  sip::Message send(const std::string& uri = {}) {
    Ask request = bare();
    sent = auth::make_credentials(challenge, {.user = user,
                                              .password = password,
                                              .method = method,
                                              .uri = uri.empty() ? request.uri : uri,
                                              .body = body,
                                              .cnonce = "abc",
                                              .count = ++count});
    request.lines.push_back("Authorization: " + auth::print(sent));
    return world.ask(hop, request);
  }
};

Settings guarded() {
  auto settings = World::default_settings();
  settings.guesses = {.free = 3, .pause = 10s, .pause_max = 100s, .memory = 1000s, .entries = 100};
  return settings;
}

auth::Info info_of(const sip::Message& answer) {
  const auto info = auth::parse_info(answer.header(HeaderId::authentication_info));
  REQUIRE(info.has_value());
  return *info;
}

}  // namespace

TEST_CASE(
    "a 2xx with the next nonce proves that the server knows the password, too (RFC 7616 3.5); other answers "
    "do "
    "not") {
  World world;
  world.add_user(aor);
  Phone phone{world};
  phone.get_challenge();
  world.wait(half_life);
  const auto answer = phone.send();
  REQUIRE(answer.status() == 200);
  const auto ha1 = auth::ha1(auth::Algorithm::sha256, "alice", "example.org", "secret");
  CHECK(auth::check(info_of(answer), phone.sent, ha1, answer.body()) == auth::Proof::right);
  phone.method = "PUBLISH";  // no room serves it here
  const auto refused = phone.send();
  CHECK(refused.status() >= 400);
  CHECK_FALSE(refused.has(HeaderId::authentication_info));
}

TEST_CASE("the next nonce comes when half of the old one's life is over, and serves (RFC 7616 3.5)") {
  World world;
  world.add_user(aor);
  Phone phone{world};
  phone.get_challenge();
  CHECK(phone.send().status() == 200);
  world.wait(half_life);
  const auto answer = phone.send();
  REQUIRE(answer.status() == 200);
  phone.challenge.nonce = info_of(answer).next_nonce;
  phone.count = 0;
  world.wait(World::default_settings().nonce_lifetime / 2);
  CHECK(phone.send().status() == 200);
}

TEST_CASE(
    "COMPAT: no Authentication-Info without a next nonce, which liblinphone takes for the loss of its own") {
  World world;
  world.add_user(aor);
  Phone phone{world};
  phone.get_challenge();
  int with_header = 0;
  for (int i = 0; i < 10; ++i) {
    const auto answer = phone.send();
    CHECK(answer.status() == 200);
    if (!answer.has(HeaderId::authentication_info)) {
      world.wait(half_life / 4);
      continue;
    }
    ++with_header;
    CHECK_FALSE(info_of(answer).next_nonce.empty());
    phone.challenge.nonce = info_of(answer).next_nonce;
    phone.count = 0;
  }
  CHECK(with_header > 0);
}

TEST_CASE("another user with the right password of its own cannot use up the counts of a nonce") {
  World world;
  world.add_user(aor);
  world.add_user("sip:mallory@example.org", "own");
  Phone phone{world};
  phone.get_challenge();
  CHECK(phone.send().status() == 200);
  for (const std::uint32_t count : {2U, 1000U, 0xfffffffeU}) {
    Phone mallory{.world = world, .hop = from("203.0.113.5:5060"), .password = "own", .user = "mallory"};
    mallory.challenge = phone.challenge;
    mallory.count = count;
    const auto refused = mallory.send();
    CHECK(refused.status() == 401);
    CHECK(refused.header(HeaderId::www_authenticate).find("stale=true") != std::string_view::npos);
    CHECK(phone.send().status() == 200);
  }
  phone.count = 0xfffffffe;  // nor can it do that to itself
  CHECK(phone.send().status() == 401);
  phone.count = 4;
  CHECK(phone.send().status() == 200);
}

TEST_CASE("Authentication-Info is left out where the configuration says so") {
  auto settings = World::default_settings();
  settings.digest_info = false;
  World world(settings);
  world.add_user(aor);
  Phone phone{world};
  phone.get_challenge();
  world.wait(half_life);
  CHECK_FALSE(phone.send().has(HeaderId::authentication_info));
}

TEST_CASE(
    "-sess with another cnonce than the session's first: accepted, and answered with the same key (RFC 7616 "
    "3.4.2)") {
  for (const auto algorithm :
       {auth::Algorithm::md5_sess, auth::Algorithm::sha256_sess, auth::Algorithm::sha512_256_sess}) {
    for (const std::string session : {"first", "second"}) {  // as the RFC says; COMPAT: each request's own
      CAPTURE(auth::to_string(algorithm));
      CAPTURE(session);
      World world;
      world.add_user(aor);
      Phone phone{world};
      phone.get_challenge();
      world.wait(half_life);
      const auto key = auth::ha1(algorithm, "alice", "example.org", "secret");
      const auto send = [&](const std::string& cnonce, const std::string& count,
                            const std::string& made_with) {
        Ask request = phone.bare();
        auth::Credentials given = auth::make_credentials(phone.challenge, {.user = "alice",
                                                                           .password = "secret",
                                                                           .method = "REGISTER",
                                                                           .uri = request.uri,
                                                                           .cnonce = cnonce});
        given.algorithm = algorithm;
        given.nc = count;
        given.response = auth::response(given, key, "REGISTER", "", made_with);
        request.lines.push_back("Authorization: " + auth::print(given));
        const auto answer = world.ask(phone.hop, request);
        CHECK(answer.status() == 200);
        CHECK(info_of(answer).proof == auth::response(given, key, {}, "", made_with));
      };
      send("first", "00000001", "first");
      send("second", "00000002", session);
    }
  }
}

TEST_CASE("auth-int is offered when configured, and the body is under the digest (RFC 7616 3.4.3)") {
  auto settings = World::default_settings();
  settings.digest_auth = false;
  settings.digest_auth_int = true;
  World world(settings);
  world.add_user(aor);
  Phone phone{.world = world, .method = "MESSAGE", .body = "hello"};
  phone.get_challenge();
  CHECK(phone.challenge.qop_auth_int);
  const auto answer = phone.send();
  CHECK(answer.status() != 401);
  Ask request = phone.bare();
  phone.count++;
  auto given = auth::make_credentials(phone.challenge, {.user = "alice",
                                                        .password = "secret",
                                                        .method = "MESSAGE",
                                                        .uri = aor,
                                                        .body = "hello",
                                                        .cnonce = "abc",
                                                        .count = phone.count});
  request.body = "jello";
  request.lines.push_back("Authorization: " + auth::print(given));
  CHECK(world.ask(phone.hop, request).status() == 407);
}

TEST_CASE("weaker credentials than offered are challenged again, though the password is right") {
  auto settings = World::default_settings();
  SUBCASE("MD5 where it is switched off") { settings.digest_md5 = false; }
  SUBCASE("auth where only auth-int is offered") {
    settings.digest_auth = false;
    settings.digest_auth_int = true;
  }
  World world(settings);
  world.add_user(aor);
  Phone phone{world};
  phone.get_challenge();
  if (!settings.digest_md5) phone.challenge.algorithm = auth::Algorithm::md5;
  phone.challenge.qop_auth = true;
  CHECK(phone.send().status() == 401);
  phone.get_challenge();
  CHECK(phone.send().status() == 200);
}

TEST_CASE(
    "a hidden user name is understood, in either spelling and whether it was asked for or not (RFC 7616 "
    "3.4.4)") {
  auto settings = World::default_settings();
  settings.digest_sha512_256 = true;
  SUBCASE("asked for") { settings.digest_userhash = true; }
  SUBCASE("not asked for") {}
  World world(settings);
  world.add_user(aor);
  for (const char* user : {"alice", "alice@example.org"}) {
    for (const auto algorithm :
         {auth::Algorithm::md5, auth::Algorithm::sha256, auth::Algorithm::sha512_256}) {
      CAPTURE(user);
      CAPTURE(auth::to_string(algorithm));
      Phone phone{.world = world, .user = user, .algorithm = algorithm};
      phone.get_challenge();
      CHECK(phone.challenge.userhash == settings.digest_userhash);
      phone.challenge.userhash = true;
      const auto answer = phone.send();
      CHECK(phone.sent.username.find("alice") == std::string::npos);
      CHECK(answer.status() == 200);
      phone.password = "guess";
      CHECK(phone.send().status() == 401);
    }
  }
  Phone stranger{.world = world, .user = "nobody"};
  stranger.get_challenge();
  stranger.challenge.userhash = true;
  CHECK(stranger.send().status() == 401);
}

TEST_CASE("credentials for another resource are refused with 400 (RFC 7616 3.4.6)") {
  World world;
  world.add_user(aor);
  Phone phone{world};
  phone.get_challenge();
  CHECK(phone.send("sip:example.net").status() == 400);
  CHECK(phone.send("sip:192.0.2.1;transport=udp").status() == 200);
}

TEST_CASE(
    "after too many wrong passwords the right one is refused in the same way, until the pause is over") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    World world(guarded(), shards);
    world.add_user(aor);
    Phone phone{.world = world, .password = "guess"};
    phone.get_challenge();
    sip::Message seen = phone.send();
    phone.send();
    phone.send();
    phone.password = "secret";
    const auto unseen = phone.send();
    CHECK(unseen.status() == 401);
    CHECK(unseen.headers().size() == seen.headers().size());
    CHECK(unseen.header(HeaderId::www_authenticate).find("stale") == std::string_view::npos);
    std::uint64_t counted = 0;
    for (unsigned i = 0; i < shards; ++i) counted += world.node().shard(i).counters().unseen;
    CHECK(counted == 1);
    world.wait(10s);
    CHECK(phone.send().status() == 200);
  }
}

TEST_CASE("an unknown user is held after as many wrong answers as a known one") {
  for (const char* user : {"alice", "nobody"}) {
    CAPTURE(user);
    World world(guarded());
    world.add_user(aor);
    Phone phone{.world = world, .password = "guess", .user = user};
    phone.get_challenge();
    for (int i = 0; i < 3; ++i) CHECK(phone.send().status() == 401);
    CHECK(world.node().shard(0).counters().unseen == 0);
    CHECK(phone.send().status() == 401);
    CHECK(world.node().shard(0).counters().unseen == 1);
  }
}

TEST_CASE("guesses at an account lock out neither its devices nor, for long, a new one") {
  World world(guarded());
  world.add_user(aor);
  Phone phone{world}, second{.world = world, .hop = from("192.0.2.77:5060"), .call_id = "second"};
  phone.get_challenge();
  CHECK(phone.send().status() == 200);

  Phone mallory{.world = world, .hop = from("203.0.113.5:5060"), .password = "guess", .call_id = "mallory"};
  mallory.get_challenge();
  for (int i = 0; i < 5; ++i) CHECK(mallory.send().status() == 401);

  CHECK(phone.send().status() == 200);  // by its nonce
  phone.get_challenge();
  CHECK(phone.send().status() == 200);  // by where it is
  second.get_challenge();
  CHECK(second.send().status() == 401);
  world.wait(10s);
  CHECK(second.send().status() == 200);
}

TEST_CASE("success with one account gives no free guesses at another") {
  World world(guarded());
  world.add_user(aor);
  world.add_user("sip:mallory@example.org", "own");
  Phone mallory{.world = world, .password = "own", .user = "mallory"};
  mallory.get_challenge();
  mallory.send();  // 403, as it says that it is alice, but the password was right
  mallory.user = "alice";
  mallory.password = "guess";
  for (int i = 0; i < 4; ++i) CHECK(mallory.send().status() == 401);
  CHECK(world.node().shard(0).counters().unseen == 1);
}

TEST_CASE(
    "requests without credentials beyond the rate of their source are dropped; trusted networks are free") {
  auto settings = World::default_settings();
  settings.unauthenticated_per_second = 10;
  settings.unauthenticated_burst = 3;
  bool trusted = false;
  SUBCASE("a stranger") {}
  SUBCASE("a trusted network") {
    settings.trusted_networks = {*parse_network("192.0.2.8/31")};
    trusted = true;
  }
  World world(settings);
  world.add_user(aor);
  Phone phone{world};
  phone.get_challenge();
  const Ask options{.method = "OPTIONS", .to = "sip:example.org"};
  world.ask(udp(5071), options);
  world.ask(udp(5072), options);
  const auto sent = world.wire.sent.size();
  world.receive(udp(5073), world.text_of(options));
  CHECK((world.wire.sent.size() > sent) == trusted);
  world.node().shard(0).on_malformed(udp(5073), sip::Errc::bad_start_line, world.text_of(options));
  CHECK(world.node().shard(0).counters().dropped == (trusted ? 0 : 2));
  world.wire.sent.clear();

  CHECK(phone.send().status() == 200);  // the right password is still accepted
  CHECK(world.ask(from("192.0.2.99:5060"), options).status() == 200);
  world.wait(100ms);
  CHECK(world.ask(udp(5074), options).status() == 200);
}

TEST_CASE(
    "credentials that are not checked are charged, too: a flood does not pass because it carries some") {
  auto settings = World::default_settings();
  settings.unauthenticated_per_second = 10;
  settings.unauthenticated_burst = 3;
  World world(settings);
  Ask ask;
  SUBCASE("OPTIONS, which needs none") { ask = {.method = "OPTIONS", .to = "sip:example.org"}; }
  SUBCASE("a domain that is not served") { ask = {.from = "sip:a@example.net"}; }
  SUBCASE("an unknown extension") { ask = {.lines = {"Require: 100rel"}}; }
  SUBCASE("another resource") { ask = {.uri = "sip:carol@192.0.2.1"}; }
  ask.lines.push_back(
      "Authorization: Digest username=\"a\", realm=\"example.org\", nonce=\"n\", uri=\"sip:b@example.org\", "
      "response=\"0\"");
  for (int i = 0; i < 6; ++i) CHECK(world.ask(udp(5070), ask).status() != 0);
  world.receive(udp(5070), world.text_of(ask));
  CHECK(world.wire.sent.empty());
  CHECK(world.node().shard(0).counters().dropped == 1);
}

TEST_CASE("credentials that do not convince are charged to their source, too") {
  auto settings = World::default_settings();
  settings.unauthenticated_per_second = 10;
  settings.unauthenticated_burst = 3;
  World world(settings);
  world.add_user(aor);
  Phone phone{.world = world, .password = "guess"};
  phone.get_challenge();
  for (int i = 0; i < 5; ++i) CHECK(phone.send().status() == 401);
  const auto text = world.text_of(phone.bare());
  world.receive(phone.hop, text.substr(0, text.size() - 2) + "Authorization: Digest x\r\n\r\n");
  CHECK(world.wire.sent.empty());
  CHECK(world.node().shard(0).counters().dropped == 1);
}
