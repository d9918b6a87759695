#include "media/codec/g711.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <vector>

#include "media/codec/resampler.hpp"

namespace beckon::codec {
namespace {

constexpr unsigned g711_rate = 8000;
constexpr std::size_t payload_size = 160;
constexpr int bias = 0x84;   // G.711: makes every segment begin at a power of two
constexpr int clip = 32635;  // the largest magnitude that with the bias fits 15 bits

class G711Encoder final : public AudioEncoder {
 public:
  G711Encoder(Law law, Resampler resampler) : law_(law), resampler_(std::move(resampler)) {}

  Result<void> encode(FrameView frame, Bytes& payload) override {
    narrow_.clear();
    resampler_.process(frame, narrow_);
    narrow_.resize(payload_size);  // the ratio is whole: each frame gives exactly this
    payload.resize(payload_size);
    std::transform(narrow_.begin(), narrow_.end(), payload.begin(),
                   law_ == Law::mu ? encode_mulaw : encode_alaw);
    return {};
  }
  std::uint32_t ticks_per_frame() const override { return payload_size; }
  std::string_view name() const override { return law_ == Law::mu ? "PCMU" : "PCMA"; }

 private:
  Law law_;
  Resampler resampler_;
  std::vector<Sample> narrow_;
};

/// Conceals by repeating the last block, each time at half the level: G.711 appendix I without the pitch
/// search.
class G711Decoder final : public AudioDecoder {
 public:
  G711Decoder(Law law, Resampler resampler) : law_(law), resampler_(std::move(resampler)) {}

  Result<void> decode(ByteView payload, FrameSpan frame) override {
    if (payload.size() != payload_size) return conceal(frame), Errc::bad_duration;
    std::transform(payload.begin(), payload.end(), last_.begin(),
                   law_ == Law::mu ? decode_mulaw : decode_alaw);
    emit(frame);
    return {};
  }
  bool recover(ByteView, FrameSpan frame) override { return conceal(frame), false; }
  void conceal(FrameSpan frame) override {
    for (Sample& sample : last_) sample = static_cast<Sample>(sample / 2);
    emit(frame);
  }

 private:
  void emit(FrameSpan frame) {
    wide_.clear();
    resampler_.process(last_, wide_);
    wide_.resize(frame_samples);  // the ratio is whole: each block gives exactly this
    std::copy(wide_.begin(), wide_.end(), frame.begin());
  }

  Law law_;
  Resampler resampler_;
  std::vector<Sample> wide_;
  std::array<Sample, payload_size> last_{};
};

}  // namespace

std::uint8_t encode_mulaw(Sample sample) {
  const int magnitude = std::min(std::abs(int{sample}), clip) + bias;
  const int segment = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8;
  const int code = (sample < 0 ? 0x80 : 0) | segment << 4 | ((magnitude >> (segment + 3)) & 0x0f);
  return static_cast<std::uint8_t>(~code);
}

Sample decode_mulaw(std::uint8_t code) {
  const int bits = ~code & 0xff;
  const int magnitude = ((((bits & 0x0f) << 3) + bias) << ((bits >> 4) & 7)) - bias;
  return static_cast<Sample>((bits & 0x80) != 0 ? -magnitude : magnitude);
}

// A-law: twelve bits of magnitude in segments, the lowest two of one size; even bits are inverted on the
// line.
std::uint8_t encode_alaw(Sample sample) {
  const bool positive = sample >= 0;
  const int magnitude = (positive ? int{sample} : -int{sample} - 1) >> 4;
  const int segment = std::max(0, static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 5 + 1);
  const int mantissa = segment <= 1 ? magnitude & 0x0f : (magnitude >> (segment - 1)) & 0x0f;
  return static_cast<std::uint8_t>(((positive ? 0x80 : 0) | segment << 4 | mantissa) ^ 0x55);
}

Sample decode_alaw(std::uint8_t code) {
  const int bits = code ^ 0x55;
  const int segment = (bits >> 4) & 7;
  int magnitude = ((bits & 0x0f) << 4) + 8;  // the middle of the step
  if (segment > 0) magnitude = (magnitude + 0x100) << (segment - 1);
  return static_cast<Sample>((bits & 0x80) != 0 ? magnitude : -magnitude);
}

Result<std::unique_ptr<AudioEncoder>> make_g711_encoder(Law law) {
  auto resampler = Resampler::make(sample_rate, g711_rate);
  if (!resampler) return resampler.error();
  return std::unique_ptr<AudioEncoder>(std::make_unique<G711Encoder>(law, std::move(*resampler)));
}

Result<std::unique_ptr<AudioDecoder>> make_g711_decoder(Law law) {
  auto resampler = Resampler::make(g711_rate, sample_rate);
  if (!resampler) return resampler.error();
  return std::unique_ptr<AudioDecoder>(std::make_unique<G711Decoder>(law, std::move(*resampler)));
}

}  // namespace beckon::codec
