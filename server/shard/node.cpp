#include "server/shard/node.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>
#include <utility>

namespace beckon::server {

Node::Node(const Settings& settings, Random& random, const std::vector<Seat>& seats)
    : key_(ServerKey::make(random, seats.front().parts.store.secret())),
      queue_max_(settings.queue_between_shards) {
  for (Bucket bucket = 0; bucket < bucket_count; ++bucket)
    owners_[bucket] = bucket % static_cast<unsigned>(seats.size());
  for (const Seat& seat : seats) {
    const auto number = static_cast<unsigned>(shards_.size());
    shards_.push_back(std::make_unique<Shard>(number, settings, key_, seat.parts, *this));
    executors_.push_back(seat.executor);
    inboxes_.push_back(std::make_unique<Inbox>());
  }
}

Node::~Node() {
  crypto::wipe(key_.nonces);
  crypto::wipe(key_.dialogs);
}

void Node::each(const std::function<void(Shard&)>& visit) {
  for (unsigned shard = 0; shard < size(); ++shard)
    post_back(shard, Visit{[visit](Shard& there, Now) { visit(there); }});
}

void Node::on_flow_closed(transaction::FlowId flow) {
  for (unsigned shard = 0; shard < size(); ++shard) post_back(shard, FlowClosed{flow});
}

void Node::on_record(store::Record record) { shards_[owner(bucket_of(record.aor))]->restore(record); }

void Node::on_answer(store::Answer answer) {
  shards_[owner(bucket_of(answer.aor))]->restore(std::move(answer));
}

void Node::restored() {
  for (const auto& shard : shards_) shard->restored();
}

bool Node::post(unsigned shard, Task& task) { return put(shard, task, queue_max_); }

void Node::post_back(unsigned shard, Task task) {
  const bool taken = put(shard, task, std::numeric_limits<std::uint32_t>::max());
  assert(taken);
  static_cast<void>(taken);
}

/// Takes the task unless `most` wait already.
bool Node::put(unsigned shard, Task& task, std::uint32_t most) {
  Inbox& inbox = *inboxes_[shard];
  {
    const std::lock_guard lock(inbox.mutex);
    if (inbox.count.load(std::memory_order_relaxed) >= most) return false;
    inbox.count.fetch_add(1, std::memory_order_relaxed);
    inbox.waiting.push_back(std::move(task));
    if (std::exchange(inbox.called, true)) return true;
  }
  executors_[shard]([this, shard] { run_batch(shard); });
  return true;
}

void Node::run_batch(unsigned shard) {
  Inbox& inbox = *inboxes_[shard];
  {
    const std::lock_guard lock(inbox.mutex);
    std::ranges::move(inbox.waiting, std::back_inserter(inbox.taken));
    inbox.waiting.clear();
    inbox.called = inbox.taken.size() > tasks_per_turn;
  }
  // A queue of one moment, as when ten thousand connections close at once, takes several turns.
  if (inbox.taken.size() > tasks_per_turn) executors_[shard]([this, shard] { run_batch(shard); });
  for (auto left = std::min(inbox.taken.size(), tasks_per_turn); left > 0; --left) {
    Task task = std::move(inbox.taken.front());
    inbox.taken.pop_front();
    inbox.count.fetch_sub(1, std::memory_order_relaxed);
    shards_[shard]->run(std::move(task));
  }
}

}  // namespace beckon::server
