#pragma once

#include <algorithm>
#include <cstddef>

#include "protocol/base/bytes.hpp"

namespace beckon::fuzz {

/// Takes the next piece of the input: a length octet, then as many octets.
inline ByteView take(ByteView& input) {
  if (input.empty()) return {};
  const std::size_t size = std::min<std::size_t>(input[0], input.size() - 1);
  const ByteView piece = input.subspan(1, size);
  input = input.subspan(1 + size);
  return piece;
}

}  // namespace beckon::fuzz
