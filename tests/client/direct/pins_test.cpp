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

TEST_CASE("an identity whose signature is over another AOR or key is ignored") {
  SeededRandom random(2);
  const auto keyring = direct::make_keyring(random);
  const auto signature =
      ds1::sign_identity(keyring.ident.secret, "sip:mallory@example.org", keyring.device.pub, {});
  Pins pins;
  CHECK(pins.see(alice, keyring.device.pub, keyring.ident.pub, {}, signature) == Pins::Seen::bad);
  CHECK(pins.ident_of(alice) == nullptr);
}
