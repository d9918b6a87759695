#include "media/stream/player.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/random.hpp"
#include "tools/audio/similarity.hpp"
#include "tools/audio/speech.hpp"

using namespace beckon;
using namespace beckon::stream;

namespace {

/// A codec without loss: the payload names the frame of the sound that was sent. A missing frame is filled
/// with the sound that came before it, turned round, so that only the player can make a click.
class LookUp final : public codec::AudioDecoder {
 public:
  explicit LookUp(const device::Sound& sound) : sound_(sound) {}
  Result<void> decode(ByteView payload, codec::FrameSpan frame) override {
    const std::size_t begin = read_u16(payload) * codec::frame_samples;
    std::copy_n(sound_.samples.begin() + static_cast<std::ptrdiff_t>(begin), frame.size(), frame.begin());
    std::copy(frame.rbegin(), frame.rend(), last_.begin());
    return {};
  }
  bool recover(ByteView, codec::FrameSpan frame) override { return conceal(frame), false; }
  void conceal(codec::FrameSpan frame) override {
    std::copy(last_.begin(), last_.end(), frame.begin());
    std::copy(frame.rbegin(), frame.rend(), last_.begin());
  }

 private:
  const device::Sound& sound_;
  codec::Frame last_{};
};

struct Heard {
  device::Sound sound;
  audio_tool::Skip skip;  ///< Concealed and lost.
  std::size_t stretched = 0;
  jitter::Counters counters;

  double concealed_share() const {
    return static_cast<double>(counters.concealed) /
           static_cast<double>(counters.concealed + counters.played);
  }
};

using Way = std::function<std::optional<Duration>(int n, SeededRandom& random)>;

/// Sends `sound` over a modelled network, in virtual time, and plays what comes.
Heard send(const device::Sound& sound, const Way& way, double period_us = 20'000) {
  SeededRandom random(1);
  const int count = static_cast<int>(sound.samples.size() / codec::frame_samples);
  std::vector<std::pair<Time, int>> arrivals;
  for (int n = 0; n < count; ++n) {
    if (const auto delay = way(n, random))
      arrivals.emplace_back(Time{} + Duration(std::llround(n * period_us)) + *delay, n);
  }
  std::sort(arrivals.begin(), arrivals.end());
  Player player(std::make_unique<LookUp>(sound), codec::frame_samples);
  Heard heard;
  auto next = arrivals.begin();
  const auto put = [&](Time until) {
    for (; next != arrivals.end() && next->first <= until; ++next) {
      Bytes payload;
      append_u16(payload, static_cast<std::uint16_t>(next->second));
      player.put(static_cast<std::uint32_t>(next->second) * 960, payload, next->first);
    }
  };
  put(arrivals.front().first);
  codec::Frame frame;
  for (Time now = *player.begins(); next != arrivals.end(); now += 20ms) {
    put(now);
    const auto quality = player.play(now, frame);
    REQUIRE(quality.has_value());
    if (*quality >= Quality::concealed) heard.skip.frames.push_back(heard.sound.samples.size() / 960);
    heard.stretched += *quality == Quality::stretched ? 1 : 0;
    heard.sound.samples.insert(heard.sound.samples.end(), frame.begin(), frame.end());
  }
  heard.counters = player.counters();
  return heard;
}

/// The largest change from one sample to the next, which a click exceeds. Frames that the decoder made up
/// are left out, and those after them.
int largest_step(const device::Sound& sound, const audio_tool::Skip& skip = {}) {
  int largest = 0;
  for (std::size_t i = 1; i < sound.samples.size(); ++i) {
    const std::uint64_t frame = i / codec::frame_samples;
    const auto is_at = [&](std::uint64_t each) { return each == frame || each + 1 == frame; };
    if (std::any_of(skip.frames.begin(), skip.frames.end(), is_at)) continue;
    largest = std::max(largest, std::abs(sound.samples[i] - sound.samples[i - 1]));
  }
  return largest;
}

Duration way_of(std::uint64_t most_us, SeededRandom& random) {
  return 30ms + Duration(static_cast<Duration::rep>(random.below(most_us)));
}

}  // namespace

TEST_CASE("on an even network every sample that was sent is played, 20 ms after it came") {
  const auto speech = audio_tool::make_speech(5, 0);
  const Heard heard =
      send(speech, [](int, SeededRandom& random) { return std::optional(way_of(2000, random)); });
  CHECK(heard.stretched == 0);
  CHECK(heard.skip.frames.empty());
  REQUIRE(heard.sound.samples.size() >= speech.samples.size() - 3 * 960);
  CHECK(std::equal(heard.sound.samples.begin(), heard.sound.samples.end(), speech.samples.begin()));
}

TEST_CASE("speech over bad networks: like what was sent, nothing clicks, little is concealed") {
  const struct {
    const char* what;
    Way way;
    double period_us;
    double concealed;
  } rows[] = {
      {"jitter 30 ms", [](int, SeededRandom& r) { return std::optional(way_of(30'000, r)); }, 20'000, 0.02},
      {"jitter 60 ms", [](int, SeededRandom& r) { return std::optional(way_of(60'000, r)); }, 20'000, 0.03},
      {"drift 200 ppm slow", [](int, SeededRandom& r) { return std::optional(way_of(3'000, r)); }, 20'004, 0},
      {"drift 200 ppm fast", [](int, SeededRandom& r) { return std::optional(way_of(3'000, r)); }, 19'996, 0},
      {"150 ms longer",
       [](int n, SeededRandom& r) { return std::optional(way_of(3'000, r) + (n > 400 ? 150ms : 0ms)); },
       20'000, 0.01},
      {"150 ms shorter",
       [](int n, SeededRandom& r) { return std::optional(way_of(3'000, r) + (n > 400 ? 0ms : 150ms)); },
       20'000, 0.005},
  };
  for (const std::uint64_t voice : {0U, 1U}) {
    const auto speech = audio_tool::make_speech(30, voice);
    for (const auto& row : rows) {
      const std::string what = row.what;
      CAPTURE(what);
      CAPTURE(voice);
      const Heard heard = send(speech, row.way, row.period_us);
      CHECK(heard.concealed_share() <= row.concealed);
      CHECK(largest_step(heard.sound, heard.skip) <= largest_step(speech) + largest_step(speech) / 10);
      const auto similarity = audio_tool::compare(speech, heard.sound, heard.skip, 1).value();
      CHECK(similarity.median() >= 0.95);
      CHECK(similarity.min() >= 0.3);
    }
  }
}

TEST_CASE("what was left out and put in is what the recording is shorter and longer by") {
  const auto speech = audio_tool::make_speech(20, 1);
  const Heard heard = send(speech, [](int n, SeededRandom& r) {
    return std::optional(way_of(3'000, r) + (n > 400 ? 0ms : 150ms));
  });
  // 150 ms less delay, within what the thresholds leave.
  CHECK(heard.counters.shortened - heard.counters.lengthened >= 120ms);
  CHECK(heard.counters.shortened - heard.counters.lengthened <= 160ms);
  const auto similarity = audio_tool::compare(speech, heard.sound, heard.skip, 1).value();
  CHECK(similarity.lags.back() - similarity.lags.front() >= 0.115);
  CHECK(similarity.lags.back() - similarity.lags.front() <= 0.165);
}
