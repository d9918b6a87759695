#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "server/store/store.hpp"

namespace beckon::store {

/// What a memory store keeps; outlives the stores on it, so a simulated crash and restart is to make new
/// stores on the same memory. One thread.
struct Memory {
  std::map<std::tuple<std::string, Kind, std::string>, std::string> records;  ///< (aor, kind, key) -> value
  std::map<std::string, Answer> answers;                                      ///< by request
  std::map<std::string, users::User> users;                                   ///< by AOR
  Version version = 0;

  void load(Loader& loader) const;
};

/// `--durability memory`, tests and the simulation: every batch is in `memory` the moment its callback
/// runs, `latency` after `commit`.
class MemoryStore final : public StateStore {
 public:
  /// All referenced things outlive the store.
  MemoryStore(Memory& memory, TimerQueue& timers, Clock& clock, Duration latency = Duration::zero());
  ~MemoryStore() override;
  void commit(Batch batch, Done done) override;

 private:
  void apply(Batch& batch, const Done& done, Now now);

  Memory& memory_;
  TimerQueue& timers_;
  Clock& clock_;
  Duration latency_;
  Time pruned_{};
  std::shared_ptr<bool> alive_;  ///< False once this is gone: pending batches are lost, as in a crash.
};

class MemoryUsers final : public DurableStore {
 public:
  MemoryUsers(const Memory& memory, TimerQueue& timers, Clock& clock);
  ~MemoryUsers() override;
  void find_user(std::string_view aor, FoundUser found) override;
  void find_user_by_hash(std::string_view hash, FoundUser found) override;

 private:
  void later(std::function<UserPtr()> look, FoundUser found);

  const Memory& memory_;
  TimerQueue& timers_;
  Clock& clock_;
  std::shared_ptr<bool> alive_;
};

/// The event bus of one shard.
class LocalBus final : public EventBus {
 public:
  void publish(Kind kind, const std::string& aor, Version version) override;
  void subscribe(Kind kind, Handler handler) override;

 private:
  std::vector<std::pair<Kind, Handler>> handlers_;
};

}  // namespace beckon::store
