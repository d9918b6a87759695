#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
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
  /// Tasks that wait for a shard; thread-safe.
  std::uint32_t waiting(unsigned shard) const {
    return inboxes_[shard]->count.load(std::memory_order_relaxed);
  }
  Shard& shard(unsigned number) { return *shards_[number]; }
  const ServerKey& key() const { return key_; }

  /// Reach every shard, each on its thread; thread-safe.
  void on_flow_closed(transaction::FlowId flow);
  void each(const std::function<void(Shard&)>& visit);

  // Before the first message, on one thread: what the store held goes to the owner of its bucket.
  void on_record(store::Record record) override;
  void on_answer(store::Answer answer) override;
  void restored();

  /// Gives a bucket to another shard, from the next message on. What the old owner keeps of it stays there:
  /// move it while there is no traffic.
  void move(Bucket bucket, unsigned shard) { owners_[bucket].store(shard, std::memory_order_relaxed); }

  // Post; thread-safe.
  unsigned owner(Bucket bucket) const override { return owners_[bucket].load(std::memory_order_relaxed); }
  bool post(unsigned shard, Task& task) override;
  void post_back(unsigned shard, Task task) override;

 private:
  /// Tasks that a shard runs before its sockets and timers have their turn again.
  static constexpr std::size_t tasks_per_turn = 128;

  /// Tasks on their way to one shard, in the order they came.
  struct Inbox {
    std::mutex mutex;
    std::vector<Task> waiting;
    std::deque<Task> taken;                ///< Of those, by the shard: touched on its thread only.
    bool called = false;                   ///< The shard is to look into it.
    std::atomic<std::uint32_t> count = 0;  ///< Those that have not begun.
  };
  bool put(unsigned shard, Task& task, std::uint32_t most);
  void run_batch(unsigned shard);

  ServerKey key_;
  std::uint32_t queue_max_;
  std::array<std::atomic<unsigned>, bucket_count> owners_;
  std::vector<std::unique_ptr<Inbox>> inboxes_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<Executor> executors_;
};

}  // namespace beckon::server
