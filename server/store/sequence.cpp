#include "server/store/sequence.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "protocol/base/log.hpp"

namespace beckon::store {

namespace {

/// How often a step is prepared again after a conflict; more means that two nodes own one AOR.
constexpr unsigned conflicts_max = 3;

/// Spreads the tries of many AORs over the last quarter of the pause.
Duration jittered(Duration pause, std::string_view aor) {
  return pause - pause / 4 * static_cast<int>(std::hash<std::string_view>{}(aor) % 64) / 64;
}

}  // namespace

/// Changes of facts that the store does not have yet, the last of each record.
struct Sequence::Owed {
  struct Value {
    std::string text;
    bool erase = false;
    std::uint32_t round = 0;  ///< Of the commits of what is owed; a later change of the record raises it.
    bool is_new = false;      ///< The store does not have the record, unless it gets it now.
  };
  explicit Owed(TimerQueue& timers) : timer(timers) {}
  void add(Change change);
  std::map<std::pair<Kind, std::string>, Value> changes;
  std::uint32_t round = 0, sent = 0;  ///< Of changes made now; of those with the store, and earlier ones.
  Duration pause{};
  Timer timer;  ///< Set while a try has failed.
};

/// Keeps the sequence while it works: the end of a step may release what holds its entry.
class Sequence::Turn {
 public:
  explicit Turn(Sequence& sequence) : sequence_(sequence) { ++sequence_.turns_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (--sequence_.turns_ == 0 && sequence_.is_quiet()) sequence_.sequencer_.on_quiet(sequence_);
  }

 private:
  Sequence& sequence_;
};

Sequence::Sequence(Sequencer& sequencer, std::string aor) : sequencer_(sequencer), aor_(std::move(aor)) {}

Sequence::~Sequence() { abandon(); }

void Sequence::add(std::unique_ptr<Step> step) {
  const Turn turn(*this);
  if (waiting_ >= backlog_max) {
    sequencer_.counters_.overload++;
    return step->refuse(Errc::overload, sequencer_.parts_.clock.now());
  }
  ++waiting_;
  Step* added = step.get();
  (last_ ? last_->next_ : first_) = std::move(step);
  last_ = added;
  run();
}

void Sequence::add_fact(std::unique_ptr<Step> step) {
  const Turn turn(*this);
  step->is_fact_ = true;
  Step* added = step.get();
  auto& place = last_fact_ ? last_fact_->next_ : first_;
  step->next_ = std::move(place);
  place = std::move(step);
  if (last_ == last_fact_) last_ = added;
  last_fact_ = added;
  run();
}

void Sequence::refuse_waiting(ErrorCode why) {
  const Turn turn(*this);
  const Now now = sequencer_.parts_.clock.now();
  std::unique_ptr<Step> refused = std::move(last_fact_ ? last_fact_->next_ : first_);
  last_ = last_fact_;
  waiting_ = 0;
  while (refused) {
    std::unique_ptr<Step> next = std::move(refused->next_);
    refused->refuse(why, now);
    refused = std::move(next);
  }
}

void Sequence::abandon() {
  running_.reset();
  while (first_) first_ = std::move(first_->next_);
  last_ = last_fact_ = nullptr;
  waiting_ = 0;
  owed_.reset();
}

void Sequence::run() {
  // A fact needs no commit of its own, so it does not wait for one of owed changes.
  while (!running_ && first_ && (first_->is_fact_ || !is_committing_)) {
    running_ = std::move(first_);
    first_ = std::move(running_->next_);
    if (last_ == running_.get()) last_ = nullptr;
    if (last_fact_ == running_.get()) last_fact_ = nullptr;
    if (running_->is_fact_) {
      take_fact();
    } else {
      --waiting_;
      take();
    }
  }
  if (!running_ && !is_committing_ && owed_ && !owed_->timer.is_set()) commit_owed();
}

void Sequence::take() {
  const Now now = sequencer_.parts_.clock.now();
  // No room commits to a store that keeps nothing, whichever of the two its records would go to.
  Batch batch;
  batch.is_kept = sequencer_.parts_.state.keeps_records();
  if (batch.is_kept) batch.aor = aor_;
  if (!running_->prepare(batch, now)) {
    running_.reset();
    return;
  }
  if (batch.is_kept) return commit(std::move(batch));
  complete(++version_, batch.kinds, now);
}

void Sequence::take_fact() {
  const Now now = sequencer_.parts_.clock.now();
  Batch batch;
  batch.is_kept = sequencer_.parts_.state.keeps_records();
  if (batch.is_kept) batch.aor = aor_;
  if (running_->prepare(batch, now)) {
    if (!batch.changes.empty()) owe(std::move(batch.changes));
    running_->apply(now);
    running_->announce(now);
  }
  running_.reset();
}

void Sequence::commit(Batch batch) {
  RecordStore& store = sequencer_.store_of(batch.durable);
  if (owed_) add_owed(batch);
  if (store.is_shared()) batch.expected = version_;
  kinds_ = batch.kinds;
  for (const Change& change : batch.changes) kinds_ |= Batch::bit(change.record.kind);
  is_committing_ = true;
  is_durable_ = batch.durable;
  store.commit(std::move(batch), [this](Result<Version> done) { finish(std::move(done)); });
}

void Sequence::finish(Result<Version> done) {
  const Turn turn(*this);
  const Now now = sequencer_.parts_.clock.now();
  is_committing_ = false;
  if (done) {
    version_ = *done;
    if (owed_) on_stored();
    complete(*done, kinds_, now);
  } else if (done.error() == Errc::conflict && (!running_ || running_->conflicts_++ < conflicts_max)) {
    return reload();
  } else {
    on_failed(done.error(), now);
  }
  run();
}

void Sequence::complete(Version version, std::uint16_t kinds, Now now) {
  if (running_) {
    running_->apply(now);
    running_->answer(now);
    running_->announce(now);
    running_.reset();
  }
  for (unsigned kind = 0; kinds != 0; ++kind, kinds = static_cast<std::uint16_t>(kinds >> 1))
    if (kinds & 1) sequencer_.parts_.bus.publish(static_cast<Kind>(kind), aor_, version);
}

void Sequence::on_failed(ErrorCode why, Now now) {
  sequencer_.counters_.failed++;
  if (owed_) {
    // A batch that came too late says nothing of the store.
    if (why != Errc::late && !owed_->timer.is_set()) {
      owed_->pause = std::clamp(2 * owed_->pause, retry_min, retry_max);
      owed_->timer.set(now.mono + jittered(owed_->pause, aor_), [this](Time) {
        const Turn turn(*this);
        run();
      });
    }
    owed_->sent = 0;
    // Of records that were on their way.
    std::erase_if(owed_->changes, [](const auto& each) { return each.second.erase && each.second.is_new; });
    drop_if_paid();
  }
  if (why != Errc::late) sequencer_.note_failure(*this, why, now);
  if (running_) running_->refuse(why, now);
  running_.reset();
}

// What is owed

/// What was never stored and is erased again is owed no longer, so that a store that fails for days is owed
/// no more than what is kept here and what it still has.
void Sequence::Owed::add(Change change) {
  const auto [place, is_first] = changes.try_emplace({change.record.kind, std::move(change.record.key)});
  Value& value = place->second;
  const bool is_new = is_first ? change.is_new : value.is_new;
  const bool is_on_its_way = !is_first && value.round <= sent;
  if (change.erase && is_new && !is_on_its_way) {
    changes.erase(place);
    return;
  }
  value = {std::move(change.record.value), change.erase, round, is_new};
}

void Sequence::owe(std::vector<Change> changes) {
  if (!owed_) {
    owed_ = std::make_unique<Owed>(sequencer_.parts_.timers);
    owed_->round = 1;
  }
  for (Change& change : changes) owed_->add(std::move(change));
  if (!is_committing_) drop_if_paid();
}

std::size_t Sequence::owed() const { return owed_ ? owed_->changes.size() : 0; }

void Sequence::drop_if_paid() {
  if (owed_ && owed_->changes.empty()) owed_.reset();
}

/// Puts what is owed to the batch's store before the batch's own changes, so that those win.
void Sequence::add_owed(Batch& batch) {
  std::vector<Change> changes;
  for (const auto& [key, value] : owed_->changes)
    if (is_durable(key.first) == batch.durable)
      changes.push_back({.record = {key.first, aor_, key.second, value.text}, .erase = value.erase});
  std::ranges::move(batch.changes, std::back_inserter(changes));
  batch.changes = std::move(changes);
  owed_->sent = owed_->round++;
}

/// Facts have happened, whatever the other node wrote.
void Sequence::add_owed(Held& held) const {
  std::erase_if(held.records,
                [&](const Record& record) { return owed_->changes.contains({record.kind, record.key}); });
  for (const auto& [key, value] : owed_->changes)
    if (!value.erase && is_durable(key.first) == held.durable)
      held.records.push_back({key.first, aor_, key.second, value.text});
}

void Sequence::commit_owed() {
  Batch batch{.aor = aor_};
  batch.durable = is_durable(owed_->changes.begin()->first.first);
  commit(std::move(batch));
}

void Sequence::on_stored() {
  std::erase_if(owed_->changes, [&](const auto& change) {
    return is_durable(change.first.first) == is_durable_ && change.second.round <= owed_->sent;
  });
  // Some of them were stored now, and have changed since.
  for (auto& [key, value] : owed_->changes)
    if (is_durable(key.first) == is_durable_) value.is_new = false;
  owed_->sent = 0;
  owed_->pause = {};
  owed_->timer.cancel();
  drop_if_paid();
}

/// The records are not what this shard thinks: it takes them over, and the step is prepared again.
void Sequence::reload() {
  is_committing_ = true;
  sequencer_.store_of(is_durable_).load(aor_, [this](Result<Held> held) {
    const Turn turn(*this);
    const Now now = sequencer_.parts_.clock.now();
    is_committing_ = false;
    if (!held) {
      on_failed(held.error(), now);
      return run();
    }
    version_ = held->version;
    held->durable = is_durable_;
    if (owed_) add_owed(*held);
    drop_if_paid();
    sequencer_.on_conflict(*this, *held, now);
    if (running_) take();
    run();
  });
}

void Sequencer::note_failure(const Sequence& sequence, ErrorCode why, Now now) {
  ++unlogged_;
  if (logged_ != Time::min() && now.mono - logged_ < log_pause) return;
  log::error("store", "{} not stored: {} (failures since the last such line: {})", sequence.aor(),
             why.message(), unlogged_);
  logged_ = now.mono;
  unlogged_ = 0;
}

}  // namespace beckon::store
