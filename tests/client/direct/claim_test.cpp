#include "client/direct/claim.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using client::direct::Claim;
using client::direct::parse_claims;

namespace {

const std::string text =
    "call=0102030405060708;tag=0a0b0c;epoch=deadbeef;proof=000102030405060708090a0b0c0d0e0f";

Claim make_claim() {
  Claim out{{1, 2, 3, 4, 5, 6, 7, 8}, {10, 11, 12}, {0xde, 0xad, 0xbe, 0xef}, {}};
  for (std::uint8_t i = 0; i < out.proof.size(); ++i) out.proof[i] = i;
  return out;
}

}  // namespace

TEST_CASE("Direct-Session is printed and read as DIRECT_SESSIONS 11 has it") {
  CHECK(print(make_claim()) == text);
  CHECK(parse_claims(text) == std::vector{make_claim()});
  CHECK(parse_claims(text + " , " + text) == std::vector{make_claim(), make_claim()});
  CHECK(parse_claims(" TAG = 0A0B0C ; call=0102030405060708;epoch=DEADBEEF;new=1;"
                     "proof=000102030405060708090a0b0c0d0e0f") == std::vector{make_claim()});
}

TEST_CASE("a value of Direct-Session that lacks something, or has it in another length, is left out") {
  CHECK(parse_claims("").empty());
  CHECK(parse_claims(",;,=").empty());
  CHECK(parse_claims("call=0102030405060708;tag=0a0b0c;epoch=deadbeef").empty());
  CHECK(parse_claims("call=01020304050607;tag=0a0b0c;epoch=deadbeef;proof=00").empty());
  CHECK(parse_claims("call=zz02030405060708;" + text.substr(text.find("tag"))).empty());
  CHECK(parse_claims("nonsense," + text).size() == 1);
  std::string many;
  for (int i = 0; i < 20; ++i) many += text + ',';
  CHECK(parse_claims(many).size() == client::direct::claim_values_max);
}
