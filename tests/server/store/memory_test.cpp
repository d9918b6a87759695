#include "server/store/memory.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/virtual_clock.hpp"

using namespace beckon;
using namespace beckon::store;

namespace {

struct Loaded final : Loader {
  std::vector<Record> records;
  std::vector<Answer> answers;
  void on_record(Record record) override { records.push_back(std::move(record)); }
  void on_answer(Answer answer) override { answers.push_back(std::move(answer)); }
};

struct World {
  test::VirtualClock clock;
  TimerQueue timers;
  Memory memory;
  MemoryStore store{memory, timers, clock, 1ms};

  World() { memory.begin("boot", clock.now()); }
  void advance(Duration by) {
    clock.advance(by);
    timers.advance(clock.at.mono);
  }
  Loaded load() const {
    Loaded loaded;
    memory.load(loaded);
    return loaded;
  }
};

const std::string alice = "sip:alice@example.org";
Change put(std::string key, std::string value) {
  return {{Kind::binding, alice, std::move(key), std::move(value)}, false};
}

}  // namespace

TEST_CASE("a memory store calls back later, never from inside commit, and in order") {
  World world;
  std::vector<Version> versions;
  const auto done = [&](Result<Version> version) { versions.push_back(version.value()); };
  world.store.commit({alice, {put("a", "1")}, {}}, done);
  world.store.commit({alice, {put("a", "2")}, {}}, done);
  CHECK(versions.empty());
  CHECK(world.load().records.empty());
  world.advance(1ms);
  REQUIRE(versions.size() == 2);
  CHECK(versions[0] < versions[1]);
  CHECK(world.load().records == std::vector{Record{Kind::binding, alice, "a", "2"}});
}

TEST_CASE("a batch whose client has given up is not begun") {
  World world;
  Result<Version> result = Version{0};
  world.store.commit({alice, {put("a", "1")}, {}, world.clock.at.mono + 500us},
                     [&](Result<Version> version) { result = version; });
  world.advance(1ms);
  CHECK(result.error() == Errc::late);
  CHECK(world.load().records.empty());
}

TEST_CASE("an erased record is gone, an answer stays until its time") {
  World world;
  world.store.commit({alice, {put("a", "1"), put("b", "2")}, {}}, [](auto) {});
  Change erase = put("a", "");
  erase.erase = true;
  const Answer answer{"call;1;tag;z9hG4bK", alice, "200", world.clock.at.wall + 32s};
  world.store.commit({alice, {erase}, answer}, [](auto) {});
  world.advance(1ms);
  CHECK(world.load().records == std::vector{Record{Kind::binding, alice, "b", "2"}});
  REQUIRE(world.load().answers.size() == 1);
  CHECK(world.load().answers[0].response == "200");
  world.advance(33s);
  world.store.commit({alice, {}, {}}, [](auto) {});
  world.advance(1ms);
  CHECK(world.load().answers.empty());
}

TEST_CASE("answers past their time are looked for every prune_interval, not at every commit") {
  World world;
  const auto commit = [&](std::optional<Answer> answer) {
    world.store.commit({alice, {}, std::move(answer)}, [](auto) {});
    world.advance(1ms);
  };
  world.advance(prune_interval);
  commit(Answer{"call;1;tag;z9hG4bK", alice, "200", world.clock.at.wall + 1s});
  world.advance(2s);
  commit({});
  CHECK(world.memory.answers.size() == 1);
  world.advance(prune_interval);
  commit({});
  CHECK(world.memory.answers.empty());
}

TEST_CASE("a destroyed store loses what it had not committed, as in a crash") {
  World world;
  bool called = false;
  {
    MemoryStore store(world.memory, world.timers, world.clock, 1ms);
    store.commit({alice, {put("a", "1")}, {}}, [&](auto) { called = true; });
  }
  world.advance(1ms);
  CHECK_FALSE(called);
  CHECK(world.load().records.empty());
}

TEST_CASE("users in memory are found by AOR, later") {
  World world;
  world.memory.users[alice] = users::User{.aor = alice};
  MemoryUsers users(world.memory, world.timers, world.clock);
  UserPtr found, hidden;
  bool asked = false;
  users.find_user(alice, [&](auto result) { found = result.value(); });
  users.find_user_by_hash(users::name_hashes(alice)[4], [&](auto result) { hidden = result.value(); });
  users.find_user("sip:nobody@example.org", [&](auto result) { asked = result.value() == nullptr; });
  CHECK(found == nullptr);
  world.advance(0ms);
  REQUIRE(found != nullptr);
  REQUIRE(hidden != nullptr);
  CHECK(hidden->aor == alice);
  CHECK(asked);
}

TEST_CASE("what callbacks commit to a store without latency comes after them") {
  World world;
  MemoryStore store(world.memory, world.timers, world.clock);
  std::vector<int> done;
  store.commit({alice, {put("a", "1")}, {}}, [&](auto) {
    done.push_back(1);
    store.commit({alice, {put("b", "2")}, {}}, [&](auto) { done.push_back(3); });
  });
  store.commit({alice, {put("c", "3")}, {}}, [&](auto) { done.push_back(2); });
  CHECK(world.timers.size() == 1);
  world.advance(0ms);
  world.advance(0ms);
  CHECK(done == std::vector<int>{1, 2, 3});
}

TEST_CASE("load gives the records of one AOR") {
  World world;
  const std::string other = alice + "a";
  world.store.commit({alice, {put("a", "1"), put("b", "2")}, {}}, [](auto) {});
  world.store.commit({other, {{{Kind::binding, other, "c", "3"}, false}}, {}}, [](auto) {});
  std::vector<Record> records;
  world.store.load(alice, [&](Result<Held> held) { records = held->records; });
  CHECK(records.empty());
  world.advance(1ms);
  CHECK(records ==
        std::vector{Record{Kind::binding, alice, "a", "1"}, Record{Kind::binding, alice, "b", "2"}});
}

TEST_CASE("the bus reports what changed to the rooms that listen to that kind, later and in order") {
  World world;
  LocalBus bus(world.timers, world.clock);
  std::vector<std::string> heard;
  bus.subscribe(Kind::document, [&](const std::string& aor, Version version) {
    heard.push_back(aor + ' ' + std::to_string(version));
    if (version == 7) bus.publish(Kind::document, aor, 9);
  });
  bus.publish(Kind::document, alice, 7);
  bus.publish(Kind::binding, alice, 8);
  bus.publish(Kind::document, alice, 8);
  CHECK(heard.empty());
  world.advance(0ms);
  world.advance(0ms);
  CHECK(heard == std::vector<std::string>{alice + " 7", alice + " 8", alice + " 9"});
}
