#include "protocol/base/keyed_hash.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;

TEST_CASE("SipHash-2-4 gives the published values (Aumasson, Bernstein 2012, appendix A)") {
  const KeyedHash hash(0x0706050403020100, 0x0f0e0d0c0b0a0908);
  std::string text;
  CHECK(hash.reference(text) == 0x726fdb47dd0e0e31);
  for (char c = 0; c < 15; ++c) text.push_back(c);
  CHECK(hash.reference(text) == 0xa129ca6149be45e5);
}

TEST_CASE("SipHash-128-2-4 gives the published values (vectors_sip128 of the reference implementation)") {
  const KeyedHash hash(0x0706050403020100, 0x0f0e0d0c0b0a0908);
  CHECK(hash.reference_wide("") == KeyedHash::Wide{0xe6a825ba047f81a3, 0x930255c71472f66d});
  CHECK(hash.reference_wide(std::string_view("\0", 1)) ==
        KeyedHash::Wide{0x44af996bd8c187da, 0x45fc229b11597634});
}

TEST_CASE("another key gives another hash") {
  const KeyedHash one(1, 2), two(1, 3);
  CHECK(one("z9hG4bK") == one("z9hG4bK"));
  CHECK(one("z9hG4bK") != two("z9hG4bK"));
  CHECK(one("z9hG4bK") != one("z9hG4bL"));
}
