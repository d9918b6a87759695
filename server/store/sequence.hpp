#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "server/store/store.hpp"

namespace beckon::store {

/// One change of what a room keeps about an address-of-record. The sequence calls its parts in the order in
/// which they stand here; each part runs on the shard's thread and may add further steps.
///
/// The world moves on while the store writes. What does not pass through the sequence (a flow, a rule of
/// another room) is looked at again in `apply`: a state that lives on a flow asks `Directory::is_closed`
/// there, and the step adds a fact that ends the state where the flow is gone.
class Step {
 public:
  virtual ~Step() = default;
  /// The step's turn has come: it reads the state as it is now and puts what changes into `batch`. False: no
  /// record changes, and the step has answered its request itself. Called again where another node changed
  /// the records meanwhile (Errc::conflict).
  virtual bool prepare(Batch& batch, Now now) = 0;
  /// The store has the batch: the room's state takes it over.
  virtual void apply(Now now) = 0;
  /// Sends the 2xx.
  virtual void answer(Now /*now*/) {}
  /// Notifies those who follow the state.
  virtual void announce(Now /*now*/) {}
  /// Nothing of the batch is in the store and the state is as before: Errc::overload (too many steps wait;
  /// answer 503), Errc::late (503), Errc::user_gone (404), anything else (500): `status_of`.
  virtual void refuse(ErrorCode /*why*/, Now /*now*/) {}

 private:
  friend class Sequence;
  std::unique_ptr<Step> next_;
  bool is_fact_ = false;
  std::uint8_t conflicts_ = 0;
};

class Sequencer;

/// The changes of one address-of-record, one at a time, in the order of their arrival: the one place that
/// decides when a change is true, answered and announced. Small, as each address-of-record has one.
///
/// Where the store keeps no records, a step is true, answered and announced inside `add`.
class Sequence {
 public:
  /// Steps of requests that may wait at once; more come from a broken or hostile client only.
  static constexpr unsigned backlog_max = 64;
  /// Pauses between two tries to store facts that the store refuses; each is twice the one before.
  static constexpr Duration retry_min = 1s, retry_max = 60s;

  Sequence(Sequencer& sequencer, std::string aor);
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;
  ~Sequence();

  /// Canonical.
  const std::string& aor() const { return aor_; }
  /// A change that a request asks for: refused when the backlog is full or the store fails.
  void add(std::unique_ptr<Step> step);
  /// A change that has happened whatever the store says (a lifetime ended, a flow closed): never refused. It
  /// is prepared, applied and announced at once, or after the step that the store is writing, and before the
  /// steps that wait. Its record changes are owed to the store: they go with the next batch, or alone, and
  /// are tried again until the store has them. `Batch::answer` and the deadline do not count. What is owed is
  /// the last change of each record: what a room keeps and what it has stored bound it, if the room says of
  /// a record with a key of its own that it is new (`Batch::put_new`).
  void add_fact(std::unique_ptr<Step> step);
  /// Refuses what requests ask for and waits for its turn. The step that the store is writing, and facts, go
  /// on.
  void refuse_waiting(ErrorCode why);
  /// Records whose last change the store does not have yet.
  std::size_t owed() const;
  /// Neither runs nor waits for nor owes anything.
  bool is_quiet() const { return !first_ && !running_ && !is_committing_ && !owed_ && turns_ == 0; }

 protected:
  /// The shard ends: what runs and waits is dropped, unanswered.
  void abandon();

 private:
  struct Owed;
  class Turn;

  void run();
  void take();
  void take_fact();
  void commit(Batch batch);
  void finish(Result<Version> done);
  void complete(Version version, std::uint16_t kinds, Now now);
  void owe(std::vector<Change> changes);
  void drop_if_paid();
  void add_owed(Batch& batch);
  void add_owed(Held& held) const;
  void commit_owed();
  void on_stored();
  void on_failed(ErrorCode why, Now now);
  void reload();

  Sequencer& sequencer_;
  std::string aor_;
  std::unique_ptr<Step> running_;
  std::unique_ptr<Step> first_;  ///< Waiting: facts first, then the oldest.
  Step* last_ = nullptr;
  Step* last_fact_ = nullptr;  ///< Of those that wait.
  std::unique_ptr<Owed> owed_;
  Version version_ = 0;         ///< Of the last commit or load; 0: none.
  std::uint16_t waiting_ = 0;   ///< Without facts.
  std::uint16_t kinds_ = 0;     ///< Of the batch with the store.
  std::uint8_t turns_ = 0;      ///< Calls of this that are under way, one in another.
  bool is_committing_ = false;  ///< The store has a batch, of `running_` or of what is owed.
  bool is_durable_ = false;     ///< It is the durable store.
};

/// What the sequences of one shard share.
class Sequencer {
 public:
  /// Between two log lines about changes that could not be stored.
  static constexpr Duration log_pause = 10s;

  /// All referenced things outlive it.
  struct Parts {
    StateStore& state;
    DurableStore& durable;
    EventBus& bus;
    TimerQueue& timers;
    Clock& clock;
  };
  explicit Sequencer(Parts parts) : parts_(parts) {}
  virtual ~Sequencer() = default;
  Sequencer(const Sequencer&) = delete;
  Sequencer& operator=(const Sequencer&) = delete;

  /// Since the start: steps refused because the backlog was full, and commits that failed.
  struct Counters {
    std::uint64_t overload = 0, failed = 0;
  };
  const Counters& counters() const { return counters_; }
  /// By which times stand in records.
  TimeScale scale() const { return parts_.state.scale(); }

 protected:
  /// `sequence` has nothing left to do; it may be destroyed here.
  virtual void on_quiet(Sequence&) {}
  /// Another node changed the records of `sequence`: what this shard keeps about it is replaced by `held`.
  virtual void on_conflict(Sequence&, const Held& /*held*/, Now) {}

 private:
  friend class Sequence;
  RecordStore& store_of(bool durable) {
    return durable ? static_cast<RecordStore&>(parts_.durable) : parts_.state;
  }
  void note_failure(const Sequence& sequence, ErrorCode why, Now now);

  Parts parts_;
  Counters counters_;
  Time logged_ = Time::min();
  std::uint64_t unlogged_ = 0;  ///< Failed commits since the last line.
};

}  // namespace beckon::store
