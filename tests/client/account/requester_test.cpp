#include "client/account/requester.hpp"

#include <algorithm>
#include <optional>

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using sip::HeaderId;

namespace {

struct Fixture : Bench {
  /// Sends a MESSAGE and notes its end.
  void send() {
    account::Requester::Request request{.method = sip::Method::message,
                                        .uri = "sip:bob@example.org",
                                        .make = {},
                                        .content_type = "text/plain",
                                        .body = share("hi"),
                                        .owner = life->watch()};
    request.make = [this] {
      return context.request("MESSAGE", "sip:bob@example.org", "sip:bob@example.org", "tag", "call", ++cseq);
    };
    requester.send(
        std::move(request), context.hop(),
        [this](int status, const sip::Message*, Now) { ends.push_back(status); }, now());
  }
  std::optional<account::Life> life{std::in_place};
  std::uint32_t cseq = 0;
  Statuses ends;
};

auth::Credentials credentials(const sip::Message& request, HeaderId header = HeaderId::authorization) {
  const auto read = auth::parse_credentials(request.header(header));
  REQUIRE(read.has_value());
  return *read;
}

/// Does the request carry the right answer for the password "secret"?
bool is_right(const sip::Message& request) {
  const auto given = credentials(request);
  const auto ha1 = auth::ha1(given.algorithm, "alice", "example.org", "secret");
  return given.response == auth::response(given, ha1, request.method_text(), request.body());
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "a challenge is answered once, with a new CSeq and the password's digest (RFC 3261 22.2)") {
  send();
  const auto bare = answer(401, {challenge("n1")});
  CHECK_FALSE(bare.has(HeaderId::authorization));
  const auto second = answer(200);
  CHECK(second.cseq()->number == bare.cseq()->number + 1);
  CHECK(second.call_id() == bare.call_id());
  CHECK(credentials(second).uri == "sip:bob@example.org");
  CHECK(is_right(second));
  CHECK(ends == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "a wrong password ends with 401 and no loop") {
  send();
  answer(401, {challenge("n1")});
  answer(401, {challenge("n2")});
  CHECK(ends == Statuses{401});
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(
    Fixture,
    "a nonce is used again with the next count, so later requests need no second round (RFC 7616 3.4)") {
  send();
  answer(401, {challenge("n1")});
  CHECK(credentials(answer(200)).count() == 1);
  for (std::uint32_t count = 2; count < 5; ++count) {
    send();
    const auto given = credentials(answer(200));
    CHECK(given.nonce == "n1");
    CHECK(given.count() == count);
  }
  CHECK(ends == Statuses{200, 200, 200, 200});
}

TEST_CASE_FIXTURE(Fixture, "a nonce that grew stale is replaced, once") {
  send();
  answer(401, {challenge("n1")});
  SUBCASE("the server says so of a fresh one") {
    answer(401, {challenge("n2", ", stale=true")});
    CHECK(credentials(answer(200)).nonce == "n2");
    CHECK(ends == Statuses{200});
  }
  SUBCASE("a server that says so for ever is not followed") {
    answer(401, {challenge("n2", ", stale=true")});
    answer(401, {challenge("n3", ", stale=true")});
    answer(401, {challenge("n4", ", stale=true")});
    CHECK(ends == Statuses{401});
    CHECK(wire.is_silent());
  }
  SUBCASE("a restarted server has forgotten an old one and does not say so") {
    answer(200);
    send();
    answer(401, {challenge("n2")});
    const auto given = credentials(answer(200));
    CHECK(given.nonce == "n2");
    CHECK(given.count() == 1);
    CHECK(ends == Statuses{200, 200});
  }
}

TEST_CASE_FIXTURE(Fixture, "SHA-256 is chosen over MD5, in whatever order they are offered (RFC 8760 2.4)") {
  const auto md5 = challenge("m", "", "MD5"), sha256 = challenge("s");
  SUBCASE("MD5 first") {
    send();
    answer(401, {md5, sha256});
  }
  SUBCASE("SHA-256 first") {
    send();
    answer(401, {sha256, md5});
  }
  const auto second = answer(200);
  CHECK(credentials(second).nonce == "s");
  CHECK(is_right(second));
}

TEST_CASE_FIXTURE(Fixture, "a proxy's 407 is answered beside the server's 401 (RFC 3261 22.3)") {
  send();
  answer(401, {challenge("n1")});
  answer(407, {{HeaderId::proxy_authenticate, challenge("p1").second}});
  const auto third = answer(200);
  CHECK(credentials(third, HeaderId::proxy_authorization).nonce == "p1");
  CHECK(credentials(third).nonce == "n1");
  CHECK(credentials(third).count() == 2);
  CHECK(ends == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "a proxy's first challenge is answered, however many nonces of others are known") {
  send();
  answer(401, {challenge("n1")});
  answer(200);
  send();
  const auto second = answer(407, {{HeaderId::proxy_authenticate, challenge("p1").second}});
  CHECK(credentials(second).nonce == "n1");
  CHECK(credentials(answer(200), HeaderId::proxy_authorization).nonce == "p1");
  CHECK(ends == Statuses{200, 200});
}

TEST_CASE_FIXTURE(Fixture, "a challenge that cannot be answered ends the request") {
  send();
  SUBCASE("unknown algorithm") { answer(401, {challenge("n1", "", "ROT13")}); }
  SUBCASE("none at all") { answer(401); }
  CHECK(ends == Statuses{401});
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture, "silence ends as 408, a lost connection as 503 (RFC 3261 8.1.3.1)") {
  send();
  SUBCASE("silence") {
    pass(32s);
    CHECK(ends == Statuses{408});
  }
  SUBCASE("a lost connection") {
    CHECK(wire.last_hop.flow == first_flow);
    layer.on_flow_closed(first_flow, now());
    pass(0s);
    CHECK(ends == Statuses{503});
  }
}

TEST_CASE_FIXTURE(Fixture, "the callback is not called after the end of the owner of a request") {
  send();
  const auto request = wire.take().message;
  life.reset();
  SUBCASE("by an answer") { receive(reply_to(request, 200)); }
  SUBCASE("by a challenge") { receive(reply_to(request, 401, {challenge("n1")})); }
  SUBCASE("by a timeout") { pass(32s); }
  CHECK(ends.empty());
  CHECK(wire.is_silent());
}

TEST_CASE_FIXTURE(Fixture,
                  "a server's proof is checked: a wrong one makes the answer worthless (RFC 7616 3.5)") {
  send();
  answer(401, {challenge("n1")});
  const auto sent = credentials(wire.sent.front().message);
  const auto ha1 = auth::ha1(sent.algorithm, "alice", "example.org", "secret");
  auto info = auth::make_info(sent, ha1, "");
  int expected = 200;
  SUBCASE("the right one") {}
  SUBCASE("none") { info = {}; }
  SUBCASE("of a server that does not know the password") {
    info = auth::make_info(sent, auth::ha1(sent.algorithm, "alice", "example.org", "guess"), "");
    expected = 502;
  }
  SUBCASE("of another request") {
    info.nc = "00000002";
    expected = 502;
  }
  SUBCASE("with another cnonce") {
    info.cnonce = "other";
    expected = 502;
  }
  answer(200, {{HeaderId::authentication_info, auth::print(info)}});
  CHECK(ends == Statuses{expected});
}

TEST_CASE_FIXTURE(Fixture, "an Authentication-Info that cannot be read is as good as none") {
  send();
  answer(401, {challenge("n1")});
  answer(200, {{HeaderId::authentication_info, "rspauth=\"00\""}});
  CHECK(ends == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "the next nonce an answer names is used from then on (RFC 7616 3.5)") {
  send();
  answer(401, {challenge("n1")});
  const auto first = credentials(answer(200, {{HeaderId::authentication_info, "nextnonce=\"n2\""}}));
  send();
  const auto second = credentials(answer(200));
  CHECK(second.nonce == "n2");
  CHECK(second.count() == 1);
  CHECK(second.cnonce != first.cnonce);
  send();
  CHECK(credentials(answer(200)).count() == 2);
  CHECK(ends == Statuses{200, 200, 200});
}

TEST_CASE_FIXTURE(Fixture, "a next nonce beside a wrong proof is not used") {
  send();
  answer(401, {challenge("n1")});
  const auto sent = credentials(wire.sent.front().message);
  answer(200, {{HeaderId::authentication_info, auth::print(auth::make_info(sent, "00", "", "evil"))}});
  send();
  CHECK(credentials(answer(200)).nonce == "n1");
  CHECK(ends == Statuses{502, 200});
}

TEST_CASE_FIXTURE(Fixture,
                  "server and proxy challenge one request at once, and each is answered (RFC 3261 22.3)") {
  send();
  answer(401, {challenge("n1", "", "MD5"),
               challenge("n2"),
               {HeaderId::proxy_authenticate, challenge("p1").second},
               {HeaderId::proxy_authenticate, challenge("p2", "", "MD5").second}});
  const auto second = answer(200);
  CHECK(credentials(second).nonce == "n2");
  CHECK(credentials(second, HeaderId::proxy_authorization).nonce == "p1");
  CHECK(ends == Statuses{200});
}

TEST_CASE_FIXTURE(Fixture, "a foreign realm gets no digest of the password, but does not stand in the way") {
  const std::pair<HeaderId, std::string> foreign{
      HeaderId::proxy_authenticate, "Digest realm=\"evil.example\", nonce=\"e\", algorithm=SHA-256"};
  send();
  SUBCASE("alone it ends the request") {
    answer(407, {foreign});
    CHECK(ends == Statuses{407});
    CHECK(wire.is_silent());
  }
  SUBCASE("beside the own realm, which is answered") {
    answer(407, {foreign, {HeaderId::proxy_authenticate, challenge("p1").second}});
    const auto second = wire.take().message;
    CHECK(credentials(second, HeaderId::proxy_authorization).realm == "example.org");
    CHECK(std::ranges::count_if(second.headers(), [](const auto& line) {
            return line.id == HeaderId::proxy_authorization;
          }) == 1);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "the realm that challenges a REGISTER is the account's, whatever its name (asterisk)") {
  account::Requester::Request request{
      .method = sip::Method::register_, .uri = "sip:example.org", .make = {}, .owner = life->watch()};
  request.make = [this] {
    return context.request("REGISTER", "sip:example.org", "sip:alice@example.org", "tag", "reg", ++cseq);
  };
  requester.send(
      std::move(request), context.hop(),
      [this](int status, const sip::Message*, Now) { ends.push_back(status); }, now());
  answer(401, {{HeaderId::www_authenticate, "Digest realm=\"asterisk\", nonce=\"a\""}});
  CHECK(credentials(answer(200)).realm == "asterisk");
  send();
  CHECK(credentials(answer(200)).realm == "asterisk");
  CHECK(ends == Statuses{200, 200});
}

TEST_CASE_FIXTURE(Fixture,
                  "a server that names another realm each time makes neither a loop nor requests grow") {
  const auto register_it = [this] {
    account::Requester::Request request{
        .method = sip::Method::register_, .uri = "sip:example.org", .make = {}, .owner = life->watch()};
    request.make = [this] {
      return context.request("REGISTER", "sip:example.org", "sip:alice@example.org", "tag", "reg", ++cseq);
    };
    requester.send(
        std::move(request), context.hop(),
        [this](int status, const sip::Message*, Now) { ends.push_back(status); }, now());
  };
  const auto count = [](const sip::Message& request) {
    return std::ranges::count_if(request.headers(),
                                 [](const auto& line) { return line.id == HeaderId::authorization; });
  };
  int realms = 0;
  for (int request = 0; request < 3; ++request) {
    register_it();
    int answered = 0;
    while (!wire.is_silent()) {
      REQUIRE(++answered < 20);
      const std::string realm = "realm" + std::to_string(++realms);
      const auto sent =
          answer(401, {{HeaderId::www_authenticate, "Digest realm=\"" + realm + "\", nonce=\"a\""}});
      CHECK(count(sent) <= 8);
    }
  }
  CHECK(ends == Statuses{401, 401, 401});
  register_it();
  const auto sent = wire.take().message;
  CHECK(count(sent) == 8);
  CHECK(sent.text().find("\"realm" + std::to_string(realms) + "\"") != std::string_view::npos);
  CHECK(sent.text().find("\"realm1\"") == std::string_view::npos);
}

TEST_CASE_FIXTURE(Fixture, "auth-int alone is answered with the body under the digest (RFC 7616 3.4.3)") {
  send();
  answer(401, {{HeaderId::www_authenticate,
                "Digest realm=\"example.org\", nonce=\"n\", qop=\"auth-int\", algorithm=SHA-256"}});
  const auto second = answer(200);
  CHECK(credentials(second).qop == auth::Qop::auth_int);
  CHECK(is_right(second));
}
