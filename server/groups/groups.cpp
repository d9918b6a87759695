#include "server/groups/groups.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/groups/place.hpp"
#include "server/groups/words.hpp"
#include "server/shard/anonymity.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/request_step.hpp"

namespace beckon::server::groups {

using sip::HeaderId;

namespace {

/// Before what the queue of another shard had no place for is handed over again.
constexpr Duration pause = 1s;
constexpr double seconds_of_minute = 60;
/// A user may write to all rooms together that many times as fast as to one.
constexpr std::uint32_t pace_of_all = 5;
/// Users who write to rooms at a time and whose pace is watched. In a crowd of more the calmest are
/// forgotten.
constexpr std::size_t senders_watched = 2048;

}  // namespace

/// A change of a room: `planner` says what changes when its turn has come.
class Groups::Change final : public store::Step {
 public:
  using Done = std::function<void(int status)>;
  Change(Groups& groups, Entry& room, Planner planner, Done done)
      : groups_(groups), room_(room), planner_(std::move(planner)), done_(std::move(done)) {}

  bool prepare(store::Batch& batch, Now now) override {
    batch.durable = true;
    batch.deadline = now.mono + replay_time;
    plan_ = planner_(groups_.group_of(room_), now);
    if (plan_.is_empty()) {
      done_(plan_.status);
      return false;
    }
    if (plan_.profile) batch.put(store::Kind::room, profile_key, [&] { return encode(*plan_.profile); });
    for (const auto& [aor, member] : plan_.members)
      batch.put(store::Kind::room, member_key(aor), [&m = member] { return encode(m); });
    return true;
  }
  void apply(Now now) override { groups_.apply(room_, plan_, now); }
  void answer(Now) override { done_(plan_.status); }
  void announce(Now now) override { groups_.changed(room_, plan_, now); }
  void refuse(ErrorCode why, Now) override { done_(store::status_of(why)); }

 private:
  Groups& groups_;
  Entry& room_;  ///< Lives as long as a step of its sequence.
  Planner planner_;
  Done done_;
  Plan plan_;
};

/// A MESSAGE to a room: 202 once the store has it, and then it goes to the members.
class Groups::Spread final : public RequestStep {
 public:
  Spread(Groups& groups, RequestPtr request, const documents::Cpim& words)
      : RequestStep(groups.services_, std::move(request)),
        groups_(groups),
        room_(*this->request().resource),
        post_{.sender = this->request().identity.aor,
              .id = words.message_id,
              .text = share(documents::print(words))} {}

  bool prepare(store::Batch& batch, Now now) override {
    Group* group = groups_.group_of(room_);
    if (!group || group->profile.has_ended) return refuse(404);
    const auto member = group->members.find(post_.sender);
    if (member == group->members.end() || member->second.role == Role::gone) return refuse(403);
    // The sender missed the 202, and sends the message again in a new request.
    if (group->has_post(post_.sender, post_.id)) return refuse(202);
    if (group->posts_left() >= Group::posts_under_way || !groups_.take_token(member->second, now) ||
        !groups_.take_token_of(post_.sender, now)) {
      auto reply = request().reply(480, "Too Many Messages");
      reply.add(HeaderId::retry_after, "5")
          .add(HeaderId::warning, "399 beckond \"Too many messages to rooms\"");
      services().respond(request(), std::move(reply).finish());
      return false;
    }
    number_ = group->next_number(now.wall);
    batch.put(store::Kind::room, post_key(number_), [&] { return encode(post_); });
    // Whoever writes has accepted to be a member.
    accepts_ = member->second.is_invited;
    if (accepts_) {
      Member accepted = member->second;
      accepted.is_invited = false;
      batch.put(store::Kind::room, member_key(post_.sender), [&] { return encode(accepted); });
    }
    forgotten_.clear();
    for (auto each = group->posts.begin();
         each != group->posts.end() && group->posts.size() - forgotten_.size() >= Group::posts_kept; ++each)
      if (!each->second.text) forgotten_.push_back(each->first);
    for (const std::uint64_t each : forgotten_) batch.erase(store::Kind::room, post_key(each));
    batch.durable = true;
    promise(batch, request().reply(202).finish());
    return true;
  }
  void apply(Now) override {
    Group* group = groups_.group_of(room_);
    for (const std::uint64_t each : forgotten_) group->posts.erase(each);
    group->newest = number_;
    if (accepts_) {
      Member& member = group->members.at(post_.sender);
      member.is_invited = false;
      member.is_told = false;
    }
    group->posts.insert_or_assign(number_, std::move(post_));
  }
  void announce(Now now) override {
    groups_.archive_.note(request(), archive::MessageState::stored);
    if (accepts_) groups_.announce(room_, {.members = {request().identity.aor}}, now);
    groups_.complete(room_, groups_.group_of(room_)->count_left());
    groups_.rounds_.start(room_.ptr());
  }
  using RequestStep::refuse;

 private:
  bool refuse(int status) {
    services().respond(request(), status);
    return false;
  }

  Groups& groups_;
  Entry& room_;
  Post post_;
  std::uint64_t number_ = 0;
  bool accepts_ = false;
  std::vector<std::uint64_t> forgotten_;
};

/// Members have got something: a fact.
class Groups::Completion final : public store::Step {
 public:
  /// Every member has the messages of these numbers; `left` does not have to be told any more.
  Completion(Groups& groups, Entry& room, std::vector<std::uint64_t> numbers, std::string left)
      : groups_(groups), room_(room), numbers_(std::move(numbers)), left_(std::move(left)) {}

  bool prepare(store::Batch& batch, Now) override {
    batch.durable = true;
    const Group* group = groups_.group_of(room_);
    if (!group) return false;
    for (const std::uint64_t number : numbers_) {
      const auto post = group->posts.find(number);
      if (post != group->posts.end())
        batch.put(store::Kind::room, post_key(number),
                  [&] { return encode(Post{.sender = post->second.sender, .id = post->second.id}); });
    }
    const auto member = group->members.find(left_);
    has_left_ = member != group->members.end() && member->second.role == Role::gone;
    if (has_left_) batch.erase(store::Kind::room, member_key(left_));
    is_end_ = group->profile.has_ended && group->members.size() == (has_left_ ? 1U : 0U);
    if (is_end_) {
      batch.erase(store::Kind::room, profile_key);
      for (const auto& [number, post] : group->posts) batch.erase(store::Kind::room, post_key(number));
    }
    return true;
  }
  void apply(Now now) override {
    Group* group = groups_.group_of(room_);
    for (const std::uint64_t number : numbers_)
      if (const auto post = group->posts.find(number); post != group->posts.end())
        post->second.text = nullptr;
    if (has_left_) group->members.erase(left_);
    if (!is_end_) return;
    log::info("groups", "the room {} has ended", room_.aor());
    groups_.forget(room_);
    groups_.archive_.on_user_gone(room_.aor(), /*removed=*/true, now);
  }
  /// Nobody waits for what the one who has left did not get.
  void announce(Now) override {
    if (Group* group = has_left_ ? groups_.group_of(room_) : nullptr)
      groups_.complete(room_, group->count_left());
  }

 private:
  Groups& groups_;
  Entry& room_;
  std::vector<std::uint64_t> numbers_;
  std::string left_;
  bool has_left_ = false, is_end_ = false;
};

Groups::Groups(Parts parts)
    : services_(parts.services),
      peers_(parts.peers),
      users_(parts.users),
      registrar_(parts.registrar),
      archive_(parts.archive),
      slot_(parts.services.directory().take_slot<Place>()),
      rounds_(parts.services.timers(), parts.services.clock(),
              [this](const EntryPtr& room, Slice& slice, Now now) { return serve_all(*room, slice, now); }),
      senders_(parts.services.random(), senders_watched) {
  services_.directory().add(*this);
  registrar_.observe(*this);
}

Groups::~Groups() = default;

// What there is

Group* Groups::group_of(Entry& room) {
  const Place* place = room.find(slot_);
  return place ? place->group.get() : nullptr;
}

const Group* Groups::find(const Entry& room) const {
  const Place* place = room.find(slot_);
  return place && place->group && !place->group->profile.has_ended ? place->group.get() : nullptr;
}

bool Groups::is_member(const Entry& room, std::string_view aor) const {
  const Group* group = find(room);
  return group && group->find(aor);
}

std::vector<std::string> Groups::all() const {
  std::vector<std::string> rooms;
  services_.directory().each([&](const Entry& entry) {
    if (find(entry)) rooms.push_back(entry.aor());
  });
  return rooms;
}

std::size_t Groups::rooms_in(std::string_view domain) const {
  const auto found = rooms_.find(domain);
  return found == rooms_.end() ? 0 : found->second;
}

Group& Groups::make_group(Entry& room) {
  Place& place = room.get(slot_, services_.timers());
  if (!place.group) {
    place.group = std::make_unique<Group>();
    ++rooms_[std::string(domain_of_aor(room.aor()))];
  }
  return *place.group;
}

void Groups::forget(Entry& room) {
  Place* place = room.find(slot_);
  if (!place || !place->group) return;
  place->group.reset();
  --rooms_[std::string(domain_of_aor(room.aor()))];
  drop_if_empty(room);
}

void Groups::drop_if_empty(Entry& entry) {
  const Place* place = entry.find(slot_);
  if (place && !place->group && place->rooms.empty() && place->making == 0) entry.drop(slot_);
}

// MESSAGE

Serves Groups::serves() const {
  return {.methods = {sip::Method::message}, .accepts = {"text/plain", std::string(documents::cpim_type)}};
}

/// Everything else about a room (presence, conference events) belongs to other rooms of the shard.
bool Groups::takes(const Request& request) const {
  return request.message.method() == sip::Method::message && request.resource && find(*request.resource);
}

void Groups::on_request(const RequestPtr& request) {
  const Group* group = find(*request->resource);
  const auto& settings = services_.settings();
  const bool is_proven = request->identity.authenticated || settings.authentication == Authentication::none;
  if (!is_proven || !group->find(request->identity.aor)) return services_.respond(*request, 403);
  // The members see the author.
  if (has_anonymous_sender(request->message))
    return services_.respond(*request, 403, "Rooms Show Their Members");
  if (request->message.body().size() > settings.rooms.message_octets) return services_.respond(*request, 413);
  if (is_for_nobody(request->message)) return services_.respond(*request, 200);
  const auto words = words_of(request->message, request->identity.aor, request->resource->aor(),
                              message::message_id_of(request->message), request->now.wall);
  if (!words) {
    auto reply = request->reply(415);
    reply.add(HeaderId::accept, "text/plain, message/cpim");
    return services_.respond(*request, std::move(reply).finish());
  }
  request->resource->add(std::make_unique<Spread>(*this, request, *words));
}

bool Groups::take_token(Member& member, Now now) const {
  const double most = services_.settings().rooms.messages_per_minute;
  if (member.counted == Time::min()) {
    member.tokens = most;
  } else {
    const std::chrono::duration<double> passed = now.mono - member.counted;
    member.tokens = std::min(most, member.tokens + passed.count() * most / seconds_of_minute);
  }
  member.counted = now.mono;
  if (member.tokens < 1) return false;
  member.tokens -= 1;
  return true;
}

/// The user's rooms are of many shards, and each shard counts for itself.
bool Groups::take_token_of(const std::string& sender, Now now) {
  const std::uint32_t a_minute = pace_of_all * services_.settings().rooms.messages_per_minute;
  senders_.set_pace(Duration(60s) / a_minute, a_minute);
  return senders_.take(sender, now.mono) == RateLimit::Verdict::pass;
}

// Changes

void Groups::change(Entry& room, Planner planner, std::function<void(int)> done) {
  room.add(std::make_unique<Change>(*this, room, std::move(planner), std::move(done)));
}

void Groups::apply(Entry& room, const Plan& plan, Now) {
  Group& group = make_group(room);
  if (plan.profile) {
    group.profile = *plan.profile;
    group.newest = std::max(group.newest, group.profile.made);
  }
  for (const auto& [aor, next] : plan.members) {
    Member& member = group.members[aor];
    member.role = next.role;
    member.joined = next.joined;
    member.left = next.left;
    member.is_outside = next.is_outside;
    member.is_invited = next.is_invited;
    member.reached = std::max(member.reached, member.joined);
    member.is_told = false;
    group.newest = std::max(group.newest, member.joined);
  }
}

void Groups::changed(Entry& room, const Plan& plan, Now now) {
  News news{.has_profile = plan.profile.has_value(), .members = {}};
  for (const auto& [aor, member] : plan.members) news.members.push_back(aor);
  complete(room, group_of(room)->count_left());
  announce(room, news, now);
  if (group_of(room)) rounds_.start(room.ptr());
}

void Groups::announce(Entry& room, const News& news, Now now) {
  for (const OnChange& each : observers_) each(room, news, now);
}

void Groups::complete(Entry& room, std::vector<std::uint64_t> numbers, std::string left) {
  if (numbers.empty() && left.empty()) return;
  room.add_fact(std::make_unique<Completion>(*this, room, std::move(numbers), std::move(left)));
}

/// Users of domains that are not admitted any more are no members either.
void Groups::on_domains_gone(Now) {
  std::vector<std::pair<EntryPtr, std::string>> leaving;
  services_.directory().each([&](Entry& entry) {
    const Group* group = group_of(entry);
    if (!group) return;
    for (const auto& [aor, member] : group->members)
      if (member.is_outside && member.role != Role::gone && !may_be_outside(aor))
        leaving.emplace_back(entry.ptr(), aor);
  });
  for (const auto& [room, aor] : leaving) leave(*room, aor);
}

// To the members

/// The work of a round: whoever has something to get, and nothing under way, gets the next.
bool Groups::serve_all(Entry& room, Slice& slice, Now) {
  Group* group = group_of(room);
  if (!group) return false;
  for (auto& [aor, member] : group->members) {
    if (member.is_asked || (member.is_told && group->next_for(aor, member) == group->posts.end())) continue;
    if (!slice.take()) return true;
    if (!serve(room, aor, member)) {
      retry(room);
      return false;
    }
  }
  return false;
}

/// False: the queue of the member's shard is full.
bool Groups::serve(Entry& room, const std::string& aor, Member& member) {
  if (member.is_asked) return true;
  Handed handed{.room = room.aor(),
                .member = aor,
                .role = member.role,
                .is_invited = member.is_invited,
                .number = member.joined};
  const Group* group = group_of(room);
  const auto next = group->next_for(aor, member);
  // A member that is gone is notified of that after its last message.
  const bool has_message = next != group->posts.end() && (member.is_told || member.role == Role::gone);
  if (member.is_told && !has_message) return true;
  if (has_message) {
    handed.number = next->first;
    handed.author = next->second.sender;
    handed.text = next->second.text;
  }
  member.is_asked = peers_.post<Groups>(bucket_of(aor), std::move(handed));
  return member.is_asked;
}

void Groups::retry(Entry& room) {
  Place& place = *room.find(slot_);
  if (place.retry.is_set()) return;
  place.retry.set(services_.clock().now().mono + pause, [this, &room](Time) { rounds_.start(room.ptr()); });
}

/// Null: nobody, or nobody whose bucket has to be told anything.
Member* Groups::known_member(const EntryPtr& room, std::string_view aor) {
  Group* group = room ? group_of(*room) : nullptr;
  if (!group) return nullptr;
  const auto found = group->members.find(aor);
  return found == group->members.end() ? nullptr : &found->second;
}

void Groups::on(const Taken& taken, Bucket, Now now) {
  const EntryPtr room = services_.directory().find(taken.room);
  Member* member = known_member(room, taken.member);
  if (!member) return;
  member->is_asked = false;
  if (taken.outcome == Taken::Outcome::later) return retry(*room);
  // Nobody holds up the others: a member who cannot be given a message finds it in the history of the room.
  if (taken.outcome == Taken::Outcome::busy && (!taken.is_message || ++member->busy < Group::busy_max))
    return retry(*room);
  member->busy = 0;
  const bool is_unknown = taken.outcome == Taken::Outcome::unknown;
  if (is_unknown && member->role != Role::gone) {
    log::info("groups", "{} leaves {}: there is no such user, or it is in too many rooms", taken.member,
              taken.room);
    return leave(*room, taken.member);
  }
  if (member->role == Role::gone && (is_unknown || (taken.role == Role::gone && !taken.is_message)))
    return complete(*room, {}, taken.member);
  if (taken.is_message)
    complete(*room, group_of(*room)->reach(taken.member, *member, taken.number));
  else if (taken.role == member->role && taken.is_invited == member->is_invited &&
           taken.number == member->joined)
    member->is_told = true;
  show_here(*room, taken.member, *member, taken.is_here, now);
  if (!serve(*room, taken.member, *member)) retry(*room);
}

void Groups::on(const Here& here, Bucket, Now now) {
  const EntryPtr room = services_.directory().find(here.room);
  Member* member = known_member(room, here.member);
  if (member) show_here(*room, here.member, *member, here.is_here, now);
}

/// A NOTIFY at that moment would tell of a member who has not accepted, whatever it says.
void Groups::show_here(Entry& room, const std::string& aor, Member& member, bool is_here, Now now) {
  const bool was_shown = member.shows_here();
  member.is_here = is_here;
  if (member.shows_here() != was_shown) announce(room, {.members = {aor}}, now);
}

void Groups::on(const Gone& gone, Bucket, Now) {
  if (const EntryPtr room = services_.directory().find(gone.room); room && group_of(*room))
    leave(*room, gone.member);
}

/// The member is no user any more, whatever the store says.
void Groups::leave(Entry& room, const std::string& member) {
  const auto planner = [member](const Group* group, Now) { return plan_removing(group, {}, member); };
  room.add_fact(std::make_unique<Change>(*this, room, planner, [](int) {}));
}

// Restart

void Groups::restore(const store::Record& record, Now) {
  if (record.kind != store::Kind::room) return;
  const EntryPtr entry = services_.directory().get(record.aor);
  const std::string_view room = room_of_key(record.key);
  if (room.empty()) {
    if (!decode(record.key, record.value, make_group(*entry)))
      services_.directory().skip_unreadable(record.kind);
    return;
  }
  const auto membership = decode_membership(record.value);
  if (!membership) return services_.directory().skip_unreadable(record.kind);
  entry->get(slot_, services_.timers()).rooms.insert_or_assign(std::string(room), *membership);
}

void Groups::restored(Now) {
  services_.directory().each([&](Entry& entry) { begin(entry); });
}

/// What the members have of the messages that are left nobody knows: they are handed over again.
void Groups::begin(Entry& entry) {
  Group* group = group_of(entry);
  if (!group) return;
  for (auto& [aor, member] : group->members) member.reached = member.joined;
  note_again(entry, *group);
  complete(entry, group->count_left());
  rounds_.start(entry.ptr());
}

/// The history may not have what was answered 202 right before a kill; what it has it takes once.
void Groups::note_again(const Entry& room, const Group& group) {
  for (const auto& [number, post] : group.posts) {
    if (!post.text || !messages_) continue;
    const WallTime time{std::chrono::milliseconds(static_cast<std::int64_t>(number))};
    const message::Stored stored = messages_->draft({.user = room.aor(),
                                                     .from = post.sender,
                                                     .type = std::string(documents::cpim_type),
                                                     .body = std::string(*post.text)},
                                                    room.bucket(), services_.clock().now());
    if (const auto request = message::request_of(stored))
      archive_.note(*request,
                    {.at = room.bucket(), .sender = post.sender, .recipient = room.aor(), .time = time},
                    archive::MessageState::stored);
  }
}

void Groups::reload(Entry& entry, const store::Held& held, Now now) {
  if (!held.durable) return;
  if (Place* place = entry.find(slot_)) {
    place->rooms.clear();
    forget(entry);
  }
  for (const store::Record& record : held.records) restore(record, now);
  begin(entry);
}

std::vector<Table> Groups::tables(Now) const {
  Table table{.name = "rooms", .rows = {}};
  services_.directory().each([&](const Entry& entry) {
    const Group* group = find(entry);
    if (!group) return;
    const auto here =
        std::ranges::count_if(group->members, [](const auto& each) { return each.second.shows_here(); });
    table.rows.push_back({{"room", entry.aor()},
                          {"members", std::to_string(group->size())},
                          {"here", std::to_string(here)},
                          {"open", group->profile.is_open ? "yes" : "no"},
                          {"under-way", std::to_string(group->posts_left())}});
  });
  std::ranges::sort(table.rows);
  return {std::move(table)};
}

}  // namespace beckon::server::groups
