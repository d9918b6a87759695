#include "server/subscription/watchers.hpp"

#include "tests/server/packages/stage.hpp"
#include "tests/server/subscription/echo.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using subscription::Permission;
using subscription::Watchers;

namespace {

/// The watchers of "echo": WT of any package.
struct Heard final : Watchers::Listener {
  void on_watcher(Entry& resource, const subscription::WatcherEntry& watcher, Now) override {
    CHECK(resource.aor() == alice);
    told.push_back(watcher.aor + ' ' + documents::to_string(watcher.status) + ' ' +
                   documents::to_string(watcher.event));
  }
  void on_settled(Entry&, Now) override { ++settled; }
  std::string last() const {
    REQUIRE_FALSE(told.empty());
    return told.back();
  }
  std::vector<std::string> told;
  int settled = 0;
};

struct WatchersStage {
  explicit WatchersStage(Settings settings = Stage::default_settings())
      : stage(std::move(settings),
              [this](Stage&, subscription::Packages& packages) { echo = &packages.add<Echo>(); }),
        watchers(*stage.subscriptions, *echo, heard) {
    echo->permission = Permission::pending;
  }
  void subscribe(Device& by, std::uint32_t expires = 600) {
    by.subscribe(alice, "echo", {"Expires: " + std::to_string(expires)});
    stage.drain();
  }
  void decide(Permission permission) {
    echo->decide(*stage.entry(alice), permission, stage.clock_.at);
    stage.drain();
  }

  Echo* echo = nullptr;
  Heard heard;
  Stage stage;
  Watchers watchers;
  Device device{stage, bob, udp(5070)};
};

}  // namespace

TEST_CASE("the table of watchers names the package, as those of several packages are shown as one") {
  WatchersStage it;
  it.subscribe(it.device);
  const Table table = it.watchers.table(it.stage.clock_.at);
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0].at(0) == std::pair<std::string, std::string>("package", "echo"));
}

TEST_CASE("a watcher's states and events follow RFC 3857 4.7.1") {
  WatchersStage it;
  it.subscribe(it.device);
  CHECK(it.heard.last() == bob + " pending subscribe");
  SUBCASE("approved") {
    it.decide(Permission::active);
    CHECK(it.heard.last() == bob + " active approved");
    SUBCASE("and approved again: nothing new") {
      it.decide(Permission::active);
      CHECK(it.heard.told.size() == 2);
    }
    SUBCASE("and ran out") {
      it.stage.wait(600s);
      CHECK(it.heard.last() == bob + " terminated timeout");
      CHECK(it.watchers.size() == 0);
    }
    SUBCASE("and taken back") {
      it.decide(Permission::pending);
      CHECK(it.heard.last() == bob + " pending subscribe");
    }
  }
  SUBCASE("rejected") {
    it.decide(Permission::refused);
    CHECK(it.heard.last() == bob + " terminated rejected");
    CHECK(it.watchers.size() == 0);
  }
  SUBCASE("ran out undecided: waiting, until a decision or a day") {
    it.stage.wait(600s);
    it.stage.drain();
    CHECK(it.heard.last() == bob + " waiting timeout");
    CHECK(it.watchers.size() == 1);
    SUBCASE("allowed") {
      it.decide(Permission::active);
      CHECK(it.heard.last() == bob + " terminated approved");
    }
    SUBCASE("refused") {
      it.decide(Permission::refused);
      CHECK(it.heard.last() == bob + " terminated rejected");
    }
    SUBCASE("forgotten") {
      it.stage.wait(Watchers::waiting_time);
      CHECK(it.heard.last() == bob + " terminated giveup");
    }
    CHECK(it.watchers.size() == 0);
  }
  CHECK(it.heard.settled >= 1);
}

TEST_CASE("an entry says how long it lasts and has lasted, and keeps its id over a restart (RFC 3858 4.3)") {
  WatchersStage it;
  it.subscribe(it.device);
  it.stage.wait(100s);
  const auto shown = [&it] {
    std::vector<std::string> ids;
    std::optional<std::uint64_t> expiration, subscribed;
    it.watchers.each(*it.stage.entry(alice), it.stage.clock_.at, [&](const documents::WatcherView& watcher) {
      ids.emplace_back(watcher.id);
      expiration = watcher.expiration_seconds;
      subscribed = watcher.subscribed_seconds;
      CHECK(watcher.uri == bob);
      CHECK(watcher.display_name == "bob");
    });
    REQUIRE(ids.size() == 1);
    return std::tuple(ids.front(), expiration.value_or(0), subscribed.value_or(0));
  };
  const auto before = shown();
  CHECK(std::get<1>(before) == 500);
  CHECK(std::get<2>(before) == 100);
  it.device.refresh(600);
  it.stage.drain();
  CHECK(std::get<1>(shown()) == 600);
  CHECK(std::get<0>(shown()) == std::get<0>(before));
  CHECK(it.heard.told.size() == 1);  // a refresh is no news
}

TEST_CASE("waiting watchers are bounded: the oldest is given up (DESIGN 7)") {
  Settings settings = Stage::default_settings();
  settings.pending_per_presentity = 2;
  WatchersStage it(settings);
  for (const char* name : {"one", "two", "six"}) {
    Device stranger(it.stage, "sip:" + std::string(name) + "@example.org", udp(5071));
    it.subscribe(stranger, 0);
  }
  CHECK(it.watchers.size() == 2);
  CHECK(it.heard.last() == "sip:one@example.org terminated giveup");
}

TEST_CASE("a change of rules reaches many that wait in slices, whoever leaves or comes back meanwhile") {
  constexpr std::size_t count = 300, slice = Slice::visits_max;
  WatchersStage it;
  std::vector<Device> strangers;
  for (std::size_t i = 0; i < count; ++i)
    it.subscribe(
        strangers.emplace_back(it.stage, "sip:s" + std::to_string(1000 + i) + "@example.org", udp(5071)), 0);
  REQUIRE(it.watchers.size() == count);
  it.echo->asked = 0;
  const auto settled = it.heard.settled;
  it.decide(Permission::refused);
  CHECK(it.echo->asked == slice);
  CHECK(it.watchers.size() == count - slice);
  CHECK_FALSE(it.watchers.is_idle());
  SUBCASE("nobody") {}
  SUBCASE("the next one asks anew") {
    it.echo->permission = Permission::pending;
    strangers[slice].send("SUBSCRIBE", alice, {"Event: echo", "Expires: 0"}, {}, /*settle=*/false);
    it.stage.wait(0ms);
    it.echo->permission = Permission::refused;
    CHECK(it.heard.last() == "sip:s" + std::to_string(1000 + slice) + "@example.org waiting timeout");
    CHECK(it.watchers.size() == count - slice);
  }
  SUBCASE("the rules change once more: those already asked are gone, the rest is asked by the newer ones") {
    it.decide(Permission::active);
    it.stage.wait(1s);
    CHECK(it.heard.last().ends_with("terminated approved"));
  }
  it.stage.wait(1s);
  CHECK(it.watchers.size() == 0);
  CHECK(it.watchers.is_idle());
  CHECK(it.heard.settled > settled);
}
