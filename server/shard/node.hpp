#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "server/shard/shard.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

/// Runs a function later on one shard's thread, in the order of the calls. Thread-safe where shards have
/// threads.
using Executor = std::function<void(std::function<void()>)>;

/// One server: its shards, and who owns which bucket. Real shells give each shard a thread, the simulation
/// none.
class Node final : public Post, public store::Loader {
 public:
  struct Seat {
    ShardParts parts;
    Executor executor;
  };
  /// At least one seat. `random` makes the node's keys and is not kept.
  Node(const Settings& settings, Random& random, const std::vector<Seat>& seats);
  ~Node() override;

  std::size_t size() const { return shards_.size(); }
  Shard& shard(unsigned number) { return *shards_[number]; }
  const ServerKey& key() const { return key_; }

  /// Tells every shard (each on its thread); thread-safe.
  void on_peer_verified(transaction::FlowId flow, const std::vector<std::string>& names);
  void on_flow_closed(transaction::FlowId flow);
  void each(const std::function<void(Shard&)>& visit);

  // Before the first message, on one thread: what the store held goes to the owner of its bucket.
  void on_record(store::Record record) override;
  void on_answer(store::Answer answer) override;
  void restored();

  // Post; thread-safe.
  unsigned owner(Bucket bucket) const override { return bucket % static_cast<unsigned>(shards_.size()); }
  bool post(Bucket bucket, Task task) override;
  void post_back(Bucket bucket, Task task) override;

 private:
  void run_at(unsigned number, Task task);

  ServerKey key_;
  std::uint32_t queue_max_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<Executor> executors_;
  std::unique_ptr<std::atomic<std::uint32_t>[]> waiting_;  ///< Tasks on their way to each shard.
};

}  // namespace beckon::server
