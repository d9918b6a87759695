#include "tools/audio/similarity.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "media/codec/codec.hpp"
#include "protocol/base/random.hpp"
#include "tools/audio/speech.hpp"

using namespace beckon;
using namespace beckon::audio_tool;

namespace {

/// The sound after coding and decoding.
device::Sound through(const char* name, std::uint32_t clock, const device::Sound& sound) {
  const auto encoder = codec::make_encoder(name, clock).value();
  const auto decoder = codec::make_decoder(name, clock).value();
  device::Sound out;
  Bytes payload;
  codec::Frame frame{};
  for (std::size_t at = 0; at + codec::frame_samples <= sound.samples.size(); at += codec::frame_samples) {
    const codec::FrameView in(sound.samples.data() + at, codec::frame_samples);
    REQUIRE(encoder->encode(in, payload).has_value());
    REQUIRE(decoder->decode(payload, frame).has_value());
    out.samples.insert(out.samples.end(), frame.begin(), frame.end());
  }
  return out;
}

double rms(const device::Sound& sound) {
  double sum = 0;
  for (const auto sample : sound.samples) sum += static_cast<double>(sample) * sample;
  return std::sqrt(sum / static_cast<double>(sound.samples.size()));
}

}  // namespace

TEST_CASE("speech is as long as asked, at the level of speech, repeatable, and differs by seed") {
  for (const std::uint64_t seed : {0U, 1U, 2U, 3U}) {
    CAPTURE(seed);
    const auto sound = make_speech(3, seed);
    CHECK(sound.samples.size() == 3 * 48000);
    CHECK(rms(sound) > 800);
    CHECK(rms(sound) < 4000);
    CHECK(make_speech(3, seed).samples == sound.samples);
    CHECK(make_speech(3, seed + 1).samples != sound.samples);
  }
}

TEST_CASE("speech through Opus at 64 kbit/s is like itself: median at least 0.9 in windows of 1 s") {
  for (const std::uint64_t seed : {0U, 1U}) {
    CAPTURE(seed);
    const auto sent = make_speech(8, seed);
    const auto similarity = compare(sent, through("opus", 48000, sent), {}, 0.5).value();
    CHECK(similarity.values.size() >= 7);
    CHECK(similarity.median() >= 0.9);
    CHECK(similarity.min() >= 0.8);
  }
}

TEST_CASE("speech through PCMU is like itself") {
  const auto sent = make_speech(5, 1);
  CHECK(compare(sent, through("PCMU", 8000, sent), {}, 0.5).value().median() >= 0.9);
}

TEST_CASE("the best lag is found, whichever side begins first") {
  const auto sent = make_speech(6, 0);
  device::Sound late;
  late.samples.assign(36000, 0);  // 750 ms
  late.samples.insert(late.samples.end(), sent.samples.begin(), sent.samples.end());
  const auto heard_late = compare(sent, late, {}, 1).value();
  CHECK(heard_late.median() >= 0.99);
  CHECK(heard_late.lags.back() == doctest::Approx(-0.75).epsilon(0.001));
  const auto heard_early = compare(late, sent, {}, 1).value();
  CHECK(heard_early.median() >= 0.99);
  CHECK(heard_early.lags.front() == doctest::Approx(0.75).epsilon(0.001));
}

TEST_CASE("another voice, noise and silence are unlike") {
  const auto sent = make_speech(5, 0);
  CHECK(compare(sent, make_speech(5, 1), {}, 0.5).value().median() < 0.6);
  device::Sound silence;
  silence.samples.assign(5 * 48000, 0);
  const auto nothing = compare(sent, silence, {}, 0.5).value();
  CHECK(nothing.values.size() == 5);
  CHECK(nothing.median() == 0);
  CHECK(compare(sent, {}, {}, 0.5).value().median() == 0);
}

TEST_CASE("silence where silence was sent is left out") {
  auto sent = make_speech(6, 0);
  std::fill(sent.samples.begin() + 2 * 48000, sent.samples.begin() + 5 * 48000, codec::Sample{0});
  const auto similarity = compare(sent, sent, {}, 0.5).value();
  CHECK(similarity.silent_windows >= 2);
  CHECK(similarity.values.size() + similarity.silent_windows == 6);
  CHECK(similarity.min() >= 0.99);
}

TEST_CASE("frames that were concealed are left out when they are named, and counted") {
  const auto sent = make_speech(6, 0);
  auto heard = sent;
  SeededRandom random(5);
  Skip skip;
  for (std::uint64_t frame = 4; frame < 300; frame += 5) {
    skip.frames.push_back(frame);
    for (std::size_t i = 0; i < codec::frame_samples; ++i) {
      heard.samples[frame * codec::frame_samples + i] =
          static_cast<codec::Sample>(static_cast<int>(random.below(8000)) - 4000);
    }
  }
  skip.frames.push_back(100000);  // past the end: not counted
  const auto with = compare(sent, heard, skip, 0.5).value();
  CHECK(with.masked_frames == 60);
  CHECK(with.min() >= 0.98);
  CHECK(compare(sent, heard, {}, 0.5).value().median() < 0.9);

  Skip second;
  for (std::uint64_t i = 50; i < 100; ++i) second.frames.push_back(i);
  CHECK(compare(sent, sent, second, 0.5).value().masked_windows == 1);
}

TEST_CASE("the file beside a recording is read; anything else is refused") {
  struct Row {
    const char* text;
    bool good;
  };
  const Row rows[] = {
      {R"({"sample_rate":48000,"frame_samples":960,"lost":[3,1],"concealed":[3,9],"start_offset_ms":12.5})",
       true},
      {R"({"sample_rate":48000,"frame_samples":960,"lost":[3]})", false},
      {R"({"sample_rate":48000,"frame_samples":960,"lost":[-3],"concealed":[]})", false},
      {R"({"sample_rate":0,"frame_samples":960,"lost":[],"concealed":[]})", false},
      {R"({"sample_rate":48000,"frame_samples":0,"lost":[],"concealed":[]})", false},
      {R"([])", false},
      {"", false},
  };
  const auto path =
      std::filesystem::temp_directory_path() / ("beckon-skip-" + std::to_string(::getpid()) + ".json");
  for (const Row& row : rows) {
    CAPTURE(row.text);
    std::ofstream(path) << row.text;
    const auto skip = read_skip(path);
    CHECK(skip.has_value() == row.good);
    if (row.good) CHECK(skip->frames == std::vector<std::uint64_t>{1, 3, 9});
  }
  std::filesystem::remove(path);
  CHECK(read_skip(path).error() == make_error_code(device::Errc::cannot_open));
}
