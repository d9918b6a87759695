#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "protocol/base/text.hpp"
#include "protocol/sip/header_table.hpp"

namespace beckon::sip {

namespace {

constexpr std::size_t known = header_table.size();

/// The first 16 octets of a name as two words, filled up with zero.
struct Words {
  std::uint64_t low = 0, high = 0;

  constexpr bool operator==(const Words&) const = default;
  constexpr Words operator|(Words other) const { return {low | other.low, high | other.high}; }
};

/// `choose(octet)` of each octet.
template <class Choose>
constexpr Words words_of(std::string_view name, Choose choose) {
  std::array<char, 8> low{}, high{};
  for (std::size_t i = 0; i < name.size() && i < 16; ++i) (i < 8 ? low : high)[i % 8] = choose(name[i]);
  return {std::bit_cast<std::uint64_t>(low), std::bit_cast<std::uint64_t>(high)};
}

constexpr Words lower_words_of(std::string_view name) {
  return words_of(name, [](char c) { return to_lower(c); });
}

template <class Word>
std::uint64_t load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Of a name of two octets and more.
Words load_words(std::string_view name) {
  const char* const at = name.data();
  const std::size_t size = name.size();
  if constexpr (std::endian::native != std::endian::little) return words_of(name, [](char c) { return c; });
  if (size > 16) return {load<std::uint64_t>(at), load<std::uint64_t>(at + 8)};
  if (size > 8) return {load<std::uint64_t>(at), load<std::uint64_t>(at + size - 8) >> (8 * (16 - size))};
  if (size == 8) return {load<std::uint64_t>(at), 0};
  if (size >= 4)
    return {load<std::uint32_t>(at) | load<std::uint32_t>(at + size - 4) >> (8 * (8 - size)) << 32, 0};
  return {load<std::uint16_t>(at) | (size == 3 ? std::uint64_t{static_cast<unsigned char>(at[2])} << 16 : 0),
          0};
}

constexpr Words case_bits{0x2020202020202020, 0x2020202020202020};

/// A hash without collisions over the names in any case, with a multiplier found below.
constexpr unsigned slot_bits = 10;
constexpr std::size_t slots = 1U << slot_bits;

constexpr std::size_t slot_of(Words words, std::size_t size, std::uint64_t multiplier) {
  words = words | case_bits;
  return static_cast<std::size_t>(((words.low ^ std::rotl(words.high, 29) ^ size) * multiplier) >>
                                  (64 - slot_bits));
}

constexpr std::uint64_t find_multiplier() {
  std::uint64_t multiplier = 0x9e3779b97f4a7c15;
  for (int attempt = 0; attempt < 4000; ++attempt, multiplier = multiplier * 0xd1342543de82ef95 + 1) {
    std::array<bool, slots> taken{};
    bool perfect = true;
    for (std::size_t i = 1; i < known && perfect; ++i) {
      bool& slot =
          taken[slot_of(lower_words_of(header_table[i].name), header_table[i].name.size(), multiplier | 1)];
      perfect = !slot;
      slot = true;
    }
    if (perfect) return multiplier | 1;
  }
  return 0;
}

constexpr std::uint64_t multiplier = find_multiplier();
static_assert(multiplier != 0, "widen the search");

constexpr auto table = [] {
  std::array<HeaderId, slots> out{};
  for (std::size_t i = 1; i < known; ++i)
    out[slot_of(lower_words_of(header_table[i].name), header_table[i].name.size(), multiplier)] =
        static_cast<HeaderId>(i);
  return out;
}();

struct Letters {
  Words lower;
  Words letters;  ///< Bit 0x20, which makes a letter a lower-case one, where there are letters.
};
constexpr auto rows = [] {
  std::array<Letters, known> out{};
  for (std::size_t i = 0; i < known; ++i) {
    out[i] = {lower_words_of(header_table[i].name),
              words_of(header_table[i].name, [](char c) { return is_alpha(c) ? '\x20' : '\0'; })};
  }
  return out;
}();

constexpr auto compact_table = [] {
  std::array<HeaderId, 256> out{};
  for (const auto& row : header_table) {
    if (row.compact == ' ') continue;
    out[static_cast<unsigned char>(row.compact)] = row.id;
    out[static_cast<unsigned char>(to_upper(row.compact))] = row.id;
  }
  return out;
}();

HeaderId compact_name(char c) { return compact_table[static_cast<unsigned char>(c)]; }

}  // namespace

HeaderId parse_header_name(std::string_view name) {
  const std::size_t size = name.size();
  if (size < 2) return name.empty() ? HeaderId::other : compact_name(name.front());
  const Words found = load_words(name);
  const auto id = table[slot_of(found, size, multiplier)];
  const auto usual = row_of(id).name;
  const Letters& row = rows[static_cast<std::size_t>(id)];
  // Letters in any case, the rest as it is.
  if (size != usual.size() || (found | row.letters) != row.lower) return HeaderId::other;
  return size <= 16 || iequals(name.substr(16), usual.substr(16)) ? id : HeaderId::other;
}

std::string_view to_string(HeaderId id) { return row_of(id).name; }

}  // namespace beckon::sip
