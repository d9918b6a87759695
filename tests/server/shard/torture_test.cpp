#include <algorithm>

#include "protocol/sip/check.hpp"
#include "tests/protocol/sip/corpus.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// A server of example.com with two users, whose phones sit at port 5071.
struct Place {
  explicit Place(Settings settings = open()) : world(std::move(settings)) {
    for (const char* user : {"user", "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"}) {
      const std::string aor = std::string("sip:") + user + "@example.com";
      world.ask(udp(5071), {.uri = "sip:example.com",
                            .from = aor,
                            .call_id = user,
                            .lines = {"Contact: <sip:phone@192.0.2.9:5071>"}});
    }
    world.wire.sent.clear();
  }

  static Settings open() {
    auto settings = World::open_settings();
    settings.domains = {"example.com"};
    return settings;
  }

  /// What goes out for the octets, as far as it comes to a transaction at all.
  std::deque<Sent> send(const std::string& text) {
    auto message = sip::Message::parse(share(text));
    REQUIRE(message.has_value());
    world.node().shard(0).on_message(udp(5070), std::move(*message));
    world.run();
    return std::exchange(world.wire.sent, {});
  }

  World world;
};

std::string file(const std::string& name) { return corpus::read(corpus::root / "sip" / name); }

std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

constexpr int forwarded = 1;
constexpr int silence = 0;

}  // namespace

TEST_CASE("RFC 4475 and 5118: what the whole server does with each message that can be read") {
  struct Row {
    const char* file;
    int reaction;  ///< A status, `forwarded` to the user's phone, or `silence`.
  };
  // The five others (bigcode, clerr, mcl01, test, trws) end at the parser: see tests/protocol/sip.
  const std::vector<Row> rows{
      {"rfc4475/badaspec.dat", 400},
      {"rfc4475/badbranch.dat", forwarded},
      {"rfc4475/baddate.dat", forwarded},
      {"rfc4475/badinv01.dat", 400},
      {"rfc4475/badvers.dat", 505},
      {"rfc4475/bext01.dat", 420},
      {"rfc4475/cparam01.dat", 200},
      {"rfc4475/dblreq.dat", 200},
      {"rfc4475/escnull.dat", 200},
      {"rfc4475/insuf.dat", 400},
      {"rfc4475/intmeth.dat", forwarded},
      {"rfc4475/invut.dat", forwarded},
      {"rfc4475/longreq.dat", forwarded},
      {"rfc4475/ltgtruri.dat", 400},
      {"rfc4475/lwsdisp.dat", forwarded},
      {"rfc4475/lwsstart.dat", 400},
      {"rfc4475/mismatch01.dat", 400},
      {"rfc4475/noreason.dat", silence},
      {"rfc4475/novelsc.dat", 416},
      {"rfc4475/quotbal.dat", 400},
      {"rfc4475/regaut01.dat", 200},
      {"rfc4475/regbadct.dat", 400},
      {"rfc4475/scalar02.dat", 400},
      {"rfc4475/sdp01.dat", forwarded},
      {"rfc4475/unkscm.dat", 416},
      {"rfc4475/zeromf.dat", 483},
      // Between two domains that are not ours:
      {"rfc4475/esc01.dat", 403},
      {"rfc4475/mpart01.dat", 403},
      {"rfc4475/wsinv.dat", 403},
      {"rfc5118/ipv4-mapped-ipv6.dat", forwarded},
      {"rfc5118/ipv6-correct-abnf-2-colons.dat", 403},
      {"rfc5118/ipv6-good.dat", 200},
      {"rfc5118/ipv6-in-sdp.dat", 403},
      {"rfc5118/mult-ip-in-header.dat", 403},
      {"rfc5118/port-ambiguous.dat", 200},
      {"rfc5118/port-unambiguous.dat", 200},
      // In a dialog, to a contact that no device of the user has:
      {"rfc5118/via-received-param-with-delim.dat", 480},
  };
  CHECK(rows.size() == 34 + 8 - 5);
  for (const auto& row : rows) {
    CAPTURE(row.file);
    Place place;
    const auto sent = place.send(file(row.file));
    CHECK(sent.size() == (row.reaction == silence ? 0 : 1));
    if (sent.empty()) continue;
    const auto& message = sent.front().message;
    if (row.reaction == forwarded) {
      CHECK(message.is_request());
      CHECK(message.request_uri_text() == "sip:phone@192.0.2.9:5071");
      CHECK(message.body() == sip::Message::parse(share(file(row.file)))->body());
    } else {
      CHECK(message.status() == row.reaction);
    }
  }
}

TEST_CASE("RFC 4475 3.1.1.4: two contacts that differ after an escaped null are two bindings") {
  Place place;
  const auto sent = place.send(file("rfc4475/escnull.dat"));
  REQUIRE(sent.size() == 1);
  std::vector<std::string> users;
  for (const auto& contact : sent.front().message.contacts().value()) users.push_back(contact.uri.user);
  std::sort(users.begin(), users.end());
  CHECK(users == std::vector<std::string>{"%00", "%00%00"});
}

TEST_CASE("RFC 4475 3.1.1.8: what follows the first message of a datagram is dropped") {
  Place place;
  const auto sent = place.send(file("rfc4475/dblreq.dat"));
  REQUIRE(sent.size() == 1);
  CHECK(sent.front().message.method() == sip::Method::register_);
  CHECK(sent.front().message.contacts().value().size() == 1);
}

TEST_CASE("RFC 4475 3.1.2.12: a Date in another time zone is ignored, and goes on as it came") {
  Place place;
  const auto sent = place.send(file("rfc4475/baddate.dat"));
  REQUIRE(sent.size() == 1);
  CHECK(sent.front().message.header(HeaderId::date) == "Fri, 01 Jan 2010 16:00:00 EST");
}

TEST_CASE("RFC 4475 3.2.1: a branch that is only the cookie is matched as RFC 2543 did") {
  Place place;
  const auto text = file("rfc4475/badbranch.dat");
  CHECK(place.send(text).size() == 1);
  CHECK(place.send(text).empty());  // A retransmission: the transaction waits for the phone.
  CHECK(place.send(with(text, "Call-ID: badbranch", "Call-ID: other")).size() == 1);
}

TEST_CASE("RFC 4475 3.3.5: unknown option tags are listed, those for a proxy where the server is one") {
  Place place;
  const auto relayed = place.send(file("rfc4475/bext01.dat"));
  REQUIRE(relayed.size() == 1);
  CHECK(relayed.front().message.header(HeaderId::unsupported) ==
        "noProxiesSupportThis, norDoAnyProxiesSupportThis");
  Place other;
  const auto own =
      other.send(with(file("rfc4475/bext01.dat"), "sip:user@example.com SIP", "sip:example.com SIP"));
  REQUIRE(own.size() == 1);
  CHECK(own.front().message.header(HeaderId::unsupported) ==
        "nothingSupportsThis, nothingSupportsThisEither");
}

TEST_CASE("RFC 4475 3.3.6 and 3.3.15: a proxy leaves body and Accept to the phone") {
  for (const char* name : {"rfc4475/invut.dat", "rfc4475/sdp01.dat"}) {
    CAPTURE(name);
    Place place;
    const auto sent = place.send(file(name));
    REQUIRE(sent.size() == 1);
    const auto original = sip::Message::parse(share(file(name)));
    const auto& message = sent.front().message;
    for (const auto id : {HeaderId::content_type, HeaderId::accept, HeaderId::from, HeaderId::to}) {
      CHECK(message.header(id) == original->header(id));
    }
  }
}

TEST_CASE("RFC 4475 3.3.7: an unknown authorization scheme is ignored, and our own challenge sent") {
  auto settings = Place::open();
  settings.authentication = Authentication::digest;
  Place place(settings);
  const auto sent = place.send(file("rfc4475/regaut01.dat"));
  REQUIRE(sent.size() == 1);
  CHECK(sent.front().message.status() == 401);
  CHECK(sent.front().message.header(HeaderId::www_authenticate).starts_with("Digest "));
}

TEST_CASE("RFC 4475 3.3.11: Max-Forwards 0 ends at a proxy, not at the one it was sent to") {
  Place place;
  const auto sent =
      place.send(with(file("rfc4475/zeromf.dat"), "sip:user@example.com SIP", "sip:example.com SIP"));
  REQUIRE(sent.size() == 1);
  CHECK(sent.front().message.status() == 200);
}

TEST_CASE("RFC 4475 3.3.12: a parameter after a Contact without brackets is the header's") {
  Place place;
  const auto sent = place.send(file("rfc4475/cparam01.dat"));
  REQUIRE(sent.size() == 1);
  const auto contacts = sent.front().message.contacts();
  REQUIRE(contacts.has_value());
  REQUIRE(contacts->size() == 1);
  CHECK(contacts->front().uri.parameters.empty());
}
