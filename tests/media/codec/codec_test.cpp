#include "media/codec/codec.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <vector>

#include "media/codec/g711.hpp"
#include "media/codec/resampler.hpp"
#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::codec;

namespace {

Frame tone(int index, double frequency = 440, double amplitude = 8000) {
  Frame frame;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const double seconds =
        static_cast<double>(static_cast<std::size_t>(index) * frame_samples + i) / sample_rate;
    frame[i] = static_cast<Sample>(amplitude * std::sin(2 * std::numbers::pi * frequency * seconds));
  }
  return frame;
}

double rms(std::span<const Sample> samples) {
  double sum = 0;
  for (const Sample sample : samples) sum += static_cast<double>(sample) * sample;
  return std::sqrt(sum / static_cast<double>(samples.size()));
}

std::vector<Bytes> encode_tone(AudioEncoder& encoder, int frames, double frequency = 440) {
  std::vector<Bytes> payloads(static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    REQUIRE(encoder.encode(tone(i, frequency), payloads[static_cast<std::size_t>(i)]).has_value());
  }
  return payloads;
}

struct Name {
  const char* name;
  std::uint32_t clock;
};

}  // namespace

TEST_CASE("codecs are found by rtpmap name, whatever its case, and clock rate") {
  for (const auto& [name, clock] :
       {Name{"opus", 48000}, Name{"Opus", 48000}, Name{"pcmu", 8000}, Name{"PCMA", 8000}}) {
    CAPTURE(name);
    CHECK(make_encoder(name, clock).has_value());
    CHECK(make_decoder(name, clock).has_value());
  }
  CHECK(make_encoder("opus", 8000).error() == make_error_code(Errc::unknown_codec));
  CHECK(make_encoder("iLBC", 8000).error() == make_error_code(Errc::unknown_codec));
  CHECK(make_decoder("PCMU", 16000).error() == make_error_code(Errc::unknown_codec));
  CHECK(make_encoder("opus", 48000, {.bitrate = -5}).error() == make_error_code(Errc::bad_parameters));
  CHECK(make_encoder("opus", 48000, {.complexity = 11}).error() == make_error_code(Errc::bad_parameters));
}

TEST_CASE("a tone comes through each codec at its level, 20 ms a payload (RFC 7587 4.2, RFC 3551 4.5.14)") {
  for (const Name row : {Name{"opus", 48000}, Name{"PCMU", 8000}, Name{"PCMA", 8000}}) {
    CAPTURE(row.name);
    const auto encoder = make_encoder(row.name, row.clock).value();
    const auto decoder = make_decoder(row.name, row.clock).value();
    CHECK(encoder->ticks_per_frame() == row.clock / 50);
    const auto payloads = encode_tone(*encoder, 50);
    Frame frame{};
    for (const Bytes& payload : payloads) {
      CHECK(payload.size() <= 500);
      REQUIRE(decoder->decode(payload, frame).has_value());
    }
    CHECK(rms(frame) == doctest::Approx(8000 / std::numbers::sqrt2).epsilon(0.05));
  }
}

TEST_CASE("a payload that cannot be decoded is reported and concealed") {
  struct Row {
    const char* name;
    std::uint32_t clock;
    Bytes payload;
    Errc error;
  };
  const Row rows[] = {
      {"opus", 48000, {}, Errc::bad_payload},
      {"opus", 48000, {0xff}, Errc::bad_payload},              // code 3 without a frame count
      {"opus", 48000, {0xe0, 1, 2, 3}, Errc::bad_duration},    // CELT, 2.5 ms
      {"opus", 48000, Bytes(2000, 0x18), Errc::bad_duration},  // SILK, 60 ms
      {"opus", 48000, Bytes(2000, 0x08), Errc::bad_payload},   // one frame above 1275 octets
      {"PCMU", 8000, {}, Errc::bad_duration},
      {"PCMU", 8000, Bytes(159, 0xff), Errc::bad_duration},
      {"PCMU", 8000, Bytes(161, 0xff), Errc::bad_duration},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CAPTURE(row.payload.size());
    const auto decoder = make_decoder(row.name, row.clock).value();
    Frame frame;
    frame.fill(12345);
    const auto decoded = decoder->decode(row.payload, frame);
    REQUIRE(decoded.has_error());
    CHECK(decoded.error() == make_error_code(row.error));
    CHECK(rms(frame) < 1);
  }
}

TEST_CASE("random payloads never break a decoder") {
  SeededRandom random(11);
  for (const Name row : {Name{"opus", 48000}, Name{"PCMU", 8000}}) {
    const auto decoder = make_decoder(row.name, row.clock).value();
    Frame frame{};
    int good = 0;
    for (int i = 0; i < 500; ++i) {
      const Bytes payload = random.bytes(random.below(300));
      good += decoder->decode(payload, frame).has_value() ? 1 : 0;
      decoder->recover(payload, frame);
    }
    CHECK(good < 500);
  }
}

TEST_CASE("concealment goes on from the last frame and fades") {
  for (const Name row : {Name{"opus", 48000}, Name{"PCMU", 8000}}) {
    CAPTURE(row.name);
    const auto encoder = make_encoder(row.name, row.clock).value();
    const auto decoder = make_decoder(row.name, row.clock).value();
    Frame frame{};
    for (const Bytes& payload : encode_tone(*encoder, 20))
      REQUIRE(decoder->decode(payload, frame).has_value());
    decoder->conceal(frame);
    CHECK(rms(frame) > 1000);
    for (int i = 0; i < 50; ++i) decoder->conceal(frame);
    CHECK(rms(frame) < 1000);  // Opus keeps what it took for background noise
  }
}

TEST_CASE(
    "Opus keeps the wave form while nothing is lost, and repeats frames while something is (RFC 7587 3.3)") {
  const auto encoder = make_encoder("opus", 48000).value();
  CHECK(encoder->name() == "opus");
  const auto decoder = make_decoder("opus", 48000).value();
  const auto repeats = [&](int percent) {
    encoder->expect_loss(percent);
    int recovered = 0;
    Frame frame{};
    for (const Bytes& payload : encode_tone(*encoder, 50)) {
      recovered += payload[0] >> 3 < 16 && decoder->recover(payload, frame) ? 1 : 0;
      CHECK(decoder->decode(payload, frame).has_value());
    }
    return recovered;
  };
  CHECK(repeats(0) == 0);
  CHECK(repeats(20) >= 30);
  CHECK(repeats(0) <= 5);  // the first frames, until it has changed its mode
}

TEST_CASE(
    "a lost Opus frame is recovered from the payload after it, when that carries redundancy (RFC 7587 3.3)") {
  // At a low rate the encoder uses SILK, which repeats the frame before when loss is expected.
  const auto encoder = make_encoder("opus", 48000, {.bitrate = 24000, .expected_loss = 20}).value();
  std::vector<Bytes> payloads;
  for (int i = 0; i < 60; ++i) {
    Bytes payload;
    Frame frame = tone(i, 150, 6000);
    const Frame overtone = tone(i, 450, 3000);
    for (std::size_t k = 0; k < frame.size(); ++k) frame[k] = static_cast<Sample>(frame[k] + overtone[k]);
    REQUIRE(encoder->encode(frame, payload).has_value());
    payloads.push_back(payload);
  }
  const auto decoder = make_decoder("opus", 48000).value();
  Frame frame{};
  int recovered = 0;
  for (std::size_t i = 0; i + 1 < payloads.size(); ++i) {
    if (i % 10 == 9) {
      recovered += decoder->recover(payloads[i + 1], frame) ? 1 : 0;
      CHECK(rms(frame) > 1000);
    } else {
      CHECK(decoder->decode(payloads[i], frame).has_value());
    }
  }
  CHECK(recovered >= 4);
}

TEST_CASE("mu-law codes are those of G.711, and every code survives a round trip") {
  struct Row {
    int sample;
    int code;
  };
  for (const Row row :
       {Row{0, 0xff}, Row{32767, 0x80}, Row{-32768, 0x00}, Row{1000, 0xce}, Row{-1000, 0x4e}, Row{8, 0xfe}}) {
    CAPTURE(row.sample);
    CHECK(int{encode_mulaw(static_cast<Sample>(row.sample))} == row.code);
  }
  CHECK(decode_mulaw(0x80) == 32124);
  CHECK(decode_mulaw(0x00) == -32124);
  for (int code = 0; code < 256; ++code) {
    if (code == 0x7f) continue;  // minus zero becomes zero
    CAPTURE(code);
    CHECK(encode_mulaw(decode_mulaw(static_cast<std::uint8_t>(code))) == code);
  }
  for (int sample = -32000; sample <= 32000; sample += 7) {
    const int back = decode_mulaw(encode_mulaw(static_cast<Sample>(sample)));
    CHECK(std::abs(back - sample) <= std::max(8, std::abs(sample) / 16));
  }
}

TEST_CASE("A-law codes are those of G.711, and every code survives a round trip") {
  CHECK(encode_alaw(0) == 0xd5);
  CHECK(encode_alaw(-1) == 0x55);
  CHECK(encode_alaw(32767) == 0xaa);
  CHECK(encode_alaw(-32768) == 0x2a);
  for (int code = 0; code < 256; ++code) {
    CAPTURE(code);
    CHECK(encode_alaw(decode_alaw(static_cast<std::uint8_t>(code))) == code);
  }
  for (int sample = -32768; sample <= 32767; sample += 7) {
    const int back = decode_alaw(encode_alaw(static_cast<Sample>(sample)));
    CHECK(std::abs(back - sample) <= std::max(8, std::abs(sample) / 16));
  }
}

TEST_CASE("a resampler keeps the length in the ratio of the rates, and the level") {
  struct Row {
    unsigned from;
    unsigned to;
  };
  for (const Row row :
       {Row{48000, 8000}, Row{8000, 48000}, Row{44100, 48000}, Row{48000, 16000}, Row{48000, 48000}}) {
    CAPTURE(row.from);
    CAPTURE(row.to);
    auto resampler = Resampler::make(row.from, row.to).value();
    std::vector<Sample> in(row.from);
    for (std::size_t i = 0; i < in.size(); ++i) {
      in[i] = static_cast<Sample>(8000 *
                                  std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / row.from));
    }
    std::vector<Sample> out;
    for (std::size_t at = 0; at < in.size(); at += row.from / 50) {
      resampler.process(std::span(in).subspan(at, row.from / 50), out);
    }
    CHECK(std::abs(static_cast<int>(out.size()) - static_cast<int>(row.to)) <= 2);
    CHECK(rms(std::span(out).subspan(row.to / 10)) ==
          doctest::Approx(8000 / std::numbers::sqrt2).epsilon(0.02));
  }
  CHECK(Resampler::make(0, 48000).error() == make_error_code(Errc::unsupported_rate));
  CHECK(Resampler::make(48000, max_rate + 1).error() == make_error_code(Errc::unsupported_rate));
}
