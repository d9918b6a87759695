#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/watch_log.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto log = documents::parse_watch_log(as_text({data, size}));
  if (log.has_error()) return 0;
  const auto again = documents::parse_watch_log(print(*log), xml::kept_limits);
  if (again.has_error() || !(*again == *log)) std::abort();
  return 0;
}
