#include <array>
#include <cstddef>

#include "protocol/base/text.hpp"
#include "protocol/sip/header_table.hpp"

namespace beckon::sip {

namespace {

constexpr std::size_t known = header_table.size();

/// A hash without collisions over the names: length and three letters, with multipliers found below.
constexpr std::size_t slots = 1024;

struct Hash {
  unsigned first = 0, middle = 0, last = 0;

  constexpr std::size_t operator()(std::string_view name) const {
    const auto letter = [&](std::size_t at) { return static_cast<unsigned char>(to_lower(name[at])); };
    const std::size_t size = name.size();
    return (size * 37 + letter(0) * first + letter(size / 2) * middle + letter(size - 1) * last) % slots;
  }
};

constexpr bool is_perfect(Hash hash) {
  std::array<bool, slots> taken{};
  for (std::size_t i = 1; i < known; ++i) {
    bool& slot = taken[hash(header_table[i].name)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

constexpr Hash find_hash() {
  for (unsigned seed = 1; seed < 2000; ++seed) {
    const Hash hash{seed * 7 % 509 + 1, seed * 31 % 521 + 1, seed * 97 % 503 + 1};
    if (is_perfect(hash)) return hash;
  }
  return {};
}

constexpr Hash hash = find_hash();
static_assert(hash.first != 0, "widen the search");

constexpr auto table = [] {
  std::array<HeaderId, slots> out{};
  for (std::size_t i = 1; i < known; ++i) out[hash(header_table[i].name)] = static_cast<HeaderId>(i);
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
  if (name.size() < 2) return name.empty() ? HeaderId::other : compact_name(name.front());
  const HeaderId id = table[hash(name)];
  const auto usual = row_of(id).name;
  return name == usual || iequals(name, usual) ? id : HeaderId::other;
}

std::string_view to_string(HeaderId id) { return row_of(id).name; }

}  // namespace beckon::sip
