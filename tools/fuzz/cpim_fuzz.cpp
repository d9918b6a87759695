#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/cpim.hpp"
#include "protocol/documents/imdn.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto cpim = documents::parse_cpim(as_text({data, size}));
  if (cpim.has_error()) return 0;
  (void)cpim->subject();
  (void)documents::find_unknown_requirement(*cpim);
  (void)documents::parse_imdn(cpim->content);
  const auto again = documents::parse_cpim(print(*cpim));
  // Namespaces that needed no declaration get one.
  if (again.has_error() && again.error() == documents::Errc::too_many_parts) return 0;
  if (again.has_error() || !(*again == *cpim)) std::abort();
  return 0;
}
