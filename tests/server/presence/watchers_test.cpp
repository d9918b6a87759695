#include "server/presence/watchers.hpp"

#include <doctest/doctest.h>

#include "tests/support/virtual_clock.hpp"

using namespace beckon;
using namespace beckon::server::presence;
using documents::WatcherEvent;
using documents::WatcherStatus;

namespace {

const std::string alice = "sip:alice@example.org";
const std::string bob = "sip:bob@example.org";

struct Table {
  Table()
      : watchers(timers, clock, [this](const std::string& presentity, const WatcherEntry& entry, Now) {
          CHECK(presentity == alice);
          told.push_back(std::string(documents::to_string(entry.status)) + ' ' +
                         documents::to_string(entry.event));
        }) {}
  void subscribe(WatcherStatus status, const std::string& id = "w1") {
    WatcherEntry entry;
    entry.id = id;
    entry.aor = bob;
    entry.status = status;
    entry.since = clock.at.wall;
    entry.expires = clock.at.mono + 600s;
    watchers.subscribed(alice, entry, clock.at);
  }
  std::string last() {
    REQUIRE_FALSE(told.empty());
    return told.back();
  }
  beckon::test::VirtualClock clock;
  TimerQueue timers;
  std::vector<std::string> told;
  Watchers watchers;
};

}  // namespace

TEST_CASE("a watcher's states and events follow RFC 3857 4.7.1") {
  Table table;
  table.subscribe(WatcherStatus::pending);
  CHECK(table.last() == "pending subscribe");
  SUBCASE("approved") {
    table.watchers.decided(alice, "w1", WatcherStatus::active, table.clock.at);
    CHECK(table.last() == "active approved");
    SUBCASE("and approved again: nothing new") {
      table.watchers.decided(alice, "w1", WatcherStatus::active, table.clock.at);
      CHECK(table.told.size() == 2);
    }
    SUBCASE("and ran out") {
      table.watchers.ended(alice, "w1", "timeout", table.clock.at);
      CHECK(table.last() == "terminated timeout");
      CHECK(table.watchers.size() == 0);
    }
    SUBCASE("and taken back") {
      table.watchers.decided(alice, "w1", WatcherStatus::pending, table.clock.at);
      CHECK(table.last() == "pending subscribe");
    }
  }
  SUBCASE("rejected") {
    table.watchers.ended(alice, "w1", "rejected", table.clock.at);
    CHECK(table.last() == "terminated rejected");
    CHECK(table.watchers.size() == 0);
  }
  SUBCASE("ran out undecided: waiting, until a decision or a day") {
    table.watchers.ended(alice, "w1", "timeout", table.clock.at);
    CHECK(table.last() == "waiting timeout");
    CHECK(table.watchers.size() == 1);
    SUBCASE("allowed") {
      table.watchers.settled(alice, bob, true, table.clock.at);
      CHECK(table.last() == "terminated approved");
    }
    SUBCASE("refused") {
      table.watchers.settled(alice, bob, false, table.clock.at);
      CHECK(table.last() == "terminated rejected");
    }
    SUBCASE("forgotten") {
      table.clock.at.mono += Watchers::waiting_time;
      table.timers.advance(table.clock.at.mono);
      CHECK(table.last() == "terminated giveup");
    }
    CHECK(table.watchers.size() == 0);
    CHECK(table.timers.size() == 0);
  }
}

TEST_CASE("an entry says how long it lasts and has lasted (RFC 3858 4.3)") {
  Table table;
  table.subscribe(WatcherStatus::active);
  table.clock.at.mono += 100s;
  table.clock.at.wall += 100s;
  const auto all = table.watchers.of(alice);
  REQUIRE(all.size() == 1);
  const auto printed = all[0]->print(table.clock.at);
  CHECK(printed.expiration_seconds == 500);
  CHECK(printed.subscribed_seconds == 100);
  CHECK(printed.uri == bob);
  table.watchers.refreshed(alice, "w1", table.clock.at.mono + 600s);
  CHECK(table.watchers.of(alice)[0]->print(table.clock.at).expiration_seconds == 600);
  CHECK(table.told.size() == 1);  // a refresh is no news
}
