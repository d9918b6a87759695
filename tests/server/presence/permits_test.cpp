#include "server/presence/permits.hpp"

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using ds1::Mode;
using presence::Permits;

namespace {

struct Hearer final : Permits::Hearer {
  void on_permits(Now) override { ++calls; }
  int calls = 0;
};

struct Fixture {
  std::vector<std::string> news(const Hearer& of) {
    std::vector<std::string> all;
    permits.each_news(*presentity, of, [&](const std::string& watcher, Mode mode) {
      all.push_back(watcher + ' ' + ds1::to_string(mode));
    });
    std::ranges::sort(all);
    return all;
  }

  Stage stage;
  EntryPtr presentity = stage.entry(alice);
  std::vector<std::string> known;
  Permits permits{stage.directory(), [this](Entry&, const std::vector<std::string>& watchers, Now) {
                    known.insert(known.end(), watchers.begin(), watchers.end());
                  }};
  Now now = stage.clock_.at;
  Hearer hearer;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("no grant waits for a presentity that cannot be reached (DIRECT_SESSIONS 3.7)") {
  Fixture it;
  it.permits.set(*it.presentity, bob, Mode::automatic);
  CHECK_FALSE(it.permits.is_due(*it.presentity, bob));
  it.permits.set(*it.presentity, bob, Mode::off);
  CHECK(it.known.empty());
}

TEST_CASE("a permit is due until every hearer has sent it (DIRECT_SESSIONS 3.7)") {
  Fixture it;
  Hearer other;
  it.permits.join(*it.presentity, it.hearer);
  it.permits.join(*it.presentity, other);
  it.permits.set(*it.presentity, bob, Mode::automatic);
  it.permits.tell(*it.presentity, it.now);
  CHECK(it.hearer.calls == 1);
  CHECK(it.permits.is_due(*it.presentity, bob));
  CHECK_FALSE(it.permits.is_due(*it.presentity, carol));
  CHECK(it.news(it.hearer) == Lines{bob + " auto"});
  it.permits.reported(*it.presentity, it.hearer, it.now);
  CHECK(it.news(it.hearer).empty());
  CHECK(it.permits.is_due(*it.presentity, bob));
  SUBCASE("the other one reports, too") { it.permits.reported(*it.presentity, other, it.now); }
  SUBCASE("the other one is out of reach") { it.permits.leave(*it.presentity, other, it.now); }
  CHECK_FALSE(it.permits.is_due(*it.presentity, bob));
  CHECK(it.known == Lines{bob});
  it.permits.leave(*it.presentity, it.hearer, it.now);
  it.permits.leave(*it.presentity, other, it.now);
}

TEST_CASE("a permit taken back is reported once, and then forgotten") {
  Fixture it;
  it.permits.join(*it.presentity, it.hearer);
  it.permits.set(*it.presentity, bob, Mode::ask);
  it.permits.reported(*it.presentity, it.hearer, it.now);
  it.permits.set(*it.presentity, carol, Mode::ask);
  it.permits.set(*it.presentity, bob, Mode::off);
  CHECK(it.news(it.hearer) == Lines{bob + " off", carol + " ask"});
  it.permits.reported(*it.presentity, it.hearer, it.now);
  it.permits.set(*it.presentity, bob, Mode::off);
  CHECK_FALSE(it.permits.has_news(*it.presentity, it.hearer));
  it.permits.leave(*it.presentity, it.hearer, it.now);
}

TEST_CASE(
    "a hearer that comes back gets all permits in a full document, and is not called for older changes") {
  Fixture it;
  it.permits.join(*it.presentity, it.hearer);
  it.permits.leave(*it.presentity, it.hearer, it.now);
  it.permits.set(*it.presentity, bob, Mode::ask);
  it.permits.join(*it.presentity, it.hearer);
  it.permits.tell(*it.presentity, it.now);
  CHECK(it.hearer.calls == 0);
  CHECK_FALSE(it.permits.is_due(*it.presentity, bob));
  it.permits.leave(*it.presentity, it.hearer, it.now);
}
