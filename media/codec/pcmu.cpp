#include "media/codec/pcmu.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <vector>

#include "media/codec/resampler.hpp"

namespace beckon::codec {
namespace {

constexpr unsigned pcmu_rate = 8000;
constexpr std::size_t payload_size = 160;
constexpr int bias = 0x84;   // G.711: makes every segment begin at a power of two
constexpr int clip = 32635;  // the largest magnitude that with the bias fits 15 bits

class PcmuEncoder final : public AudioEncoder {
 public:
  explicit PcmuEncoder(Resampler resampler) : resampler_(std::move(resampler)) {}

  Result<void> encode(FrameView frame, Bytes& payload) override {
    narrow_.clear();
    resampler_.process(frame, narrow_);
    narrow_.resize(payload_size);  // the ratio is whole: each frame gives exactly this
    payload.resize(payload_size);
    std::transform(narrow_.begin(), narrow_.end(), payload.begin(), encode_mulaw);
    return {};
  }
  std::uint32_t ticks_per_frame() const override { return payload_size; }

 private:
  Resampler resampler_;
  std::vector<Sample> narrow_;
};

/// Conceals by repeating the last block, each time at half the level: G.711 appendix I without the pitch
/// search.
class PcmuDecoder final : public AudioDecoder {
 public:
  explicit PcmuDecoder(Resampler resampler) : resampler_(std::move(resampler)) {}

  Result<void> decode(ByteView payload, FrameSpan frame) override {
    if (payload.size() != payload_size) return conceal(frame), Errc::bad_duration;
    std::transform(payload.begin(), payload.end(), last_.begin(), decode_mulaw);
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

Result<std::unique_ptr<AudioEncoder>> make_pcmu_encoder() {
  auto resampler = Resampler::make(sample_rate, pcmu_rate);
  if (!resampler) return resampler.error();
  return std::unique_ptr<AudioEncoder>(std::make_unique<PcmuEncoder>(std::move(*resampler)));
}

Result<std::unique_ptr<AudioDecoder>> make_pcmu_decoder() {
  auto resampler = Resampler::make(pcmu_rate, sample_rate);
  if (!resampler) return resampler.error();
  return std::unique_ptr<AudioDecoder>(std::make_unique<PcmuDecoder>(std::move(*resampler)));
}

}  // namespace beckon::codec
