#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/conference.hpp"

using namespace beckon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto info = documents::parse_conference(as_text({data, size}));
  if (info.has_error()) return 0;
  const auto again = documents::parse_conference(print(*info), xml::kept_limits);
  if (again.has_error() || !(*again == *info)) std::abort();
  documents::ConferenceInfo known{.entity = info->entity, .version = info->version.value_or(1) - 1};
  known.users = documents::ConferenceUsers{.users = {{.entity = "sip:a@b"}}};
  documents::merge(known, *info);
  if (documents::parse_conference(print(known), xml::kept_limits).has_error()) std::abort();
  return 0;
}
