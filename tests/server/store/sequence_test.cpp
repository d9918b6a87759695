#include "server/store/sequence.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/store/memory.hpp"
#include "tests/support/virtual_clock.hpp"

namespace beckon::store {

namespace {

const std::string alice = "sip:alice@example.org";

/// Notes what happens to it.
class Noted final : public Step {
 public:
  Noted(std::string name, std::vector<std::string>& log, bool stores, Kind kind)
      : name_(std::move(name)), log_(log), stores_(stores), kind_(kind) {}
  bool prepare(Batch& batch, Now) override {
    note("prepare");
    batch.durable = is_durable(kind_);
    if (stores_) batch.put(kind_, name_, [] { return "text"; });
    return stores_;
  }
  void apply(Now) override { note("apply"); }
  void answer(Now) override { note("answer"); }
  void announce(Now) override { note("announce"); }
  void refuse(ErrorCode why, Now) override { note("refuse " + why.message()); }

 private:
  void note(const std::string& what) { log_.push_back(name_ + ' ' + what); }
  std::string name_;
  std::vector<std::string>& log_;
  bool stores_;
  Kind kind_;
};

/// Counts the commits.
struct Counted final : StateStore {
  Counted(Memory& memory, TimerQueue& timers, Clock& clock) : store(memory, timers, clock, 1ms) {}
  bool is_shared() const override { return store.is_shared(); }
  void commit(Batch batch, Done done) override {
    ++commits;
    changes = batch.changes.size();
    store.commit(std::move(batch), std::move(done));
  }
  void load(const std::string& aor, Loaded loaded) override { store.load(aor, std::move(loaded)); }
  MemoryStore store;
  int commits = 0;
  std::size_t changes = 0;  ///< Of the last.
};

/// Puts a record with a key of its own, erases one, or both.
struct Exchange final : Step {
  Exchange(std::string put, std::string erased) : put_(std::move(put)), erased_(std::move(erased)) {}
  bool prepare(Batch& batch, Now) override {
    if (!put_.empty()) batch.put_new(Kind::binding, put_, [] { return "text"; });
    if (!erased_.empty()) batch.erase(Kind::binding, erased_);
    return true;
  }
  void apply(Now) override {}

 private:
  std::string put_, erased_;
};

/// A shard's sequencer that notes reloads.
struct Noting final : Sequencer {
  using Sequencer::Sequencer;
  void on_conflict(Sequence&, const Held& held, Now) override { reloaded.push_back(held.records); }
  std::vector<std::vector<Record>> reloaded;
};

struct Scene {
  test::VirtualClock clock;
  TimerQueue timers;
  Memory memory;
  Counted store{memory, timers, clock};
  MemoryUsers users{memory, timers, clock, 1ms};
  LocalBus bus{timers, clock};
  Noting sequencer{{store, users, bus, timers, clock}};
  Sequence sequence{sequencer, alice};
  std::vector<std::string> log;

  std::unique_ptr<Step> step(const std::string& name, bool stores = true, Kind kind = Kind::binding) {
    return std::make_unique<Noted>(name, log, stores, kind);
  }
  void add(const std::string& name, bool stores = true) { sequence.add(step(name, stores)); }
  void add_fact(const std::string& name) { sequence.add_fact(step(name)); }
  bool has(const std::string& name, Kind kind = Kind::binding) const {
    return memory.records.count({alice, kind, name}) == 1;
  }
  void wait(Duration by) { clock.advance(by, timers); }
  void settle() {
    while (timers.next()) wait(*timers.next() - clock.at.mono);
  }
};

using Log = std::vector<std::string>;

}  // namespace

TEST_CASE("a change is true, answered and announced after the store has it, and the next begins then") {
  Scene scene;
  scene.add("a");
  scene.add("b");
  CHECK(scene.log == Log{"a prepare"});
  CHECK_FALSE(scene.sequence.is_quiet());
  scene.settle();
  CHECK(scene.log == Log{"a prepare", "a apply", "a answer", "a announce", "b prepare", "b apply", "b answer",
                         "b announce"});
  CHECK(scene.sequence.is_quiet());
  CHECK(scene.memory.records.size() == 2);
}

TEST_CASE("a step that stores nothing ends at once, and the next one follows") {
  Scene scene;
  scene.add("look", false);
  scene.add("change");
  CHECK(scene.log == Log{"look prepare", "change prepare"});
  scene.settle();
  CHECK(scene.sequence.is_quiet());
}

TEST_CASE("more steps than the backlog holds are refused; those before them are done") {
  Scene scene;
  for (unsigned i = 0; i < Sequence::backlog_max + 1; ++i) scene.add(std::to_string(i));
  scene.add("late");
  CHECK(scene.log == Log{"0 prepare", "late refuse too many changes wait"});
  scene.settle();
  CHECK(scene.memory.records.size() == Sequence::backlog_max + 1);
  CHECK(scene.sequencer.counters().overload == 1);
}

TEST_CASE("a fact is true and announced at once; its record follows") {
  Scene scene;
  scene.add_fact("end");
  CHECK(scene.log == Log{"end prepare", "end apply", "end announce"});
  CHECK_FALSE(scene.sequence.is_quiet());
  scene.settle();
  CHECK(scene.has("end"));
  CHECK(scene.sequence.is_quiet());
}

TEST_CASE("a fact comes after the change the store is writing and before those that wait") {
  Scene scene;
  scene.add("a");
  scene.add("b");
  scene.add_fact("first");
  scene.add_fact("second");
  CHECK(scene.log == Log{"a prepare"});
  scene.settle();
  CHECK(scene.log == Log{"a prepare", "a apply", "a answer", "a announce", "first prepare", "first apply",
                         "first announce", "second prepare", "second apply", "second announce", "b prepare",
                         "b apply", "b answer", "b announce"});
  CHECK(scene.store.commits == 2);  // what the facts owe goes with b
  CHECK(scene.has("first"));
  CHECK(scene.has("second"));
}

TEST_CASE("a fact does not wait while the store writes what earlier facts owe") {
  Scene scene;
  scene.add_fact("first");
  scene.add_fact("second");
  CHECK(scene.log.back() == "second announce");
  scene.add("change");
  CHECK(scene.log.back() == "second announce");
  scene.settle();
  CHECK(scene.log.back() == "change announce");
  for (const char* name : {"first", "second", "change"}) CHECK(scene.has(name));
}

TEST_CASE("facts are never refused, and not counted in the backlog") {
  Scene scene;
  for (unsigned i = 0; i < Sequence::backlog_max + 1; ++i) scene.add(std::to_string(i));
  scene.add_fact("end");
  scene.settle();
  CHECK(scene.has("end"));
}

TEST_CASE(
    "a full disk: a fact is true at once, tried again with growing pauses, and stored when space returns") {
  Scene scene;
  scene.memory.broken = Errc::io;
  scene.add_fact("end");
  CHECK(scene.log.back() == "end announce");
  std::vector<int> commits;
  for (int minute = 0; minute < 5; ++minute) {
    const int before = scene.store.commits;
    scene.wait(60s);
    commits.push_back(scene.store.commits - before);
  }
  CHECK(commits.front() <= 8);  // 1, 2, 4 ... s
  CHECK(commits.back() >= 1);
  CHECK(commits.back() <= 2);
  CHECK_FALSE(scene.has("end"));
  scene.memory.broken = {};
  scene.wait(Sequence::retry_max);
  CHECK(scene.has("end"));
  CHECK(scene.sequence.is_quiet());
  CHECK_FALSE(scene.timers.next());
}

TEST_CASE("a full disk: a request is refused, what earlier facts owe is not forgotten by it") {
  Scene scene;
  scene.memory.broken = Errc::io;
  scene.add_fact("end");
  scene.wait(10ms);
  scene.add("change");
  scene.wait(10ms);
  CHECK(scene.log.back() == "change refuse the disk refused");
  CHECK(scene.sequencer.counters().failed == 2);
  scene.memory.broken = {};
  scene.add("again");
  scene.wait(10ms);
  CHECK(scene.log.back() == "again announce");
  CHECK(scene.has("end"));
  CHECK_FALSE(scene.has("change"));
  CHECK(scene.sequence.is_quiet());
}

TEST_CASE("a request that puts a record again wins over the end of it that was owed") {
  struct Erase final : Step {
    bool prepare(Batch& batch, Now) override {
      batch.erase(Kind::binding, "phone");
      return true;
    }
    void apply(Now) override {}
  };
  Scene scene;
  scene.memory.broken = Errc::io;
  scene.sequence.add_fact(std::make_unique<Erase>());
  scene.wait(10ms);
  scene.memory.broken = {};
  scene.add("phone");
  scene.settle();
  CHECK(scene.has("phone"));
}

TEST_CASE("a full disk: a record that was never stored and is erased again is owed no longer") {
  Scene scene;
  scene.add("old");
  scene.settle();
  scene.memory.broken = Errc::io;
  std::string last = "old";
  const auto replace = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      const std::string next = std::to_string(scene.log.size()) + '.' + std::to_string(i);
      scene.sequence.add_fact(std::make_unique<Exchange>(next, last));
      last = next;
    }
  };
  for (int tries = 0; tries < 20; ++tries) {
    replace(50);  // the first goes to the store at once, or meets one that is under way
    scene.wait(tries % 2 == 0 ? Duration(100us) : Duration(70s));
    CHECK(scene.sequence.owed() <= 4);
  }
  scene.wait(70s);
  CHECK(scene.sequence.owed() == 2);  // the last, and the end of the old one
  scene.memory.broken = {};
  scene.settle();
  CHECK(scene.store.changes == 2);
  CHECK(scene.memory.records.size() == 1);
  CHECK(scene.has(last));
  SUBCASE("nothing but what was never stored: nothing is owed") {
    scene.memory.broken = Errc::io;
    scene.sequence.add_fact(std::make_unique<Exchange>("brief", ""));
    scene.wait(10ms);
    scene.sequence.add_fact(std::make_unique<Exchange>("", "brief"));
    CHECK(scene.sequence.is_quiet());
    scene.settle();
  }
}

TEST_CASE("a record that is erased while the store writes it is erased after that") {
  Scene scene;
  scene.sequence.add_fact(std::make_unique<Exchange>("a", ""));
  CHECK(scene.store.commits == 1);
  scene.sequence.add_fact(std::make_unique<Exchange>("b", "a"));
  SUBCASE("it is stored") {}
  SUBCASE("it fails") {
    scene.memory.broken = Errc::io;
    scene.wait(10ms);
    CHECK(scene.sequence.owed() == 1);
    scene.memory.broken = {};
  }
  SUBCASE("another node was first") {
    scene.memory.is_shared = true;
    scene.memory.versions[alice] = ++scene.memory.version;
  }
  scene.settle();
  CHECK_FALSE(scene.has("a"));
  CHECK(scene.has("b"));
  CHECK(scene.sequence.is_quiet());
}

TEST_CASE("where another node changed the records, they are taken over and the change is made on them") {
  Scene scene;
  scene.memory.is_shared = true;
  scene.add("a");
  scene.settle();
  scene.store.store.commit({.aor = alice,
                            .changes = {{.record = {Kind::binding, alice, "other", "x"}}},
                            .expected = scene.memory.versions.at(alice)},
                           [](auto) {});
  scene.settle();
  scene.log.clear();
  scene.add("b");
  scene.settle();
  CHECK(scene.log == Log{"b prepare", "b prepare", "b apply", "b answer", "b announce"});
  REQUIRE(scene.sequencer.reloaded.size() == 1);
  CHECK(scene.sequencer.reloaded[0].size() == 2);
  CHECK(scene.has("b"));
  scene.add("c");
  scene.settle();
  CHECK(scene.sequencer.reloaded.size() == 1);
}

TEST_CASE("what facts owe stays true when another node's records are taken over") {
  Scene scene;
  scene.memory.is_shared = true;
  scene.add("a");
  scene.settle();
  scene.memory.broken = Errc::io;
  scene.add_fact("end");
  scene.wait(10ms);
  scene.memory.broken = {};
  scene.memory.versions[alice] = ++scene.memory.version;  // the other node's
  scene.add("b");
  scene.settle();
  REQUIRE(scene.sequencer.reloaded.size() == 1);
  CHECK(scene.sequencer.reloaded[0].size() == 2);  // "a" and "end", which the store does not have yet
  CHECK(scene.has("end"));
  CHECK(scene.has("b"));
}

TEST_CASE(
    "a batch that expects no version is written by its owner alone, and is no conflict for the others") {
  Scene scene;
  scene.memory.is_shared = true;
  scene.add("a");
  scene.settle();
  for (const char* key : {"1", "2"}) {
    bool done = false;
    scene.store.store.commit({.aor = alice, .changes = {{.record = {Kind::subscription, alice, key, "x"}}}},
                             [&](Result<Version> version) { done = version.has_value(); });
    scene.settle();
    CHECK(done);
    CHECK(scene.has(key, Kind::subscription));
  }
  scene.add("b");
  scene.settle();
  CHECK(scene.sequencer.reloaded.empty());
  CHECK(scene.has("b"));
}

TEST_CASE("a node that changes the records each time does not keep a request waiting for ever") {
  struct Contested final : StateStore {
    explicit Contested(TimerQueue& t) : timers(t) {}
    bool is_shared() const override { return true; }
    void commit(Batch, Done done) override {
      ++commits;
      timers.set(Time{}, [done](Time) { done(Errc::conflict); });
    }
    void load(const std::string&, Loaded loaded) override {
      timers.set(Time{}, [loaded](Time) { loaded(Held{}); });
    }
    TimerQueue& timers;
    int commits = 0;
  };
  Scene scene;
  Contested contested(scene.timers);
  Sequencer sequencer({contested, scene.users, scene.bus, scene.timers, scene.clock});
  Sequence sequence(sequencer, alice);
  sequence.add(scene.step("a"));
  scene.settle();
  CHECK(scene.log.back() == "a refuse another version than expected");
  CHECK(contested.commits == 4);
}

TEST_CASE(
    "a store that keeps nothing: a change is true, answered and announced at once, and encodes nothing") {
  struct Encoding final : Step {
    explicit Encoding(int& c) : count(c) {}
    bool prepare(Batch& batch, Now) override {
      batch.put(Kind::binding, "key", [&] {
        ++count;
        return "text";
      });
      return true;
    }
    void apply(Now) override {}
    int& count;
  };
  Scene scene;
  NoStore none(scene.timers, scene.clock);
  Sequencer sequencer({none, scene.users, scene.bus, scene.timers, scene.clock});
  Sequence sequence(sequencer, alice);
  std::vector<Version> heard;
  scene.bus.subscribe(Kind::binding, [&](const std::string&, Version version) { heard.push_back(version); });
  sequence.add(scene.step("a"));
  sequence.add_fact(scene.step("b"));
  CHECK(scene.log ==
        Log{"a prepare", "a apply", "a answer", "a announce", "b prepare", "b apply", "b announce"});
  int encoded = 0;
  sequence.add(std::make_unique<Encoding>(encoded));
  CHECK(encoded == 0);
  CHECK(sequence.is_quiet());
  scene.settle();
  CHECK(heard.size() == 2);
  CHECK(scene.memory.records.empty());
}

TEST_CASE("each kind that changed is on the bus, later, with the version the store gave") {
  Scene scene;
  std::vector<std::string> heard;
  for (const Kind kind : {Kind::binding, Kind::document})
    scene.bus.subscribe(kind, [&scene, &heard, kind](const std::string& aor, Version version) {
      heard.push_back(std::string(to_string(kind)) + ' ' + aor + ' ' + std::to_string(version));
      CHECK(version == scene.memory.version);
    });
  scene.add("phone");
  scene.settle();
  scene.sequence.add(scene.step("rules", true, Kind::document));
  scene.settle();
  CHECK(heard == std::vector<std::string>{"binding " + alice + " 1", "document " + alice + " 2"});
}

TEST_CASE(
    "what requests ask for and waits is refused when its user is removed; facts and what is written go on") {
  Scene scene;
  scene.add("written");
  scene.add("waits");
  scene.add("waits, too");
  scene.add_fact("fact");
  scene.sequence.refuse_waiting(Errc::user_gone);
  scene.add("later");
  scene.add_fact("later fact");
  scene.settle();
  CHECK(scene.log == Log{"written prepare", "waits refuse the user was removed",
                         "waits, too refuse the user was removed", "written apply", "written answer",
                         "written announce", "fact prepare", "fact apply", "fact announce",
                         "later fact prepare", "later fact apply", "later fact announce", "later prepare",
                         "later apply", "later answer", "later announce"});
  CHECK_FALSE(scene.has("waits"));
  CHECK(scene.has("later"));
  CHECK(scene.sequence.is_quiet());
  scene.sequence.refuse_waiting(Errc::user_gone);
  CHECK(scene.sequence.is_quiet());
  for (unsigned i = 0; i <= Sequence::backlog_max; ++i) scene.add("again");
  CHECK(scene.sequencer.counters().overload == 0);  // what was refused waits no longer
}

TEST_CASE("a step that is refused may add another, which is taken in its turn") {
  struct Adding final : Step {
    explicit Adding(Scene& its_scene) : scene(its_scene) {}
    bool prepare(Batch&, Now) override { return false; }
    void apply(Now) override {}
    void refuse(ErrorCode, Now) override { scene.add("again"); }
    Scene& scene;
  };
  Scene scene;
  scene.add("written");
  scene.sequence.add(std::make_unique<Adding>(scene));
  scene.add("refused");
  scene.sequence.refuse_waiting(Errc::user_gone);
  scene.settle();
  CHECK(scene.has("again"));
  CHECK_FALSE(scene.has("refused"));
  CHECK(scene.sequence.is_quiet());
}

TEST_CASE("what a request is answered whose change was refused") {
  CHECK(status_of(Errc::user_gone) == 404);
  for (const Errc why : {Errc::overload, Errc::late, Errc::conflict}) CHECK(status_of(why) == 503);
  for (const Errc why : {Errc::io, Errc::stopped}) CHECK(status_of(why) == 500);
}

TEST_CASE("steps that wait when a shard ends are dropped, unanswered") {
  Scene scene;
  scene.memory.broken = Errc::io;
  {
    Sequence sequence(scene.sequencer, alice);
    sequence.add_fact(scene.step("end"));
  }
  CHECK(scene.timers.next().has_value());  // the store's
}

}  // namespace beckon::store
