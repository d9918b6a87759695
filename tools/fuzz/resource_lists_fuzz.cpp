#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/resource_lists.hpp"

using namespace beckon;

namespace {

template <class Parse>
void check(std::string_view text, const Parse& parse) {
  const auto read = parse(text, xml::Limits{});
  if (read.has_error()) return;
  const auto again = parse(print(*read), xml::kept_limits);
  if (again.has_error() || !(*again == *read)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check(as_text({data, size}), documents::parse_resource_lists);
  check(as_text({data, size}), documents::parse_rls_services);
  return 0;
}
