#include "server/shard/node.hpp"

#include <cassert>

namespace beckon::server {

Node::Node(const Settings& settings, Random& random, const std::vector<Seat>& seats)
    : key_(ServerKey::make(random)),
      queue_max_(settings.queue_between_shards),
      waiting_(std::make_unique<std::atomic<std::uint32_t>[]>(seats.size())) {
  assert(!seats.empty());
  for (const Seat& seat : seats) {
    const auto number = static_cast<unsigned>(shards_.size());
    shards_.push_back(std::make_unique<Shard>(number, settings, key_, seat.parts, *this));
    executors_.push_back(seat.executor);
  }
}

Node::~Node() {
  crypto::wipe(key_.nonces);
  crypto::wipe(key_.dialogs);
}

void Node::each(const std::function<void(Shard&)>& visit) {
  for (unsigned number = 0; number < shards_.size(); ++number) {
    run_at(number, [visit](Shard& shard, Now) { visit(shard); });
  }
}

void Node::on_peer_verified(transaction::FlowId flow, const std::vector<std::string>& names) {
  each([flow, names](Shard& shard) { shard.on_peer_verified(flow, names); });
}

void Node::on_flow_closed(transaction::FlowId flow) {
  each([flow](Shard& shard) { shard.on_flow_closed(flow); });
}

void Node::on_record(store::Record record) { shards_[owner(bucket_of(record.aor))]->restore(record); }

void Node::on_answer(store::Answer answer) {
  shards_[owner(bucket_of(answer.aor))]->restore(std::move(answer));
}

void Node::restored() {
  for (const auto& shard : shards_) shard->restored();
}

bool Node::post(Bucket bucket, Task task) {
  const unsigned number = owner(bucket);
  if (waiting_[number].load(std::memory_order_relaxed) >= queue_max_) return false;
  run_at(number, std::move(task));
  return true;
}

void Node::post_back(Bucket bucket, Task task) { run_at(owner(bucket), std::move(task)); }

void Node::run_at(unsigned number, Task task) {
  waiting_[number].fetch_add(1, std::memory_order_relaxed);
  executors_[number]([this, number, task = std::move(task)] {
    waiting_[number].fetch_sub(1, std::memory_order_relaxed);
    Shard& shard = *shards_[number];
    task(shard, shard.clock().now());
  });
}

}  // namespace beckon::server
