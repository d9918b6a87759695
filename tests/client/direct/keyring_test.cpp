#include "client/direct/keyring.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::client;

TEST_CASE("a keyring reads back as it was written, with the public keys of its secrets") {
  SeededRandom random(1);
  const auto keyring = direct::make_keyring(random);
  const auto read = direct::parse_keyring(print(keyring));
  REQUIRE(read.has_value());
  CHECK(read->device.secret == keyring.device.secret);
  CHECK(read->device.pub == keyring.device.pub);
  CHECK(read->ident.pub == keyring.ident.pub);
  CHECK(read->instance == keyring.instance);
  CHECK(keyring.instance.size() == 45);
  CHECK(keyring.instance.substr(0, 9) == "urn:uuid:");
}

TEST_CASE("a damaged keyring is refused") {
  for (const char* text :
       {"", "{}", "[]", R"({"device":"AA==","ident":"AA==","instance":"x"})", R"({"device":5})"}) {
    CAPTURE(text);
    CHECK_FALSE(direct::parse_keyring(text).has_value());
  }
}
