#pragma once

#include <cstdint>
#include <cstdlib>

#include "protocol/base/text.hpp"

namespace beckon::simulation {

/// The seeds that a test plays, one history each.
struct Seeds {
  std::uint64_t first = 1;
  std::uint64_t last = 1;

  bool is_one() const { return first == last; }
  std::uint64_t count() const { return last - first + 1; }
};

/// 1 to `most`; under a sanitizer, where a history takes twenty times as long, to a tenth of that
/// (BECKON_STRIDE is 10). BECKON_SEED in the environment names one alone.
inline Seeds seeds(std::uint64_t most) {
  const char* one = std::getenv("BECKON_SEED");
  const auto number = one != nullptr ? parse_number<std::uint64_t>(one) : std::nullopt;
  return number ? Seeds{*number, *number} : Seeds{1, (most + BECKON_STRIDE - 1) / BECKON_STRIDE};
}

}  // namespace beckon::simulation
