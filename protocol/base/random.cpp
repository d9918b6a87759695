#include "protocol/base/random.hpp"

#include <array>

#include "protocol/base/text.hpp"

namespace beckon {

std::uint64_t Random::next() {
  std::array<std::uint8_t, 8> octets{};
  fill(octets);
  std::uint64_t value = 0;
  for (const auto octet : octets) value = value << 8 | octet;
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Values past the last whole multiple of bound would favour small results: draw again.
  const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % bound;
  std::uint64_t value = next();
  while (value >= limit) value = next();
  return value % bound;
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

Bytes Random::bytes(std::size_t size) {
  Bytes out(size);
  fill(out);
  return out;
}

std::string Random::token(std::size_t octets) {
  std::array<std::uint8_t, 32> usual;
  if (octets > usual.size()) return to_hex(bytes(octets));
  const std::span<std::uint8_t> drawn(usual.data(), octets);
  fill(drawn);
  return to_hex(drawn);
}

void SeededRandom::fill(std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size();) {
    // splitmix64 (Steele, Lea, Flood 2014): one add and three mixes a step.
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    z ^= z >> 31;
    for (int octet = 0; octet < 8 && i < out.size(); ++octet, ++i)
      out[i] = static_cast<std::uint8_t>(z >> octet * 8);
  }
}

}  // namespace beckon
