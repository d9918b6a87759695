#pragma once

#include "media/codec/frame.hpp"
#include "protocol/base/result.hpp"

namespace beckon::device {

/// Where a call's voice comes from: a file, a tone, later a microphone. One thread, never blocks for the
/// next sound: a device with a clock of its own keeps a small buffer and evens the clocks out.
class AudioSource {
 public:
  virtual ~AudioSource() = default;
  /// Fills `frame` with the next 20 ms. False when the source has ended: then the frame is silence, and stays
  /// so.
  virtual bool pull(codec::FrameSpan frame) = 0;
};

/// Where the heard voice goes: a file, nowhere, later a loudspeaker. One thread, never blocks.
class AudioSink {
 public:
  virtual ~AudioSink() = default;
  /// Takes 20 ms. What goes wrong is told by `finish`.
  virtual void push(codec::FrameView frame) = 0;
  /// Brings everything to its place; nothing may be pushed afterwards. Returns the first error met.
  virtual Result<void> finish() = 0;
};

}  // namespace beckon::device
