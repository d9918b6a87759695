#include "tools/audio/speech.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "protocol/base/random.hpp"

namespace beckon::audio_tool {
namespace {

constexpr double rate = codec::sample_rate;
constexpr std::size_t formant_count = 4;
constexpr std::size_t control_step = 240;  // samples between two settings of the filters: 5 ms
constexpr double ramp_seconds = 0.015;     // how fast a segment rises and falls

using Formants = std::array<double, formant_count>;  // Hz
constexpr Formants bandwidths{70, 90, 130, 200};     // Hz

// About where the resonances of a man's mouth lie for a, e, i, o, u, schwa, m.
constexpr Formants vowels[] = {{730, 1100, 2450, 3400}, {530, 1850, 2500, 3500}, {280, 2250, 2900, 3600},
                               {480, 850, 2400, 3300},  {310, 800, 2250, 3200},  {500, 1450, 2450, 3400}};
constexpr Formants nasal{260, 1050, 2200, 3200};

/// A piece of speech with one kind of excitation.
struct Segment {
  double seconds = 0;
  double voice = 0;  ///< Level of the vocal cords.
  double noise = 0;  ///< Level of the hiss.
  double noise_frequency = 5000;
  Formants from{};
  Formants to{};
  double pitch_from = 0;  ///< Hz
  double pitch_to = 0;
};

/// Second-order resonator with gain 1 at 0 Hz.
class Resonator {
 public:
  void tune(double frequency, double bandwidth) {
    const double radius = std::exp(-std::numbers::pi * bandwidth / rate);
    b_ = 2 * radius * std::cos(2 * std::numbers::pi * frequency / rate);
    c_ = -radius * radius;
    a_ = 1 - b_ - c_;
  }
  double operator()(double in) {
    const double out = a_ * in + b_ * y1_ + c_ * y2_;
    y2_ = y1_;
    return y1_ = out;
  }

 private:
  double a_ = 1, b_ = 0, c_ = 0, y1_ = 0, y2_ = 0;
};

double between(Random& random, double low, double high) { return low + (high - low) * random.unit(); }

/// Decides what is said: a list of segments.
class Script {
 public:
  Script(std::uint64_t seed, Random& random)
      : random_(random),
        pitch_(seed % 2 == 0 ? between(random, 95, 125) : between(random, 185, 225)),
        scale_(seed % 2 == 0 ? 1.0 : 1.16) {}

  std::vector<Segment> write(double seconds) {
    double total = 0;
    while (total < seconds) {
      const auto begin = segments_.size();
      add_phrase();
      for (std::size_t i = begin; i < segments_.size(); ++i) total += segments_[i].seconds;
    }
    return std::move(segments_);
  }

 private:
  void add_phrase() {
    const auto syllables = 4 + random_.below(6);
    for (std::uint64_t i = 0; i < syllables; ++i) {
      // Pitch falls over the phrase.
      const double level = 1.15 - 0.3 * static_cast<double>(i) / static_cast<double>(syllables);
      add_consonant(level);
      add_vowel(level);
    }
    segments_.push_back({.seconds = between(random_, 0.15, 0.4)});
  }

  void add_consonant(double level) {
    switch (random_.below(4)) {
      case 0:  // a hiss
        segments_.push_back({.seconds = between(random_, 0.05, 0.11),
                             .noise = between(random_, 0.15, 0.3),
                             .noise_frequency = between(random_, 2800, 6500)});
        break;
      case 1:  // a stop and its burst
        segments_.push_back({.seconds = between(random_, 0.03, 0.06)});
        segments_.push_back({.seconds = 0.02, .noise = 0.4, .noise_frequency = between(random_, 1200, 4000)});
        break;
      case 2:  // a hum
        segments_.push_back(voiced(between(random_, 0.05, 0.09), 0.5, nasal, nasal, level));
        break;
      default:  // none
        break;
    }
  }

  void add_vowel(double level) {
    const Formants& from = vowels[random_.below(std::size(vowels))];
    const Formants& to = vowels[random_.below(std::size(vowels))];
    segments_.push_back(voiced(between(random_, 0.11, 0.26), between(random_, 0.7, 1.0), from, to, level));
  }

  Segment voiced(double seconds, double loudness, const Formants& from, const Formants& to, double level) {
    Segment segment{.seconds = seconds,
                    .voice = loudness,
                    .noise = 0.01,
                    .noise_frequency = 2500,
                    .from = from,
                    .to = to};
    for (std::size_t i = 0; i < formant_count; ++i) segment.from[i] *= scale_, segment.to[i] *= scale_;
    segment.pitch_from = pitch_ * level * between(random_, 0.9, 1.15);
    segment.pitch_to = pitch_ * level * between(random_, 0.85, 1.1);
    return segment;
  }

  Random& random_;
  double pitch_;
  double scale_;  ///< A shorter throat has higher formants.
  std::vector<Segment> segments_;
};

/// Speaks segments: vocal cords and hiss through the mouth's resonances.
class Mouth {
 public:
  explicit Mouth(Random& random) : random_(random) {}

  void speak(const Segment& segment, std::vector<double>& out) {
    const auto count = static_cast<std::size_t>(segment.seconds * rate);
    for (std::size_t i = 0; i < count; ++i) {
      const double progress = static_cast<double>(i) / static_cast<double>(count);
      if (i % control_step == 0) tune(segment, progress);
      const double pitch = segment.pitch_from + (segment.pitch_to - segment.pitch_from) * progress;
      out.push_back(envelope(i, count) *
                    (segment.voice * voice(pitch) + segment.noise * hiss_(between(random_, -1, 1))));
    }
  }

 private:
  void tune(const Segment& segment, double progress) {
    hiss_.tune(segment.noise_frequency, 1500);
    for (std::size_t i = 0; i < formant_count && segment.voice > 0; ++i) {
      resonators_[i].tune(segment.from[i] + (segment.to[i] - segment.from[i]) * progress, bandwidths[i]);
    }
  }

  static double envelope(std::size_t at, std::size_t count) {
    const double ramp = ramp_seconds * rate;
    const double edge = static_cast<double>(std::min(at, count - at));
    return std::min(1.0, edge / ramp);
  }

  double voice(double pitch) {
    phase_ = std::fmod(phase_ + pitch / rate, 1.0);
    const double flow = glottis(phase_);
    double sound = (flow - flow_) * 12;  // the lips radiate changes only
    flow_ = flow;
    for (Resonator& resonator : resonators_) sound = resonator(sound);
    return sound;
  }

  /// Air through the vocal cords over one period: they open slowly, close fast and stay closed.
  static double glottis(double phase) {
    if (phase < 0.4) return 0.5 * (1 - std::cos(std::numbers::pi * phase / 0.4));
    if (phase < 0.56) return std::cos(std::numbers::pi / 2 * (phase - 0.4) / 0.16);
    return 0;
  }

  Random& random_;
  std::array<Resonator, formant_count> resonators_;
  Resonator hiss_;
  double phase_ = 0;
  double flow_ = 0;
};

/// Brings the loud parts to -23 dB of full scale; speech peaks lie some 15 dB above.
std::vector<codec::Sample> level(const std::vector<double>& sound) {
  constexpr double target = 32768 * 0.0708;
  double square = 0;
  double active = 1;
  for (const double value : sound) {
    if (std::abs(value) < 1e-4) continue;
    square += value * value;
    ++active;
  }
  const double gain = target / std::max(std::sqrt(square / active), 1e-9);
  std::vector<codec::Sample> samples(sound.size());
  std::transform(sound.begin(), sound.end(), samples.begin(), [gain](double value) {
    return static_cast<codec::Sample>(std::lround(std::clamp(value * gain, -32000.0, 32000.0)));
  });
  return samples;
}

}  // namespace

device::Sound make_speech(double seconds, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<double> sound;
  Mouth mouth(random);
  for (const Segment& segment : Script(seed, random).write(seconds)) mouth.speak(segment, sound);
  sound.resize(static_cast<std::size_t>(seconds * rate));
  return {.rate = codec::sample_rate, .samples = level(sound)};
}

}  // namespace beckon::audio_tool
