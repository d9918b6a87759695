#include "media/stream/tone.hpp"

#include <cmath>
#include <numbers>

namespace beckon::stream {

/// Goertzel's recurrence: one bin of the Fourier transform.
double share_of_tone(codec::FrameView frame, int hertz) {
  const double turn = 2 * std::numbers::pi * hertz / codec::sample_rate;
  const double factor = 2 * std::cos(turn);
  double last = 0, before = 0, power = 0;
  for (const codec::Sample sample : frame) {
    const double next = sample + factor * last - before;
    before = last;
    last = next;
    power += static_cast<double>(sample) * sample;
  }
  if (power == 0) return 0;
  const double in_bin = last * last + before * before - factor * last * before;
  return 2 * in_bin / (static_cast<double>(frame.size()) * power);
}

std::vector<int> ToneMeter::push(codec::FrameView frame) {
  std::vector<int> heard;
  for (auto& [hertz, run] : runs_) {
    run = share_of_tone(frame, hertz) > 0.5 ? run + 1 : 0;
    if (run == frames_needed) heard.push_back(hertz);
  }
  return heard;
}

}  // namespace beckon::stream
