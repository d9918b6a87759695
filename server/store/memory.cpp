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
    case Errc::user_gone:
      return "the user was removed";
  }
  return "unknown";
}

int status_of(ErrorCode why) {
  if (why == Errc::user_gone) return 404;
  const bool may_succeed_later = why == Errc::overload || why == Errc::late || why == Errc::conflict;
  return may_succeed_later ? 503 : 500;
}

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::binding:
      return "binding";
    case Kind::publication:
      return "publication";
    case Kind::subscription:
      return "subscription";
    case Kind::document:
      return "document";
    case Kind::message:
      return "message";
    case Kind::counter:
      return "counter";
    case Kind::archive:
      return "archive";
    case Kind::room:
      return "room";
  }
  return nullptr;
}

void Memory::load(Loader& loader) const {
  for (const auto& [key, value] : records)
    loader.on_record({std::get<Kind>(key), std::get<0>(key), std::get<2>(key), value});
  for (const auto& [request, answer] : answers) loader.on_answer(answer);
}

MemoryWriter::MemoryWriter(Memory& memory, TimerQueue& timers, Clock& clock, Duration latency)
    : memory_(memory), clock_(clock), latency_(latency), timer_(timers), look_(timers) {}

void MemoryWriter::commit(Batch batch, RecordStore::Done done) {
  add({.batch = std::move(batch), .done = std::move(done)});
}

void MemoryWriter::load(const std::string& aor, RecordStore::Loaded loaded) {
  add({.batch = {.aor = aor}, .loaded = std::move(loaded)});
}

void MemoryWriter::add(Pending pending) {
  pending.due = clock_.now().mono + latency_;
  pending_.push_back(std::move(pending));
  if (!timer_.is_set()) timer_.set(pending_.front().due, [this](Time) { run(); });
}

void MemoryWriter::run() {
  const Now now = clock_.now();
  // What the callbacks commit has its turn after them, even without latency.
  for (std::size_t left = pending_.size(); left > 0 && pending_.front().due <= now.mono; --left) {
    Pending pending = std::move(pending_.front());
    pending_.pop_front();
    pending.due = now.mono;  // it begins now
    if (pending.batch.aor == memory_.hangs)
      hold(std::move(pending));
    else
      finish(pending, now);
  }
  if (!pending_.empty() && !timer_.is_set()) timer_.set(pending_.front().due, [this](Time) { run(); });
}

void MemoryWriter::hold(Pending pending) {
  held_.push_back(std::move(pending));
  look_.set(clock_.now().mono + hang_look, [this](Time) {
    for (Pending& each : std::exchange(held_, {})) {
      if (each.batch.aor == memory_.hangs)
        hold(std::move(each));
      else
        finish(each, clock_.now());
    }
  });
}

void MemoryWriter::finish(Pending& pending, Now now) {
  if (pending.loaded)
    pending.loaded(read(pending.batch.aor));
  else
    pending.done(write(pending.batch, pending.due, now));
}

Result<Version> MemoryWriter::write(Batch& batch, Time begun, Now now) {
  ++memory_.commits;
  if (begun > batch.deadline) return Errc::late;
  if (memory_.broken) return memory_.broken;
  Version* known = memory_.is_shared ? &memory_.versions[batch.aor] : nullptr;
  if (known && batch.expected && *known != *batch.expected) return Errc::conflict;
  for (Change& change : batch.changes) {
    Record& record = change.record;
    Memory::RecordKey key(std::move(record.aor), record.kind, std::move(record.key));
    if (change.erase)
      memory_.records.erase(key);
    else
      memory_.records.insert_or_assign(std::move(key), std::move(record.value));
  }
  if (now.mono - pruned_ >= prune_interval) {
    pruned_ = now.mono;
    boost::unordered::erase_if(memory_.answers, [until = memory_.scale.at(now.mono)](const auto& entry) {
      return entry.second.until < until;
    });
  }
  if (batch.answer) memory_.answers.insert_or_assign(batch.answer->request, *batch.answer);
  ++memory_.version;
  if (known && batch.expected) *known = memory_.version;
  return memory_.version;
}

Held MemoryWriter::read(const std::string& aor) const {
  Held held;
  const auto version = memory_.versions.find(aor);
  if (version != memory_.versions.end()) held.version = version->second;
  for (auto record = memory_.records.lower_bound({aor, Kind{}, {}});
       record != memory_.records.end() && std::get<0>(record->first) == aor; ++record)
    held.records.push_back({std::get<Kind>(record->first), aor, std::get<2>(record->first), record->second});
  return held;
}

void NoStore::commit(Batch, Done done) {
  pending_.push_back(std::move(done));
  if (!timer_.is_set()) timer_.set(clock_.now().mono, [this](Time) { run(); });
}

void NoStore::load(const std::string&, Loaded loaded) {
  commit({}, [loaded = std::move(loaded)](Result<Version> version) {
    loaded(Held{.version = *version, .records = {}});
  });
}

void NoStore::run() {
  for (const Done& done : std::exchange(pending_, {})) done(++version_);
}

MemoryUsers::MemoryUsers(Memory& memory, TimerQueue& timers, Clock& clock, Duration latency)
    : memory_(memory),
      timers_(timers),
      clock_(clock),
      writer_(memory, timers, clock, latency),
      alive_(std::make_shared<bool>(true)) {}

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
  const auto is_wanted = [&](const auto& handler) { return handler.first == kind; };
  if (std::ranges::none_of(handlers_, is_wanted)) return;
  events_.push_back({kind, aor, version});
  if (!timer_.is_set()) timer_.set(clock_.now().mono, [this](Time) { deliver(); });
}

void LocalBus::deliver() {
  const std::vector<Event> events = std::exchange(events_, {});
  for (const Event& event : events)
    for (const auto& [kind, handler] : handlers_)
      if (kind == event.kind) handler(event.aor, event.version);
}

void LocalBus::subscribe(Kind kind, Handler handler) { handlers_.emplace_back(kind, std::move(handler)); }

}  // namespace beckon::store
