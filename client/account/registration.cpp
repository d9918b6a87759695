#include "client/account/registration.hpp"

#include <algorithm>

#include "client/control/cause.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/sip/value_list.hpp"

namespace beckon::client::account {
namespace {

using sip::HeaderId;

/// Bounds the load that a server causes by granting very short lifetimes.
constexpr Duration shortest_refresh = 5s;

/// The pause before the n-th try in a row (RFC 5626 4.5: 30 s base; shorter here at first, because a
/// restarted server is back within seconds). Random between half and all of it, so that clients do not retry
/// in step.
Duration retry_pause(int failures, Random& random) {
  const Duration longest = 60s;
  const Duration pause = std::min<Duration>(longest, 500ms * (1 << std::min(failures, 8)));
  return pause / 2 +
         Duration(static_cast<Duration::rep>(random.unit() * static_cast<double>(pause.count() / 2)));
}

/// The pause after the n-th refusal in a row of a password that the server has accepted before: it may damp
/// guesses of others. So long that it takes this client for none who guesses.
Duration pause_after_refusal(int refusals, Random& random) {
  const Duration pause = std::min<Duration>(1h, 10min * (1 << std::min(refusals, 4)));
  return pause / 2 +
         Duration(static_cast<Duration::rep>(random.unit() * static_cast<double>(pause.count() / 2)));
}

/// RFC 3608 6.1: all values, in their order.
std::string route_of(const sip::Message& response) {
  std::string route;
  for (const std::string_view value : response.each(HeaderId::service_route)) sip::append_value(route, value);
  return route;
}

/// The own binding in a 2xx. The bindings of other devices stand beside it and need not be readable; the own
/// one is found by the rules of RFC 3261 19.1.4, as a registrar may write it its own way (10.2.4).
std::optional<sip::Contact> find_own(const sip::Message& response, const std::string& own_contact) {
  const auto own = sip::parse_name_addr(own_contact);
  for (const auto value : response.each(HeaderId::contact)) {
    auto contact = sip::parse_name_addr(value);
    if (own && contact && sip::equivalent(contact->uri, own->uri)) return sip::Contact{std::move(*contact)};
  }
  return std::nullopt;
}

/// The public GRUU of the own binding. It stands in headers of ours from then on, so it must be a URI with
/// `gr` (RFC 5627 4.2, 5.1); empty: there is none.
std::string gruu_of(const sip::Contact& own) {
  std::string gruu = own.pub_gruu();
  const auto uri = sip::parse_uri(gruu);
  const bool is_gruu = uri && uri->parameter("gr") && gruu.find_first_of("<>\"\r\n ") == std::string::npos;
  return is_gruu ? gruu : std::string();
}

/// The lifetime of the own binding in a 2xx: the Contact's parameter, else Expires, else the requested one.
std::uint32_t granted(const sip::Message& response, const std::optional<sip::Contact>& own,
                      std::uint32_t asked) {
  if (const auto text = own ? own->address.parameter("expires") : std::nullopt)
    return parse_number<std::uint32_t>(*text).value_or(asked);
  return response.expires().value_or(asked);
}

}  // namespace

Registration::Registration(Context& context, OnRegistered on_registered, OnAllFailed on_all_failed,
                           KeepAlive::Handlers keep_alive)
    : context_(context),
      on_registered_(std::move(on_registered)),
      on_all_failed_(std::move(on_all_failed)),
      timer_(context.timers),
      keep_alive_(context, std::move(keep_alive)),
      call_id_(context.random.token(12)),
      tag_(context.random.token(8)) {}

void Registration::start(std::uint32_t expires_seconds, Done done, Now now) {
  if (expires_seconds == 0) return stop(std::move(done), now);
  wanted_ = true;
  asked_ = expires_seconds;
  state_ = State::registering;
  place({asked_, std::move(done)}, now);
}

void Registration::stop(Done done, Now now) {
  wanted_ = false;
  place({0, std::move(done)}, now);
}

void Registration::on_connection_lost(Now now) {
  if (!wanted_ || state_ == State::failed || in_flight_) return;
  if (state_ == State::registering && timer_.is_set())
    return;  // the request that failed with it has set the timer
  state_ = State::registering;
  retry_later(0s, now);
}

/// "UAs MUST NOT send a new registration [...] until they have received a final response from the registrar
/// for the previous one" (RFC 3261 10.2).
void Registration::place(Order order, Now now) {
  timer_.cancel();
  if (in_flight_) return orders_.push_back(std::move(order));
  send(std::move(order), now);
}

void Registration::send(Order order, Now now) {
  timer_.cancel();
  in_flight_ = true;
  const std::string uri = "sip:" + context_.account.domain;
  const std::uint32_t expires = order.expires;
  context_.requester.send(
      {.method = sip::Method::register_,
       .uri = uri,
       .make = [this, uri, expires] { return make(uri, expires); },
       .owner = life_.watch()},
      context_.hop(),
      [this, order = std::move(order)](int status, const sip::Message* response, Now at) {
        on_final(order, status, response, at);
      },
      now);
}

sip::Builder Registration::make(const std::string& uri, std::uint32_t expires) {
  sip::Builder builder = context_.request("REGISTER", uri, context_.account.aor, tag_, call_id_, ++cseq_);
  const bool outbound = without_outbound_ != context_.hop();
  contact_ = context_.contact();
  builder.add(HeaderId::contact, contact_ + ";+sip.instance=\"<" + context_.account.instance + ">\"" +
                                     (outbound ? ";reg-id=1" : "") + ";expires=" + std::to_string(expires));
  builder.add(HeaderId::supported, outbound ? "path, outbound, gruu" : "path, gruu");
  return builder;
}

void Registration::on_final(Order order, int status, const sip::Message* response, Now now) {
  in_flight_ = false;
  if (take_demand(order, status, response)) return send(std::move(order), now);
  if (fail_over(status, response)) return send(std::move(order), now);
  if (response != nullptr && status < 300) {
    on_success(order.expires, *response, now);
  } else if (order.expires == 0) {
    enter(State::unregistered, status, "", 0, now);  // the binding ends with its lifetime
  } else {
    on_failure(static_cast<bool>(order.done), status, response, now);
  }
  if (order.done) order.done(Requester::status_of(status, response), now);
  if (in_flight_ || orders_.empty()) return;
  Order next = std::move(orders_.front());
  orders_.pop_front();
  send(std::move(next), now);
}

/// True if the server asks for the same REGISTER in another form, and has not asked so before: a longer
/// lifetime (423), or none of RFC 5626's outbound on this connection (439).
bool Registration::take_demand(Order& order, int status, const sip::Message* response) {
  if (response == nullptr) return false;
  if (status == 439 && without_outbound_ != context_.hop()) {
    without_outbound_ = context_.hop();
    return true;
  }
  const auto least = response->number(HeaderId::min_expires);
  if (status != 423 || order.expires == 0 || order.raised || !least || *least <= order.expires) return false;
  // What the user has asked for meanwhile waits in a later order.
  if (asked_ == order.expires) asked_ = *least;
  order.expires = *least;
  order.raised = true;
  return true;
}

/// After no answer or a 503, the same request goes to the domain's next server at once (RFC 3263 4.3). A
/// forged answer is neither.
bool Registration::fail_over(int status, const sip::Message* response) {
  auto& connection = context_.connection;
  if (Requester::status_of(status, response) == control::unproven) return false;
  if (response != nullptr && status != 503) {
    connection.on_answer();
    return false;
  }
  const auto failed = connection.server;
  if (connection.fail_over()) {
    log::info("account", "{} failed ({}): trying {}", print(failed.remote), status,
              print(connection.server.remote));
    return true;
  }
  if (on_all_failed_) on_all_failed_();
  return false;
}

void Registration::on_success(std::uint32_t asked, const sip::Message& response, Now now) {
  failures_ = refused_passwords_ = 0;
  accepted_ = true;
  context_.connection.service_route = asked == 0 ? std::string() : route_of(response);
  if (asked == 0) return enter(State::unregistered, response.status(), "", 0, now);
  const auto own = find_own(response, contact_);
  const std::uint32_t expires = granted(response, own, asked);
  context_.connection.gruu = own ? gruu_of(*own) : std::string();
  context_.connection.take_offer(response);
  keep_alive_.on_registered(response, now);
  // Refreshed while a fifth of the lifetime is left, so that a REGISTER that fails can be tried again.
  const Duration pause = std::max<Duration>(shortest_refresh, std::chrono::seconds(expires) * 4 / 5);
  timer_.set(now.mono + pause, [this](Time at) { refresh(at); });
  enter(State::registered, response.status(), "", expires, now);
  on_registered_(now);
}

void Registration::on_failure(bool is_asked, int status, const sip::Message* response, Now now) {
  const bool was_accepted = accepted_ && control::cause_of(status) == control::Cause::credentials;
  const bool may_pass = status == 408 || status / 100 == 5 || was_accepted;
  std::pair failure{status, reason_of(status, response)};
  if (is_asked || !may_pass || reported_ != failure)
    enter(may_pass ? State::registering : State::failed, status, failure.second, 0, now);
  reported_ = std::move(failure);
  if (!may_pass || !wanted_) return;
  const auto asked = response != nullptr ? response->number(HeaderId::retry_after) : std::nullopt;
  const Duration refused =
      was_accepted ? pause_after_refusal(refused_passwords_++, context_.random) : Duration::zero();
  retry_later(std::max<Duration>(refused, std::chrono::seconds(asked.value_or(0))), now);
}

std::string Registration::reason_of(int status, const sip::Message* response) const {
  if (response == nullptr && context_.requester.why()) return context_.requester.why().message();
  if (control::cause_of(status) == control::Cause::credentials)
    return std::string(control::refused_credentials(accepted_));
  return std::string(Requester::reason_of(status, response));
}

void Registration::refresh(Time mono) { place({asked_, {}}, Now{mono, context_.clock.now().wall}); }

void Registration::retry_later(Duration at_least, Now now) {
  const Duration pause = std::max<Duration>(at_least, retry_pause(failures_++, context_.random));
  timer_.set(now.mono + pause, [this](Time at) { refresh(at); });
}

void Registration::enter(State state, int status, std::string_view reason, std::uint32_t expires, Now now) {
  state_ = state;
  reported_.reset();
  if (state == State::unregistered || state == State::failed) {
    keep_alive_.stop();
    context_.connection.gruu.clear();
  }
  boost::json::object event = control::make_event("registration", now);
  event["state"] = state == State::registering ? "failed" : to_string(state);
  event["status"] = status;
  if (!reason.empty()) event["reason"] = reason;
  if (state == State::registered) {
    event["expires"] = expires;
    event["contact"] = contact_;
    if (!context_.connection.gruu.empty()) event["gruu"] = context_.connection.gruu;
    event["direct"] = context_.connection.offers_direct();
  }
  context_.emit(std::move(event));
}

const char* to_string(Registration::State state) {
  switch (state) {
    case Registration::State::unregistered:
      return "unregistered";
    case Registration::State::registering:
      return "registering";
    case Registration::State::registered:
      return "registered";
    case Registration::State::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace beckon::client::account
