#include "server/shard/shard.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/pool_allocator.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/sip/value_list.hpp"
#include "server/shard/anonymity.hpp"
#include "server/shard/replay.hpp"
#include "server/shard/route.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

using sip::HeaderId;
using sip::Method;

namespace {

/// Methods an Allow of ours may name, in the order they are shown.
constexpr std::array shown_methods{Method::register_, Method::subscribe, Method::publish, Method::message,
                                   Method::options,   Method::invite,    Method::ack,     Method::bye,
                                   Method::cancel,    Method::notify,    Method::info,    Method::update,
                                   Method::refer,     Method::prack};

template <class T>
bool contains(const std::vector<T>& all, const auto& one) {
  return std::ranges::find(all, one) != all.end();
}

/// Without those that are there already.
template <class T>
void add_each(std::vector<T>& all, const std::vector<T>& more) {
  for (const T& each : more)
    if (!contains(all, each)) all.push_back(each);
}

std::string join(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) sip::append_value(list, word);
  return list;
}

}  // namespace

Counters& Counters::operator+=(const Counters& other) {
  requests += other.requests;
  responses += other.responses;
  challenges += other.challenges;
  malformed += other.malformed;
  overload += other.overload;
  dropped += other.dropped;
  unseen += other.unseen;
  return *this;
}

Shard::Shard(unsigned number, Settings settings, const ServerKey& key, ShardParts parts, Post& post)
    : number_(number),
      settings_(std::move(settings)),
      parts_(parts),
      post_(post),
      directory_({parts.store, parts.users, parts.bus, parts.timers, parts.clock}),
      leavers_(parts.timers, parts.clock, parts.users,
               [this](std::string_view aor, bool removed) { tell_gone(aor, removed); }),
      layer_({.times = settings_.times,
              .locate = [this](const transaction::SentBy& sent_by,
                               transaction::OnFound found) { locate(sent_by, std::move(found)); },
              .is_over =
                  [this](sip::Method method, transaction::FlowId connection) {
                    return lives_on_flow(method) && directory_.is_closed(connection);
                  },
              .is_reachable = true,
              .alias = true,
              .tags = key.tags},
             parts.transport, parts.timers, parts.clock, parts.random, *this),
      gruus_(key.gruus),
      authenticator_(settings_, key, parts.users, parts.clock, parts.random),
      rate_(parts.random),
      peering_(parts.random),
      replays_end_(parts.timers) {
  rate_.set(settings_.unauthenticated_per_second, settings_.unauthenticated_burst);
  peering_.set(settings_.federation);
  describe();
}

Shard::~Shard() {
  // A room may use those that were added before it.
  while (!rooms_.empty()) rooms_.pop_back();
}

void Shard::on_user_gone(std::string_view aor, bool removed) { leavers_.add(aor, removed); }

bool Shard::has_ended(std::string_view aor) const {
  const EntryPtr entry = directory_.find(aor);
  return !leavers_.has(aor) && (!entry || entry->is_quiet());
}

void Shard::tell_gone(std::string_view aor, bool removed) {
  const Now now = parts_.clock.now();
  // What waits for its turn would be stored for nobody.
  if (const EntryPtr entry = removed ? directory_.find(aor) : nullptr)
    entry->refuse_waiting(store::Errc::user_gone);
  // Each room stands on those added before it.
  for (auto place = rooms_.rbegin(); place != rooms_.rend(); ++place)
    place->room->on_user_gone(aor, removed, now);
}

void Shard::set_settings(Settings settings) {
  const auto is_gone = [&](const std::string& domain) { return !settings.federation.admits(domain); };
  const bool are_gone = std::ranges::any_of(settings_.federation.domains, is_gone);
  settings_ = std::move(settings);
  rate_.set(settings_.unauthenticated_per_second, settings_.unauthenticated_burst);
  peering_.set(settings_.federation);
  if (!are_gone) return;
  const Now now = clock().now();
  for (const Seat& seat : rooms_) seat.room->on_domains_gone(now);
}

void Shard::locate(const transaction::SentBy& sent_by, transaction::OnFound found) {
  parts_.locator.locate(locate::query_of(sent_by),
                        [found = std::move(found)](const locate::Locator::Hops& hops) {
                          found(hops ? *hops : std::vector<transaction::Hop>{});
                        });
}

void* Shard::find_room(std::type_index type) const {
  const auto found = by_type_.find(type);
  assert(found != by_type_.end());
  return found->second;
}

// At the owner

void Shard::run(Task task) {
  const Now now = clock().now();
  std::visit([&](auto& kind) { run(kind, now); }, task);
}

/// A bucket that moved while the task was on its way has another owner now.
template <class T>
bool Shard::send_on(Bucket bucket, T& task) {
  const unsigned owner = post_.owner(bucket);
  if (owner == number_) return false;
  post_.post_back(owner, std::move(task));
  return true;
}

void Shard::run(Arrival& arrival, Now now) {
  if (send_on(arrival.bucket, arrival)) return;
  if (arrival.message.is_response()) counters_.responses++;
  layer_.receive(
      arrival.from, arrival.message, now, &arrival.reading.via,
      [this, &arrival](transaction::TransactionId id) { on_new_request(id, arrival, clock().now()); });
}

void Shard::run(Question& question, Now now) { ask(std::move(question), now); }

void Shard::run(Answered& answered, Now now) {
  if (answered.asker.request != 0) return judge(answered.asker.request, answered.verdict, now);
  const auto done = askers_.extract(answered.asker.ticket);
  if (done) done.mapped()(std::move(answered.verdict), now);
}

void Shard::run(Parcel& parcel, Now now) {
  if (!send_on(parcel.at(), parcel)) parcel.open(find_room(parcel.room()), now);
}

void Shard::run(FlowClosed& closed, Now now) {
  peering_.on_closed(closed.flow);
  directory_.on_flow_closed(closed.flow, now);
  layer_.on_flow_closed(closed.flow, now);
  for (const auto& seat : rooms_) seat.room->on_flow_closed(closed.flow, now);
}

void Shard::run(Visit& visit, Now now) { visit.run(*this, now); }

/// Every request comes by `on_new_request`.
void Shard::on_request(transaction::TransactionId, const transaction::Hop&, const sip::Message&, Now) {
  assert(false);
}

void Shard::on_new_request(transaction::TransactionId id, Arrival& arrival, Now now) {
  counters_.requests++;
  const sip::Reading& reading = arrival.reading;
  auto request =
      std::allocate_shared<Request>(PoolAllocator<Request>{}, Request{.id = id,
                                                                      .bucket = arrival.bucket,
                                                                      .from = arrival.from,
                                                                      .message = std::move(arrival.message),
                                                                      .relayed = arrival.relayed,
                                                                      .in_dialog = arrival.in_dialog(),
                                                                      .identity = {},
                                                                      .authentication_info = {},
                                                                      .by_proxy = arrival.by_proxy,
                                                                      .to_tag = std::string(reading.to.tag),
                                                                      .now = now,
                                                                      .resource = nullptr});
  if (request->to_tag.empty()) request->to_tag = mint(arrival.bucket);
  if (replay(*request)) return;
  if (!arrival.credentials) {
    const bool is_proven = !request->from.name.empty();
    if (!is_proven) charge(request->from, request->message, now);
    request->identity = {sip::canonical_aor(reading.from.uri), is_proven};
    return dispatch(request, arrival.resource);
  }
  const auto& credentials = arrival.credentials;
  // With another nonce they prove nothing, whatever they say: that is found out without keeping the request.
  if (!authenticator_.is_fresh(*credentials, now)) {
    const Verdict stale = authenticator_.challenge(*credentials, true, now);
    return refuse_unproven(*request, challenge_text(request->from, request->message, request->relayed, stale),
                           now);
  }
  const Bucket home = Authenticator::home_of(*credentials);
  const unsigned owner = post_.owner(home);
  in_question_.emplace(id, InQuestion{std::move(request), std::move(arrival.resource), credentials->claimed});
  Question question{credentials, home, {.shard = number_, .request = id, .ticket = 0}};
  if (owner == number_) return ask(std::move(question), now);
  Task task(std::move(question));
  if (!post_.post(owner, task)) judge(id, {.kind = Verdict::Kind::overload}, now);
}

/// A retransmission that outlived the server: the answer it was given before the restart.
bool Shard::replay(const Request& request) {
  if (replays_.empty()) return false;
  // The connection that the first came on ended with the process.
  if (transaction::is_reliable(request.from.protocol) && lives_on_flow(request.message.method()))
    return false;
  const auto found = replays_.find(request_identity(request.message));
  if (found == replays_.end()) return false;
  std::string answer = unpack_answer(request.message, found->second);
  // Nothing proves that its sender is the client that was answered.
  if (answer.empty() || !may_draw(request.from, request.message, answer.size())) return false;
  layer_.respond(request.id, std::move(answer), request.now);
  return true;
}

/// At the nonce's bucket.
void Shard::ask(Question question, Now now) {
  if (send_on(question.bucket, question)) return;
  authenticator_.check(question.credentials, now, [this, asker = question.asker](Verdict verdict, Now at) {
    counters_.unseen += verdict.unseen ? 1 : 0;
    if (asker.shard == number_ && asker.request != 0) return judge(asker.request, verdict, at);
    post_.post_back(asker.shard, Answered{asker, std::move(verdict)});
  });
}

void Shard::judge(transaction::TransactionId id, const Verdict& verdict, Now now) {
  auto found = in_question_.extract(id);
  if (!found) return;
  auto& [request, resource, claimed, cancelled] = found.mapped();
  const sip::Message& message = request->message;
  switch (verdict.kind) {
    case Verdict::Kind::challenge:
      return refuse_unproven(*request, challenge_text(request->from, message, request->relayed, verdict),
                             now);
    case Verdict::Kind::malformed:
      return refuse_unproven(*request, begin_stateless(message, 400, "Bad Credentials").finish(), now);
    case Verdict::Kind::overload:
      counters_.overload++;
      layer_.release(id);
      return layer_.refuse(request->from, message, 503);
    case Verdict::Kind::refused:
    case Verdict::Kind::accepted:
      break;
  }
  if (cancelled) return respond(*request, 487);
  if (verdict.kind == Verdict::Kind::refused) return respond(*request, 403);
  // Users speak for themselves only: To of a REGISTER, From of everything else (RFC 3261 10.3 step 4, 22.1).
  // One who is anonymous has proven a name all the same (RFC 3323 4.1.1.3).
  const bool registers_another = message.method() == Method::register_ &&
                                 contains(settings_.registration_managers, verdict.identity.aor);
  const bool is_unnamed = message.method() != Method::register_ && has_anonymous_sender(message);
  if (claimed != verdict.identity.aor && !registers_another && !is_unnamed)
    return respond(*request, 403, "Not Your Address");
  request->identity = verdict.identity;
  request->authentication_info = verdict.authentication_info;
  if (registers_another && claimed != verdict.identity.aor) return dispatch_for_another(request, resource);
  dispatch(request, resource);
}

/// Whoever speaks for another proves nothing about that user: "If the address-of-record is not valid for the
/// domain in the Request-URI, the registrar MUST send a 404" (RFC 3261 10.3 step 5).
void Shard::dispatch_for_another(const std::shared_ptr<Request>& request, const std::string& resource) {
  parts_.users.find_user(resource, [this, request, resource](const Result<store::UserPtr>& user) {
    if (!user) return respond(*request, 500);
    if (!*user) return respond(*request, 404);
    if (!(*user)->enabled) return respond(*request, 403);
    dispatch(request, resource);
  });
}

/// Credentials that did not convince: the request is refused as one without any, and its transaction is gone.
void Shard::refuse_unproven(const Request& request, std::string response, Now now) {
  charge(request.from, request.message, now);
  layer_.release(request.id);
  layer_.answer(request.from, request.message, std::move(response));
}

void Shard::dispatch(const std::shared_ptr<Request>& request, std::string_view resource) {
  if (!resource.empty()) request->resource = directory_.get(resource);
  const auto method = request->message.method();
  const bool relayed = request->relayed;
  if (relayed && relay_ && request->in_dialog) return relay_->on_request(request);
  const std::string package = has_package(method) ? package_of(request->message) : std::string();
  // A NOTIFY for the server itself belongs to a subscription of its own.
  const bool addressed =
      has_package(method) ? !relayed : relayed || is_served_method(method) || method == Method::notify;
  if (Room* room = addressed ? find_room_for(*request, package) : nullptr) return room->on_request(request);
  if (relayed && relay_) return relay_->on_request(request);
  answer_unserved(*request, package);
}

Room* Shard::find_room_for(const Request& request, std::string_view package) const {
  const Method method = request.message.method();
  const auto found = std::ranges::find_if(rooms_, [&](const Seat& seat) {
    return contains(seat.serves.methods, method) &&
           (!has_package(method) || contains(seat.serves.events, package)) && seat.room->takes(request);
  });
  return found == rooms_.end() ? nullptr : found->room.get();
}

void Shard::answer_unserved(const Request& request, std::string_view package) {
  const Method method = request.message.method();
  if (has_package(method) && !allow_events_.empty()) {
    auto reply = request.reply(489);
    reply.add(HeaderId::allow_events, allow_events_);
    log::debug("shard", "{} event package {} is not served", request.message.call_id(), package);
    return respond(request, std::move(reply).finish());
  }
  if (method != Method::other && relay_ && !is_served_method(method)) return respond(request, 404);
  auto reply = request.reply(405);
  reply.add(HeaderId::allow, allow_);
  respond(request, std::move(reply).finish());
}

void Shard::describe() {
  serves_ = {.methods = {Method::options}};
  for (Seat& seat : rooms_) {
    seat.serves = seat.room->serves();
    add_each(serves_.methods, seat.serves.methods);
    add_each(serves_.events, seat.serves.events);
    add_each(serves_.accepts, seat.serves.accepts);
    add_each(serves_.options, seat.serves.options);
    add_each(serves_.proxy_options, seat.serves.proxy_options);
  }
  std::vector<std::string> allowed;
  for (const Method method : shown_methods)
    if (contains(serves_.methods, method)) allowed.emplace_back(to_string(method));
  allow_ = join(allowed);
  allow_events_ = join(serves_.events);
  capabilities_.clear();
  const auto add = [this](std::string_view name, const std::string& value) {
    if (!value.empty()) capabilities_.push_back(std::string(name) + ": " + value + "\r\n");
  };
  add("Allow", allow_);
  add("Supported", join(serves_.options));
  add("Accept", join(serves_.accepts));
  add("Allow-Events", allow_events_);
  add("Accept-Encoding", "identity");
  add("Accept-Language", "en");
}

void Shard::on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) {
  if (relay_) relay_->on_ack(from, ack, now);
}

void Shard::on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) {
  const auto in_question = in_question_.find(id);
  if (in_question != in_question_.end()) {
    in_question->second.cancelled = true;
  } else if (relay_) {
    relay_->on_cancel(id, cancel, now);
  }
}

/// Nothing is lost by it: whoever gets no answer asks again.
void Shard::on_failure(transaction::TransactionId id, transaction::Failure why, Now) {
  log::debug("shard", "transaction {}: {}", id, transaction::to_string(why));
}

// What rooms use

bool Shard::deliver(Parcel parcel) {
  const unsigned owner = post_.owner(parcel.at());
  Task task(std::move(parcel));
  return post_.post(owner, task);
}

void Shard::deliver_back(Parcel parcel) {
  const unsigned owner = post_.owner(parcel.at());
  post_.post_back(owner, std::move(parcel));
}

void Shard::respond(const Request& request, std::string response) {
  layer_.respond(request.id, std::move(response), clock().now());
}

transaction::TransactionId Shard::send(Bucket from, const transaction::Draft& request,
                                       const transaction::Hop& to, transaction::OnOutcome on_outcome) {
  transaction::Draft draft = request;
  const std::string tag = bucket_prefix(from);
  draft.branch_tag = tag;
  return layer_.send(draft, to, std::move(on_outcome), clock().now());
}

void Shard::send_ack(std::string ack, const transaction::Hop& to) {
  layer_.send_ack(std::move(ack), to, clock().now());
}

void Shard::cancel(transaction::TransactionId id, std::string_view reason) {
  layer_.cancel(id, reason, clock().now());
}

void Shard::authenticate(Credentials credentials, std::function<void(Verdict, Now)> done) {
  const Asker asker{.shard = number_, .request = 0, .ticket = ++last_ticket_};
  askers_.emplace(asker.ticket, std::move(done));
  if (settings_.authentication == Authentication::none) {
    Verdict open{.kind = Verdict::Kind::accepted, .identity = {credentials.claimed, false}};
    return post_.post_back(number_, Answered{asker, std::move(open)});
  }
  const Bucket home = Authenticator::home_of(credentials);
  Task task(Question{std::make_shared<const Credentials>(std::move(credentials)), home, asker});
  if (!post_.post(post_.owner(home), task))
    post_.post_back(number_, Answered{asker, {.kind = Verdict::Kind::overload}});
}

// Restart

void Shard::restore(const store::Record& record) {
  if (!store::to_string(record.kind)) return directory_.skip_unreadable(record.kind);
  const Now now = clock().now();
  for (const auto& seat : rooms_) seat.room->restore(record, now);
}

void Shard::restore(store::Answer answer) {
  if (answer.until > parts_.store.scale().at(clock().now().mono))
    replays_.emplace(std::move(answer.request), std::move(answer.response));
}

void Shard::restored() {
  const Now now = clock().now();
  directory_.report_skipped();
  describe();
  for (const auto& seat : rooms_) seat.room->restored(now);
  replays_end_.set(now.mono + replay_time, [this](Time) { replays_.clear(); });
}

std::vector<Table> Shard::tables() const {
  std::vector<Table> all;
  const Now now = parts_.clock.now();
  for (const auto& seat : rooms_) {
    for (Table& table : seat.room->tables(now)) all.push_back(std::move(table));
  }
  return all;
}

}  // namespace beckon::server
