#include "server/shard/directory.hpp"

#include <doctest/doctest.h>

#include "server/store/memory.hpp"
#include "tests/support/virtual_clock.hpp"

namespace beckon::server {

namespace {

struct Scene {
  beckon::test::VirtualClock clock;
  TimerQueue timers;
  store::Memory memory;
  store::MemoryStore store{memory, timers, clock};
  store::MemoryUsers users{memory, timers, clock};
  store::LocalBus bus{timers, clock};
  Directory directory{{store, users, bus, timers, clock}};
};

struct Number final : Part {
  explicit Number(int v) : value(v) {}
  int value;
};

/// Stores one record, and nothing else.
struct Store final : store::Step {
  bool prepare(store::Batch& batch, Now) override {
    batch.changes.push_back({.record = {store::Kind::document, batch.aor, "key", "text"}});
    return true;
  }
  void apply(Now) override {}
};

constexpr const char* alice = "sip:alice@example.org";

}  // namespace

TEST_CASE("an entry lives while a room has a part in it") {
  Scene scene;
  const auto slot = scene.directory.take_slot<Number>();
  scene.directory.get(alice)->get(slot, 7);
  REQUIRE(scene.directory.find(alice));
  CHECK(scene.directory.find(alice)->find(slot)->value == 7);
  CHECK(scene.directory.find(alice)->bucket() == bucket_of(alice));
  scene.directory.find(alice)->drop(slot);
  CHECK_FALSE(scene.directory.find(alice));
  CHECK(scene.directory.size() == 0);
}

TEST_CASE("rooms' parts stand in the same entry") {
  Scene scene;
  const auto first = scene.directory.take_slot<Number>();
  const auto second = scene.directory.take_slot<Number>();
  const EntryPtr entry = scene.directory.get(alice);
  entry->get(first, 1);
  CHECK(entry->find(second) == nullptr);
  entry->get(second, 2);
  CHECK(entry->find(first)->value == 1);
  CHECK(scene.directory.get(alice) == entry);
}

TEST_CASE("an entry lives while it is held, and while a change of it is being stored") {
  Scene scene;
  EntryPtr held = scene.directory.get(alice);
  held->add(std::make_unique<Store>());
  held.reset();
  CHECK(scene.directory.size() == 1);
  scene.timers.advance(scene.clock.at.mono);
  CHECK(scene.directory.size() == 0);
}

TEST_CASE("an entry that is held outlives its directory, without its parts") {
  EntryPtr held;
  Scene scene;
  {
    Directory directory({scene.store, scene.users, scene.bus, scene.timers, scene.clock});
    const auto slot = directory.take_slot<Number>();
    held = directory.get(alice);
    held->get(slot, 1);
  }
  CHECK(held->aor() == alice);
}

}  // namespace beckon::server
