#include "client/cli/state_folder.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "protocol/ds1/ticket.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace beckon;
using namespace beckon::client;

namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat facts{};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 0777U;
}

}  // namespace

TEST_CASE("keys are made at first use and stay, for their owner's eyes only") {
  const test::TemporaryFolder folder;
  SeededRandom random(1);
  const auto place = folder / "deep" / "state";
  auto state = cli::StateFolder::open(place);
  REQUIRE(state.has_value());
  const auto made = state->keyring(random);
  REQUIRE(made.has_value());
  CHECK(mode_of(place) == 0700U);
  CHECK(mode_of(place / "keys.json") == 0600U);
  const auto read = cli::StateFolder::open(place)->keyring(random);
  REQUIRE(read.has_value());
  CHECK(read->device.secret == made->device.secret);
  CHECK(read->instance == made->instance);
}

TEST_CASE("pins replace the old file in one step and leave nothing beside it") {
  const test::TemporaryFolder folder;
  SeededRandom random(2);
  const auto state = cli::StateFolder::open(folder.path());
  REQUIRE(state.has_value());
  CHECK(state->pins().has_value());
  const auto keyring = direct::make_keyring(random);
  direct::Pins pins;
  const auto signature = ds1::sign_identity(keyring.ident.secret, "sip:a@b", keyring.device.pub, {});
  REQUIRE(pins.see("sip:a@b", keyring.device.pub, keyring.ident.pub, {}, signature) ==
          direct::Pins::Seen::pinned);
  REQUIRE(state->write_pins(pins).has_value());
  REQUIRE(state->write_pins(pins).has_value());
  CHECK(mode_of(folder / "pins.json") == 0600U);
  CHECK_FALSE(std::filesystem::exists(folder / "pins.json.new"));
  const auto read = state->pins();
  REQUIRE(read.has_value());
  CHECK(read->is_pinned("sip:a@b", keyring.ident.pub));
}

TEST_CASE("a damaged file is reported, not replaced") {
  const test::TemporaryFolder folder;
  SeededRandom random(3);
  const auto state = cli::StateFolder::open(folder.path());
  REQUIRE(state.has_value());
  std::ofstream(folder / "keys.json") << "{\"device\":\"";
  CHECK_FALSE(state->keyring(random).has_value());
  std::ofstream(folder / "pins.json") << "[]";
  CHECK_FALSE(state->pins().has_value());
}

TEST_CASE("a folder that cannot be created is reported") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "file") << "x";
  CHECK_FALSE(cli::StateFolder::open(folder / "file" / "state").has_value());
}

TEST_CASE("how peers take messages is kept; a file that cannot be read begins anew") {
  const test::TemporaryFolder folder;
  const auto state = cli::StateFolder::open(folder.path());
  REQUIRE(state.has_value());
  REQUIRE(state->peers().has_value());
  const WallTime now{std::chrono::hours(1)};
  message::Peers peers;
  peers.set_form("sip:a@b", message::Peers::Form::plain, now);
  REQUIRE(state->write_peers(peers).has_value());
  CHECK(mode_of(folder / "peers.json") == 0600U);
  CHECK(state->peers()->form_of("sip:a@b", now) == message::Peers::Form::plain);
  std::ofstream(folder / "peers.json") << "rubbish";
  REQUIRE(state->peers().has_value());
  CHECK(state->peers()->form_of("sip:a@b", now) == message::Peers::Form::unknown);
}

TEST_CASE("what is published is remembered until it is removed; no other text is taken for an entity-tag") {
  const test::TemporaryFolder folder;
  const auto state = cli::StateFolder::open(folder / "state");
  REQUIRE(state.has_value());
  CHECK(state->published().empty());
  CHECK(state->write_published("bk1.abc").has_value());
  CHECK(state->published() == "bk1.abc");
  CHECK(state->write_published("").has_value());
  CHECK(state->published().empty());
  CHECK(state->write_published("").has_value());
  for (const std::string& bad : {std::string("a\r\nTo: b"), std::string(257, 'a'), std::string("a b")}) {
    CAPTURE(bad);
    CHECK(state->write_published(bad).has_value());
    CHECK(state->published().empty());
  }
}

TEST_CASE("how contacts are called is kept for its owner alone, and read without making the folder") {
  const test::TemporaryFolder temporary;
  CHECK(cli::StateFolder::contacts(temporary / "none").empty());
  CHECK_FALSE(std::filesystem::exists(temporary / "none"));
  const auto folder = cli::StateFolder::open(temporary / "state");
  REQUIRE(folder.has_value());
  REQUIRE(folder->write_contacts("{}").has_value());
  CHECK(cli::StateFolder::contacts(temporary / "state") == "{}");
  CHECK(mode_of(temporary / "state/contacts.json") == 0600);
}

TEST_CASE("what was typed is kept for its owner alone") {
  const test::TemporaryFolder folder;
  const auto state = cli::StateFolder::open(folder / "state");
  REQUIRE(state.has_value());
  CHECK(state->history().empty());
  CHECK(state->write_history("message bob hi\n").has_value());
  CHECK(state->history() == "message bob hi\n");
  CHECK(mode_of(folder / "state" / "history") == 0600U);
}
