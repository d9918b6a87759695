#include "server/message/outbox.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "protocol/base/text.hpp"
#include "server/shard/bucket.hpp"
#include "server/store/record.hpp"
#include "server/store/store.hpp"

namespace beckon::server::message {

namespace {

constexpr std::size_t notice_key_octets = 12;
constexpr std::string_view to_tell = "to-tell:", told_prefix = "told:";
/// Before what the queue of another shard or the sequence had no place for is tried again.
constexpr Duration pause_when_full = 1s;

std::string name_at_sender(const Outbox::Notice& notice) { return notice.from + ' ' + notice.key; }

std::string encode(const Outbox::Notice& notice) {
  store::RecordWriter writer;
  writer.text(notice.to).text(notice.body);
  return std::move(writer).finish();
}

/// What follows the prefix; absent: it does not begin so.
std::optional<std::string> after(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix)) return std::nullopt;
  return std::string(key.substr(prefix.size()));
}

}  // namespace

struct Outbox::Kept final : Part {
  explicit Kept(TimerQueue& timers) : again(timers), forget(timers) {}
  std::map<std::string, Notice> waiting;  ///< By key.
  std::map<std::string, Time> told;       ///< To this user: by name, and until when it is remembered.
  bool is_at_barrier = false;
  Timer again, forget;
};

/// Changes nothing: when it is announced, the store has all that facts have changed before.
class Outbox::Barrier final : public store::Step {
 public:
  Barrier(Outbox& outbox, Entry& user) : outbox_(outbox), user_(user) {}
  bool prepare(store::Batch& batch, Now) override {
    batch.durable = true;
    return true;
  }
  void apply(Now) override { outbox_.kept_of(user_).is_at_barrier = false; }
  void announce(Now) override { outbox_.hand_over(user_); }
  void refuse(ErrorCode, Now) override {
    outbox_.kept_of(user_).is_at_barrier = false;
    outbox_.retry(user_, pause_when_full);
  }

 private:
  Outbox& outbox_;
  Entry& user_;
};

/// Notifications are told, or a sender's bucket forgets them; a fact.
class Outbox::Removal final : public store::Step {
 public:
  Removal(Outbox& outbox, Entry& user, std::optional<std::string> key)
      : outbox_(outbox), user_(user), key_(std::move(key)) {}
  bool prepare(store::Batch& batch, Now now) override {
    batch.durable = true;
    const Kept* part = user_.find(outbox_.slot_);
    if (!part) return false;
    if (key_) {
      batch.erase(store::Kind::message, std::string(to_tell) + *key_);
      return part->waiting.contains(*key_);
    }
    for (const auto& [name, until] : part->told)
      if (until <= now.mono) forgotten_.push_back(name);
    for (const std::string& name : forgotten_)
      batch.erase(store::Kind::message, std::string(told_prefix) + name);
    return !forgotten_.empty();
  }
  void apply(Now) override {
    Kept& part = outbox_.kept_of(user_);
    if (key_) part.waiting.erase(*key_);
    for (const std::string& name : forgotten_) part.told.erase(name);
  }
  void announce(Now) override {
    const EntryPtr kept = user_.ptr();
    if (outbox_.kept_of(user_).waiting.empty()) outbox_.kept_of(user_).again.cancel();
    outbox_.arm_forgetting(user_);
    outbox_.drop_if_empty(user_);
  }

 private:
  Outbox& outbox_;
  Entry& user_;
  std::optional<std::string> key_;  ///< Absent: all that are remembered long enough.
  std::vector<std::string> forgotten_;
};

Outbox::Outbox(Environment& environment, Post post)
    : environment_(environment), post_(std::move(post)), slot_(environment.directory().take_slot<Kept>()) {
  environment_.directory().add(*this);
}

Outbox::Kept& Outbox::kept_of(Entry& user) { return user.get(slot_, environment_.timers()); }

/// The caller holds the entry.
void Outbox::drop_if_empty(Entry& user) {
  const Kept* part = user.find(slot_);
  if (part && part->waiting.empty() && part->told.empty() && !part->is_at_barrier) user.drop(slot_);
}

// What is to be told

/// The notification is from the recipient of the message, as one of the recipient's devices would be: a
/// client finds its message by that.
void Outbox::Telling::prepare(store::Batch& batch, const Stored& message, Fate fate, Now now) {
  Environment& environment = outbox_.environment_;
  if (!environment.settings().serves(domain_of_aor(message.sender))) return;
  const auto request = request_of(message);
  const auto wanted = request ? wanted_of(*request) : std::nullopt;
  const Kept* part = user_.find(outbox_.slot_);
  if (!wanted || !is_wanted(*wanted, fate) || (part && part->waiting.size() + notices_.size() >= most))
    return;
  const std::string id = environment.random().token(notice_key_octets);
  const Notice& notice = notices_.emplace_back(
      Notice{.from = user_.aor(),
             .key = id,
             .to = message.sender,
             .body = print_notification(*wanted, fate, message.sender, user_.aor(), id, now.wall)});
  batch.put_new(store::Kind::message, std::string(to_tell) + id, [&] { return encode(notice); });
}

void Outbox::Telling::apply() {
  if (notices_.empty()) return;
  Kept& part = outbox_.kept_of(user_);
  for (Notice& notice : notices_) part.waiting.insert_or_assign(notice.key, std::move(notice));
}

void Outbox::Telling::announce() {
  if (!notices_.empty()) outbox_.send(user_);
}

void Outbox::send(Entry& user) {
  Kept& part = kept_of(user);
  if (part.is_at_barrier) return;
  if (user.owed() == 0) return hand_over(user);
  part.is_at_barrier = true;
  user.add(std::make_unique<Barrier>(*this, user));
}

void Outbox::hand_over(Entry& user) {
  const Kept* part = user.find(slot_);
  if (!part || part->waiting.empty()) return;
  for (const auto& [key, notice] : part->waiting)
    if (!post_(notice)) return retry(user, pause_when_full);
  retry(user, again_after);
}

void Outbox::retry(Entry& user, Duration after) {
  kept_of(user).again.set(environment_.clock().now().mono + after, [this, &user](Time) { send(user); });
}

void Outbox::on_told(const Told& told) {
  const EntryPtr user = environment_.directory().find(told.from);
  const Kept* part = user ? user->find(slot_) : nullptr;
  if (part && part->waiting.contains(told.key))
    user->add_fact(std::make_unique<Removal>(*this, *user, told.key));
}

// What users have been told

bool Outbox::is_known(const Entry& user, const Notice& notice) const {
  const Kept* part = user.find(slot_);
  return part && part->told.contains(name_at_sender(notice));
}

void Outbox::note(store::Batch& batch, const Notice& notice) {
  batch.put_new(store::Kind::message, std::string(told_prefix) + name_at_sender(notice),
                [] { return store::RecordWriter().finish(); });
}

void Outbox::noted(Entry& user, const Notice& notice, Now now) {
  kept_of(user).told.insert_or_assign(name_at_sender(notice), now.mono + remembered);
  arm_forgetting(user);
}

void Outbox::arm_forgetting(Entry& user) {
  Kept& part = kept_of(user);
  if (part.told.empty()) return part.forget.cancel();
  if (part.forget.is_set()) return;
  const auto first = std::ranges::min_element(part.told, {}, [](const auto& each) { return each.second; });
  part.forget.set(first->second, [this, &user](Time) {
    user.add_fact(std::make_unique<Removal>(*this, user, std::nullopt));
  });
}

// Restart

bool Outbox::owns(const store::Record& record) {
  return record.kind == store::Kind::message &&
         (record.key.starts_with(to_tell) || record.key.starts_with(told_prefix));
}

void Outbox::restore(const store::Record& record, Now now) {
  if (!owns(record)) return;
  const EntryPtr user = environment_.directory().get(record.aor);
  if (const auto name = after(record.key, told_prefix)) {
    kept_of(*user).told.insert_or_assign(*name, now.mono + remembered);
    return;
  }
  store::RecordReader reader(record.value);
  Notice notice{.from = record.aor, .to = std::string(reader.text()), .body = std::string(reader.text())};
  const auto key = after(record.key, to_tell);
  if (!key || !reader.ok()) return environment_.directory().skip_unreadable(record.kind);
  notice.key = *key;
  kept_of(*user).waiting.insert_or_assign(*key, std::move(notice));
}

void Outbox::restored() {
  environment_.directory().each([&](Entry& user) {
    if (!user.find(slot_)) return;
    arm_forgetting(user);
    hand_over(user);
  });
}

void Outbox::reload(Entry& user, const store::Held& held, Now now) {
  if (!held.durable) return;
  if (Kept* part = user.find(slot_)) {
    part->waiting.clear();
    part->told.clear();
    part->forget.cancel();
  }
  for (const store::Record& record : held.records) restore(record, now);
  if (user.find(slot_)) arm_forgetting(user);
  hand_over(user);
  drop_if_empty(user);
}

}  // namespace beckon::server::message
