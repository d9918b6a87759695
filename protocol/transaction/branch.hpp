#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace beckon::transaction {

/// The part of a branch that names one of our client transactions: 16 characters of a-z and 2-7, which stand
/// for its slot (25 bits) and a secret (55 bits). A response is matched by reading it: no search by text. The
/// secret counts the uses of the slot (15 bits) and is random for the rest, so that branches are unique
/// across space and time (RFC 3261 8.1.1.7) and nobody can guess one.
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

}  // namespace beckon::transaction
