#include "server/shard/shard.hpp"

#include <algorithm>

#include "protocol/base/log.hpp"
#include "protocol/base/pool_allocator.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/check.hpp"
#include "server/shard/digest_uri.hpp"
#include "server/shard/replay.hpp"
#include "server/shard/route.hpp"
#include "server/shard/sips.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

using sip::HeaderId;
using sip::Method;

namespace {

/// What `Require` may name in a request to the server itself (RFC 3261 8.2.2.3).
constexpr std::array supported_options{"path", "outbound", "eventlist", "beckon-direct"};

/// Methods an Allow of ours may name, in the order they are shown.
constexpr std::array shown_methods{Method::register_, Method::subscribe, Method::publish, Method::message,
                                   Method::options,   Method::invite,    Method::ack,     Method::bye,
                                   Method::cancel,    Method::notify,    Method::info,    Method::update,
                                   Method::refer,     Method::prack};

std::string package_of(const sip::Message& request) {
  const auto event = sip::parse_event(request.header(HeaderId::event));
  return event ? event->package : std::string{};
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

std::string unsupported_of(const sip::Message& request, HeaderId header) {
  std::string unsupported;
  for (const std::string_view option : request.each(header)) {
    if (header == HeaderId::require &&
        std::ranges::find(supported_options, option) != supported_options.end()) {
      continue;
    }
    if (!unsupported.empty()) unsupported += ", ";
    unsupported += option;
  }
  return unsupported;
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
      layer_({.times = settings_.times,
              .branch_prefix = [this] { return bucket_prefix(at_); },
              .locate = [this](const transaction::SentBy& sent_by,
                               transaction::OnFound found) { locate(sent_by, std::move(found)); },
              .tags = key.tags},
             parts.transport, parts.timers, parts.clock, parts.random, *this),
      authenticator_(settings_, key, parts.users, parts.clock, parts.random),
      rate_(parts.random),
      replays_end_(parts.timers) {
  rate_.set(settings_.unauthenticated_per_second, settings_.unauthenticated_burst);
  describe();
}

Shard::~Shard() = default;

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

void* Shard::find_room(std::type_index type) {
  const auto found = by_type_.find(type);
  return found == by_type_.end() ? nullptr : found->second;
}

// Arrival

void Shard::on_message(const transaction::Hop& from, sip::Message message) {
  const Now now = clock().now();
  if (message.is_request() && is_beyond_rate(from, &message, now)) return;
  if (auto loose = undo_strict_routing(message)) message = std::move(*loose);
  sip::Reading reading;
  if (const auto rejected = sip::check(message, reading)) {
    counters_.malformed++;
    log::debug("shard", "{} {} refused: {}", print(from.remote), message.call_id(), rejected->reason);
    if (!message.is_request()) return;
    charge(from, message, now);
    return layer_.refuse(from, message, rejected->status, rejected->reason);
  }
  if (message.method() == Method::options && !is_relayed(message, reading))
    return answer_options(from, message, reading, now);
  const auto bucket = bucket_for(message, reading);
  if (!bucket) return log::debug("shard", "{} {} belongs to nobody", print(from.remote), message.call_id());
  if (post_.owner(*bucket) == number_) {
    Arrival arrival{from, std::move(message), std::move(reading)};
    return receive(*bucket, arrival, now);
  }
  auto arrival = std::make_shared<Arrival>(Arrival{from, message, std::move(reading)});
  const bool posted = post_.post(*bucket, [bucket = *bucket, arrival = std::move(arrival)](
                                              Shard& there, Now at) { there.receive(bucket, *arrival, at); });
  if (posted) return;
  counters_.overload++;
  if (message.is_request()) layer_.refuse(from, message, 503);
}

/// They change nothing, so they need no credentials and no transaction (RFC 3261 8.2.7, 11): a copy gets the
/// same answer once more, at whatever shard it arrives.
void Shard::answer_options(const transaction::Hop& from, const sip::Message& request,
                           const sip::Reading& reading, Now now) {
  counters_.requests++;
  charge(from, request, now);
  const auto reply = [&](int status) { return begin_reply(request, status, layer_.stateless_tag(request)); };
  std::string answer = refusal_of(from, request, false, reply);
  if (answer.empty()) answer = reply(200).add_lines(capabilities_).finish();
  layer_.answer(from, request, std::move(answer), &reading.via);
}

void Shard::on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text) {
  if (is_beyond_rate(from, nullptr, clock().now())) return;
  counters_.malformed++;
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

void Shard::on_peer_verified(transaction::FlowId flow, std::vector<std::string> names) {
  peers_.insert_or_assign(flow, std::move(names));
}

const std::vector<std::string>& Shard::peer_names(transaction::FlowId flow) const {
  static const std::vector<std::string> nobody;
  const auto found = peers_.find(flow);
  return found == peers_.end() ? nobody : found->second;
}

void Shard::on_flow_closed(transaction::FlowId flow) {
  const Now now = clock().now();
  peers_.erase(flow);
  directory_.on_flow_closed(flow, now);
  layer_.on_flow_closed(flow, now);
  for (const auto& room : rooms_) room->on_flow_closed(flow, now);
}

void Shard::receive(Bucket bucket, Arrival& arrival, Now now) {
  at_ = bucket;
  arrival_ = &arrival;
  if (arrival.message.is_response()) counters_.responses++;
  layer_.receive(arrival.from, arrival.message, now, &arrival.reading.via);
  arrival_ = nullptr;
}

// At the bucket

void Shard::on_request(transaction::TransactionId id, const transaction::Hop& from,
                       const sip::Message& message, Now now) {
  counters_.requests++;
  auto request = std::allocate_shared<Request>(PoolAllocator<Request>{},
                                               Request{.id = id,
                                                       .bucket = at_,
                                                       .from = from,
                                                       .message = message,
                                                       .relayed = false,
                                                       .identity = {},
                                                       .authentication_info = {},
                                                       .to_tag = std::string(arrival_->reading.to.tag),
                                                       .now = now,
                                                       .resource = nullptr});
  if (request->to_tag.empty()) request->to_tag = mint(at_);
  request->relayed = is_relayed(message, arrival_->reading);
  if (replay(*request)) return;
  if (refuse(*request)) return charge(from, message, now);
  if (needs_credentials(*request)) return check_credentials(std::move(request));
  charge(from, message, now);
  request->identity = {sip::canonical_aor(arrival_->reading.from.uri), false};
  dispatch(request);
}

/// A retransmission that outlived the server: the answer it was given before the restart.
bool Shard::replay(const Request& request) {
  if (replays_.empty()) return false;
  const auto found = replays_.find(request_identity(request.message));
  if (found == replays_.end()) return false;
  std::string answer = unpack_answer(request.message, found->second);
  if (answer.empty()) return false;
  layer_.respond(request.id, std::move(answer), request.now);
  return true;
}

/// RFC 3261 8.2.2 and 16.3, in the order of its steps: what no room needs to see. The refusal's text, begun
/// by `reply(status)`; empty where there is none.
template <class Reply>
std::string Shard::refusal_of(const transaction::Hop& from, const sip::Message& request, bool relayed,
                              Reply reply) const {
  if (!transaction::is_secure(from.protocol) && comes_by_sips(request))
    return make_refusal(reply(480), SipsRefusal::not_allowed);
  if (relayed && request.number(HeaderId::max_forwards) == 0U) return reply(483).finish();
  if (relayed && relay_ && relay_->is_looping(request)) {
    log::info("shard", "{} {} loops", request.call_id(), request.request_uri_text());
    return reply(482).finish();
  }
  const std::string unsupported =
      unsupported_of(request, relayed ? HeaderId::proxy_require : HeaderId::require);
  if (unsupported.empty()) return {};
  return reply(420).add(HeaderId::unsupported, unsupported).finish();
}

bool Shard::refuse(const Request& request) {
  std::string refusal = refusal_of(request.from, request.message, request.relayed,
                                   [&](int status) { return request.reply(status); });
  if (refusal.empty()) return false;
  respond(request, std::move(refusal));
  return true;
}

bool Shard::is_server_itself(const sip::UriView& uri) const {
  return (uri.user.empty() && settings_.is_own(uri)) || bucket_in(uri.user);
}

/// Is it for somebody behind us?
bool Shard::is_relayed(const sip::Message& request, const sip::Reading& reading) const {
  if (request.method() == Method::subscribe && bucket_in(reading.to.tag)) return false;
  if (has_own_route(request)) return true;
  if (is_served_method(request.method())) return false;
  return !is_server_itself(reading.uri);
}

bool Shard::needs_credentials(const Request& request) const {
  if (settings_.authentication == Authentication::none) return false;
  return !(relay_ && has_own_route(request.message) && relay_->vouches_for(request.message));
}

void Shard::check_credentials(std::shared_ptr<Request> request) {
  const auto& message = request->message;
  const auto& reading = arrival_->reading;
  const sip::UriView& claimed = message.method() == Method::register_ ? reading.to.uri : reading.from.uri;
  const std::string realm = to_lower(claimed.host);
  if (!settings_.serves(realm)) {
    charge(request->from, message, request->now);
    return respond(*request, message.method() == Method::register_ ? 404 : 403, "Domain Not Served Here");
  }
  // The answer to the challenge this request gets comes first: a client that knows nonces of both kinds sends
  // both, and one of them may be old (RFC 3261 22.3).
  HeaderId headers[] = {HeaderId::authorization, HeaderId::proxy_authorization};
  if (request->relayed) std::swap(headers[0], headers[1]);
  request->by_proxy = headers[0] == HeaderId::proxy_authorization;
  auto given = find_credentials(message, headers[0], realm);
  if (!given && given.error() == auth::Errc::not_digest) {
    given = find_credentials(message, headers[1], realm);
    if (given) request->by_proxy = !request->by_proxy;
  }
  if (given && !is_covered(given->uri, message, settings_)) {
    charge(request->from, message, request->now);
    log::debug("shard", "{} {}: credentials for {}, the request is for {}", print(request->from.remote),
               message.call_id(), given->uri, message.request_uri_text());
    return respond(*request, 400, "Credentials For Another Resource");
  }
  const bool covers_body = given && given->qop == auth::Qop::auth_int;
  Credentials credentials{.method = std::string(message.method_text()),
                          .realm = realm,
                          .claimed = sip::canonical_aor(claimed),
                          .given = std::move(given),
                          .agent = std::string(message.header(HeaderId::user_agent)),
                          .body = covers_body ? std::string(message.body()) : std::string{},
                          .source = request->from.remote.ip,
                          .back = request->bucket};
  if (message.method() == Method::invite) in_question_.emplace(request->id, false);
  authenticate(std::move(credentials),
               [this, request](Verdict verdict, Now) { judge(request, std::move(verdict)); });
}

void Shard::judge(std::shared_ptr<Request> request, Verdict verdict) {
  at_ = request->bucket;
  const auto in_question = in_question_.extract(request->id);
  if (in_question && in_question.mapped()) return respond(*request, 487);
  const bool convinces = verdict.kind == Verdict::Kind::accepted || verdict.kind == Verdict::Kind::refused;
  if (!convinces) charge(request->from, request->message, request->now);
  switch (verdict.kind) {
    case Verdict::Kind::challenge:
      return challenge(*request, verdict);
    case Verdict::Kind::refused:
      return respond(*request, 403);
    case Verdict::Kind::malformed:
      return respond(*request, 400, "Bad Credentials");
    case Verdict::Kind::overload:
      counters_.overload++;
      return respond(*request, 503);
    case Verdict::Kind::accepted:
      break;
  }
  request->identity = std::move(verdict.identity);
  request->authentication_info = std::move(verdict.authentication_info);
  if (!is_own_claim(*request)) return respond(*request, 403, "Not Your Address");
  dispatch(request);
}

void Shard::challenge(const Request& request, const Verdict& verdict) {
  counters_.challenges++;
  const bool relayed = request.relayed;
  auto reply = request.reply(relayed ? 407 : 401);
  for (const std::string& value : verdict.challenges) {
    reply.add(relayed ? HeaderId::proxy_authenticate : HeaderId::www_authenticate, value);
  }
  respond(request, std::move(reply).finish());
}

/// A user speaks for himself only: To of a REGISTER, From of everything else (RFC 3261 10.3 step 4, 22.1).
bool Shard::is_own_claim(const Request& request) const {
  const bool registers = request.message.method() == Method::register_;
  const auto claimed = registers ? request.message.to() : request.message.from();
  return claimed && sip::canonical_aor(claimed->uri) == request.identity.aor;
}

void Shard::dispatch(const std::shared_ptr<Request>& request) {
  const std::string aor = resource_of(request->message);
  if (!aor.empty() && bucket_of(aor) == request->bucket) request->resource = directory_.get(aor);
  const auto method = request->message.method();
  const bool relayed = request->relayed;
  if (relayed && relay_ && has_own_route(request->message)) return relay_->on_request(request);
  const std::string package = package_of(request->message);
  const bool addressed = relayed || is_served_method(method);
  if (Room* room = addressed ? find_handler(method, package) : nullptr) return room->on_request(request);
  if (relayed && relay_) return relay_->on_request(request);
  answer_unhandled(*request, method, package);
}

Room* Shard::find_handler(Method method, std::string_view package) const {
  const auto found =
      std::ranges::find_if(rooms_, [&](const auto& room) { return room->handles(method, package); });
  return found == rooms_.end() ? nullptr : found->get();
}

void Shard::answer_unhandled(const Request& request, Method method, std::string_view package) {
  const bool wrong_event = method == Method::subscribe || method == Method::publish;
  if (wrong_event && !allow_events_.empty()) {
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
  const auto add = [](std::string& list, std::string_view word) {
    if (!list.empty()) list += ", ";
    list += word;
  };
  allow_.clear();
  for (const Method method : shown_methods) {
    const bool handled = std::ranges::any_of(rooms_, [&](const auto& room) {
      const auto events = room->events();
      return room->handles(method, events.empty() ? "" : events.front());
    });
    if (handled || method == Method::options) add(allow_, to_string(method));
  }
  allow_events_.clear();
  for (const auto& room : rooms_) {
    for (const std::string& event : room->events()) add(allow_events_, event);
  }
  capabilities_ = "Allow: " + allow_ + "\r\n" +
                  "Accept: application/sdp, application/pidf+xml, text/plain\r\n"
                  "Accept-Encoding: identity\r\n"
                  "Accept-Language: en\r\n"
                  "Supported: path, outbound, beckon-direct\r\n";
  if (!allow_events_.empty()) capabilities_ += "Allow-Events: " + allow_events_ + "\r\n";
}

void Shard::on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) {
  if (relay_) relay_->on_ack(at_, from, ack, now);
}

void Shard::on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) {
  const auto in_question = in_question_.find(id);
  if (in_question != in_question_.end()) {
    in_question->second = true;
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

// Services

bool Shard::post(Bucket bucket, Command command) {
  return post_.post(bucket, [bucket, command = std::move(command)](Shard& there, Now now) {
    there.at_ = bucket;
    command(there, now);
  });
}

void Shard::post_back(Bucket bucket, Command command) {
  post_.post_back(bucket, [bucket, command = std::move(command)](Shard& there, Now now) {
    there.at_ = bucket;
    command(there, now);
  });
}

void Shard::respond(const Request& request, std::string response) {
  layer_.respond(request.id, std::move(response), clock().now());
}

transaction::TransactionId Shard::send(Bucket from, std::string request, const transaction::Hop& to,
                                       transaction::OnOutcome on_outcome, std::string_view branch_part) {
  at_ = from;
  return layer_.send(std::move(request), to, std::move(on_outcome), clock().now(), branch_part);
}

void Shard::authenticate(Credentials credentials, std::function<void(Verdict, Now)> done) {
  if (settings_.authentication == Authentication::none) {
    const Verdict open{.kind = Verdict::Kind::accepted, .identity = {credentials.claimed, false}};
    return post_back(credentials.back, [done, open](Services&, Now now) { done(open, now); });
  }
  const Bucket back = credentials.back;
  const Bucket home = Authenticator::home_of(credentials);
  const auto come_back = [back](Shard& there, const std::function<void(Verdict, Now)>& to, Verdict verdict) {
    there.post_.post_back(back, [to, verdict = std::move(verdict)](Shard&, Now now) { to(verdict, now); });
  };
  const auto shared = std::make_shared<const Credentials>(std::move(credentials));
  const bool posted = post_.post(home, [come_back, done, shared](Shard& there, Now now) {
    there.authenticator_.check(shared, now, [come_back, done, &there](Verdict verdict, Now) {
      there.counters_.unseen += verdict.unseen ? 1 : 0;
      come_back(there, done, std::move(verdict));
    });
  });
  if (posted) return;
  post_back(back, [done](Services&, Now now) { done({.kind = Verdict::Kind::overload}, now); });
}

// Restart

void Shard::restore(const store::Record& record) {
  const Now now = clock().now();
  for (const auto& room : rooms_) room->restore(record, now);
}

void Shard::restore(store::Answer answer) {
  if (answer.until > clock().now().wall)
    replays_.emplace(std::move(answer.request), std::move(answer.response));
}

void Shard::restored() {
  const Now now = clock().now();
  directory_.report_unreadable();
  for (const auto& room : rooms_) room->restored(now);
  replays_end_.set(now.mono + replay_time, [this](Time) { replays_.clear(); });
}

std::vector<Table> Shard::tables() const {
  std::vector<Table> all;
  const Now now = parts_.clock.now();
  for (const auto& room : rooms_) {
    for (Table& table : room->tables(now)) all.push_back(std::move(table));
  }
  return all;
}

}  // namespace beckon::server
