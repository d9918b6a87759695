#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  (void)xcap::evaluate_preconditions(xcap::Method::put, "a", {{"If-Match", std::string(text)}});
  if (const auto user = xcap::parse_user_target(text, "/history")) {
    const auto path = print(*user, "/history");
    const auto back = xcap::parse_user_target(path, "/history");
    if (path.size() <= xcap::target_max && (back.has_error() || !(*back == *user))) std::abort();
  }
  const auto target = xcap::parse_target(text, "/xcap");
  if (target.has_error()) return 0;
  const auto printed = print(*target, "/xcap");
  const auto again = xcap::parse_target(printed, "/xcap");
  // Printing escapes, so it may pass the limit of a target.
  if (printed.size() <= xcap::target_max && (again.has_error() || !(*again == *target))) std::abort();
  return 0;
}
