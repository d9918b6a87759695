#pragma once

#include "media/device/audio.hpp"

namespace beckon::device {

/// Never ends, never sounds: a muted microphone.
class SilenceSource final : public AudioSource {
 public:
  bool pull(codec::FrameSpan frame) override;
};

/// A sine that never ends.
class ToneSource final : public AudioSource {
 public:
  /// `frequency` in Hz, below 24000; `amplitude` from 0 to 1 of full scale.
  explicit ToneSource(double frequency, double amplitude = 0.25);
  bool pull(codec::FrameSpan frame) override;

 private:
  double step_;  ///< Radians a sample.
  double phase_ = 0;
  double amplitude_;
};

/// Drops everything.
class NullSink final : public AudioSink {
 public:
  void push(codec::FrameView) override {}
  Result<void> finish() override { return {}; }
};

}  // namespace beckon::device
