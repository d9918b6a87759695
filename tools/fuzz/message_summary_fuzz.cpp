#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/message_summary.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto summary = documents::parse_message_summary(as_text({data, size}));
  if (summary.has_error()) return 0;
  const auto again = documents::parse_message_summary(print(*summary));
  if (again.has_error() || !(*again == *summary)) std::abort();
  return 0;
}
