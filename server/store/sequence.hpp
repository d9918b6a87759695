#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "server/store/store.hpp"

namespace beckon::store {

/// One change of what a room keeps about an address-of-record. The sequence calls its parts in the order in
/// which they stand here; each part runs on the shard's thread and may add further steps.
class Step {
 public:
  virtual ~Step() = default;
  /// The step's turn has come: it reads the state as it is now and puts what changes into `batch`. False: no
  /// record changes, and the step has answered its request itself.
  virtual bool prepare(Batch& batch, Now now) = 0;
  /// The store has the batch: the room's state takes it over. What may have changed during the commit (a
  /// flow that closed, a rule) is looked at again here.
  virtual void apply(Now now) = 0;
  /// Sends the 2xx.
  virtual void answer(Now /*now*/) {}
  /// Notifies those who follow the state.
  virtual void announce(Now /*now*/) {}
  /// Nothing of the batch is in the store and the state is as before: Errc::overload (too many steps wait;
  /// answer 503), Errc::late (503), anything else (500).
  virtual void refuse(ErrorCode /*why*/, Now /*now*/) {}

 private:
  friend class Sequence;
  friend class Sequencer;
  std::unique_ptr<Step> next_;
};

class Sequencer;

/// The changes of one address-of-record, one at a time, in the order of their arrival: the one place that
/// decides when a change is true, answered and announced. Small, as each address-of-record has one.
class Sequence {
 public:
  /// Steps of requests that may wait at once; more come from a broken or hostile client only.
  static constexpr unsigned backlog_max = 64;

  Sequence(Sequencer& sequencer, std::string aor) : sequencer_(sequencer), aor_(std::move(aor)) {}
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  /// Canonical.
  const std::string& aor() const { return aor_; }
  /// A change that a request asks for: refused when the backlog is full or the store fails.
  void add(std::unique_ptr<Step> step);
  /// A change that has happened whatever the store says (a lifetime ended, a flow closed): never refused. It
  /// is applied and announced before the store has it, and its batch is tried again until the store takes
  /// it.
  void add_fact(std::unique_ptr<Step> step);
  /// Neither runs nor waits for anything.
  bool is_quiet() const { return !first_ && !running_; }

 protected:
  /// The shard ends: what runs and waits is dropped, unanswered.
  void abandon();

 private:
  friend class Sequencer;
  void run();
  void finish(Result<Version> done);

  Sequencer& sequencer_;
  std::string aor_;
  std::unique_ptr<Step> running_;  ///< Its batch is with the store.
  std::unique_ptr<Step> first_;    ///< Waiting, oldest first.
  Step* last_ = nullptr;
  unsigned waiting_ = 0;
};

/// What the sequences of one shard share.
class Sequencer {
 public:
  /// All referenced things outlive it.
  Sequencer(StateStore& store, TimerQueue& timers, Clock& clock)
      : store_(store), timers_(timers), clock_(clock) {}
  virtual ~Sequencer() = default;
  Sequencer(const Sequencer&) = delete;
  Sequencer& operator=(const Sequencer&) = delete;

 protected:
  /// `sequence` has nothing left to do; it may be destroyed here.
  virtual void on_quiet(Sequence&) {}

 private:
  friend class Sequence;
  StateStore& store_;
  TimerQueue& timers_;
  Clock& clock_;
};

}  // namespace beckon::store
