#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace beckon::jitter {

/// Sound of 48 kHz, mono, as the codecs give it.
using Sound = std::span<std::int16_t>;

inline constexpr std::size_t shortest_period = 120;  ///< 2.5 ms, a voice of 400 Hz
inline constexpr std::size_t longest_period = 720;   ///< 15 ms, one of 67 Hz

/// How well a period must repeat before one is taken out or put in.
enum class Care {
  careful,  ///< Almost the same twice, or nearly silent; else the sound is left as it is.
  hasty,    ///< The best there is.
};

/// Takes one pitch period out of the front of `sound`, by overlap and add: it goes on from what was heard
/// before it, without a click. Returns how many samples fewer there are; 0: nothing was done.
std::size_t shorten(Sound sound, Care care);

/// Puts one pitch period in before the first `size` samples of `room`, which follow `past`, of
/// `longest_period` samples or more. `room` has place for `longest_period` more. Returns how many were added;
/// 0: nothing was done.
std::size_t lengthen(std::span<const std::int16_t> past, Sound room, std::size_t size, Care care);

}  // namespace beckon::jitter
