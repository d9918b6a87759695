#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/rlmi.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = documents::parse_rlmi(as_text({data, size}));
  if (read.has_error()) return 0;
  const auto again = documents::parse_rlmi(print(*read), xml::kept_limits);
  if (again.has_error() || !(*again == *read)) std::abort();
  return 0;
}
