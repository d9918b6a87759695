#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/imdn.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto imdn = documents::parse_imdn(as_text({data, size}));
  if (imdn.has_error()) return 0;
  const std::string printed = print(*imdn);
  const auto again = documents::parse_imdn(printed, xml::kept_limits);
  if (again.has_error() || print(*again) != printed) std::abort();
  return 0;
}
