#include "server/archive/archive.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/archive/box.hpp"
#include "server/archive/content.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/replay.hpp"
#include "server/store/sequence.hpp"

namespace beckon::server::archive {

namespace {

/// A longer name is kept by nobody.
constexpr std::size_t name_max = 512;
/// The wall clock may jump: an archive is looked at this often at least.
constexpr Duration look_again = std::chrono::hours(24);
/// Archives that give way to one message, at most.
constexpr int evictions_max = 8;
/// Notes and marks about one user that wait while the store writes a change of that user; more come from a
/// flood only, and are lost.
constexpr unsigned notes_max = 200;
/// Between two rounds of evictions.
constexpr Duration room_pause = 100us;

std::uint64_t milliseconds_of(WallTime time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.time_since_epoch().count()));
}

/// The erasures and the rest of what no message says, after `plan`.
struct Head {
  std::vector<MessageErasure> erasures;
  std::uint64_t forgotten = 0;
  bool is_kept = true;
  bool is_needed() const { return !erasures.empty() || !is_kept; }
};

Head head_after(const Box* box, const Plan& plan) {
  Head head;
  if (box) head = {box->erasures, box->forgotten, box->is_kept};
  if (plan.erasure) head.erasures.push_back(*plan.erasure);
  head.forgotten = std::max(head.forgotten, plan.forgotten);
  if (head.erasures.size() > Box::erasures_max)
    head.forgotten =
        std::max(head.forgotten, head.erasures[head.erasures.size() - Box::erasures_max - 1].change);
  std::erase_if(head.erasures, [&](const MessageErasure& each) { return each.change <= head.forgotten; });
  head.is_kept = plan.is_kept.value_or(head.is_kept);
  return head;
}

}  // namespace

bool Selection::has(const ArchivedMessage& message) const {
  return (with.empty() || message.with == with) && (number == 0 || message.number == number) &&
         (before == 0 || message.number < before) && (!since || message.time >= *since);
}

/// One change of an archive: `planner` says what changes when its turn has come.
class Archive::Work final : public store::Step {
 public:
  Work(Archive& archive, Entry& entry, Planner planner, Done done)
      : archive_(archive), entry_(entry), planner_(std::move(planner)), done_(std::move(done)) {}
  /// A note, which is counted while it waits.
  Work(Archive& archive, Entry& entry, Planner planner)
      : archive_(archive), entry_(entry), planner_(std::move(planner)), is_note_(true) {}

  bool prepare(store::Batch& batch, Now now) override {
    if (std::exchange(is_note_, false)) archive_.on_note_begun(entry_);
    const Box* box = entry_.find(archive_.slot_);
    plan_ = planner_(box, now);
    if (plan_.is_empty()) {
      if (done_) done_(200);
      return false;
    }
    if (plan_.is_end) {
      for (const ArchivedMessage& each : box->messages) plan_.gone.push_back(each.number);
      batch.erase(store::Kind::archive, head_key);
    }
    for (const ArchivedMessage& each : plan_.put) {
      const std::string key = std::to_string(each.number);
      if (each.change == each.number)
        batch.put_new(store::Kind::archive, key, [&] { return encode(each); });
      else
        batch.put(store::Kind::archive, key, [&] { return encode(each); });
    }
    for (const std::uint64_t number : plan_.gone) batch.erase(store::Kind::archive, std::to_string(number));
    if (plan_.has_head()) put_head(batch, head_after(box, plan_));
    batch.durable = true;
    batch.deadline = now.mono + replay_time;
    return true;
  }
  void apply(Now now) override { archive_.apply(entry_, plan_, now); }
  void answer(Now) override {
    if (done_) done_(200);
  }
  void announce(Now now) override {
    if (archive_.on_change_) archive_.on_change_(entry_, now);
  }
  void refuse(ErrorCode why, Now) override {
    if (done_) done_(store::status_of(why));
  }

 private:
  static void put_head(store::Batch& batch, const Head& head) {
    if (!head.is_needed()) return batch.erase(store::Kind::archive, head_key);
    batch.put(store::Kind::archive, head_key,
              [&] { return encode_head(head.is_kept, head.forgotten, head.erasures); });
  }

  Archive& archive_;
  Entry& entry_;  ///< Lives as long as a step of its sequence.
  Planner planner_;
  Done done_;
  Plan plan_;
  bool is_note_ = false;
};

Archive::Archive(Environment& environment, Peers& peers, const Gruus& gruus)
    : environment_(environment),
      peers_(peers),
      gruus_(gruus),
      slot_(environment.directory().take_slot<Box>()),
      by_news_(std::make_unique<Boxes>()),
      room_(environment.timers()) {
  environment.directory().add(*this);
}

Archive::~Archive() { by_news_->clear(); }

void Archive::fact(Entry& entry, Planner plan) {
  entry.add_fact(std::make_unique<Work>(*this, entry, std::move(plan), Done{}));
}

/// A fact that others cause, as often as they like.
void Archive::note_fact(Entry& entry, Planner plan) {
  Waiting& waiting = waiting_[&entry];
  if (waiting.notes >= notes_max) {
    if (!std::exchange(waiting.is_told, true))
      log::warn("archive", "{}: {} notes wait for the store; more are lost", entry.aor(), notes_max);
    return;
  }
  ++waiting.notes;
  entry.add_fact(std::make_unique<Work>(*this, entry, std::move(plan)));
}

void Archive::on_note_begun(const Entry& entry) {
  const auto waiting = waiting_.find(&entry);
  if (--waiting->second.notes == 0) waiting_.erase(waiting);
}

void Archive::ask(Entry& entry, Planner plan, Done done) {
  entry.add(std::make_unique<Work>(*this, entry, std::move(plan), std::move(done)));
}

// What passes

bool Archive::is_ours(std::string_view aor) const {
  return aor.find('@') != aor.npos && environment_.settings().serves(domain_of_aor(aor));
}

/// Each user's archive is changed at the user's bucket, in the order in which the changes come.
template <class T>
void Archive::hand(Bucket from, T value) {
  if (!is_ours(value.user)) return;
  const Bucket at = bucket_of(value.user);
  if (at == from) return on(std::move(value), at, environment_.clock().now());
  if (!peers_.post<Archive>(at, std::move(value)))
    log::debug("archive", "not noted: too much waits for the shard of its user");
}

void Archive::note(const Request& request, MessageState state) {
  const auto to = request.message.request_uri();
  // Whom a temporary GRUU stands for is not said to the sender.
  const std::string recipient = request.resource ? request.resource->aor()
                                : to             ? sip::canonical_aor(*to)
                                                 : std::string();
  note(request.message, {request.bucket, request.identity.aor, recipient, request.now.wall}, state);
}

/// The sender as the recipient's archive has it: From, unless that is a telephone number, which is nobody's
/// address-of-record.
std::string Archive::shown(const sip::Uri& from, const Passage& passage) {
  std::string aor = sip::canonical_aor(from);
  return aor.empty() ? passage.sender : aor;
}

void Archive::note(const sip::Message& request, const Passage& passage, MessageState state) {
  const auto& settings = environment_.settings().archive;
  const auto from = request.from();
  const auto to = request.request_uri();
  if (!from || !to) return;
  Content content = read_content(request, settings.messages_per_user == 0 ? 0 : settings.text_octets);
  for (const Content::Disposition& each : content.dispositions)
    mark(passage.at, passage.recipient, passage.sender, each.id, each.state);
  if (!content.dispositions.empty()) return;
  const std::string shown_from = shown(from->uri, passage), shown_to = sip::canonical_aor(*to);
  const bool is_printable = is_utf8(content.id) && is_utf8(shown_from) && is_utf8(shown_to);
  if (settings.messages_per_user == 0 || !content.is_text || !is_printable ||
      std::max({content.id.size(), content.type.size(), shown_from.size(), shown_to.size()}) > name_max)
    return;
  ArchivedMessage message{.with = shown_to,
                          .id = std::move(content.id),
                          .direction = MessageDirection::sent,
                          .state = state,
                          .time = passage.time,
                          .content_type = std::move(content.type),
                          .text = std::move(content.text),
                          .is_cut = content.is_cut,
                          .author = passage.author};
  hand(passage.at, Note{passage.sender, message});
  message.with = shown_from;
  message.direction = MessageDirection::received;
  hand(passage.at, Note{passage.recipient, std::move(message)});
}

void Archive::mark(Bucket from, const std::string& sender, const std::string& recipient,
                   const std::string& id, MessageState state) {
  hand(from, Mark{sender, recipient, id, MessageDirection::sent, state});
  hand(from, Mark{recipient, sender, id, MessageDirection::received, state});
}

void Archive::mark(const sip::Message& request, const Passage& passage, MessageState state) {
  const auto from = request.from();
  const auto to = request.request_uri();
  const Content content = read_content(request, 0);
  if (!from || !to || !content.dispositions.empty()) return;
  hand(passage.at, Mark{passage.sender, sip::canonical_aor(*to), content.id, MessageDirection::sent, state});
  hand(passage.at,
       Mark{passage.recipient, shown(from->uri, passage), content.id, MessageDirection::received, state});
}

void Archive::on(Note note, Bucket, Now) {
  const EntryPtr entry = environment_.directory().get(note.user);
  note_fact(*entry, [this, message = std::move(note.message)](const Box* box, Now now) {
    return plan_note(box, message, now);
  });
  make_room();
}

void Archive::on(const Mark& mark, Bucket, Now) {
  const EntryPtr entry = environment_.directory().find(mark.user);
  if (!entry) return;
  const bool is_reading =
      mark.direction == MessageDirection::received && mark.state == MessageState::displayed;
  if (is_reading && on_read_) on_read_(*entry, mark.with, mark.id);
  if (!entry->find(slot_)) return;
  note_fact(*entry, [this, mark](const Box* box, Now now) {
    Plan plan;
    const ArchivedMessage* known = box ? find_marked(*box, mark) : nullptr;
    if (!known || known->state >= mark.state) return plan;
    plan.put.push_back(*known);
    plan.put.back().state = mark.state;
    plan.put.back().change = box->next_number(now.wall);
    return plan;
  });
}

/// The user whom an address that a message showed stands for, as the shard finds out where a request goes.
std::string Archive::user_of(const std::string& address) const {
  const auto uri = sip::view_uri(address);
  if (!uri || !environment_.settings().serves(uri->host) || !may_be_temporary(*uri)) return address;
  // An archive's address has no parameters.
  const std::string gruu = address + ";gr";
  const auto callee = gruus_.read(*sip::view_uri(gruu));
  return callee ? callee->aor : address;
}

/// The newest: the same id again is of a sender that made a mistake.
const ArchivedMessage* Archive::find_marked(const Box& box, const Mark& mark) const {
  const auto is_meant = [&](const ArchivedMessage& each) {
    return each.direction == mark.direction && is_named(each.id, mark.id) &&
           (each.with == mark.with || user_of(each.with) == mark.with);
  };
  const auto found = std::ranges::find_if(box.messages.rbegin(), box.messages.rend(), is_meant);
  return found == box.messages.rend() ? nullptr : &*found;
}

/// The same message again (a copy from another server, say) is not noted twice; it may have come further.
Plan Archive::plan_note(const Box* box, const ArchivedMessage& message, Now now) const {
  Plan plan;
  if (box && !box->is_kept) return plan;
  const ArchivedMessage* known = box ? box->find(message) : nullptr;
  if (known && known->state >= message.state) return plan;
  const std::uint64_t number =
      box ? box->next_number(now.wall) : std::max<std::uint64_t>(1, milliseconds_of(now.wall));
  plan.put.push_back(known ? *known : message);
  ArchivedMessage& put = plan.put.back();
  put.state = message.state;
  put.change = number;
  if (known) return plan;
  put.number = number;
  if (box) add_surplus(plan, *box, 1, now);
  return plan;
}

// What the user asks for

void Archive::set_displayed(Entry& user, Selection selection, Done done) {
  const auto planner = [selection = std::move(selection)](const Box* box, Now now) {
    Plan plan;
    if (!box) return plan;
    plan.is_read = true;
    std::uint64_t change = box->next_number(now.wall);
    for (const ArchivedMessage& each : box->messages) {
      if (each.direction != MessageDirection::received || each.state == MessageState::displayed ||
          !selection.has(each))
        continue;
      plan.put.push_back(each);
      plan.put.back().state = MessageState::displayed;
      plan.put.back().change = change++;
    }
    return plan;
  };
  ask(user, planner, std::move(done));
}

void Archive::erase(Entry& user, Selection selection, Done done) {
  selection.before = 0;
  selection.since.reset();
  const auto planner = [selection = std::move(selection)](const Box* box, Now now) {
    Plan plan;
    if (!box) return plan;
    for (const ArchivedMessage& each : box->messages)
      if (selection.has(each)) plan.gone.push_back(each.number);
    if (!plan.gone.empty())
      plan.erasure = MessageErasure{box->next_number(now.wall), selection.with, selection.number};
    return plan;
  };
  ask(user, planner, std::move(done));
}

void Archive::set_kept(Entry& user, bool is_kept, Done done) {
  const auto planner = [is_kept](const Box* box, Now) {
    Plan plan;
    if ((!box || box->is_kept) != is_kept) plan.is_kept = is_kept;
    return plan;
  };
  ask(user, planner, std::move(done));
}

MessageArchive Archive::page(const Entry& user, const Selection& selection, std::size_t limit) const {
  const Box* box = user.find(slot_);
  MessageArchive page{.to = newest(user), .is_kept = is_kept(user)};
  if (!box) return page;
  std::size_t octets = 0;
  for (const ArchivedMessage& each : std::views::reverse(box->messages)) {
    if (!selection.has(each)) continue;
    octets += size_of(each);
    page.is_complete = page.messages.size() < limit && (octets <= page_octets || page.messages.empty());
    if (!page.is_complete) break;
    page.messages.push_back(each);
  }
  std::ranges::reverse(page.messages);
  return page;
}

MessageArchive Archive::changes(const Entry& user, std::uint64_t from, std::size_t octets) const {
  const Box* box = user.find(slot_);
  MessageArchive changes{.to = newest(user)};
  if (!box) return changes;
  // Unless something was erased that nobody remembers, or the numbers are of another archive.
  if (from >= box->forgotten && from <= box->newest) changes.from = from;
  std::vector<const ArchivedMessage*> news;
  for (const ArchivedMessage& each : box->messages)
    if (each.change > changes.from) news.push_back(&each);
  std::ranges::sort(news, {}, [](const ArchivedMessage* each) { return each->change; });
  std::size_t size = 0;
  for (const ArchivedMessage* each : news) {
    const bool is_known = each->number <= changes.from;
    size += is_known ? size_of(*each) - each->text.size() : size_of(*each);
    if (size > octets && !changes.messages.empty()) {
      changes.is_complete = false;
      changes.to = changes.messages.back().change;
      break;
    }
    changes.messages.push_back(*each);
    changes.messages.back().has_text = !is_known;
    if (is_known) changes.messages.back().text.clear();
  }
  for (const MessageErasure& each : box->erasures)
    if (changes.from != 0 && each.change > changes.from && each.change <= changes.to)
      changes.erased.push_back(each);
  return changes;
}

std::uint64_t Archive::newest(const Entry& user) const {
  const Box* box = user.find(slot_);
  return box ? box->newest : 0;
}

bool Archive::is_kept(const Entry& user) const {
  const Box* box = user.find(slot_);
  return environment_.settings().archive.messages_per_user > 0 && (!box || box->is_kept);
}

// What is kept

Box& Archive::box_of(Entry& entry) { return entry.get(slot_, entry, environment_.timers()); }

void Archive::put(Box& box, ArchivedMessage message) {
  box.newest = std::max(box.newest, message.change);
  octets_ += size_of(message);
  auto place = box.messages.end();
  if (!box.messages.empty() && box.messages.back().number >= message.number)
    place = std::ranges::lower_bound(box.messages, message.number, {}, &ArchivedMessage::number);
  if (place != box.messages.end() && place->number == message.number) {
    octets_ -= size_of(*place);
    *place = std::move(message);
  } else {
    box.messages.insert(place, std::move(message));
  }
}

void Archive::apply(Entry& entry, Plan& plan, Now now) {
  if (plan.is_end) return drop(entry);
  Box& box = box_of(entry);
  const Head head = head_after(&box, plan);
  for (const ArchivedMessage& each : plan.put)
    if (plan.is_read && on_read_) on_read_(entry, each.with, each.id);
  for (ArchivedMessage& each : plan.put) put(box, std::move(each));
  std::ranges::sort(plan.gone);
  std::erase_if(box.messages, [&](const ArchivedMessage& each) {
    const bool is_gone = std::ranges::binary_search(plan.gone, each.number);
    if (is_gone) octets_ -= size_of(each);
    return is_gone;
  });
  if (plan.has_head()) {
    box.erasures = head.erasures;
    box.forgotten = head.forgotten;
    box.is_kept = head.is_kept;
    if (plan.erasure) box.newest = std::max(box.newest, plan.erasure->change);
  }
  if (box.is_empty()) return drop(entry);
  // One without messages has nothing to give away.
  if (box.messages.empty() || !plan.put.empty()) box.unlink();
  if (!box.messages.empty() && !box.is_linked()) by_news_->push_back(box);
  arm(box, now);
}

void Archive::drop(Entry& entry) {
  const Box* box = entry.find(slot_);
  if (!box) return;
  for (const ArchivedMessage& each : box->messages) octets_ -= size_of(each);
  entry.drop(slot_);
}

/// What is too old, and the oldest of what is too many with `more` messages.
void Archive::add_surplus(Plan& plan, const Box& box, std::size_t more, Now now) const {
  const auto& settings = environment_.settings().archive;
  const WallTime oldest = now.wall - std::chrono::hours(24) * settings.keep_days;
  std::size_t left = box.messages.size() + more;
  for (const ArchivedMessage& each : box.messages) {
    if (left <= settings.messages_per_user && each.time >= oldest) break;
    plan.gone.push_back(each.number);
    --left;
  }
  for (const MessageErasure& each : box.erasures)
    if (each.change < milliseconds_of(oldest)) plan.forgotten = each.change;
}

/// Looks at the archive when its oldest message is too old.
void Archive::arm(Box& box, Now now) {
  if (box.expiry.is_set() || (box.messages.empty() && box.erasures.empty())) return;
  const auto kept = std::chrono::hours(24) * environment_.settings().archive.keep_days;
  const WallTime oldest = box.messages.empty()
                              ? WallTime(std::chrono::milliseconds(box.erasures.front().change))
                              : box.messages.front().time;
  const Duration wait = std::clamp<Duration>(oldest + kept - now.wall + 1ms, 1s, look_again);
  box.expiry.set(now.mono + wait, [this, &box](Time) {
    const EntryPtr entry = box.entry.ptr();
    fact(*entry, [this](const Box* kept_box, Now at) {
      Plan plan;
      if (kept_box) add_surplus(plan, *kept_box, 0, at);
      return plan;
    });
    if (Box* left = entry->find(slot_)) arm(*left, environment_.clock().now());
  });
}

/// Past the bound of all archives those give way whose last news is the oldest: each their oldest message. A
/// few at once, the others after what came in meanwhile.
void Archive::make_room() {
  const std::size_t most = std::size_t{environment_.settings().archive.total_mib} << 20U;
  std::size_t before = octets_ + 1;
  // One whose step the store is writing gives way later.
  for (int tries = 0; octets_ > most && octets_ < before && tries < evictions_max; ++tries) {
    before = octets_;
    const EntryPtr entry = by_news_->front().entry.ptr();
    fact(*entry, [](const Box* box, Now) {
      Plan plan;
      if (box && !box->messages.empty()) plan.gone.push_back(box->messages.front().number);
      return plan;
    });
  }
  if (octets_ > most && octets_ < before && !room_.is_set())
    room_.set(environment_.clock().now().mono + room_pause, [this](Time) { make_room(); });
}

void Archive::on_user_gone(std::string_view aor, bool removed, Now) {
  const EntryPtr entry = removed ? environment_.directory().find(aor) : nullptr;
  if (!entry || !entry->find(slot_)) return;
  fact(*entry, [](const Box* box, Now) { return Plan{.is_end = box != nullptr}; });
}

void Archive::restore(const store::Record& record, Now) {
  if (record.kind != store::Kind::archive) return;
  const EntryPtr entry = environment_.directory().get(record.aor);
  if (record.key == head_key) {
    if (!decode_head(record.value, box_of(*entry))) environment_.directory().skip_unreadable(record.kind);
    return;
  }
  auto message = decode_message(record.key, record.value);
  if (!message) return environment_.directory().skip_unreadable(record.kind);
  put(box_of(*entry), std::move(*message));
}

void Archive::restored(Now now) {
  environment_.directory().each([&](Entry& entry) {
    Box* box = entry.find(slot_);
    if (!box) return;
    if (!box->messages.empty()) by_news_->push_back(*box);
    arm(*box, now);
  });
  by_news_->sort([](const Box& one, const Box& other) { return one.newest < other.newest; });
  make_room();
}

void Archive::reload(Entry& entry, const store::Held& held, Now now) {
  if (!held.durable) return;
  drop(entry);
  for (const store::Record& record : held.records) restore(record, now);
  Box* box = entry.find(slot_);
  if (!box) return;
  if (!box->messages.empty()) by_news_->push_back(*box);
  arm(*box, now);
}

std::vector<Table> Archive::tables(Now) const {
  Table table{.name = "archive", .rows = {}};
  environment_.directory().each([&](const Entry& entry) {
    const Box* box = entry.find(slot_);
    if (!box) return;
    std::size_t octets = 0;
    for (const ArchivedMessage& each : box->messages) octets += size_of(each);
    table.rows.push_back({{"user", entry.aor()},
                          {"messages", std::to_string(box->messages.size())},
                          {"octets", std::to_string(octets)},
                          {"newest", std::to_string(box->newest)},
                          {"kept", box->is_kept ? "yes" : "no"}});
  });
  std::ranges::sort(table.rows);
  return {std::move(table)};
}

}  // namespace beckon::server::archive
