#include "client/presence/watchers.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using client::presence::Watchers;
using documents::WatcherInfo;
using documents::WatcherStatus;

namespace {

WatcherInfo info(std::uint32_t version, WatcherInfo::State state, std::vector<documents::Watcher> watchers) {
  WatcherInfo out;
  out.version = version;
  out.state = state;
  out.lists.push_back(
      {.resource = "sip:alice@example.org", .watchers = std::move(watchers), .extensions = {}});
  return out;
}

documents::Watcher watcher(std::string id, WatcherStatus status) {
  documents::Watcher out;
  out.uri = "sip:" + id + "@example.org";
  out.id = std::move(id);
  out.status = status;
  return out;
}

constexpr auto full = WatcherInfo::State::full;
constexpr auto partial = WatcherInfo::State::partial;

}  // namespace

TEST_CASE("a full document replaces, the next partial one changes what it names (RFC 3858 3.3)") {
  Watchers watchers;
  CHECK(watchers.take(info(5, full, {watcher("bob", WatcherStatus::pending)}), 1) == Watchers::Taken::yes);
  CHECK(watchers.take(info(6, partial, {watcher("carol", WatcherStatus::active)}), 1) ==
        Watchers::Taken::yes);
  CHECK(watchers.watchers_json().size() == 2);
  CHECK(watchers.take(info(7, partial, {watcher("bob", WatcherStatus::terminated)}), 1) ==
        Watchers::Taken::yes);
  CHECK(watchers.watchers_json().size() == 1);
  CHECK(watchers.take(info(0, full, {}), 1) == Watchers::Taken::yes);
  CHECK(watchers.watchers_json().empty());
}

TEST_CASE("a gap in versions asks for full state, an old version changes nothing (RFC 3857 4.9)") {
  Watchers watchers;
  CHECK(watchers.take(info(3, partial, {}), 1) == Watchers::Taken::gap);
  CHECK(watchers.take(info(3, full, {watcher("bob", WatcherStatus::active)}), 1) == Watchers::Taken::yes);
  CHECK(watchers.take(info(3, partial, {watcher("bob", WatcherStatus::terminated)}), 1) ==
        Watchers::Taken::stale);
  CHECK(watchers.take(info(5, partial, {watcher("bob", WatcherStatus::terminated)}), 1) ==
        Watchers::Taken::gap);
  CHECK(watchers.watchers_json().size() == 1);
  CHECK(watchers.take(info(4, partial, {}), 1) == Watchers::Taken::gap);
}

TEST_CASE("permits are kept by AOR, and the latest counts (DIRECT_SESSIONS 3.7)") {
  Watchers watchers;
  auto document = info(1, full, {});
  document.permits = {{"sip:bob@example.org", ds1::Mode::automatic}};
  watchers.take(document, 1);
  auto change = info(2, partial, {});
  change.permits = {{"sip:bob@example.org", ds1::Mode::off}};
  watchers.take(change, 1);
  REQUIRE(watchers.permits_json().size() == 1);
  CHECK(watchers.permits_json()[0].at("mode") == "off");
}

TEST_CASE("partial documents cannot make the list grow for ever: past 16 MB full state is asked for") {
  Watchers watchers;
  watchers.take(info(1, full, {watcher("bob", WatcherStatus::active)}), 1);
  CHECK(watchers.take(info(2, partial, {watcher("carol", WatcherStatus::active)}), Watchers::partial_max) ==
        Watchers::Taken::yes);
  CHECK(watchers.take(info(3, partial, {watcher("dave", WatcherStatus::active)}), 1) == Watchers::Taken::gap);
  CHECK(watchers.watchers_json().empty());
  CHECK(watchers.take(info(4, partial, {}), 1) == Watchers::Taken::gap);
  CHECK(watchers.take(info(5, full, {}), Watchers::partial_max + 1) == Watchers::Taken::yes);
  CHECK(watchers.take(info(6, partial, {}), Watchers::partial_max) == Watchers::Taken::yes);
}
