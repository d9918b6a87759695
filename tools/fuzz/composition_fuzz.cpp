#include <algorithm>
#include <cstdlib>
#include <set>

#include "protocol/base/text.hpp"
#include "protocol/documents/schema_types.hpp"
#include "server/presence/composition.hpp"
#include "server/presence/filter.hpp"
#include "server/presence/policy.hpp"
#include "server/presence/standing.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const std::string aor = "sip:a@b";
constexpr std::size_t documents_max = 4;

/// Each id is an xs:ID, and none stands twice.
void check_ids(const documents::Presence& presence) {
  std::set<std::string> ids;
  const auto check = [&](const auto& all) {
    for (const auto& one : all) require(documents::is_xs_id(one.id) && ids.insert(one.id).second);
  };
  check(presence.tuples);
  check(presence.persons);
  check(presence.devices);
}

}  // namespace

/// Documents, separated by an octet that none of them can have.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::unique_ptr<publication::State>> states;
  std::vector<Source> sources;
  WallTime now = *parse_time("2026-11-21T04:00:00Z");
  while (!rest.empty() && sources.size() < documents_max) {
    const auto [text, more] = cut(rest, '\0');
    rest = more;
    auto reading = read_document(text, {.at = now}, 256, false);
    if (!reading.state) continue;
    // What is stored reads back as the same.
    const auto stored = restore_document(reading.state->stored(), 256);
    require(stored.state && static_cast<Document&>(*stored.state).published() == now);
    sources.push_back(
        {static_cast<std::uint16_t>(sources.size() + 1), static_cast<Document*>(reading.state.get())});
    states.push_back(std::move(reading.state));
  }
  const auto all = everything();
  // From moment to moment at which time alone changes the state.
  for (int i = 0; i < 4 && now != WallTime::max(); ++i) {
    Names names;
    const Circumstances circumstances{.now = now, .on_the_phone = i % 2 == 1, .what = &all};
    auto made = compose(aor, sources, {}, circumstances, names);
    require(made.next > now);
    check_ids(made.presence);
    if (circumstances.on_the_phone) require(standing_of(made.presence).overall == Overall::on_the_phone);
    filter(made.presence, all);
    const auto again = documents::parse_pidf(documents::print(made.presence), xml::kept_limits);
    require(again.has_value());
    check_ids(*again);
    now = made.next;
  }
  return 0;
}
