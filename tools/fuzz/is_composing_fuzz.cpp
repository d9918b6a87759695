#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/iscomposing.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto composing = documents::parse_is_composing(as_text({data, size}));
  if (composing.has_error()) return 0;
  const auto again = documents::parse_is_composing(print(*composing));
  if (again.has_error() || !(*again == *composing)) std::abort();
  return 0;
}
