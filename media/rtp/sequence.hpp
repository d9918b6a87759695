#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace beckon::rtp {

/// Turns wrapping counters (sequence numbers, timestamps) into 64-bit ones that do not wrap: of all values
/// that a counter may stand for, the nearest to the last one is taken. The first value is taken as it is. A
/// value may be negative, if packets from before the first one arrive late.
template <class T>
class Unwrapper {
 public:
  static_assert(std::is_unsigned_v<T>);

  std::int64_t unwrap(T value) {
    if (!last_) return *(last_ = value);
    const auto step = static_cast<std::make_signed_t<T>>(static_cast<T>(value - static_cast<T>(*last_)));
    return *(last_ = *last_ + step);
  }

 private:
  std::optional<std::int64_t> last_;
};

using SequenceUnwrapper = Unwrapper<std::uint16_t>;
using TimestampUnwrapper = Unwrapper<std::uint32_t>;

}  // namespace beckon::rtp
