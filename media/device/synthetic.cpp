#include "media/device/synthetic.hpp"

#include <algorithm>

namespace beckon::device {

bool SilenceSource::pull(codec::FrameSpan frame) {
  std::fill(frame.begin(), frame.end(), codec::Sample{0});
  return true;
}

}  // namespace beckon::device
