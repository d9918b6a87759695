#include "server/store/sequence.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/store/memory.hpp"

namespace beckon::store {

namespace {

/// Writes down what happens to it.
class Noted final : public Step {
 public:
  Noted(std::string name, std::vector<std::string>& log, bool stores = true)
      : name_(std::move(name)), log_(log), stores_(stores) {}
  bool prepare(Batch& batch, Now) override {
    note("prepare");
    if (stores_) batch.changes.push_back({.record = {Kind::document, batch.aor, name_, "text"}});
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
};

struct StillClock final : Clock {
  Now now() override { return at; }
  Now at{Time{1000s}, WallTime{std::chrono::seconds(1'700'000'000)}};
};

struct Scene {
  StillClock clock;
  TimerQueue timers;
  Memory memory;
  MemoryStore store{memory, timers, clock, 1ms};
  Sequencer sequencer{store, timers, clock};
  Sequence sequence{sequencer, "sip:alice@example.org"};
  std::vector<std::string> log;

  void add(const std::string& name, bool stores = true) {
    sequence.add(std::make_unique<Noted>(name, log, stores));
  }
  void settle() {
    while (const auto next = timers.next()) {
      clock.at.mono = *next;
      timers.advance(*next);
    }
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
}

}  // namespace beckon::store
