#include "server/message/boxes.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server::message {

namespace {

constexpr std::size_t kib = 1024;

/// Of all notifications of a user, and of all own texts.
constexpr std::size_t notices_octets = 256 * kib;

}  // namespace

/// What is kept about one user.
struct Boxes::Box final : Part {
  explicit Box(TimerQueue& timers) : end(timers) {}

  Inbox inbox;
  std::vector<std::string> coming;    ///< Senders of what is being stored.
  std::vector<std::string> settling;  ///< Devices that have answered; the next message waits for that fact.
  std::vector<std::uint64_t> copies;  ///< Of these a copy is under way.
  Timer end;
};

/// A device's answer; a fact.
class Boxes::Settling final : public store::Step {
 public:
  Settling(Boxes& boxes, Entry& user, std::string device, std::uint64_t number, Verdict verdict)
      : boxes_(boxes),
        user_(user),
        device_(std::move(device)),
        number_(number),
        verdict_(verdict),
        telling_(boxes.outbox_, user) {}

  bool prepare(store::Batch& batch, Now now) override {
    batch.durable = true;
    const Stored* known = boxes_.box_of(user_).inbox.find(number_);
    if (!known) return true;
    before_ = *known;
    if (verdict_ == Verdict::later)
      next_ = Inbox::refused_for_now(*known, device_);
    else if (verdict_ != Verdict::rejected)
      next_ = Inbox::answered(*known, device_, verdict_ == Verdict::accepted, now.mono,
                              boxes_.environment_.settings().messages.kept_for_others);
    if (next_)
      batch.put(store::Kind::message, key_of(number_),
                [&] { return print(*next_, boxes_.environment_.directory().scale()); });
    else
      batch.erase(store::Kind::message, key_of(number_));
    if (is_rejected()) telling_.prepare(batch, *before_, Fate::failed, now);
    return true;
  }
  void apply(Now) override {
    Box& box = boxes_.box_of(user_);
    const auto settled = std::ranges::find(box.settling, device_);
    if (settled != box.settling.end()) box.settling.erase(settled);
    if (!before_) return;
    boxes_.counters_.delivered += is_delivered() ? 1 : 0;
    boxes_.counters_.rejected += is_rejected() ? 1 : 0;
    boxes_.change(user_, [&](Inbox& inbox) {
      if (next_)
        inbox.put(std::move(*next_));
      else
        inbox.erase(number_);
    });
    telling_.apply();
  }
  void announce(Now now) override {
    const EntryPtr kept = user_.ptr();
    telling_.announce();
    boxes_.observer_.on_settled(user_, device_);
    boxes_.drop_if_empty(user_);
    if (is_delivered()) boxes_.observer_.on_delivered(user_, *before_, now);
    if (is_rejected()) boxes_.observer_.on_failed(user_, *before_, now);
    if (is_delivered() || is_rejected()) boxes_.observer_.on_count(user_, now);
  }

 private:
  bool was_waiting() const { return before_ && !before_->is_delivered; }
  bool is_delivered() const { return was_waiting() && verdict_ == Verdict::accepted; }
  bool is_rejected() const { return was_waiting() && verdict_ == Verdict::rejected; }

  Boxes& boxes_;
  Entry& user_;
  std::string device_;
  std::uint64_t number_;
  Verdict verdict_;
  std::optional<Stored> before_;  ///< Absent: it is gone.
  std::optional<Stored> next_;    ///< Absent: nobody is to get it any more.
  Outbox::Telling telling_;
};

/// Messages go: they have ended, or their user is gone, or has read them; a fact.
class Boxes::Removal final : public store::Step {
 public:
  enum class Why { over, read };
  Removal(Boxes& boxes, Entry& user, Why why, Chosen chosen)
      : boxes_(boxes), user_(user), why_(why), chosen_(std::move(chosen)), telling_(boxes.outbox_, user) {}

  bool prepare(store::Batch& batch, Now now) override {
    batch.durable = true;
    const Box* box = user_.find(boxes_.slot_);
    if (!box) return false;
    numbers_ = chosen_(box->inbox, now);
    for (const std::uint64_t number : numbers_) {
      batch.erase(store::Kind::message, key_of(number));
      const Stored* message = box->inbox.find(number);
      if (!message || message->is_delivered) continue;
      waited_.push_back(*message);
      if (why_ == Why::over) telling_.prepare(batch, *message, Fate::failed, now);
    }
    return !numbers_.empty();
  }
  void apply(Now now) override {
    for (const Stored& message : waited_) {
      if (why_ == Why::read)
        boxes_.counters_.delivered++;
      else if (message.ends <= now.mono)
        boxes_.counters_.expired++;
    }
    boxes_.change(user_, [&](Inbox& inbox) {
      for (const std::uint64_t number : numbers_) inbox.erase(number);
    });
    telling_.apply();
  }
  void announce(Now now) override {
    const EntryPtr kept = user_.ptr();
    telling_.announce();
    boxes_.drop_if_empty(user_);
    for (const Stored& message : waited_)
      if (why_ == Why::over) boxes_.observer_.on_failed(user_, message, now);
    if (!waited_.empty()) boxes_.observer_.on_count(user_, now);
  }

 private:
  Boxes& boxes_;
  Entry& user_;
  Why why_;
  Chosen chosen_;
  std::vector<std::uint64_t> numbers_;
  std::vector<Stored> waited_;  ///< Of those, what no device had.
  Outbox::Telling telling_;
};

/// The user deletes what waits.
class Boxes::Deletion final : public store::Step {
 public:
  Deletion(Boxes& boxes, Entry& user, std::optional<std::uint64_t> number, Done done)
      : boxes_(boxes), user_(user), number_(number), done_(std::move(done)) {}

  bool prepare(store::Batch& batch, Now now) override {
    numbers_.clear();
    if (const Inbox* inbox = boxes_.inbox(user_)) {
      for (const auto& [number, message] : inbox->all())
        if (!number_ || (number == *number_ && !message.is_delivered)) numbers_.push_back(number);
    }
    if (numbers_.empty()) {
      done_(number_ ? 404 : 200);
      return false;
    }
    for (const std::uint64_t number : numbers_) batch.erase(store::Kind::message, key_of(number));
    batch.durable = true;
    batch.deadline = now.mono + replay_time;
    return true;
  }
  void apply(Now) override {
    boxes_.change(user_, [&](Inbox& inbox) {
      for (const std::uint64_t number : numbers_) inbox.erase(number);
    });
  }
  void answer(Now) override { done_(200); }
  void announce(Now now) override {
    const EntryPtr kept = user_.ptr();
    boxes_.drop_if_empty(user_);
    boxes_.observer_.on_count(user_, now);
  }
  void refuse(ErrorCode why, Now) override { done_(store::status_of(why)); }

 private:
  Boxes& boxes_;
  Entry& user_;
  std::optional<std::uint64_t> number_;
  Done done_;
  std::vector<std::uint64_t> numbers_;
};

Boxes::Addition::Addition(Boxes& boxes, Entry& user, Stored message)
    : boxes_(boxes), user_(user), message_(std::move(message)), telling_(boxes.outbox_, user) {
  describe(message_);
  boxes_.box_of(user_).coming.push_back(message_.sender);
}

Boxes::Addition::Room Boxes::Addition::prepare(store::Batch& batch, Now now) {
  const auto& settings = boxes_.environment_.settings().messages;
  const Inbox& inbox = boxes_.box_of(user_).inbox;
  if ((number_ = inbox.find_copy(message_)) != 0) return Room::has_it;
  Inbox::Limits limits{.messages = settings.per_user, .octets = kib * settings.kib_per_user};
  if (message_.kind != Kind::message) limits = {settings.notices_per_user, notices_octets};
  giving_way_.clear();
  if (text_of_) take_place(inbox);
  const std::size_t size = message_.text.size();
  const bool fits = !giving_way_.empty() || inbox.has_room(message_, limits, giving_way_);
  if (!fits || boxes_.octets_ + size > kib * settings.kib_per_shard) {
    boxes_.counters_.full++;
    return size > limits.octets ? Room::too_large : Room::full;
  }
  message_.number = number_ = std::max(inbox.next_number(now.wall), boxes_.last_number_ + 1);
  boxes_.last_number_ = number_;
  for (const std::uint64_t number : giving_way_) batch.erase(store::Kind::message, key_of(number));
  batch.put(store::Kind::message, key_of(message_.number),
            [&] { return print(message_, boxes_.environment_.directory().scale()); });
  telling_.clear();
  telling_.prepare(batch, message_, Fate::stored, now);
  batch.durable = true;
  return Room::enough;
}

/// One that waits under the same topic gives way: for a note that is longer by a digit there is room.
void Boxes::Addition::take_place(const Inbox& inbox) {
  message_.times = 1;
  if (const Stored* before = inbox.find(message_.topic)) {
    message_.times = before->times + 1;
    giving_way_.push_back(before->number);
  }
  message_.text = text_of_(message_.times);
}

void Boxes::Addition::apply(Now) {
  leave_coming();
  boxes_.counters_.stored++;
  log::debug("message", "{} gets message {} of {} later", user_.aor(), key_of(message_.number),
             message_.sender);
  boxes_.change(user_, [&](Inbox& inbox) {
    for (const std::uint64_t number : giving_way_) inbox.erase(number);
    inbox.put(std::move(message_));
  });
  telling_.apply();
}

void Boxes::Addition::announce(Now now, Time since) {
  telling_.announce();
  boxes_.observer_.on_stored(user_, now, since);
  boxes_.observer_.on_count(user_, now);
}

void Boxes::Addition::drop() {
  const EntryPtr kept = user_.ptr();
  leave_coming();
  boxes_.drop_if_empty(user_);
}

void Boxes::Addition::leave_coming() {
  auto& coming = boxes_.box_of(user_).coming;
  coming.erase(std::ranges::find(coming, message_.sender));
}

Boxes::Boxes(Environment& environment, Outbox& outbox, Observer& observer)
    : environment_(environment),
      outbox_(outbox),
      observer_(observer),
      slot_(environment.directory().take_slot<Box>()) {
  environment_.directory().add(*this);
}

Boxes::Box& Boxes::box_of(Entry& user) { return user.get(slot_, environment_.timers()); }

/// Each change of an inbox: the figures follow.
template <class Change>
void Boxes::change(Entry& user, Change change_inbox) {
  Box& box = box_of(user);
  waiting_ -= box.inbox.waiting();
  octets_ -= box.inbox.octets();
  change_inbox(box.inbox);
  waiting_ += box.inbox.waiting();
  octets_ += box.inbox.octets();
  arm(user, box);
}

void Boxes::arm(Entry& user, Box& box) {
  const auto next = box.inbox.next_end();
  if (!next) return box.end.cancel();
  box.end.set(*next, [this, &user](Time) {
    user.add_fact(std::make_unique<Removal>(
        *this, user, Removal::Why::over, [](const Inbox& inbox, Now now) { return inbox.ended(now.mono); }));
  });
}

/// The caller holds the entry.
void Boxes::drop_if_empty(Entry& user) {
  const Box* box = user.find(slot_);
  if (!box || !box->inbox.empty() || !box->coming.empty() || !box->settling.empty()) return;
  user.drop(slot_);
  observer_.on_empty(user);
}

bool Boxes::is_coming_from(const Entry& user, std::string_view sender) const {
  const Box* box = user.find(slot_);
  return box && std::ranges::find(box->coming, sender) != box->coming.end();
}

void Boxes::begin_copy(Entry& user, std::uint64_t number) {
  Box* box = user.find(slot_);
  if (box && box->inbox.find(number)) box->copies.push_back(number);
}

void Boxes::end_copy(Entry& user, std::uint64_t number) {
  if (Box* box = user.find(slot_)) std::erase(box->copies, number);
}

bool Boxes::has_copy(const Entry& user, std::uint64_t number) const {
  const Box* box = user.find(slot_);
  return box && std::ranges::find(box->copies, number) != box->copies.end();
}

void Boxes::remove(Entry& user, std::optional<std::uint64_t> number, Done done) {
  user.add(std::make_unique<Deletion>(*this, user, number, std::move(done)));
}

const Inbox* Boxes::inbox(const Entry& user) const {
  const Box* box = user.find(slot_);
  return box ? &box->inbox : nullptr;
}

void Boxes::settle(Entry& user, const std::string& device, std::uint64_t number, Verdict verdict) {
  box_of(user).settling.push_back(device);
  user.add_fact(std::make_unique<Settling>(*this, user, device, number, verdict));
}

bool Boxes::is_settling(const Entry& user, const std::string& device) const {
  const Box* box = user.find(slot_);
  return box && std::ranges::find(box->settling, device) != box->settling.end();
}

void Boxes::remove_all(Entry& user) {
  if (!user.find(slot_)) return;
  user.add_fact(std::make_unique<Removal>(*this, user, Removal::Why::over, [](const Inbox& inbox, Now) {
    std::vector<std::uint64_t> all;
    for (const auto& [number, message] : inbox.all()) all.push_back(number);
    return all;
  }));
}

void Boxes::end_read(Entry& user, const std::string& sender, const std::string& id) {
  const Inbox* inbox = this->inbox(user);
  if (!inbox || inbox->named(sender, id).empty()) return;
  user.add_fact(
      std::make_unique<Removal>(*this, user, Removal::Why::read,
                                [sender, id](const Inbox& all, Now) { return all.named(sender, id); }));
}

// Restart

void Boxes::restore(const store::Record& record, Now now) {
  if (record.kind != store::Kind::message || Outbox::owns(record)) return;
  auto message = parse_stored(record.key, record.value, now.mono, environment_.directory().scale(),
                              environment_.settings().restart_grace);
  if (!message) return environment_.directory().skip_unreadable(record.kind);
  const EntryPtr user = environment_.directory().get(record.aor);
  change(*user, [&](Inbox& inbox) { inbox.put(std::move(*message)); });
}

void Boxes::reload(Entry& user, const store::Held& held, Now now) {
  if (!held.durable) return;
  change(user, [](Inbox& inbox) { inbox = {}; });
  for (const store::Record& record : held.records) restore(record, now);
  drop_if_empty(user);
}

std::vector<Table> Boxes::tables(Now now) const {
  Table table{.name = "inbox", .rows = {}};
  environment_.directory().each([&](const Entry& user) {
    const Box* box = user.find(slot_);
    if (!box) return;
    for (const auto& [number, message] : box->inbox.all()) {
      const auto left = std::chrono::ceil<std::chrono::seconds>(message.ends - now.mono);
      table.rows.push_back({{"user", user.aor()},
                            {"id", key_of(number)},
                            {"from", message.sender},
                            {"since", print_time(message.arrived)},
                            {"expires", std::to_string(std::max<std::int64_t>(0, left.count()))},
                            {"octets", std::to_string(message.text.size())},
                            {"state", message.is_delivered ? "delivered" : "waiting"},
                            {"devices", std::to_string(message.receipts.size())}});
    }
  });
  std::ranges::sort(table.rows);
  return {std::move(table)};
}

}  // namespace beckon::server::message
