#pragma once

#include <cmath>
#include <numbers>

#include "media/device/audio.hpp"

namespace beckon::device::test {

/// A sine that never ends.
class ToneSource final : public AudioSource {
 public:
  /// `frequency` in Hz, below 24000; `amplitude` from 0 to 1 of full scale.
  explicit ToneSource(double frequency, double amplitude = 0.25)
      : step_(2 * std::numbers::pi * frequency / codec::sample_rate), amplitude_(amplitude * 32767) {}

  bool pull(codec::FrameSpan frame) override {
    for (codec::Sample& sample : frame) {
      sample = static_cast<codec::Sample>(std::lround(amplitude_ * std::sin(phase_)));
      phase_ = std::fmod(phase_ + step_, 2 * std::numbers::pi);
    }
    return true;
  }

 private:
  double step_;  ///< Radians a sample.
  double phase_ = 0;
  double amplitude_;
};

}  // namespace beckon::device::test
