#include "media/codec/resampler.hpp"

#include <speex/speex_resampler.h>

namespace beckon::codec {
namespace {

constexpr int quality = 6;  // of 0..10: aliases below 16 bit speech, for a tenth of the cost of Opus

}  // namespace

void Resampler::Deleter::operator()(SpeexResamplerState_* state) const { speex_resampler_destroy(state); }

Result<Resampler> Resampler::make(unsigned from_rate, unsigned to_rate) {
  if (from_rate < min_rate || from_rate > max_rate || to_rate < min_rate || to_rate > max_rate) {
    return Errc::unsupported_rate;
  }
  Resampler resampler;
  resampler.from_rate_ = from_rate;
  resampler.to_rate_ = to_rate;
  int error = RESAMPLER_ERR_SUCCESS;
  resampler.state_.reset(speex_resampler_init(1, from_rate, to_rate, quality, &error));
  if (error != RESAMPLER_ERR_SUCCESS || !resampler.state_) return Errc::unsupported_rate;
  return resampler;
}

void Resampler::process(std::span<const Sample> in, std::vector<Sample>& out) {
  while (!in.empty()) {
    const std::size_t before = out.size();
    const std::size_t room = in.size() * to_rate_ / from_rate_ + 2;
    out.resize(before + room);
    auto taken = static_cast<spx_uint32_t>(in.size());
    auto given = static_cast<spx_uint32_t>(room);
    speex_resampler_process_int(state_.get(), 0, in.data(), &taken, out.data() + before, &given);
    out.resize(before + given);
    in = in.subspan(taken);
    if (taken == 0 && given == 0) return;
  }
}

}  // namespace beckon::codec
