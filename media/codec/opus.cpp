#include "media/codec/opus.hpp"

#include <opus/opus.h>

#include <algorithm>
#include <limits>

namespace beckon::codec {
namespace {

// One 20 ms Opus frame has at most 1275 octets (RFC 6716 3.4), with the code byte 1276.
constexpr std::size_t max_payload = 1276;
constexpr int frame_size = static_cast<int>(frame_samples);

struct DeleteEncoder {
  void operator()(OpusEncoder* state) const { opus_encoder_destroy(state); }
};
struct DeleteDecoder {
  void operator()(OpusDecoder* state) const { opus_decoder_destroy(state); }
};
using EncoderState = std::unique_ptr<OpusEncoder, DeleteEncoder>;
using DecoderState = std::unique_ptr<OpusDecoder, DeleteDecoder>;

bool set_loss(OpusEncoder* state, int percent) {
  return opus_encoder_ctl(state, OPUS_SET_INBAND_FEC(percent > 0 ? 1 : 0)) == OPUS_OK &&
         opus_encoder_ctl(state, OPUS_SET_PACKET_LOSS_PERC(std::clamp(percent, 0, 100))) == OPUS_OK;
}

class OpusAudioEncoder final : public AudioEncoder {
 public:
  explicit OpusAudioEncoder(EncoderState state) : state_(std::move(state)) {}

  Result<void> encode(FrameView frame, Bytes& payload) override {
    payload.resize(max_payload);
    const int size = opus_encode(state_.get(), frame.data(), frame_size, payload.data(), max_payload);
    payload.resize(static_cast<std::size_t>(std::max(size, 0)));
    if (size < 0) return Errc::encoder_failed;
    return {};
  }
  std::uint32_t ticks_per_frame() const override { return frame_samples; }
  std::string_view name() const override { return "opus"; }
  void expect_loss(int percent) override { set_loss(state_.get(), percent); }

 private:
  EncoderState state_;
};

class OpusAudioDecoder final : public AudioDecoder {
 public:
  explicit OpusAudioDecoder(DecoderState state) : state_(std::move(state)) {}

  Result<void> decode(ByteView payload, FrameSpan frame) override {
    const Errc error = check(payload);
    if (error != Errc{}) return conceal(frame), error;
    if (run(payload, frame, /*fec=*/false)) return {};
    conceal(frame);
    return Errc::bad_payload;
  }

  bool recover(ByteView next_payload, FrameSpan frame) override {
    if (check(next_payload) == Errc{} && has_fec(next_payload) && run(next_payload, frame, /*fec=*/true))
      return true;
    conceal(frame);
    return false;
  }

  void conceal(FrameSpan frame) override {
    if (!run({}, frame, /*fec=*/false)) std::fill(frame.begin(), frame.end(), Sample{0});
  }

 private:
  Errc check(ByteView payload) const {
    // An empty payload would mean "conceal" to the library.
    if (payload.empty() || payload.size() > std::numeric_limits<opus_int32>::max()) return Errc::bad_payload;
    const int samples =
        opus_decoder_get_nb_samples(state_.get(), payload.data(), static_cast<opus_int32>(payload.size()));
    if (samples < 0) return Errc::bad_payload;
    return samples == frame_size ? Errc{} : Errc::bad_duration;
  }

  /// Only SILK and hybrid modes (configurations 0 to 15, RFC 6716 3.1) carry a copy of the frame before.
  static bool has_fec(ByteView payload) { return payload[0] >> 3 < 16; }

  bool run(ByteView payload, FrameSpan frame, bool fec) {
    const auto* const data = payload.empty() ? nullptr : payload.data();
    const auto size = static_cast<opus_int32>(payload.size());
    return opus_decode(state_.get(), data, size, frame.data(), frame_size, fec ? 1 : 0) == frame_size;
  }

  DecoderState state_;
};

bool configure(OpusEncoder* state, const EncoderParameters& parameters) {
  return opus_encoder_ctl(state, OPUS_SET_BITRATE(parameters.bitrate)) == OPUS_OK &&
         opus_encoder_ctl(state, OPUS_SET_COMPLEXITY(parameters.complexity)) == OPUS_OK &&
         opus_encoder_ctl(state, OPUS_SET_DTX(parameters.dtx ? 1 : 0)) == OPUS_OK &&
         set_loss(state, parameters.expected_loss);
}

}  // namespace

Result<std::unique_ptr<AudioEncoder>> make_opus_encoder(const EncoderParameters& parameters) {
  int error = OPUS_OK;
  EncoderState state(
      opus_encoder_create(static_cast<opus_int32>(sample_rate), 1, OPUS_APPLICATION_AUDIO, &error));
  if (error != OPUS_OK || !configure(state.get(), parameters)) return Errc::bad_parameters;
  return std::unique_ptr<AudioEncoder>(std::make_unique<OpusAudioEncoder>(std::move(state)));
}

Result<std::unique_ptr<AudioDecoder>> make_opus_decoder() {
  int error = OPUS_OK;
  DecoderState state(opus_decoder_create(static_cast<opus_int32>(sample_rate), 1, &error));
  if (error != OPUS_OK) return Errc::bad_parameters;
  return std::unique_ptr<AudioDecoder>(std::make_unique<OpusAudioDecoder>(std::move(state)));
}

}  // namespace beckon::codec
