#pragma once

#include "media/device/audio.hpp"

namespace beckon::device {

/// Endless silence: a muted microphone.
class SilenceSource final : public AudioSource {
 public:
  bool pull(codec::FrameSpan frame) override;
};

/// Drops everything.
class NullSink final : public AudioSink {
 public:
  void push(codec::FrameView) override {}
  Result<void> finish() override { return {}; }
};

}  // namespace beckon::device
