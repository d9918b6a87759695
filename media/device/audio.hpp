#pragma once

#include "media/codec/frame.hpp"
#include "protocol/base/result.hpp"

namespace beckon::device {

/// Where a call's voice comes from: a file, silence, later a microphone. One thread. It never blocks for the
/// next sound: a device with a clock of its own keeps a small buffer and evens out the clocks.
class AudioSource {
 public:
  virtual ~AudioSource() = default;
  /// Fills `frame` with the next 20 ms. False when the source has ended: the frame is silence, and so are all
  /// later ones.
  virtual bool pull(codec::FrameSpan frame) = 0;
};

/// Where the received voice goes: a file, nowhere, later a loudspeaker. One thread. It never blocks.
class AudioSink {
 public:
  virtual ~AudioSink() = default;
  /// Takes 20 ms. `finish` reports errors.
  virtual void push(codec::FrameView frame) = 0;
  /// Writes out and closes. Do not call `push` afterwards. Returns the first error of all calls.
  virtual Result<void> finish() = 0;
};

}  // namespace beckon::device
