#include "client/direct/pins.hpp"

#include <doctest/doctest.h>

#include "client/direct/keyring.hpp"
#include "protocol/ds1/ticket.hpp"

using namespace beckon;
using namespace beckon::client;
using direct::Pins;

namespace {

const std::string alice = "sip:alice@example.org";

Pins::Seen see(Pins& pins, const direct::Keyring& keyring, const crypto::Key32& device) {
  const auto signature = ds1::sign_identity(keyring.ident.secret, alice, device, {});
  return pins.see(alice, device, keyring.ident.pub, {}, signature);
}

}  // namespace

TEST_CASE("the first identity of an AOR is pinned, another one waits for the user (DIRECT_SESSIONS 13)") {
  SeededRandom random(1);
  const auto first = direct::make_keyring(random);
  const auto other = direct::make_keyring(random);
  Pins pins;
  CHECK(see(pins, first, first.device.pub) == Pins::Seen::pinned);
  CHECK(pins.is_verified(alice, first.device.pub));
  CHECK(see(pins, first, first.device.pub) == Pins::Seen::verified);

  SUBCASE("a further device of the pinned identity is verified silently") {
    CHECK(see(pins, first, other.device.pub) == Pins::Seen::verified);
    CHECK(pins.is_verified(alice, other.device.pub));
  }
  SUBCASE("another identity stays unverified, is new once, and only the user accepts it") {
    CHECK(see(pins, other, other.device.pub) == Pins::Seen::fresh);
    CHECK(see(pins, other, other.device.pub) == Pins::Seen::waiting);
    CHECK_FALSE(pins.is_verified(alice, other.device.pub));
    CHECK(pins.accept(alice));
    CHECK(pins.is_verified(alice, other.device.pub));
    CHECK_FALSE(pins.accept(alice));
  }
  SUBCASE("pins are stored, verified devices are learned again") {
    auto read = Pins::parse(pins.print());
    REQUIRE(read.has_value());
    CHECK(read->is_pinned(alice, first.ident.pub));
    CHECK_FALSE(read->is_verified(alice, first.device.pub));
    CHECK(see(*read, other, other.device.pub) == Pins::Seen::fresh);
  }
}

TEST_CASE("a device that another identity signs too is a new pair (DIRECT_SESSIONS 13)") {
  SeededRandom random(3);
  const auto first = direct::make_keyring(random);
  const auto x = direct::make_keyring(random);
  const auto y = direct::make_keyring(random);
  Pins pins;
  REQUIRE(see(pins, first, first.device.pub) == Pins::Seen::pinned);

  SUBCASE("a verified device stays verified, and the other identity is reported to the user") {
    CHECK(see(pins, y, first.device.pub) == Pins::Seen::fresh);
    CHECK(pins.is_verified(alice, first.device.pub));
    CHECK(see(pins, y, first.device.pub) == Pins::Seen::waiting);
  }
  SUBCASE("an identity is not exchanged silently for one that the user has been told of") {
    CHECK(see(pins, x, x.device.pub) == Pins::Seen::fresh);
    CHECK(see(pins, y, x.device.pub) == Pins::Seen::fresh);
    CHECK(see(pins, x, x.device.pub) == Pins::Seen::waiting);
  }
  SUBCASE("the user accepts the identity that he names, whatever was shown since") {
    see(pins, x, x.device.pub);
    see(pins, y, x.device.pub);
    CHECK(pins.accept(alice, x.ident.pub));
    CHECK(pins.is_pinned(alice, x.ident.pub));
    CHECK_FALSE(pins.is_pinned(alice, y.ident.pub));
    CHECK(pins.is_verified(alice, x.device.pub));
    CHECK_FALSE(pins.accept(alice, x.ident.pub));
  }
  SUBCASE("one that was never shown cannot be named") { CHECK_FALSE(pins.accept(alice, y.ident.pub)); }
  SUBCASE("a flood of new identities does not unverify a device") {
    for (int i = 0; i < 100; ++i) see(pins, direct::make_keyring(random), x.device.pub);
    CHECK(pins.is_verified(alice, first.device.pub));
  }
}

TEST_CASE("an identity whose signature is over another AOR or key is ignored") {
  SeededRandom random(2);
  const auto keyring = direct::make_keyring(random);
  const auto signature =
      ds1::sign_identity(keyring.ident.secret, "sip:mallory@example.org", keyring.device.pub, {});
  Pins pins;
  CHECK(pins.see(alice, keyring.device.pub, keyring.ident.pub, {}, signature) == Pins::Seen::bad);
  CHECK(pins.ident_of(alice) == nullptr);
}
