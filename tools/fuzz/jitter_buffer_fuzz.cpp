#include <cstdlib>

#include "media/jitter/buffer.hpp"
#include "media/jitter/stretch.hpp"

using namespace beckon;

namespace {

/// Sound made of the octets, which is stretched: no more may be said of it than that it fits.
void stretch(ByteView data) {
  std::vector<std::int16_t> sound(data.size() / 2 + 2 * jitter::longest_period);
  for (std::size_t i = 0; i < data.size() / 2; ++i)
    sound[jitter::longest_period + i] = static_cast<std::int16_t>(read_u16(data.subspan(2 * i)));
  const std::span<const std::int16_t> past(sound.data(), jitter::longest_period);
  const jitter::Sound room(sound.data() + jitter::longest_period, sound.size() - jitter::longest_period);
  const std::size_t size = data.size() / 2;
  const std::size_t added = jitter::lengthen(past, room, size, jitter::Care::hasty);
  if (added > jitter::longest_period) std::abort();
  if (jitter::shorten(room.first(size + added), jitter::Care::careful) > (size + added) / 2) std::abort();
}

}  // namespace

/// Eight octets are one step: timestamp, arrival, and whether a frame is asked for. Then the same octets are
/// sound.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  jitter::Buffer buffer;
  Time now{};
  std::uint64_t asked = 0;
  for (ByteView rest(data, size); rest.size() >= 8; rest = rest.subspan(8)) {
    buffer.put(read_u32(rest.subspan(2)), rest.first(8), now + rest[6] * 1ms);
    if (rest[7] % 2 == 0) continue;
    const auto playout = buffer.get(now += 20ms, rest[0] % 20 * 1ms);
    asked += playout.kind == jitter::Playout::Kind::nothing ? 0 : 1;
    if (playout.kind == jitter::Playout::Kind::frame && playout.payload.size() != 8) std::abort();
    if (playout.pace != jitter::Playout::Pace::even)
      buffer.on_stretched(playout.pace == jitter::Playout::Pace::faster ? -8ms : 8ms);
  }
  const auto& counters = buffer.counters();
  if (counters.played + counters.concealed != asked) std::abort();
  if (buffer.target() < 20ms || buffer.target() > 200ms) std::abort();
  stretch({data, size});
  return 0;
}
