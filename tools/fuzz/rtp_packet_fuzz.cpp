#include <cstdlib>

#include "media/rtp/packet.hpp"

using namespace beckon;

/// What is read lies inside the datagram and prints back to the same length.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto packet = rtp::parse_packet({data, size});
  if (!packet) return 0;
  std::uint64_t sum = packet->header.sequence + packet->header.timestamp + packet->header.ssrc;
  for (const auto csrc : packet->csrcs()) sum += csrc;
  for (const auto octet : packet->payload) sum += octet;
  if (packet->extension) {
    for (const auto octet : packet->extension->data) sum += octet;
  }
  const Bytes printed = rtp::print(*packet);
  const auto again = rtp::parse_packet(printed);
  if (printed.size() != size || !again || again->header != packet->header) std::abort();
  volatile std::uint64_t seen = sum;  // every octet was really read
  (void)seen;
  return 0;
}
