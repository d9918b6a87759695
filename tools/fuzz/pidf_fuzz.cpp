#include <cstdlib>

#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/rpid.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const xml::Fragment& element) {
  if (const auto direct = parse_direct(element)) {
    const auto again = parse_direct(print(*direct));
    require(again.has_value() && print(*again) == print(*direct));
  }
  const auto published = check_published(element);
  require(published.value.has_value() == published.why.empty());
  if (!published.value || published.value->mode == ds1::Mode::off) return;
  auto shared = lower(element, ds1::Mode::ask);
  shared.text.insert(grant_offset(shared), print(ds1::Grant{Bytes(60), {}}));
  const auto received = parse_direct(shared);
  require(received.has_value() && received->grant && !received->secret);
  require(received->mode_of(MediaKind::audio) <= ds1::Mode::ask);
}

void check_rpid(const xml::Fragment& element) {
  (void)interval_of(element);
  (void)parse_timed_status(element);
  (void)read_sphere(element);
  if (!element.is("urn:ietf:params:xml:ns:pidf:rpid", "activities")) return;
  const Engagement all{true, true};
  require(engagement_of(add_engagement(element, all)) == all);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto presence = parse_pidf(as_text({data, size}));
  if (presence.has_error()) return 0;
  for (const auto& tuple : presence->tuples) {
    for (const auto& extension : tuple.status_extensions) {
      if (is_direct(extension)) check(extension);
    }
    for (const auto& extension : tuple.extensions) check_rpid(extension);
    (void)find_direct(tuple);
  }
  for (const auto& person : presence->persons) {
    (void)activities(person);
    for (const auto& extension : person.extensions) check_rpid(extension);
  }
  const auto printed = print_with_grant_places(*presence);
  for (const auto& place : printed.grants) require(printed.text.compare(place.offset, 2, "</") == 0);
  const auto again = parse_pidf(printed.text, xml::kept_limits);
  require(again.has_value() && *again == *presence);
  return 0;
}
