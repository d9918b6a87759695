#include "server/subscription/records.hpp"

#include <algorithm>
#include <limits>

#include "server/shard/replay.hpp"
#include "server/subscription/record.hpp"

namespace beckon::server::subscription {

namespace {

/// CSeqs covered by one record, so that no NOTIFY needs a write of its own (DESIGN 1.4).
constexpr std::uint32_t cseq_block = 1000;

/// Before the store is tried again: as for facts.
Duration store_pause(unsigned failures) {
  using store::Sequence;
  Duration pause = Sequence::retry_min;
  for (; failures > 1 && pause < Sequence::retry_max; --failures) pause *= 2;
  return std::min(pause, Sequence::retry_max);
}

/// The end of a record, owed to the store.
class Erasure final : public store::Step {
 public:
  explicit Erasure(std::string_view local_tag) : local_tag_(local_tag) {}
  bool prepare(store::Batch& batch, Now) override {
    batch.erase(store::Kind::subscription, local_tag_);
    return true;
  }
  void apply(Now) override {}

 private:
  std::string local_tag_;
};

}  // namespace

void Records::commit(store::Batch batch, store::RecordStore::Done done) {
  if (!store_.keeps_records()) return done(store::Version{});
  store_.commit(std::move(batch), std::move(done));
}

void Records::promise(store::Batch& batch, const Request& request, const std::string& response) {
  if (!store_.keeps_records()) return;
  batch.answer = services_.answer(request, batch.aor, response);
  batch.deadline = request.now.mono + replay_time;
}

std::uint32_t Records::put(store::Batch& batch, const Subscription& subscription, Time expires) const {
  const std::uint32_t reserved = subscription.cseq_ + cseq_block;
  if (!store_.keeps_records()) return reserved;
  batch.put(store::Kind::subscription, subscription.head_.local_tag(), [&] {
    Record record;
    record.package = subscription.package().key();
    record.watcher = subscription.watcher();
    record.dialog = subscription.head_.dialog();
    record.dialog.reserved_cseq = reserved;
    record.dialog.remote_cseq = subscription.remote_cseq_;
    record.dialog.secure = subscription.is_secure_dialog_;
    record.event_id = subscription.event_id();
    record.selection = subscription.selection();
    record.body_type = subscription.body_type();
    record.display_name = subscription.display_name();
    record.since = subscription.since_;
    record.lifetime.granted = std::chrono::seconds(subscription.granted_);
    record.hop = subscription.hop();
    record.had_flow = subscription.peer_.flow != 0;
    if (const auto* rates = subscription.rates()) record.rates = rates->granted();
    record.is_quenched = subscription.is_quenched();
    record.list = subscription.list();
    return record.print(expires, store_.scale());
  });
  return reserved;
}

void Records::erase(const Subscription& subscription) {
  if (!store_.keeps_records()) return;
  subscription.resource().add_fact(std::make_unique<Erasure>(subscription.head_.local_tag()));
}

bool Records::is_low(const Subscription& subscription) {
  return subscription.cseq_ + cseq_block / 2 >= subscription.reserved_cseq_;
}

bool Records::is_used_up(const Subscription& subscription) {
  return subscription.cseq_ >= subscription.reserved_cseq_;
}

void Records::reserve(Subscription& subscription, std::function<void(bool)> done) {
  if (subscription.reserving_ != 0) return;
  ++subscription.reserving_;
  store::Batch batch{.aor = subscription.resource().aor()};
  std::uint32_t reserved = 0;
  if (subscription.is_stored_)
    reserved = put(batch, subscription, subscription.expires());
  else
    batch.erase(store::Kind::subscription, subscription.head_.local_tag());  // no record: nothing to repeat
  commit(std::move(batch), [kept = SubscriptionPtr(&subscription), reserved,
                            done = std::move(done)](Result<store::Version> committed) {
    --kept->reserving_;
    if (committed && kept->is_listed_) {
      kept->store_failures_ = 0;
      kept->reserved_cseq_ = std::max(kept->reserved_cseq_, reserved);
    }
    done(committed.has_value());
  });
}

Duration Records::next_pause(Subscription& subscription) {
  if (subscription.store_failures_ != std::numeric_limits<std::uint8_t>::max())
    ++subscription.store_failures_;
  const Duration pause = store_pause(subscription.store_failures_);
  const auto jitter = services_.random().below(static_cast<std::uint64_t>(pause.count() / 4));
  return pause - Duration(static_cast<Duration::rep>(jitter));
}

}  // namespace beckon::server::subscription
