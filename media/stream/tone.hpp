#pragma once

#include <map>
#include <vector>

#include "media/codec/frame.hpp"

namespace beckon::stream {

/// The share of a frame's power that is a tone of `hertz`, from 0 to 1. A frame of 20 ms tells tones apart
/// that are 50 Hz from each other.
double share_of_tone(codec::FrameView frame, int hertz);

/// Recognises tones in what a call plays, frame by frame. Pure.
class ToneMeter {
 public:
  /// A tone is heard when it has had most of the power of so many frames in a row: 200 ms.
  static constexpr int frames_needed = 10;

  /// From now on; a tone that is there already is heard again.
  void listen_for(int hertz) { runs_[hertz] = 0; }
  /// The tones that are heard with this frame, each once until it breaks off.
  std::vector<int> push(codec::FrameView frame);

 private:
  std::map<int, int> runs_;  ///< Of each tone, its frames in a row.
};

}  // namespace beckon::stream
