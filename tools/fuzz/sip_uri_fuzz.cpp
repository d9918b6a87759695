#include <cstddef>
#include <cstdint>

#include "tests/protocol/sip/exercise.hpp"

/// A URI that is read prints, reads again and equals itself; a header value never crashes its readers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  beckon::sip::exercise_uri(text);
  beckon::sip::exercise_values(text);
  return 0;
}
