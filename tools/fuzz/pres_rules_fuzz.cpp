#include <cstdlib>

#include "protocol/base/bytes.hpp"
#include "protocol/documents/pres_rules.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(Rules rules, std::string_view aor, Verdict verdict) {
  if (set_watcher(rules, aor, verdict).has_error()) return;
  const auto decision = decide(rules, {aor, WallTime{}});
  require(decision.handling == verdict.handling && decision.transformations.direct == verdict.direct);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An edited rule is read with the default limits: too large a document is none a user could store.
  const auto rules = parse_pres_rules(as_text({data, size}), {.size = 64 << 10, .depth = 40, .bindings = 40});
  if (rules.has_error()) return 0;
  const Asker bob{"sip:bob@example.org", WallTime{}};
  const auto again = parse_pres_rules(print(*rules), xml::kept_limits);
  require(again.has_value() && decide(*again, bob) == decide(*rules, bob));
  check(*rules, bob.aor, {SubHandling::allow, ds1::Mode::ask});
  check(*rules, bob.aor, {SubHandling::block});
  return 0;
}
