#pragma once

#include <memory>
#include <span>
#include <vector>

#include "media/codec/codec.hpp"
#include "protocol/base/result.hpp"

struct SpeexResamplerState_;

namespace beckon::codec {

/// Rates a Resampler takes, in Hz: what telephones, files and sound cards use lies well inside.
inline constexpr unsigned min_rate = 1000;
inline constexpr unsigned max_rate = 384000;

/// Changes the sampling rate of a mono stream. The output comes later by the filter's latency, a few
/// milliseconds.
class Resampler {
 public:
  /// Errors: Errc::unsupported_rate.
  static Result<Resampler> make(unsigned from_rate, unsigned to_rate);

  /// Appends what `in` gives. The number of samples follows the ratio of the rates: exactly where `in` holds
  /// a whole number of periods, else a sample more or fewer.
  void process(std::span<const Sample> in, std::vector<Sample>& out);

 private:
  struct Deleter {
    void operator()(SpeexResamplerState_* state) const;
  };
  Resampler() = default;

  unsigned from_rate_ = 0;
  unsigned to_rate_ = 0;
  std::unique_ptr<SpeexResamplerState_, Deleter> state_;
};

}  // namespace beckon::codec
