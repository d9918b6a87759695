#include "media/dtls/association.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <deque>

using namespace beckon;
using namespace beckon::dtls;

namespace {

const Address alice_at = *parse_address("192.0.2.1:4000");
const Address bob_at = *parse_address("192.0.2.2:4000");
const Address mallory_at = *parse_address("192.0.2.66:4000");

/// Ends on a network without delay.
struct World {
  struct End {
    End(World& world, const Address& at)
        : own(at), association(identity, [&world, this](const Address& to, ByteView datagram) {
            world.waiting.push_back({own, to, Bytes(datagram.begin(), datagram.end())});
            ++sent;
          }) {}
    Identity identity;
    Address own;
    unsigned sent = 0;
    Association association;
  };
  struct Datagram {
    Address from, to;
    Bytes octets;
  };

  void deliver() {
    while (!waiting.empty()) {
      const Datagram each = std::move(waiting.front());
      waiting.pop_front();
      for (End* end : {&alice, &bob, &mallory}) {
        if (end->own == each.to && end != deaf) end->association.on_datagram(each.from, each.octets, now);
      }
    }
  }
  void pass(Duration time) {
    const Time until = now + time;
    deliver();
    for (;;) {
      std::optional<Time> next;
      for (End* end : {&alice, &bob, &mallory}) {
        const auto its = end->association.deadline();
        if (its && (!next || *its < *next)) next = its;
      }
      if (!next || *next > until) break;
      now = *next;
      for (End* end : {&alice, &bob, &mallory}) end->association.on_deadline(now);
      deliver();
    }
    now = until;
  }
  Peer peer(const End& end, Role own) const { return {own, {end.identity.fingerprint()}, {}}; }
  bool talk() const {
    return alice.association.keys() && bob.association.keys() &&
           alice.association.keys()->local == bob.association.keys()->remote;
  }

  Time now = Time{} + 1000s;
  std::deque<Datagram> waiting;
  End* deaf = nullptr;
  End alice{*this, alice_at}, bob{*this, bob_at}, mallory{*this, mallory_at};
};

/// bob was offered actpass: he is the client, and alice does not know his answer yet.
void bob_dials(World& world) {
  world.bob.association.agree(world.peer(world.alice, Role::client), world.now);
  world.bob.association.set_remote(alice_at, false, world.now);
}

Fingerprint fingerprint_with(const Identity& identity, const char* name, const EVP_MD* hash) {
  Bytes digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  X509_digest(SSL_CTX_get0_certificate(identity.context()), hash, digest.data(), &size);
  digest.resize(size);
  return {name, digest};
}

}  // namespace

TEST_CASE("a hello before the answer is answered, and the keys come with the answer (RFC 5763 5)") {
  World world;
  bob_dials(world);
  world.deliver();
  CHECK(world.bob.association.keys());
  CHECK_FALSE(world.alice.association.keys());
  CHECK(world.alice.association.state() == Association::State::open);
  world.alice.association.agree(world.peer(world.bob, Role::server), world.now);
  CHECK(world.alice.association.state() == Association::State::verified);
  CHECK(world.alice.association.address() == bob_at);
  CHECK(world.talk());
  CHECK(world.now == Time{} + 1000s);  // nothing was repeated
}

TEST_CASE("a peer that does not listen before the answer costs 100 ms, not a second") {
  World world;
  world.deaf = &world.alice;
  bob_dials(world);
  world.deliver();
  world.deaf = nullptr;
  world.alice.association.agree(world.peer(world.bob, Role::server), world.now);
  world.pass(100ms);
  CHECK(world.talk());
}

TEST_CASE("a stranger who is first gets no keys, and is in nobody's way") {
  World world;
  world.mallory.association.agree(world.peer(world.alice, Role::client), world.now);
  world.mallory.association.set_remote(alice_at, false, world.now);
  world.deliver();
  bob_dials(world);
  world.deliver();
  world.alice.association.agree(world.peer(world.bob, Role::server), world.now);
  CHECK(world.alice.association.address() == bob_at);
  CHECK(world.talk());
  SUBCASE("nor later") {
    const unsigned before = world.alice.sent;
    world.mallory.association.agree({Role::client, {world.alice.identity.fingerprint()}, "2"}, world.now);
    world.mallory.association.set_remote(alice_at, false, world.now);
    world.pass(1s);
    CHECK(world.alice.sent == before);
    CHECK(world.talk());
  }
}

TEST_CASE("a wrong fingerprint ends the client's association, and the server goes on waiting") {
  World world;
  world.bob.association.agree(world.peer(world.mallory, Role::client), world.now);
  world.bob.association.set_remote(alice_at, false, world.now);
  world.alice.association.agree(world.peer(world.mallory, Role::server), world.now);
  world.deliver();
  CHECK(world.bob.association.state() == Association::State::failed);
  CHECK_FALSE(world.bob.association.keys());
  CHECK(world.alice.association.state() == Association::State::open);
  CHECK_FALSE(world.alice.association.keys());
  CHECK_FALSE(world.alice.association.deadline());
}

TEST_CASE("fingerprints of other hashes are taken; the strongest one counts (RFC 8122 5)") {
  const Identity own, other;
  const X509* const certificate = SSL_CTX_get0_certificate(own.context());
  const auto sha512 = fingerprint_with(own, "sha-512", EVP_sha512());
  const auto sha384 = fingerprint_with(own, "sha-384", EVP_sha384());
  const auto sha1 = fingerprint_with(own, "sha-1", EVP_sha1());
  const auto md5 = fingerprint_with(own, "md5", EVP_md5());
  const auto foreign = fingerprint_with(other, "sha-512", EVP_sha512());
  const auto check = [&](std::vector<Fingerprint> list) { return matches(certificate, list); };
  CHECK(check({sha512}));
  CHECK(check({sha384}));
  CHECK(check({sha1}));
  CHECK(check({own.fingerprint()}));
  CHECK(check({foreign, sha512}));
  CHECK_FALSE(check({sha1, foreign}));
  CHECK_FALSE(check({md5}));
  CHECK_FALSE(check({}));
}

TEST_CASE("the same peer keeps its association; new fingerprints or another tls-id begin one (RFC 8842 5)") {
  World world;
  bob_dials(world);
  world.alice.association.agree(world.peer(world.bob, Role::server), world.now);
  world.deliver();
  REQUIRE(world.talk());
  const auto keys = *world.alice.association.keys();
  // An answer to a later offer may name the other role: nothing changes.
  world.alice.association.agree(world.peer(world.bob, Role::client), world.now);
  CHECK(world.alice.association.keys() == keys);
  // Now the roles change, too.
  world.bob.association.agree({Role::server, {world.alice.identity.fingerprint()}, "new"}, world.now);
  world.alice.association.set_remote(bob_at, false, world.now);
  world.alice.association.agree({Role::client, {world.bob.identity.fingerprint()}, "new"}, world.now);
  world.pass(1s);
  CHECK(world.talk());
  CHECK(world.alice.association.keys() != keys);
}

TEST_CASE("at most four sources try at once; the described one never gives way") {
  World world;
  world.alice.association.set_remote(bob_at, false, world.now);
  world.bob.association.agree(world.peer(world.alice, Role::client), world.now);
  world.bob.association.set_remote(alice_at, false, world.now);
  const World::Datagram hello = world.waiting.front();
  world.waiting.pop_front();
  world.alice.association.on_datagram(bob_at, hello.octets, world.now);
  for (std::uint16_t port = 1; port < 50; ++port)
    world.alice.association.on_datagram({mallory_at.ip, port}, hello.octets, world.now);
  world.deliver();
  world.alice.association.agree(world.peer(world.bob, Role::server), world.now);
  world.pass(1s);
  CHECK(world.talk());
}

TEST_CASE("a forged message that ends a client's handshake does not end the call") {
  World world;
  bob_dials(world);
  const Bytes alert{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};  // fatal: handshake_failure
  world.bob.association.on_datagram(alice_at, alert, world.now);
  world.alice.association.agree(world.peer(world.bob, Role::server), world.now);
  world.pass(5s);
  CHECK(world.talk());
}

TEST_CASE("what ICE has checked needs no cookie, and may move in the middle of the handshake") {
  World world;
  world.alice.association.agree(world.peer(world.bob, Role::server), world.now);
  world.alice.association.set_remote(bob_at, true, world.now);
  bob_dials(world);
  const World::Datagram hello = world.waiting.front();
  world.waiting.pop_front();
  world.alice.association.on_datagram(hello.from, hello.octets, world.now);
  const Address moved = *parse_address("192.0.2.2:5000");
  world.alice.association.set_remote(moved, true, world.now);
  world.bob.own = moved;
  world.pass(5s);
  CHECK(world.talk());
  CHECK(world.alice.association.address() == moved);
}
