#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/dialoginfo.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto info = documents::parse_dialoginfo(as_text({data, size}));
  if (info.has_error()) return 0;
  const auto again = documents::parse_dialoginfo(print(*info), xml::kept_limits);
  if (again.has_error() || !(*again == *info)) std::abort();
  return 0;
}
