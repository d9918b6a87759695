#include "server/shard/shard.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/pool_allocator.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/transaction/branch.hpp"
#include "server/shard/digest_uri.hpp"
#include "server/shard/number.hpp"
#include "server/shard/replay.hpp"
#include "server/shard/route.hpp"
#include "server/shard/sips.hpp"
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

/// Pauses before the shard tells its rooms again that a user is gone. Requests that waited for another shard
/// or the store have been applied after the first pause; after both, no earlier request can add anything
/// (`RequestStep::promise` gives none longer than 64*T1).
constexpr std::array<Duration, 2> looks_after{1s, replay_time};

std::string package_of(const sip::Message& request) {
  const auto event = sip::parse_event(request.header(HeaderId::event));
  return event ? event->package : std::string{};
}

/// A body in a coding that nothing here reads, and that may not be passed over (RFC 3261 8.2.3)?
bool is_encoded(const sip::Message& request) {
  if (request.body().empty() || !request.has(HeaderId::content_encoding)) return false;
  for (const std::string_view coding : request.each(HeaderId::content_encoding)) {
    if (iequals(coding, "identity")) continue;
    const auto disposition = request.header(HeaderId::content_disposition);
    const auto parameters = disposition.substr(std::min(disposition.find(';'), disposition.size()));
    return !iequals(sip::find_parameter(parameters, "handling").value_or("required"), "optional");
  }
  return false;
}

/// Is the server always the one that acts on this method, whatever the Request-URI?
bool is_served_method(Method method) {
  return method == Method::register_ || method == Method::publish || method == Method::subscribe;
}

bool has_own_route(const sip::Message& request) {
  const auto first = request.first(HeaderId::route);
  if (first.empty()) return false;
  const auto route = sip::view_name_addr(first);
  return route && bucket_in(route->uri.user);
}

bool has_credentials(const sip::Message& request) {
  return request.has(HeaderId::authorization) || request.has(HeaderId::proxy_authorization);
}

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
  for (const std::string& word : words) {
    if (!list.empty()) list += ", ";
    list += word;
  }
  return list;
}

/// Octets that `received` and `rport` add to a Via, at most.
constexpr std::size_t stamp_size = sizeof ";received=" + 39 + 6;

/// Does the Event header decide which room serves it?
bool has_package(Method method) { return method == Method::subscribe || method == Method::publish; }

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
      layer_({.times = settings_.times,
              .locate = [this](const transaction::SentBy& sent_by,
                               transaction::OnFound found) { locate(sent_by, std::move(found)); },
              .tags = key.tags},
             parts.transport, parts.timers, parts.clock, parts.random, *this),
      gruus_(key.gruus),
      authenticator_(settings_, key, parts.users, parts.clock, parts.random),
      rate_(parts.random),
      replays_end_(parts.timers) {
  rate_.set(settings_.unauthenticated_per_second, settings_.unauthenticated_burst);
  describe();
}

Shard::~Shard() {
  // A room may use those that were added before it.
  while (!rooms_.empty()) rooms_.pop_back();
}

void Shard::on_user_gone(std::string_view aor, bool removed) {
  const std::string name(aor);
  Leaver& leaver = leavers_.try_emplace(name, parts_.timers).first->second;
  leaver.removed = removed;
  leaver.looks = 0;
  look_again_later(name);
  tell_gone(name, removed);
}

bool Shard::has_ended(std::string_view aor) const {
  const EntryPtr entry = directory_.find(aor);
  return !leavers_.contains(std::string(aor)) && (!entry || entry->is_quiet());
}

void Shard::look_again_later(const std::string& aor) {
  Leaver& leaver = leavers_.at(aor);
  leaver.next.set(parts_.clock.now().mono + looks_after[leaver.looks], [this, aor](Time) {
    parts_.users.find_user(aor, [this, aor](const Result<store::UserPtr>& user) {
      look_again(aor, user && *user && (*user)->enabled);
    });
  });
}

/// What has come since the user is back is the user's own.
void Shard::look_again(const std::string& aor, bool is_back) {
  const auto found = leavers_.find(aor);
  if (found == leavers_.end()) return;
  const bool removed = found->second.removed;
  if (is_back || ++found->second.looks == looks_after.size())
    leavers_.erase(found);
  else
    look_again_later(aor);
  if (!is_back) tell_gone(aor, removed);
}

void Shard::tell_gone(std::string_view aor, bool removed) {
  const Now now = parts_.clock.now();
  // Each room stands on those added before it.
  for (auto place = rooms_.rbegin(); place != rooms_.rend(); ++place)
    place->room->on_user_gone(aor, removed, now);
}

void Shard::set_settings(Settings settings) {
  settings_ = std::move(settings);
  rate_.set(settings_.unauthenticated_per_second, settings_.unauthenticated_burst);
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

// Arrival

void Shard::on_message(const transaction::Hop& from, sip::Message message) {
  if (message.is_response()) return receive_response(from, std::move(message));
  const Now now = clock().now();
  if (is_beyond_rate(from, &message, now)) return;
  if (auto loose = undo_strict_routing(message)) message = std::move(*loose);
  if (auto named = name_user(message, settings_)) message = std::move(*named);
  Arrival arrival{.from = from, .message = std::move(message)};
  const sip::Message& request = arrival.message;
  auto rejected = sip::check_to_relay(request, arrival.reading);
  arrival.relayed = !rejected && is_relayed(request, arrival.reading);
  if (!rejected && !arrival.relayed) rejected = sip::check_to_serve(request);
  if (rejected) {
    counters_.malformed++;
    log::debug("shard", "{} {} refused: {}", print(from.remote), request.call_id(), rejected->reason);
    charge(from, request, now);
    return layer_.refuse(from, request, rejected->status, rejected->reason);
  }
  const Method method = request.method();
  // The ACK of what was refused without state ends here.
  if (method == Method::ack && request.to_tag() == layer_.stateless_tag(request)) return;
  if (method == Method::options && !arrival.relayed) return answer_options(arrival, now);
  auto place = place_of(request, arrival.reading, gruus_);
  if (!place) return log::debug("shard", "{} {} belongs to nobody", print(from.remote), request.call_id());
  arrival.bucket = place->bucket;
  arrival.resource = std::move(place->resource);
  const bool is_new = method != Method::ack && method != Method::cancel;
  if (is_new && refuse_at_once(arrival, now)) return;
  hand_over(std::move(arrival), now);
}

bool Shard::retire(std::string_view text, const Callback<void()>& before) {
  const auto quick = transaction::quick_response(text);
  if (!quick) return false;
  const auto bucket = bucket_in(transaction::branch_tail(quick->branch));
  if (!bucket || post_.owner(*bucket) != number_ || !layer_.retire(*quick, clock().now(), before))
    return false;
  counters_.responses++;
  return true;
}

void Shard::receive_response(const transaction::Hop& from, sip::Message response) {
  Arrival arrival{.from = from, .message = std::move(response)};
  if (const auto rejected = sip::check_to_relay(arrival.message, arrival.reading)) {
    counters_.malformed++;
    return note_dropped(from, arrival.message.call_id(), rejected->reason);
  }
  const auto place = place_of(arrival.message, arrival.reading, gruus_);
  if (!place) return note_dropped(from, arrival.message.call_id(), "it belongs to nobody");
  arrival.bucket = place->bucket;
  hand_over(std::move(arrival), clock().now());
}

/// Somebody waits for that response, perhaps; but anybody can send one: a line a second is enough.
void Shard::note_dropped(const transaction::Hop& from, std::string_view call_id, std::string_view why) {
  const Time now = clock().now().mono;
  const bool quiet = now < next_dropped_line_;
  if (!quiet) next_dropped_line_ = now + 1s;
  const auto level = quiet ? log::Level::debug : log::Level::info;
  log::line(level, "shard", "{} {}: response dropped: {}", print(from.remote), call_id, why);
}

void Shard::hand_over(Arrival arrival, Now now) {
  const unsigned owner = post_.owner(arrival.bucket);
  if (owner == number_) return run(arrival, now);
  Task task(std::move(arrival));
  if (post_.post(owner, task)) return;
  counters_.overload++;
  const auto& refused = std::get<Arrival>(task);
  if (refused.message.is_request()) layer_.refuse(refused.from, refused.message, 503);
}

/// The beginning of an answer without a transaction (RFC 3261 8.2.7). As short as it can be: without Server.
sip::Builder Shard::begin_stateless(const sip::Message& request, int status, std::string_view reason) const {
  return sip::Builder::reply(request, status, layer_.stateless_tag(request), reason);
}

/// May the answer to a request without proof be that long already, but for its last line and the stamp in its
/// Via? A datagram draws at most three times its octets, as its source may be forged; what then is left out
/// is of less use.
bool Shard::may_draw(const transaction::Hop& from, const sip::Message& request, std::size_t octets) const {
  constexpr std::size_t factor = 3, to_come = sizeof "Content-Length: 0\r\n\r\n" - 1 + stamp_size;
  return transaction::is_reliable(from.protocol) || octets + to_come <= factor * request.text().size();
}

/// They change nothing, so they need no credentials and no transaction (RFC 3261 8.2.7, 11): a copy gets the
/// same answer once more, at whatever shard it arrives.
void Shard::answer_options(const Arrival& arrival, Now now) {
  counters_.requests++;
  charge(arrival.from, arrival.message, now);
  std::string answer = refusal_of(arrival);
  if (answer.empty()) {
    auto reply = begin_stateless(arrival.message, 200);
    for (const std::string& line : capabilities_)
      if (may_draw(arrival.from, arrival.message, reply.size() + line.size())) reply.add_lines(line);
    answer = reply.finish();
  }
  layer_.answer(arrival.from, arrival.message, std::move(answer), &arrival.reading.via);
}

/// Whatever is refused before its sender is known is refused here, once and without a transaction: anybody
/// can cause it (RFC 3261 26.3.2.4). A retransmission is refused anew.
bool Shard::refuse_at_once(Arrival& arrival, Now now) {
  std::string refusal = refusal_of(arrival);
  if (refusal.empty() && needs_credentials(arrival)) refusal = find_credentials(arrival, now);
  if (refusal.empty()) return false;
  counters_.requests++;
  charge(arrival.from, arrival.message, now);
  layer_.answer(arrival.from, arrival.message, std::move(refusal), &arrival.reading.via);
  return true;
}

void Shard::on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text) {
  if (is_beyond_rate(from, nullptr, clock().now())) return;
  counters_.malformed++;
  if (text.starts_with("SIP/")) return note_dropped(from, "-", why.message());
  log::debug("shard", "{} malformed: {}", print(from.remote), why.message());
  const auto refusal = sip::refusal(share(text), why);
  if (refusal) layer_.refuse(from, refusal->head, refusal->status, refusal->reason);
}

/// DESIGN 7. Dropped without an answer: one would double the flood of whoever forges his address, and 503
/// would send honest peers behind the same address away. What brings credentials is charged when they turn
/// out to be wrong, or are not asked for, and is dropped only when that was so too often. `request` is null
/// for what is no message.
bool Shard::is_beyond_rate(const transaction::Hop& from, const sip::Message* request, Now now) {
  if (settings_.authentication == Authentication::none || settings_.trusts(from.remote.ip)) return false;
  const bool may_convince = request && has_credentials(*request);
  if (may_convince && !rate_.is_deep_over(from.remote.ip, now.mono)) return false;
  const auto verdict = rate_.take(from.remote.ip, now.mono);
  if (verdict == RateLimit::Verdict::pass) return false;
  counters_.dropped++;
  if (verdict == RateLimit::Verdict::first_over) {
    log::warn("shard", "{} sends more than {} requests a second without valid credentials: dropped",
              print(from.remote), settings_.unauthenticated_per_second);
  }
  return true;
}

/// For credentials that did not convince; without any, the request was charged where it arrived.
void Shard::charge(const transaction::Hop& from, const sip::Message& request, Now now) {
  if (has_credentials(request)) rate_.charge(from.remote.ip, now.mono);
}

const std::vector<std::string>& Shard::peer_names(transaction::FlowId flow) const {
  static const std::vector<std::string> nobody;
  const auto found = peers_.find(flow);
  return found == peers_.end() ? nobody : found->second;
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

void Shard::run(PeerVerified& verified, Now) {
  peers_.insert_or_assign(verified.flow, std::move(verified.names));
}

void Shard::run(FlowClosed& closed, Now now) {
  peers_.erase(closed.flow);
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
                                                                      .identity = {},
                                                                      .authentication_info = {},
                                                                      .by_proxy = arrival.by_proxy,
                                                                      .to_tag = std::string(reading.to.tag),
                                                                      .now = now,
                                                                      .resource = nullptr});
  if (request->to_tag.empty()) request->to_tag = mint(arrival.bucket);
  if (replay(*request)) return;
  if (!arrival.credentials) {
    charge(request->from, request->message, now);
    request->identity = {sip::canonical_aor(reading.from.uri), false};
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
  const auto found = replays_.find(request_identity(request.message));
  if (found == replays_.end()) return false;
  std::string answer = unpack_answer(request.message, found->second);
  // Nothing proves that its sender is the client that was answered.
  if (answer.empty() || !may_draw(request.from, request.message, answer.size())) return false;
  layer_.respond(request.id, std::move(answer), request.now);
  return true;
}

/// RFC 3261 8.2.2 and 16.3, in the order of its steps: what no room needs to see. Empty where nothing is
/// wrong.
std::string Shard::refusal_of(const Arrival& arrival) const {
  const sip::Message& request = arrival.message;
  if (!transaction::is_secure(arrival.from.protocol) && comes_by_sips(request))
    return make_refusal(begin_stateless(request, 480), SipsRefusal::not_allowed);
  if (arrival.relayed && request.number(HeaderId::max_forwards) == 0U)
    return begin_stateless(request, 483).finish();
  if (arrival.relayed && relay_ && relay_->is_looping(request)) {
    log::info("shard", "{} {} loops", request.call_id(), request.request_uri_text());
    return begin_stateless(request, 482).finish();
  }
  const std::string unsupported =
      unsupported_of(request, arrival.relayed ? HeaderId::proxy_require : HeaderId::require);
  if (!unsupported.empty())
    return begin_stateless(request, 420).add(HeaderId::unsupported, unsupported).finish();
  if (!arrival.relayed && is_encoded(request))
    return begin_stateless(request, 415).add(HeaderId::accept_encoding, "identity").finish();
  return {};
}

bool Shard::is_server_itself(const sip::UriView& uri) const {
  return (uri.user.empty() && settings_.is_own(uri)) || bucket_in(uri.user);
}

/// A GRUU of ours is one device's, and what is sent there is its own business (RFC 5627 6.1). So is an event
/// package that no room serves at the URI of a device elsewhere (RFC 6665 4.3). A name in a served domain is
/// a user's and no device's, whoever registered it as a contact: only the domain says what its names mean
/// (RFC 3261 16.5).
bool Shard::is_for_device(const sip::Message& request, const sip::UriView& uri) const {
  if (!has_package(request.method()) || is_server_itself(uri)) return false;
  if (settings_.serves(to_lower(uri.host)) || settings_.is_own(uri)) return uri.parameter("gr").has_value();
  return !contains(serves_.events, package_of(request));
}

std::string Shard::unsupported_of(const sip::Message& request, HeaderId header) const {
  std::string unsupported;
  for (const std::string_view option : request.each(header)) {
    if (contains(header == HeaderId::require ? serves_.options : serves_.proxy_options, option)) continue;
    if (!unsupported.empty()) unsupported += ", ";
    unsupported += option;
  }
  return unsupported;
}

/// Is it for a user agent of ours or another server, and not for the server itself?
bool Shard::is_relayed(const sip::Message& request, const sip::Reading& reading) const {
  if (request.method() == Method::subscribe && bucket_in(reading.to.tag)) return false;
  if (has_own_route(request)) return true;
  if (is_served_method(request.method())) return is_for_device(request, reading.uri);
  return !is_server_itself(reading.uri);
}

/// A Route of ours vouches for what goes on to the dialog's other end, and not for what the server answers.
bool Shard::needs_credentials(const Arrival& arrival) const {
  if (settings_.authentication == Authentication::none) return false;
  return !(arrival.relayed && relay_ && has_own_route(arrival.message) &&
           relay_->vouches_for(arrival.message));
}

/// Finds the credentials that a request needs. Without usable ones, gives its refusal.
std::string Shard::find_credentials(Arrival& arrival, Now now) {
  const sip::Message& message = arrival.message;
  const auto method = message.method();
  const sip::UriView& claimed =
      method == Method::register_ ? arrival.reading.to.uri : arrival.reading.from.uri;
  const std::string realm = to_lower(claimed.host);
  if (!settings_.serves(realm))
    return begin_stateless(message, method == Method::register_ ? 404 : 403, "Domain Not Served Here")
        .finish();
  // The answer to the challenge this request gets comes first: a client that knows nonces of both kinds sends
  // both, and one of them may be old (RFC 3261 22.3).
  HeaderId headers[] = {HeaderId::authorization, HeaderId::proxy_authorization};
  if (arrival.relayed) std::swap(headers[0], headers[1]);
  arrival.by_proxy = headers[0] == HeaderId::proxy_authorization;
  auto given = server::find_credentials(message, headers[0], realm);
  if (!given && given.error() == auth::Errc::not_digest) {
    given = server::find_credentials(message, headers[1], realm);
    if (given) arrival.by_proxy = !arrival.by_proxy;
  }
  if (given && !is_covered(given->uri, message, settings_)) {
    log::debug("shard", "{} {}: credentials for {}, the request is for {}", print(arrival.from.remote),
               message.call_id(), given->uri, message.request_uri_text());
    return begin_stateless(message, 400, "Credentials For Another Resource").finish();
  }
  const bool covers_body = given && given->qop == auth::Qop::auth_int;
  Credentials credentials{.method = std::string(message.method_text()),
                          .realm = realm,
                          .claimed = sip::canonical_aor(claimed),
                          .given = std::move(given),
                          .agent = std::string(message.header(HeaderId::user_agent)),
                          .md5_only = settings_.is_md5_only(arrival.from),
                          .body = covers_body ? std::string(message.body()) : std::string{},
                          .source = arrival.from.remote.ip};
  if (credentials.given) {
    arrival.credentials = std::make_shared<Credentials>(std::move(credentials));
    return {};
  }
  if (Authenticator::is_malformed(credentials))
    return begin_stateless(message, 400, "Bad Credentials").finish();
  return challenge_text(arrival.from, message, arrival.relayed,
                        authenticator_.challenge(credentials, false, now));
}

/// The strongest challenge first (RFC 8760 2.4), the weaker ones as far as the request may draw them. A
/// datagram that may draw none is shorter than any client's request.
std::string Shard::challenge_text(const transaction::Hop& from, const sip::Message& request, bool relayed,
                                  const Verdict& verdict) {
  counters_.challenges++;
  auto reply = begin_stateless(request, relayed ? 407 : 401);
  const HeaderId header = relayed ? HeaderId::proxy_authenticate : HeaderId::www_authenticate;
  const std::size_t line = to_string(header).size() + sizeof ": \r\n" - 1;
  bool any = false;
  for (const std::string& value : verdict.challenges) {
    if (!may_draw(from, request, reply.size() + line + value.size())) break;
    reply.add(header, value);
    any = true;
  }
  return any ? reply.finish() : begin_stateless(request, 403, "Request Too Short").finish();
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
  const bool registers_another = message.method() == Method::register_ &&
                                 contains(settings_.registration_managers, verdict.identity.aor);
  if (claimed != verdict.identity.aor && !registers_another)
    return respond(*request, 403, "Not Your Address");
  request->identity = verdict.identity;
  request->authentication_info = verdict.authentication_info;
  if (claimed != verdict.identity.aor) return dispatch_for_another(request, resource);
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
  if (relayed && relay_ && has_own_route(request->message)) return relay_->on_request(request);
  const std::string package = has_package(method) ? package_of(request->message) : std::string();
  const bool addressed = has_package(method) ? !relayed : relayed || is_served_method(method);
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

void Shard::on_response(const transaction::Hop&, const sip::Message& response, Now now) {
  if (relay_) relay_->on_response(response, now);
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
