#include "media/dtls/machine.hpp"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "protocol/base/random.hpp"
#include "tests/media/dtls/link.hpp"

using namespace beckon;
using namespace beckon::dtls;
using namespace beckon::dtls::test;

namespace {

/// The client's hello gets an extension of `octets`, as the keys of post-quantum cryptography are.
void enlarge(const Identity& identity, std::size_t octets) {
  struct Padding {
    static int add(SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t,
                   int*, void* argument) {
      const auto* const content = static_cast<const Bytes*>(argument);
      *out = content->data();
      *size = content->size();
      return 1;
    }
  };
  static Bytes content;
  content.assign(octets, 0xaa);
  REQUIRE(SSL_CTX_add_custom_ext(identity.context(), 0xff77, SSL_EXT_CLIENT_HELLO, Padding::add, nullptr,
                                 &content, nullptr, nullptr) == 1);
}

}  // namespace

TEST_CASE("two machines agree on keys of AES-GCM, and each knows the other's certificate (RFC 5764 4)") {
  Link link;
  link.run();
  REQUIRE(link.has_same_keys());
  CHECK(link.client.keys()->profile == srtp::Profile::aead_aes128_gcm);
  CHECK(link.client.keys()->local.size() == srtp::key_size(srtp::Profile::aead_aes128_gcm));
  CHECK(link.client.keys()->local != link.client.keys()->remote);
  const std::vector right{link.bob.fingerprint()}, wrong{link.alice.fingerprint()};
  CHECK(link.client.has_peer(right));
  CHECK_FALSE(link.client.has_peer(wrong));
  CHECK(link.server.has_peer(wrong));
  CHECK(link.largest <= dtls::mtu);
  CHECK(link.now - Time{} < 1000s + 100ms);
  CHECK_FALSE(link.client.deadline());
  CHECK_FALSE(link.server.deadline());

  SUBCASE("close_notify ends the other end's association, too") {
    link.client.close();
    link.collect();
    for (const auto& each : link.waiting) link.server.on_datagram(each.octets, link.now);
    CHECK(link.server.state() == Machine::State::closed);
  }
  SUBCASE("what is forged afterwards changes nothing") {
    SeededRandom random(3);
    for (int i = 0; i < 50; ++i) {
      Bytes forged = random.bytes(80);
      const std::uint8_t header[] = {
          static_cast<std::uint8_t>(20 + i % 4), 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 67};
      std::ranges::copy(header, forged.begin());
      link.server.on_datagram(forged, link.now);
    }
    CHECK(link.server.state() == Machine::State::connected);
  }
}

TEST_CASE("a peer that has AES-CM only gets it (RFC 5764 4.1.2)") {
  Link link;
  // The client's context is that of machines that are made later.
  REQUIRE(SSL_CTX_set_tlsext_use_srtp(link.alice.context(), "SRTP_AES128_CM_SHA1_80") == 0);
  Machine client(link.alice, Role::client, {});
  client.start(link.now);
  Machine server(link.bob, Role::server, {});
  for (int round = 0; round < 10; ++round) {
    for (const Bytes& each : client.take_output()) server.on_datagram(each, link.now);
    for (const Bytes& each : server.take_output()) client.on_datagram(each, link.now);
  }
  REQUIRE(client.state() == Machine::State::connected);
  CHECK(client.keys()->profile == srtp::Profile::aes128_cm_sha1_80);
  CHECK(client.keys()->local.size() == 30);
  CHECK(client.keys()->local == server.keys()->remote);
}

TEST_CASE("a peer without use_srtp is refused") {
  Identity server_identity;
  SSL_CTX* const context = SSL_CTX_new(DTLS_client_method());
  REQUIRE(SSL_CTX_use_certificate(context, SSL_CTX_get0_certificate(server_identity.context())) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context, SSL_CTX_get0_privatekey(server_identity.context())) == 1);
  SSL* const ssl = SSL_new(context);
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, in, out);
  SSL_set_connect_state(ssl);
  Machine server(server_identity, Role::server, {});
  const Time now = Time{} + 1000s;
  for (int round = 0; round < 10; ++round) {
    SSL_do_handshake(ssl);
    Bytes octets(8192);
    const int size = BIO_read(out, octets.data(), static_cast<int>(octets.size()));
    if (size > 0) server.on_datagram(ByteView(octets).first(static_cast<std::size_t>(size)), now);
    for (const Bytes& each : server.take_output()) BIO_write(in, each.data(), static_cast<int>(each.size()));
  }
  CHECK(server.state() == Machine::State::failed);
  CHECK_FALSE(server.keys());
  SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_CASE("each single datagram may be lost, repeated or late: the handshake is done nevertheless") {
  const unsigned all = [] {
    Link link;
    link.run();
    return link.sent;
  }();
  CHECK(all >= 5);
  enum class Fate { lost, repeated, late };
  for (const Fate fate : {Fate::lost, Fate::repeated, Fate::late}) {
    for (unsigned victim = 0; victim < all; ++victim) {
      CAPTURE(victim);
      CAPTURE(static_cast<int>(fate));
      Link link;
      link.mangle = [&](Link::Flight flight, unsigned number) -> std::vector<Link::Flight> {
        if (number != victim) return {flight};
        if (fate == Fate::lost) return {};
        if (fate == Fate::repeated) return {flight, flight};
        flight.arrives += 70ms;
        return {flight};
      };
      link.run();
      CHECK(link.has_same_keys());
    }
  }
}

TEST_CASE("with a third of all datagrams lost handshakes are done within their repetitions") {
  unsigned done = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SeededRandom random(seed);
    Link link;
    link.mangle = [&](Link::Flight flight, unsigned) {
      return random.below(3) == 0 ? std::vector<Link::Flight>{} : std::vector{flight};
    };
    link.run();
    done += link.has_same_keys() ? 1 : 0;
  }
  CHECK(done == 20);
}

TEST_CASE("a hello larger than a datagram comes in fragments, in any order") {
  for (const bool reversed : {false, true}) {
    CAPTURE(reversed);
    Link link;
    enlarge(link.alice, 3000);
    Machine client(link.alice, Role::client, {});
    client.start(link.now);
    std::size_t most = 0;
    for (int round = 0; round < 10; ++round) {
      auto sent = client.take_output();
      most = std::max(most, sent.size());
      if (reversed) std::ranges::reverse(sent);
      for (const Bytes& each : sent) {
        CHECK(each.size() <= dtls::mtu);
        link.server.on_datagram(each, link.now);
      }
      for (const Bytes& each : link.server.take_output()) client.on_datagram(each, link.now);
    }
    CHECK(most >= 3);
    CHECK(client.state() == Machine::State::connected);
    CHECK(link.server.state() == Machine::State::connected);
  }
}

TEST_CASE("a server sends a source that has not shown itself less than it got (RFC 6347 4.2.1)") {
  Link link;
  link.client.start(link.now);
  const auto hello = link.client.take_output();
  REQUIRE(hello.size() == 1);
  link.server.on_datagram(hello.front(), link.now);
  const auto verify = link.server.take_output();
  REQUIRE(verify.size() == 1);
  CHECK(verify.front().size() < hello.front().size());
  CHECK_FALSE(link.server.deadline());  // and it repeats nothing

  SUBCASE("a source that ICE has checked needs no cookie") {
    Machine server(link.bob, Role::server, {});
    server.on_datagram(hello.front(), link.now);
    std::size_t octets = 0;
    for (const Bytes& each : server.take_output()) octets += each.size();
    CHECK(octets > hello.front().size());
    CHECK(server.deadline() == link.now + Machine::first_pause);
  }
}

TEST_CASE("a client repeats its hello after 100 ms, then at growing distances, and gives up") {
  Link link;
  link.client.start(link.now);
  std::vector<Duration> pauses;
  Time last = link.now;
  while (link.client.deadline() && pauses.size() < 50) {
    const Time now = *link.client.deadline();
    link.client.on_deadline(now - 1us);
    (void)link.client.take_output();
    link.client.on_deadline(now);
    if (!link.client.take_output().empty()) pauses.push_back(now - last);
    last = now;
  }
  REQUIRE(pauses.size() >= 10);
  CHECK(pauses[0] == 100ms);
  CHECK(pauses[1] == 200ms);
  CHECK(pauses[2] == 400ms);
  CHECK(pauses.back() == 3s);
  CHECK(link.client.state() == Machine::State::failed);
}

TEST_CASE("a peer that only talks is given up, and large datagrams are dropped") {
  Link link;
  link.server.on_datagram(Bytes(datagram_max + 1, 22), link.now);
  Bytes junk(40, 0);
  junk[0] = 22;
  for (unsigned i = 0; i < Machine::datagrams_max; ++i) link.server.on_datagram(junk, link.now);
  CHECK(link.server.state() == Machine::State::handshaking);
  link.server.on_datagram(junk, link.now);
  CHECK(link.server.state() == Machine::State::failed);
  CHECK(link.server.take_output().empty());
}
