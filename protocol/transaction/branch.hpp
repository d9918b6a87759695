#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace beckon::transaction {

/// The part of a branch that names one of our client transactions: the 16 characters of a-z and 2-7 that
/// follow the magic cookie, which stand for its slot (25 bits) and a secret (55 bits). A response is matched
/// by reading it: no search by text. The secret counts the uses of the slot (15 bits) and is random for the
/// rest, so that branches are unique across space and time (RFC 3261 8.1.1.7) and nobody can guess one.
struct BranchToken {
  static constexpr std::size_t size = 16;

  std::uint32_t slot = 0;    ///< Below 2^25.
  std::uint64_t secret = 0;  ///< Below 2^55.
  bool operator==(const BranchToken&) const = default;
};

BranchToken make_branch_token(std::uint32_t slot, std::uint64_t use, std::uint64_t random);
std::array<char, BranchToken::size> print(const BranchToken& token);
/// Empty when `text` does not begin with a token.
std::optional<BranchToken> parse_branch_token(std::string_view text);

/// What follows the magic cookie in a branch; empty where it has none.
std::string_view after_cookie(std::string_view branch);
/// What a user put into a branch of ours (`Draft::branch_tag`, `branch_part`), behind the token; empty for
/// shorter ones. Whether it is ours shows what the user finds there.
std::string_view branch_tail(std::string_view branch);

}  // namespace beckon::transaction
