#include "server/message/boxes.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/message/imdn.hpp"
#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server::message {

using proxy::Forwarder;
using registrar::Binding;
using registrar::BindingEvent;

namespace {

constexpr std::size_t kib = 1024;

/// Of all notifications of a user, and of all own texts.
constexpr std::size_t notices_octets = 256 * kib;

/// Pauses before a device that could not take a message is tried again, each twice the one before. The first
/// is longer than 64*T1, so that the outcome of a copy that was relayed is known (482, RFC 3261 8.2.2.2).
constexpr Duration pause_min = 35s, pause_max = 1h;

/// 415 counts as a refusal by this device, 486 and the like say that it is there and may take it later.
bool is_later(const Forwarder::End& end) {
  return proxy::is_absence(end) || end.status == 486 || end.status == 487 || end.status == 491;
}

constexpr int loop_detected = 482;

/// `may_be_refused`: the device has refused it before, or answers a copy of it yet, so that a 482 may mean
/// that answer.
Verdict judge(const Forwarder::End& end, bool may_be_refused) {
  // The device has this request already, and the server, which was killed, does not know its answer.
  if (end.status == loop_detected) return may_be_refused ? Verdict::later : Verdict::accepted;
  if (end.status < 300) return Verdict::accepted;
  if (end.status >= 600) return Verdict::rejected;
  return is_later(end) ? Verdict::later : Verdict::refused;
}

}  // namespace

/// What is kept about one user.
struct Boxes::Box final : Part {
  /// A device that could not take a message.
  struct Tried {
    std::string device;
    std::uint64_t number = 0;
    bool is_answered = false;  ///< With a response.
    unsigned times = 0;
    Time next{};
  };

  explicit Box(TimerQueue& timers) : end(timers), retry(timers) {}
  static constexpr std::size_t tried_max = 64;

  Tried* find(std::string_view device) {
    const auto found = std::ranges::find(tried, device, &Tried::device);
    return found == tried.end() ? nullptr : &*found;
  }
  void forget(std::string_view device) {
    std::erase_if(tried, [&](const Tried& each) { return each.device == device; });
  }
  void end_pause(std::string_view device, Time now) {
    Tried* known = find(device);
    if (!known) return;
    known->times = 0;
    known->next = now;
  }
  bool is_settling(std::string_view device) const {
    return std::ranges::find(settling, device) != settling.end();
  }

  Inbox inbox;
  std::vector<std::string> coming;    ///< Senders of what is being stored.
  std::vector<std::string> settling;  ///< Devices that have answered; the next message waits for that fact.
  std::vector<Tried> tried;
  Timer end, retry;
};

/// A device's answer; a fact.
class Boxes::Settling final : public store::Step {
 public:
  Settling(Boxes& boxes, Entry& user, std::string device, std::uint64_t number, Verdict verdict)
      : boxes_(boxes), user_(user), device_(std::move(device)), number_(number), verdict_(verdict) {}

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
  }
  void announce(Now now) override {
    const EntryPtr kept = user_.ptr();
    boxes_.deliveries_.start(user_, device_);
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
};

/// Messages go: they have ended, or their user is gone, or has read them; a fact.
class Boxes::Removal final : public store::Step {
 public:
  enum class Why { over, read };
  Removal(Boxes& boxes, Entry& user, Why why, Chosen chosen)
      : boxes_(boxes), user_(user), why_(why), chosen_(std::move(chosen)) {}

  bool prepare(store::Batch& batch, Now now) override {
    batch.durable = true;
    const Box* box = user_.find(boxes_.slot_);
    if (box) numbers_ = chosen_(box->inbox, now);
    for (const std::uint64_t number : numbers_) batch.erase(store::Kind::message, key_of(number));
    return !numbers_.empty();
  }
  void apply(Now now) override {
    boxes_.change(user_, [&](Inbox& inbox) {
      for (const std::uint64_t number : numbers_) {
        const Stored* message = inbox.find(number);
        if (message && !message->is_delivered) {
          if (why_ == Why::read)
            boxes_.counters_.delivered++;
          else if (message->ends <= now.mono)
            boxes_.counters_.expired++;
          waited_.push_back(*message);
        }
        inbox.erase(number);
      }
    });
  }
  void announce(Now now) override {
    const EntryPtr kept = user_.ptr();
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
  void refuse(ErrorCode why, Now) override {
    const bool may_succeed_later =
        why == store::Errc::overload || why == store::Errc::late || why == store::Errc::conflict;
    done_(may_succeed_later ? 503 : 500);
  }

 private:
  Boxes& boxes_;
  Entry& user_;
  std::optional<std::uint64_t> number_;
  Done done_;
  std::vector<std::uint64_t> numbers_;
};

bool Boxes::PlainDevices::has(const Entry& user, std::string_view device) const {
  return !all_.empty() && all_.contains(user.aor() + ' ' + std::string(device));
}

void Boxes::PlainDevices::add(const Entry& user, std::string_view device) {
  const auto [added, is_new] = all_.insert(user.aor() + ' ' + std::string(device));
  if (!is_new) return;
  by_age_.push_back(*added);
  if (by_age_.size() <= most) return;
  all_.erase(by_age_.front());
  by_age_.pop_front();
}

Boxes::Addition::Addition(Boxes& boxes, Entry& user, Stored message)
    : boxes_(boxes), user_(user), message_(std::move(message)) {
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
  const bool fits = !giving_way_.empty() || inbox.has_room(message_.kind, size, limits, giving_way_);
  if (!fits || boxes_.octets_ + size > kib * settings.kib_per_shard) {
    boxes_.counters_.full++;
    return size > limits.octets ? Room::too_large : Room::full;
  }
  message_.number = number_ = std::max(inbox.next_number(now.wall), boxes_.last_number_ + 1);
  boxes_.last_number_ = number_;
  for (const std::uint64_t number : giving_way_) batch.erase(store::Kind::message, key_of(number));
  batch.put(store::Kind::message, key_of(message_.number),
            [&] { return print(message_, boxes_.environment_.directory().scale()); });
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
}

void Boxes::Addition::announce(Now now, Time since) {
  boxes_.start(user_, now, since);
  if (const Stored* message = boxes_.box_of(user_).inbox.find(number_)) {
    const Stored stored = *message;
    boxes_.observer_.on_stored(user_, stored, now);
  }
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

Boxes::Boxes(Parts parts, const crypto::Key32& key, Observer& observer)
    : environment_(parts.environment),
      observer_(observer),
      registrar_(parts.registrar),
      slot_(parts.environment.directory().take_slot<Box>()),
      deliveries_({parts.environment, parts.sender, parts.locator, parts.registrar}, key, *this) {
  environment_.directory().add(*this);
  registrar_.observe(*this);
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
  if (box && box->inbox.empty() && box->coming.empty() && box->settling.empty()) user.drop(slot_);
}

bool Boxes::waits_from(const Entry& user, std::string_view sender) const {
  const Box* box = user.find(slot_);
  return box &&
         (std::ranges::find(box->coming, sender) != box->coming.end() || box->inbox.waits_from(sender));
}

void Boxes::start(Entry& user, Now now, Time since) {
  const Box* box = user.find(slot_);
  if (!box || box->inbox.empty()) return;
  for (const Binding& binding : registrar_.targets(user.aor(), now))
    if (binding.refreshed() > since) deliveries_.start(user, device_of(binding));
}

void Boxes::remove(Entry& user, std::optional<std::uint64_t> number, Done done) {
  user.add(std::make_unique<Deletion>(*this, user, number, std::move(done)));
}

const Inbox* Boxes::inbox(const Entry& user) const {
  const Box* box = user.find(slot_);
  return box ? &box->inbox : nullptr;
}

Boxes::Progress Boxes::progress(const Entry& user, const std::string& device) const {
  Progress progress{.is_under_way = deliveries_.is_at(user, device)};
  const Box* box = user.find(slot_);
  if (!box) return progress;
  const auto tried = std::ranges::find(box->tried, device, &Box::Tried::device);
  if (tried == box->tried.end()) return progress;
  progress.times = tried->times;
  progress.next = tried->next;
  return progress;
}

void Boxes::settle(Entry& user, const std::string& device, std::uint64_t number, Verdict verdict) {
  box_of(user).settling.push_back(device);
  user.add_fact(std::make_unique<Settling>(*this, user, device, number, verdict));
}

void Boxes::pause(Entry& user, const std::string& device, std::uint64_t number, Now now) {
  const Inbox* inbox = this->inbox(user);
  if (inbox && inbox->find(number)) put_off(user, device, number, /*is_answered=*/true, now);
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

// Devices

/// A device that registers gets what waits; not before its 200 has left.
void Boxes::on_bindings_changed(Entry& user, BindingEvent event, const Binding& changed,
                                const std::vector<Binding>&, Now now) {
  Box* box = user.find(slot_);
  if (!box) return;
  const std::string device = device_of(changed);
  // A device that comes anew is tried at once, whatever it was before.
  if (event != BindingEvent::refreshed && event != BindingEvent::shortened) box->end_pause(device, now.mono);
  if (!registrar::is_end(event)) deliveries_.start(user, device);
}

std::optional<Deliveries::Load> Boxes::next_for(Entry& user, const std::string& device, Now now) {
  Box* box = user.find(slot_);
  if (!box || box->is_settling(device)) return std::nullopt;
  const Box::Tried* tried = box->find(device);
  if (tried && tried->next > now.mono) return std::nullopt;
  // What is not for now holds up nothing of other senders.
  std::string_view held_back;
  const Stored* message = box->inbox.next_for(device, [&](const Stored& each) {
    if (each.sender == held_back) return false;
    const bool may_go = !is_left_alone(user, each.sender);
    if (!may_go) held_back = each.sender;
    return may_go;
  });
  if (!message) return std::nullopt;
  auto request = sip::Message::parse(share(message->text), {.message = message->text.size()});
  if (!request) return std::nullopt;
  if (plain_.has(user, device)) {
    if (auto text = unwrapped(*request)) *request = std::move(*text);
  }
  if (message->is_refused_by(device)) *request = renewed(*request, message->refusals);
  return Deliveries::Load{.number = message->number,
                          .request = std::move(*request),
                          .asserted = message->is_proven ? '<' + message->sender + '>' : std::string()};
}

void Boxes::on_answered(Entry& user, const std::string& device, std::uint64_t number,
                        const Forwarder::End& end, Now now) {
  const Inbox* inbox = this->inbox(user);
  // It was deleted, has ended, or gave way.
  if (!inbox || !inbox->find(number)) return deliveries_.start(user, device);
  Box& box = box_of(user);
  const Box::Tried* tried = box.find(device);
  const bool is_refused =
      (tried && tried->number == number && tried->is_answered) || inbox->find(number)->is_refused_by(device);
  const bool is_under_way = !is_refused && observer_.is_under_way(user, number);
  const Verdict verdict = judge(end, is_refused || is_under_way);
  log::debug("message", "{} {} of {}: {}", device, key_of(number), user.aor(), end.status);
  if (verdict == Verdict::later) {
    const bool refuses = end.is_answered && (is_refused || end.status != loop_detected);
    put_off(user, device, number, refuses, now);
    return refuses ? settle(user, device, number, verdict) : void();
  }
  if (end.status == 415 && becomes_plain(user, device, number))
    return settle(user, device, number, Verdict::later);
  box.forget(device);
  settle(user, device, number, verdict);
}

/// A device that does not read message/cpim gets texts without it from now on; the others it has refused.
bool Boxes::becomes_plain(Entry& user, const std::string& device, std::uint64_t number) {
  const Stored* message = box_of(user).inbox.find(number);
  if (!message || plain_.has(user, device)) return false;
  const auto request = sip::Message::parse(share(message->text), {.message = message->text.size()});
  if (!request || !unwrapped(*request)) return false;
  plain_.add(user, device);
  return true;
}

void Boxes::put_off(Entry& user, const std::string& device, std::uint64_t number, bool is_answered, Now now) {
  Box& box = box_of(user);
  // Of devices that did not come back.
  std::erase_if(box.tried, [&](const Box::Tried& each) { return each.next + pause_max < now.mono; });
  Box::Tried* tried = box.find(device);
  if (!tried) {
    if (box.tried.size() == Box::tried_max) box.tried.erase(box.tried.begin());
    tried = &box.tried.emplace_back(Box::Tried{.device = device});
  }
  const unsigned doublings = std::min(tried->times++, 8U);
  tried->number = number;
  tried->is_answered = is_answered;
  tried->next = now.mono + std::min<Duration>(pause_max, pause_min * (1U << doublings));
  retry(user, now);
}

/// Starts the devices whose pause is over, and waits for the next.
void Boxes::retry(Entry& user, Now now) {
  Box* box = user.find(slot_);
  if (!box) return;
  std::optional<Time> next;
  for (const Box::Tried& tried : box->tried) {
    if (tried.next <= now.mono)
      deliveries_.start(user, tried.device);
    else if (!next || tried.next < *next)
      next = tried.next;
  }
  if (!next) return box->retry.cancel();
  box->retry.set(*next, [this, &user](Time) { retry(user, environment_.clock().now()); });
}

// Restart

void Boxes::restore(const store::Record& record, Now now) {
  if (record.kind != store::Kind::message) return;
  auto message = parse_stored(record.key, record.value, now.mono, environment_.directory().scale(),
                              environment_.settings().restart_grace);
  if (!message) return environment_.directory().skip_unreadable(record.kind);
  const EntryPtr user = environment_.directory().get(record.aor);
  change(*user, [&](Inbox& inbox) { inbox.put(std::move(*message)); });
}

/// Devices that are reached without a connection are there already.
void Boxes::restored(Now now) {
  environment_.directory().each([&](Entry& user) { start(user, now); });
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
