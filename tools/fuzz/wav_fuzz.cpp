#include <cstdlib>

#include "media/device/wav.hpp"

using namespace beckon;

/// What is found lies inside the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto format = device::parse_wav({data, std::min(size, device::max_wav_header)}, size);
  if (!format) return 0;
  if (format->data_offset + format->data_size > size || format->channels < 1 || format->channels > 2)
    std::abort();
  return 0;
}
