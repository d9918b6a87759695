#include "protocol/transaction/branch.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::transaction;

namespace {

std::string text_of(const BranchToken& token) {
  const auto text = print(token);
  return {text.data(), text.size()};
}

}  // namespace

TEST_CASE("a token is read back whatever follows it") {
  SeededRandom random{1};
  for (int i = 0; i < 1000; ++i) {
    const auto token =
        make_branch_token(static_cast<std::uint32_t>(random.below(1U << 25)), random.next(), random.next());
    CHECK(parse_branch_token(text_of(token)) == token);
    CHECK(parse_branch_token(text_of(token) + ".loop") == token);
  }
}

TEST_CASE("what is no token is not read") {
  const std::string text = text_of(make_branch_token(7, 8, 9));
  for (std::size_t size = 0; size < text.size(); ++size)
    CHECK_FALSE(parse_branch_token(text.substr(0, size)));
  for (const char other : {'A', '0', '1', '8', '9', '-', ';', '\0', '\xff'}) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      auto wrong = text;
      wrong[at] = other;
      CHECK_FALSE(parse_branch_token(wrong));
    }
  }
}

TEST_CASE("uses of one slot differ even where the random part repeats (RFC 3261 8.1.1.7)") {
  std::set<std::string> seen;
  for (std::uint64_t use = 0; use < 32768; ++use)
    CHECK(seen.insert(text_of(make_branch_token(3, use, 5))).second);
}
