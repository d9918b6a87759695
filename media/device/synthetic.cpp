#include "media/device/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace beckon::device {

bool SilenceSource::pull(codec::FrameSpan frame) {
  std::fill(frame.begin(), frame.end(), codec::Sample{0});
  return true;
}

ToneSource::ToneSource(double frequency, double amplitude)
    : step_(2 * std::numbers::pi * frequency / codec::sample_rate), amplitude_(amplitude * 32767) {}

bool ToneSource::pull(codec::FrameSpan frame) {
  for (codec::Sample& sample : frame) {
    sample = static_cast<codec::Sample>(std::lround(amplitude_ * std::sin(phase_)));
    phase_ = std::fmod(phase_ + step_, 2 * std::numbers::pi);
  }
  return true;
}

}  // namespace beckon::device
