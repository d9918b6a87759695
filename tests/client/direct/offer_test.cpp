#include "client/direct/offer.hpp"

#include <doctest/doctest.h>

using namespace beckon;

namespace {

const std::string alice = "sip:alice@example.org";

/// A tuple of alice's as a watcher gets it.
documents::Tuple tuple_of(const client::direct::Keyring& keyring, const std::string& id, ds1::Mode mode,
                          std::uint16_t priority) {
  auto element = client::direct::make_direct(keyring, alice, mode, {1, 2, 3, 4}, {},
                                             {{{}, 1, *parse_address("192.0.2.10:40000")}});
  element.secret.reset();
  element.grant = ds1::Grant{Bytes(60), {}};
  documents::Tuple tuple;
  tuple.id = id;
  tuple.basic = documents::Basic::open;
  tuple.contact = documents::Contact{"sip:alice@192.0.2.10", priority};
  tuple.status_extensions.push_back(documents::print(element));
  return tuple;
}

}  // namespace

TEST_CASE(
    "a verified device is called first, then one that answers at once, then the preferred one "
    "(DIRECT_SESSIONS 9)") {
  SeededRandom random(1);
  const auto known = client::direct::make_keyring(random);
  const auto preferred = client::direct::make_keyring(random);
  const auto stranger = client::direct::make_keyring(random);
  documents::Presence presence;
  presence.tuples = {
      tuple_of(stranger, "a", ds1::Mode::automatic, 1000), tuple_of(known, "b", ds1::Mode::automatic, 200),
      tuple_of(preferred, "c", ds1::Mode::automatic, 900), tuple_of(known, "d", ds1::Mode::ask, 1000)};
  const auto is_verified = [&](const crypto::Key32& key) { return key != stranger.device.pub; };
  const auto choice = client::direct::choose(alice, presence, is_verified);
  REQUIRE(choice.has_value());
  CHECK(choice->offer.device_key == preferred.device.pub);
  CHECK(choice->offer.want == ds1::Mode::automatic);
  CHECK(choice->codec.name == "opus");

  SUBCASE("an unverified device is called only if no other is left, and asked to ring") {
    presence.tuples.resize(1);
    const auto last = client::direct::choose(alice, presence, is_verified);
    REQUIRE(last.has_value());
    CHECK(last->offer.device_key == stranger.device.pub);
    CHECK(last->offer.want == ds1::Mode::ask);
  }
}

TEST_CASE("no grant, no open tuple, no common codec: no direct session") {
  SeededRandom random(1);
  const auto keyring = client::direct::make_keyring(random);
  const auto anybody = [](const crypto::Key32&) { return true; };
  documents::Presence presence;
  CHECK_FALSE(client::direct::choose(alice, presence, anybody).has_value());
  presence.tuples = {tuple_of(keyring, "a", ds1::Mode::automatic, 1000)};
  REQUIRE(client::direct::choose(alice, presence, anybody).has_value());
  SUBCASE("closed") { presence.tuples[0].basic = documents::Basic::closed; }
  SUBCASE("without grant") {
    auto element = *documents::find_direct(presence.tuples[0]);
    element.grant.reset();
    presence.tuples[0].status_extensions = {documents::print(element)};
  }
  SUBCASE("unknown codecs") {
    auto element = *documents::find_direct(presence.tuples[0]);
    element.media[0].codecs = {{.pt = 100, .name = "speex", .clock = 16000, .fmtp = ""}};
    presence.tuples[0].status_extensions = {documents::print(element)};
  }
  CHECK_FALSE(client::direct::choose(alice, presence, anybody).has_value());
}
