#include <cstdlib>

#include "media/codec/codec.hpp"

using namespace beckon;

/// The first octet chooses the codec; the rest is cut into payloads: octet 0 length, bit 7 of octet 1
/// recover.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto decoder =
      data[0] % 2 == 0 ? codec::make_decoder("opus", 48000) : codec::make_decoder("PCMU", 8000);
  if (!decoder) std::abort();
  ByteView rest(data + 1, size - 1);
  codec::Frame frame{};
  while (rest.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 1);
    const ByteView payload = rest.subspan(1, length);
    if ((rest[1] & 0x80) != 0) {
      (*decoder)->recover(payload, frame);
    } else {
      (void)(*decoder)->decode(payload, frame);
    }
    rest = rest.subspan(1 + length);
  }
  return 0;
}
