#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::net::test {

/// A frame as a client writes it (RFC 6455 5.2): `first` is FIN, reserved bits and opcode together.
inline std::string masked(std::uint8_t first, std::string_view payload) {
  constexpr std::string_view mask = "\x37\xfa\x21\x3d";
  const auto size = payload.size();
  std::string frame(1, static_cast<char>(first));
  const auto put = [&](std::uint64_t value, int octets) {
    for (int i = octets - 1; i >= 0; --i) frame += static_cast<char>(value >> (8 * i) & 0xFF);
  };
  if (size < 126) {
    put(0x80 | size, 1);
  } else if (size <= 0xFFFF) {
    put(0x80 | 126, 1);
    put(size, 2);
  } else {
    put(0x80 | 127, 1);
    put(size, 8);
  }
  frame += mask;
  for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>(payload[i] ^ mask[i % 4]);
  return frame;
}

}  // namespace beckon::net::test
