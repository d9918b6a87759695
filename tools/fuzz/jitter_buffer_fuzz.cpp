#include <cstdlib>

#include "media/jitter/buffer.hpp"

using namespace beckon;

/// Eight octets are one step: timestamp, arrival, and whether a frame is asked for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  jitter::Buffer buffer;
  Time now{};
  std::uint64_t asked = 0;
  for (ByteView rest(data, size); rest.size() >= 8; rest = rest.subspan(8)) {
    buffer.put(read_u32(rest.subspan(2)), rest.first(8), now + rest[6] * 1ms);
    if (rest[7] % 2 == 0) continue;
    const auto playout = buffer.get(now += 20ms);
    asked += playout.kind == jitter::Playout::Kind::nothing ? 0 : 1;
    if (playout.kind == jitter::Playout::Kind::frame && playout.payload.size() != 8) std::abort();
  }
  const auto& counters = buffer.counters();
  if (counters.played + counters.concealed != asked) std::abort();
  return 0;
}
