#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "server/store/store.hpp"

namespace beckon::store {

/// How often answers that no retransmission can ask for any more are deleted: a search at each commit would
/// cost all of them each time.
constexpr Duration prune_interval = 30s;
/// How often a memory that hangs is looked at.
constexpr Duration hang_look = 100ms;

/// What a memory store keeps; outlives the stores on it, so a simulated crash and restart is to make new
/// stores on the same memory. One thread.
struct Memory {
  /// By AOR, kind and key.
  using RecordKey = std::tuple<std::string, Kind, std::string>;
  std::map<RecordKey, std::string> records;
  boost::unordered_flat_map<std::string, Answer> answers;    ///< By request.
  boost::unordered_flat_map<std::string, Version> versions;  ///< By AOR, where it is shared.
  std::map<std::string, users::User> users;                  ///< By AOR.
  Version version = 0;
  bool is_shared = false;     ///< Several nodes write it.
  std::string hangs;          ///< AOR whose commits and loads do not come to an end.
  ErrorCode broken{};         ///< Set, every commit fails with it.
  std::uint64_t commits = 0;  ///< Tried.
  Anchor anchor;
  TimeScale scale;  ///< Of the process that uses it now.
  Secret secret{};

  /// A process begins to use it, before it makes stores.
  void begin(std::string_view boot, Now now) { scale = begin_scale(anchor, boot, now); }
  void load(Loader& loader) const;
};

/// Batches on their way into a memory, for both of its stores: each is there the moment its callback runs,
/// `latency` after `commit`.
class MemoryWriter {
 public:
  /// All referenced things outlive the writer; what has not arrived when it goes is lost, as in a crash.
  MemoryWriter(Memory& memory, TimerQueue& timers, Clock& clock, Duration latency);
  void commit(Batch batch, RecordStore::Done done);
  void load(const std::string& aor, RecordStore::Loaded loaded);

 private:
  struct Pending {
    Time due{};
    Batch batch{};
    RecordStore::Done done{};
    RecordStore::Loaded loaded{};  ///< Set where it is a load.
  };
  void add(Pending pending);
  void run();
  Result<Version> write(Batch& batch, Time begun, Now now);
  Held read(const std::string& aor) const;
  void hold(Pending pending);
  void finish(Pending& pending, Now now);

  Memory& memory_;
  Clock& clock_;
  Duration latency_;
  Time pruned_{};
  std::deque<Pending> pending_;  ///< In order of `due`.
  std::vector<Pending> held_;    ///< Of the AOR that hangs.
  Timer timer_, look_;
};

/// For tests and the simulation.
class MemoryStore final : public StateStore {
 public:
  MemoryStore(Memory& memory, TimerQueue& timers, Clock& clock, Duration latency = Duration::zero())
      : memory_(memory), writer_(memory, timers, clock, latency) {}
  bool is_shared() const override { return memory_.is_shared; }
  TimeScale scale() const override { return memory_.scale; }
  std::optional<Secret> secret() const override { return memory_.secret; }
  void commit(Batch batch, Done done) override { writer_.commit(std::move(batch), std::move(done)); }
  void load(const std::string& aor, Loaded loaded) override { writer_.load(aor, std::move(loaded)); }

 private:
  const Memory& memory_;
  MemoryWriter writer_;
};

/// Documents and users in memory.
class MemoryUsers final : public DurableStore {
 public:
  MemoryUsers(Memory& memory, TimerQueue& timers, Clock& clock, Duration latency = Duration::zero());
  ~MemoryUsers() override;
  bool is_shared() const override { return memory_.is_shared; }
  void commit(Batch batch, Done done) override { writer_.commit(std::move(batch), std::move(done)); }
  void load(const std::string& aor, Loaded loaded) override { writer_.load(aor, std::move(loaded)); }
  void find_user(std::string_view aor, FoundUser found) override;
  void find_user_by_hash(std::string_view hash, FoundUser found) override;

 private:
  void later(std::function<UserPtr()> look, FoundUser found);

  const Memory& memory_;
  TimerQueue& timers_;
  Clock& clock_;
  MemoryWriter writer_;
  std::shared_ptr<bool> alive_;
};

/// `--durability memory`: keeps nothing.
class NoStore final : public StateStore {
 public:
  bool keeps_records() const override { return false; }
  /// Both outlive the store.
  NoStore(TimerQueue& timers, Clock& clock) : clock_(clock), timer_(timers) {}
  void commit(Batch batch, Done done) override;
  void load(const std::string& aor, Loaded loaded) override;

 private:
  void run();

  Clock& clock_;
  Version version_ = 0;
  std::vector<Done> pending_;
  Timer timer_;
};

/// The event bus of one shard.
class LocalBus final : public EventBus {
 public:
  /// Both outlive the bus.
  LocalBus(TimerQueue& timers, Clock& clock) : clock_(clock), timer_(timers) {}
  void publish(Kind kind, const std::string& aor, Version version) override;
  void subscribe(Kind kind, Handler handler) override;

 private:
  struct Event {
    Kind kind;
    std::string aor;
    Version version;
  };
  void deliver();

  Clock& clock_;
  std::vector<std::pair<Kind, Handler>> handlers_;
  std::vector<Event> events_;  ///< Not delivered yet.
  Timer timer_;
};

}  // namespace beckon::store
