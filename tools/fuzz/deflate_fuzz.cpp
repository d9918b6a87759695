#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/deflate.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t octets_max = 4096;
  const auto text = documents::inflate(as_text({data, size}), octets_max);
  if (text && text->size() > octets_max) std::abort();
  return 0;
}
