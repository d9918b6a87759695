#pragma once

#include <cstdint>

#include "media/device/wav.hpp"

namespace beckon::audio_tool {

/// Speech-like sound, 48 kHz mono: phrases of voiced syllables with gliding pitch and formants, hisses,
/// bursts and pauses, at the level of speech (-23 dB below full scale while speaking). The same seed gives
/// the same samples; even seeds speak low, odd seeds high.
device::Sound make_speech(double seconds, std::uint64_t seed);

}  // namespace beckon::audio_tool
