#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace beckon::rtp {

/// True when `a` comes after `b` on the circle of T (RFC 1982); the far half counts as before.
template <class T>
constexpr bool is_newer(T a, T b) {
  return static_cast<std::make_signed_t<T>>(static_cast<T>(a - b)) > 0;
}

/// Turns wrapping counters (sequence numbers, timestamps) into 64-bit ones that do not wrap: each value
/// is taken as the one nearest to the last. The first value stands for itself. A value may come
/// out negative when packets before the first arrive late.
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
