#include <cstddef>
#include <cstdint>

#include "media/rtcp/packet.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto compound = rtcp::parse_compound({data, size});
  if (!compound) return 0;
  const Bytes printed = rtcp::print(*compound);
  const auto again = rtcp::parse_compound(printed);
  if (!again || rtcp::print(*again) != printed) __builtin_trap();
  return 0;
}
