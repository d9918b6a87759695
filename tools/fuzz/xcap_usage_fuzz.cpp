#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/resource_lists.hpp"
#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/usage.hpp"

using namespace beckon;
using namespace beckon::xcap;

/// Octet 0 chooses the usage; then a document of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Usage& usage = usages()[data[0] % usages().size()];
  if (usage.is_made) return 0;
  const auto text = as_text({data + 1, size - 1});
  const Setting setting{.owner = "sip:a@b",
                        .canonical = [](std::string_view uri) { return std::string(uri); },
                        .serves = [](std::string_view domain) { return domain == "b"; }};
  const auto problem = validate(usage, text, setting);
  if (problem) {
    // What is said of it is a document itself.
    const std::string said = print(*problem);
    if (!said.empty() && xml::parse(said).has_error()) std::abort();
    return 0;
  }
  const auto document = xml::parse(text);
  if (document.has_error()) std::abort();
  (void)service_uris(*document, setting);
  // What is taken is what readers read.
  if (usage.auid == "resource-lists" && documents::parse_resource_lists(text).has_error()) std::abort();
  if (usage.auid == rls_services_auid && documents::parse_rls_services(text).has_error()) std::abort();
  return 0;
}
