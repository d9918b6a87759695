#include "server/store/sequence.hpp"

#include <utility>

namespace beckon::store {

void Sequence::add(std::unique_ptr<Step> step) {
  if (waiting_ >= backlog_max) return step->refuse(Errc::overload, sequencer_.clock_.now());
  ++waiting_;
  Step* added = step.get();
  (last_ ? last_->next_ : first_) = std::move(step);
  last_ = added;
  run();
}

void Sequence::add_fact(std::unique_ptr<Step> step) { add(std::move(step)); }

void Sequence::abandon() {
  running_.reset();
  while (first_) first_ = std::move(first_->next_);
  last_ = nullptr;
}

void Sequence::run() {
  while (!running_ && first_) {
    running_ = std::move(first_);
    first_ = std::move(running_->next_);
    if (!first_) last_ = nullptr;
    --waiting_;
    Batch batch{.aor = aor_};
    if (!running_->prepare(batch, sequencer_.clock_.now())) {
      running_.reset();
      continue;
    }
    sequencer_.store_.commit(std::move(batch), [this](Result<Version> done) { finish(std::move(done)); });
  }
  if (is_quiet()) sequencer_.on_quiet(*this);
}

void Sequence::finish(Result<Version> done) {
  const Now now = sequencer_.clock_.now();
  if (done) {
    running_->apply(now);
    running_->answer(now);
    running_->announce(now);
  } else {
    running_->refuse(done.error(), now);
  }
  running_.reset();
  run();
}

}  // namespace beckon::store
