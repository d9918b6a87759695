#include "media/jitter/stretch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::jitter;

namespace {

constexpr double rate = 48000;

std::vector<std::int16_t> tone(double hertz, std::size_t size, double level = 8000) {
  std::vector<std::int16_t> out(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(i) / rate;
    // With two harmonics, as a voice has.
    out[i] = static_cast<std::int16_t>(
        level * (std::sin(phase) + 0.5 * std::sin(2 * phase + 1) + 0.25 * std::sin(3 * phase + 2)));
  }
  return out;
}

std::vector<std::int16_t> noise(std::size_t size, std::uint64_t level) {
  SeededRandom random(1);
  std::vector<std::int16_t> out(size);
  for (auto& sample : out)
    sample =
        static_cast<std::int16_t>(static_cast<int>(random.below(2 * level + 1)) - static_cast<int>(level));
  return out;
}

/// The largest step from one sample to the next: a click is a large one.
int largest_step(const std::vector<std::int16_t>& sound) {
  int largest = 0;
  for (std::size_t i = 1; i < sound.size(); ++i)
    largest = std::max(largest, std::abs(sound[i] - sound[i - 1]));
  return largest;
}

/// What is heard: `past`, and then the sound as it became.
std::vector<std::int16_t> joined(const std::vector<std::int16_t>& past,
                                 const std::vector<std::int16_t>& sound, std::size_t size) {
  auto heard = past;
  heard.insert(heard.end(), sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size));
  return heard;
}

struct Cut {
  std::vector<std::int16_t> past, sound;
  std::size_t size;
  explicit Cut(const std::vector<std::int16_t>& whole)
      : past(whole.begin(), whole.begin() + 960),
        sound(whole.begin() + 960, whole.end()),
        size(sound.size()) {
    sound.resize(size + longest_period);
  }
};

}  // namespace

TEST_CASE("a voice is shortened and lengthened by whole periods, so that nothing clicks") {
  for (const double hertz : {75.0, 90.0, 120.0, 170.0, 220.0, 310.0, 390.0}) {
    CAPTURE(hertz);
    const auto whole = tone(hertz, 960 + 1920);
    const double period = rate / hertz;
    for (const bool shorter : {true, false}) {
      CAPTURE(shorter);
      Cut cut(whole);
      const std::size_t changed = shorter ? shorten({cut.sound.data(), cut.size}, Care::careful)
                                          : lengthen(cut.past, cut.sound, cut.size, Care::careful);
      REQUIRE(changed > 0);
      const double periods = static_cast<double>(changed) / period;
      CHECK(std::abs(periods - std::round(periods)) <= 0.03);
      const auto heard = joined(cut.past, cut.sound, shorter ? cut.size - changed : cut.size + changed);
      CHECK(largest_step(heard) <= 1.1 * largest_step(whole));
      // The rest is what it was.
      CHECK(heard.back() == whole.back());
    }
  }
}

TEST_CASE("noise is left alone with care, and changed without a click in haste") {
  const auto whole = noise(960 + 1920, 5000);
  for (const bool shorter : {true, false}) {
    CAPTURE(shorter);
    const auto change = [&](Cut& cut, Care care) {
      return shorter ? shorten({cut.sound.data(), cut.size}, care)
                     : lengthen(cut.past, cut.sound, cut.size, care);
    };
    Cut careful(whole);
    CHECK(change(careful, Care::careful) == 0);
    CHECK(std::equal(careful.sound.begin(), careful.sound.begin() + 1920, whole.begin() + 960));
    Cut hasty(whole);
    const std::size_t changed = change(hasty, Care::hasty);
    REQUIRE(changed >= shortest_period);
    CHECK(largest_step(joined(hasty.past, hasty.sound,
                              shorter ? hasty.size - changed : hasty.size + changed)) <= 10'000);
  }
}

TEST_CASE("silence and faint noise are always changed") {
  for (const std::uint64_t level : {0U, 20U}) {
    CAPTURE(level);
    Cut cut(noise(960 + 960, level));
    CHECK(shorten({cut.sound.data(), cut.size}, Care::careful) >= shortest_period);
    Cut other(noise(960 + 960, level));
    CHECK(lengthen(other.past, other.sound, other.size, Care::careful) >= shortest_period);
  }
}

TEST_CASE("too little sound is left alone") {
  for (std::size_t size = 0; size < 2 * shortest_period; size += 17) {
    CAPTURE(size);
    Cut cut(tone(200, 960 + size));
    CHECK(shorten({cut.sound.data(), cut.size}, Care::hasty) == 0);
    if (size < shortest_period) CHECK(lengthen(cut.past, cut.sound, cut.size, Care::hasty) == 0);
  }
}
