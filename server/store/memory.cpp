#include "server/store/memory.hpp"

#include <algorithm>
#include <utility>

namespace beckon::store {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::late:
      return "too late: the client has given up";
    case Errc::io:
      return "the disk refused";
    case Errc::corrupt:
      return "the file is damaged or not ours";
    case Errc::newer_schema:
      return "the file was written by a newer beckond";
    case Errc::in_use:
      return "another beckond uses the file";
    case Errc::exists:
      return "the user exists";
    case Errc::not_found:
      return "no such user";
    case Errc::stopped:
      return "the store is closed";
    case Errc::overload:
      return "too many changes wait";
    case Errc::conflict:
      return "another version than expected";
  }
  return "unknown";
}

void Memory::load(Loader& loader) const {
  for (const auto& [key, value] : records)
    loader.on_record({std::get<Kind>(key), std::get<0>(key), std::get<2>(key), value});
  for (const auto& [request, answer] : answers) loader.on_answer(answer);
}

MemoryStore::MemoryStore(Memory& memory, TimerQueue& timers, Clock& clock, Duration latency)
    : memory_(memory),
      timers_(timers),
      clock_(clock),
      latency_(latency),
      alive_(std::make_shared<bool>(true)) {}

MemoryStore::~MemoryStore() { *alive_ = false; }

void MemoryStore::commit(Batch batch, Done done) {
  timers_.set(clock_.now().mono + latency_,
              [this, alive = alive_, batch = std::move(batch), done = std::move(done)](Time) mutable {
                if (*alive) apply(batch, done, clock_.now());
              });
}

void MemoryStore::apply(Batch& batch, const Done& done, Now now) {
  if (now.mono > batch.deadline) return done(Errc::late);
  for (Change& change : batch.changes) {
    Record& record = change.record;
    std::tuple key(record.aor, record.kind, record.key);
    if (change.erase)
      memory_.records.erase(key);
    else
      memory_.records[std::move(key)] = std::move(record.value);
  }
  if (now.mono - pruned_ >= prune_interval) {
    pruned_ = now.mono;
    std::erase_if(memory_.answers, [&](const auto& entry) { return entry.second.until < now.wall; });
  }
  if (batch.answer) memory_.answers.insert_or_assign(batch.answer->request, *batch.answer);
  done(++memory_.version);
}

MemoryUsers::MemoryUsers(const Memory& memory, TimerQueue& timers, Clock& clock)
    : memory_(memory), timers_(timers), clock_(clock), alive_(std::make_shared<bool>(true)) {}

MemoryUsers::~MemoryUsers() { *alive_ = false; }

void MemoryUsers::find_user(std::string_view aor, FoundUser found) {
  const auto look = [this, aor = std::string(aor)]() -> UserPtr {
    const auto user = memory_.users.find(aor);
    return user == memory_.users.end() ? nullptr : std::make_shared<users::User>(user->second);
  };
  later(look, std::move(found));
}

/// Looks at every user: tests and benches have few.
void MemoryUsers::find_user_by_hash(std::string_view hash, FoundUser found) {
  const auto look = [this, hash = std::string(hash)]() -> UserPtr {
    for (const auto& [aor, user] : memory_.users) {
      const auto hashes = users::name_hashes(aor);
      if (std::ranges::find(hashes, hash) != hashes.end()) return std::make_shared<users::User>(user);
    }
    return nullptr;
  };
  later(look, std::move(found));
}

void MemoryUsers::later(std::function<UserPtr()> look, FoundUser found) {
  timers_.set(clock_.now().mono, [alive = alive_, look = std::move(look), found = std::move(found)](Time) {
    if (*alive) found(look());
  });
}

void LocalBus::publish(Kind kind, const std::string& aor, Version version) {
  for (const auto& [wanted, handler] : handlers_)
    if (wanted == kind) handler(aor, version);
}

void LocalBus::subscribe(Kind kind, Handler handler) { handlers_.emplace_back(kind, std::move(handler)); }

}  // namespace beckon::store
