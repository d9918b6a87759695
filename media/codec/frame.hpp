#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace beckon::codec {

/// Audio inside the program is always 48 kHz, mono, signed 16 bit, in frames of 20 ms. Codecs and
/// devices convert at the edge.
inline constexpr unsigned sample_rate = 48000;
inline constexpr std::size_t frame_samples = 960;
inline constexpr std::chrono::milliseconds frame_duration{20};

using Sample = std::int16_t;
using Frame = std::array<Sample, frame_samples>;
using FrameView = std::span<const Sample, frame_samples>;
using FrameSpan = std::span<Sample, frame_samples>;

}  // namespace beckon::codec
