#include <cstddef>
#include <cstdint>

#include "tests/protocol/sip/exercise.hpp"

/// A datagram from a stranger: whatever is read of it answers every question, and can be forwarded and
/// replied to.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  beckon::sip::exercise(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
