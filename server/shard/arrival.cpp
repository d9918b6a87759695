// Where a message arrives, at whatever shard: it is checked, read and placed, what can be refused without
// knowing its sender is refused, and nothing is kept of it (RFC 3261 8.2.7, 26.3.2.4).

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/sip/value_list.hpp"
#include "protocol/transaction/branch.hpp"
#include "server/shard/anonymity.hpp"
#include "server/shard/digest_uri.hpp"
#include "server/shard/number.hpp"
#include "server/shard/route.hpp"
#include "server/shard/shard.hpp"
#include "server/shard/sips.hpp"

namespace beckon::server {

using sip::HeaderId;
using sip::Method;

namespace {

/// A body in none of these codings, which may not be passed over (RFC 3261 8.2.3)?
bool is_encoded(const sip::Message& request, std::string_view known) {
  if (request.body().empty() || !request.has(HeaderId::content_encoding)) return false;
  const auto all = split(known, ',');
  for (const std::string_view coding : request.each(HeaderId::content_encoding)) {
    if (std::ranges::any_of(all, [&](std::string_view each) { return iequals(trim(each), coding); }))
      continue;
    const auto disposition = request.header(HeaderId::content_disposition);
    const auto parameters = disposition.substr(std::min(disposition.find(';'), disposition.size()));
    return !iequals(sip::find_parameter(parameters, "handling").value_or("required"), "optional");
  }
  return false;
}

bool has_credentials(const sip::Message& request) {
  return request.has(HeaderId::authorization) || request.has(HeaderId::proxy_authorization);
}

/// Octets that `received` and `rport` add to a Via, at most.
constexpr std::size_t stamp_size = sizeof ";received=" + 39 + 6;

}  // namespace

void Shard::on_message(const transaction::Hop& from, sip::Message message) {
  if (message.is_response()) return receive_response(from, std::move(message));
  const Now now = clock().now();
  if (is_beyond_rate(from, &message, now)) return;
  if (auto loose = undo_strict_routing(message)) message = std::move(*loose);
  if (auto named = name_user(message, settings_)) message = std::move(*named);
  Arrival arrival{.from = from, .message = std::move(message)};
  // The name that a connection was dialled by is its other end's. Who sends over it is for `prove` to say.
  arrival.from.name.clear();
  const sip::Message& request = arrival.message;
  auto rejected = sip::check_to_relay(request, arrival.reading);
  if (!rejected && relay_) arrival.token = relay_->bucket_of_token(request);
  arrival.relayed = !rejected && is_relayed(arrival);
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
  auto place = place_of(request, arrival.reading, arrival.token, gruus_);
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
  if (transaction::is_secure(from.protocol) && from.name.empty())
    arrival.from.name = peering_.domain_of(from.flow, settings_);
  if (const auto rejected = sip::check_to_relay(arrival.message, arrival.reading)) {
    counters_.malformed++;
    return note_dropped(from, arrival.message.call_id(), rejected->reason);
  }
  const auto place = place_of(arrival.message, arrival.reading, std::nullopt, gruus_);
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
    // RFC 3261 20.17: a client without a clock of its own sets it by that, and `beckon doctor` compares.
    const std::string date =
        "Date: " + sip::print_date(std::chrono::floor<std::chrono::seconds>(now.wall)) + "\r\n";
    if (may_draw(arrival.from, arrival.message, reply.size() + date.size())) reply.add_lines(date);
    answer = reply.finish();
  }
  layer_.answer(arrival.from, arrival.message, std::move(answer), &arrival.reading.via);
}

/// Whatever is refused before its sender is known is refused here, once and without a transaction: anybody
/// can cause it (RFC 3261 26.3.2.4). A retransmission is refused anew.
bool Shard::refuse_at_once(Arrival& arrival, Now now) {
  std::string refusal = refusal_of(arrival);
  if (refusal.empty() && needs_credentials(arrival))
    refusal = prove(arrival, now);
  else if (arrival.in_dialog())
    note_domain(arrival);
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
  if (const auto domain = peering_.domain_of(from.flow, settings_); !domain.empty())
    return is_beyond_rate(from, request, domain, now);
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

/// Of another domain's server: it is known, and so may learn that it is to wait.
bool Shard::is_beyond_rate(const transaction::Hop& from, const sip::Message* request, std::string_view domain,
                           Now now) {
  const auto verdict = peering_.take(domain, now.mono);
  if (verdict == RateLimit::Verdict::pass) return false;
  counters_.dropped++;
  if (verdict == RateLimit::Verdict::first_over)
    log::warn("shard", "{} of {} sends more than {} requests a second: refused", print(from.remote), domain,
              settings_.federation.requests_per_second);
  if (request) layer_.refuse(from, *request, 503);
  return true;
}

/// For credentials that did not convince; without any, the request was charged where it arrived.
void Shard::charge(const transaction::Hop& from, const sip::Message& request, Now now) {
  if (has_credentials(request)) rate_.charge(from.remote.ip, now.mono);
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
  const std::string codings = arrival.relayed ? "" : codings_of(request.method());
  if (!arrival.relayed && is_encoded(request, codings))
    return begin_stateless(request, 415).add(HeaderId::accept_encoding, codings).finish();
  return {};
}

/// As Accept-Encoding has them.
std::string Shard::codings_of(sip::Method method) const {
  std::string codings = "identity";
  for (const Seat& seat : rooms_)
    if (std::ranges::find(seat.serves.methods, method) != seat.serves.methods.end())
      for (const std::string& coding : seat.serves.codings) sip::append_value(codings, coding);
  return codings;
}

/// What another server of our kind mints looks like our own but for the host.
bool Shard::is_server_itself(const sip::UriView& uri) const {
  return (uri.user.empty() && settings_.is_own(uri)) || (bucket_in(uri.user) && !settings_.is_foreign(uri));
}

/// A GRUU of ours is one device's, and what is sent there is its own business (RFC 5627 6.1). So are
/// subscriptions to what is elsewhere, and publications of an event package that no room serves (RFC 6665
/// 4.3). A name in a served domain is a user's and no device's, whoever registered it as a contact: only the
/// domain says what its names mean (RFC 3261 16.5).
bool Shard::is_for_another(const sip::Message& request, const sip::UriView& uri) const {
  if (!has_package(request.method()) || is_server_itself(uri)) return false;
  if (!settings_.is_foreign(uri)) return uri.parameter("gr").has_value();
  return request.method() == Method::subscribe ||
         std::ranges::find(serves_.events, package_of(request)) == serves_.events.end();
}

std::string Shard::unsupported_of(const sip::Message& request, HeaderId header) const {
  std::string unsupported;
  const auto& known = header == HeaderId::require ? serves_.options : serves_.proxy_options;
  for (const std::string_view option : request.each(header)) {
    if (std::ranges::find(known, option) == known.end()) sip::append_value(unsupported, option);
  }
  return unsupported;
}

/// Is it for a user agent of ours or another server, and not for the server itself? A Route that only looks
/// like ours does not make it so.
bool Shard::is_relayed(const Arrival& arrival) const {
  const sip::Message& request = arrival.message;
  const sip::Reading& reading = arrival.reading;
  const bool is_in_own_dialog = request.method() == Method::subscribe && bucket_in(reading.to.tag);
  if (is_in_own_dialog && !settings_.is_foreign(reading.uri)) return false;
  if (arrival.in_dialog()) return true;
  if (is_served_method(request.method())) return is_for_another(request, reading.uri);
  return !is_server_itself(reading.uri);
}

/// A Route of ours vouches for what goes on to the dialog's other end, and not for what the server answers.
bool Shard::needs_credentials(const Arrival& arrival) const {
  if (settings_.authentication == Authentication::none) return false;
  return !(arrival.relayed && arrival.in_dialog() && relay_->vouches_for(arrival.message));
}

/// Users of ours prove who they are by credentials, those of another domain by the certificate of its server,
/// whose name is then that of the hop. Gives the refusal of a request without proof.
std::string Shard::prove(Arrival& arrival, Now now) {
  const sip::Message& message = arrival.message;
  const bool registers = message.method() == Method::register_;
  const sip::UriView& claimed = registers ? arrival.reading.to.uri : arrival.reading.from.uri;
  std::string domain = to_lower(claimed.host);
  // Who asks for state of the server's (SUBSCRIBE, PUBLISH) is named to others: not without a name.
  const bool may_be_unnamed = is_anonymous(claimed) && !is_served_method(message.method());
  if (settings_.serves(domain) || may_be_unnamed) return find_credentials(arrival, claimed, now);
  if (registers) return begin_stateless(message, 404, "Domain Not Served Here").finish();
  if (const auto why = peering_.refusal_of(arrival.from, domain, settings_, now.mono))
    return begin_stateless(message, 403, *why).finish();
  arrival.from.name = std::move(domain);
  return {};
}

/// Nothing has to be proven in a dialog that our Route vouches for. What its server has proven still counts,
/// as what it asserts may be believed.
void Shard::note_domain(Arrival& arrival) {
  if (!transaction::is_secure(arrival.from.protocol)) return;
  std::string domain = to_lower(arrival.reading.from.uri.host);
  if (!settings_.serves(domain) && peering_.speaks_for(arrival.from.flow, domain, settings_))
    arrival.from.name = std::move(domain);
}

/// Finds the credentials that a request of our user `claimed`, or of one who is anonymous, needs. Without
/// usable ones, gives its refusal.
std::string Shard::find_credentials(Arrival& arrival, const sip::UriView& claimed, Now now) {
  const sip::Message& message = arrival.message;
  const std::string realm =
      is_anonymous(claimed) ? realm_of_anonymous(message, settings_) : to_lower(claimed.host);
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
  // Another domain's server does not speak for our users, and they are not asked for passwords through it.
  if (const auto peer = peering_.domain_of(arrival.from.flow, settings_);
      !peer.empty() && message.method() != Method::register_) {
    if (peering_.may_log(arrival.from, now.mono))
      log::info("shard", "{} of {} claims to be {}: refused", print(arrival.from.remote), peer,
                credentials.claimed);
    return begin_stateless(message, 403, "Not Your Domain").finish();
  }
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

}  // namespace beckon::server
