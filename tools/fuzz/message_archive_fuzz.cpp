#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/message_archive.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto archive = documents::parse_message_archive(as_text({data, size}));
  if (!archive) return 0;
  const auto again = documents::parse_message_archive(print(*archive));
  if (!again || again->messages.size() != archive->messages.size() ||
      again->erased.size() != archive->erased.size())
    std::abort();
  return 0;
}
