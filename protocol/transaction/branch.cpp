#include "protocol/transaction/branch.hpp"

#include <algorithm>

#include "protocol/sip/view.hpp"

namespace beckon::transaction {
namespace {

constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr unsigned digit_bits = 5;
constexpr std::size_t slot_digits = 5;
constexpr unsigned random_bits = 40;
constexpr unsigned use_bits = 15;

constexpr auto values = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i)
    table[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  return table;
}();

constexpr std::uint64_t low_bits(std::uint64_t value, unsigned count) {
  return value & ((std::uint64_t{1} << count) - 1);
}

}  // namespace

BranchToken make_branch_token(std::uint32_t slot, std::uint64_t use, std::uint64_t random) {
  return {.slot = slot, .secret = low_bits(use, use_bits) << random_bits | low_bits(random, random_bits)};
}

std::array<char, BranchToken::size> print(const BranchToken& token) {
  std::array<char, BranchToken::size> text;
  const auto write = [&text](std::uint64_t value, std::size_t begin, std::size_t end) {
    for (std::size_t i = end; i > begin; value >>= digit_bits)
      text[--i] = digits[low_bits(value, digit_bits)];
  };
  write(token.slot, 0, slot_digits);
  write(token.secret, slot_digits, text.size());
  return text;
}

std::optional<BranchToken> parse_branch_token(std::string_view text) {
  if (text.size() < BranchToken::size) return std::nullopt;
  std::uint64_t slot = 0, secret = 0;
  int wrong = 0;
  for (std::size_t i = 0; i < BranchToken::size; ++i) {
    const int value = values[static_cast<unsigned char>(text[i])];
    wrong |= value;
    auto& into = i < slot_digits ? slot : secret;
    into = into << digit_bits | static_cast<std::uint64_t>(value & 31);
  }
  if (wrong < 0) return std::nullopt;
  return BranchToken{.slot = static_cast<std::uint32_t>(slot), .secret = secret};
}

std::string_view after_cookie(std::string_view branch) {
  return branch.starts_with(sip::magic_cookie) ? branch.substr(sip::magic_cookie.size()) : std::string_view{};
}

std::string_view branch_tail(std::string_view branch) {
  const auto text = after_cookie(branch);
  return text.substr(std::min(text.size(), BranchToken::size));
}

}  // namespace beckon::transaction
