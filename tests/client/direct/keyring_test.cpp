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

TEST_CASE("a keyring whose device is not named by a UUID is refused (RFC 5626 4.1)") {
  SeededRandom random(1);
  auto keyring = direct::make_keyring(random);
  const std::string good = keyring.instance;
  for (const std::string& bad : {std::string(), std::string("x"), std::string("urn:uuid:"), good + "0",
                                 good.substr(0, good.size() - 1), "urn:uuid:" + std::string(36, '0'),
                                 good.substr(0, good.size() - 1) + ">"}) {
    CAPTURE(bad);
    keyring.instance = bad;
    CHECK_FALSE(direct::parse_keyring(print(keyring)).has_value());
  }
}
