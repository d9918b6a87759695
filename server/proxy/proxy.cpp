#include "server/proxy/proxy.hpp"

#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/sip/builder.hpp"
#include "server/proxy/next_hop.hpp"
#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::Outcome;
using transaction::Protocol;
using transaction::TransactionId;

namespace {

/// RFC 3261 16.6 step 11: "more than 3 minutes".
constexpr Duration timer_c = 185s;
/// A request this long leaves over a congestion-controlled transport or not at all (RFC 3428 8, RFC
/// 3261 18.1.1).
constexpr std::size_t datagram_octets = 1300;

/// The same for every copy of a request that reaches this Request-URI, whatever way it came (RFC
/// 3261 8.2.2.2, 16.3).
std::string identity_of(const sip::Message& message) {
  std::string identity(message.call_id());
  for (const std::string_view part :
       {message.header(HeaderId::cseq), message.from_tag(),
        message.is_request() ? message.request_uri_text() : std::string_view{}}) {
    identity += '\n';
    identity += part;
  }
  return identity;
}

std::string own_route(const std::string& user, const Services& services, const Hop& hop) {
  std::string value = "<sip:" + user + '@' + services.sent_by(hop);
  switch (hop.protocol) {
    case Protocol::udp:
      break;
    case Protocol::tcp:
      value += ";transport=tcp";
      break;
    case Protocol::tls:
      value += ";transport=tls";
      break;
    case Protocol::ws:
    case Protocol::wss:
      value += ";transport=ws";
      break;
  }
  return value + ";lr>";
}

}  // namespace

Proxy::Context::Context(RequestPtr asked, TimerQueue& timers)
    : request(std::move(asked)),
      fork(request->message.method() == Method::invite),
      identity(identity_of(request->message)),
      timer(timers) {}

Proxy::Proxy(Services& services, registrar::Registrar& registrar, const crypto::Key32& key)
    : services_(services), registrar_(registrar), key_(key) {}

Proxy::~Proxy() { crypto::wipe(key_); }

bool Proxy::handles(Method method, std::string_view) const {
  switch (method) {
    case Method::invite:
    case Method::ack:
    case Method::bye:
    case Method::cancel:
    case Method::info:
    case Method::options:
    case Method::prack:
    case Method::refer:
    case Method::update:
    case Method::notify:
      return true;
    default:
      return false;
  }
}

bool Proxy::vouches_for(const sip::Message& request) const {
  return !request.to_tag().empty() && read_way(request, key_, services_.settings()).token.has_value();
}

Proxy::Context* Proxy::find(TransactionId id) {
  const auto found = contexts_.find(id);
  return found == contexts_.end() ? nullptr : found->second.get();
}

/// False: answered already, as the same request came on another way or in a loop.
bool Proxy::begin(const RequestPtr& request) {
  auto context = std::make_unique<Context>(request, services_.timers());
  const auto [place, is_new] = by_identity_.try_emplace(context->identity, request->id);
  if (!is_new) {
    services_.respond(*request, 482);
    return false;
  }
  contexts_.emplace(request->id, std::move(context));
  return true;
}

void Proxy::forget(TransactionId id) {
  const auto found = contexts_.find(id);
  if (found == contexts_.end()) return;
  by_identity_.erase(found->second->identity);
  contexts_.erase(found);
}

void Proxy::give_up(const RequestPtr& request, int status, std::string_view reason) {
  forget(request->id);
  services_.respond(*request, status, reason);
}

void Proxy::on_request(const RequestPtr& request) {
  const auto way = read_way(request->message, key_, services_.settings());
  const bool in_dialog = way.token && !request->message.to_tag().empty();
  if (!in_dialog) {
    return deliver(request, [this](const RequestPtr& asked, Unreachable why) {
      answer_unreachable(services_, asked, why);
    });
  }
  if (!begin(request)) return;
  const auto hop = hop_in_dialog(request->message, way);
  if (!hop) return give_up(request, 404);
  forward(request, {{.hop = *hop, .uri = {}, .path = {}, .asserted = {}, .record_route = {}}});
}

// Whom to forward to

void Proxy::deliver(const RequestPtr& request, OnUnreachable unreachable) {
  const auto uri = request->message.request_uri();
  if (!uri) return services_.respond(*request, 400);
  if (!begin(request)) return;
  const auto fail = [this, request, unreachable](Unreachable why) {
    forget(request->id);
    unreachable(request, why);
  };
  const auto way = read_way(request->message, key_, services_.settings());
  if (!services_.settings().serves(uri->host) || !way.rest.empty()) return fail(Unreachable::foreign);
  const std::string aor = sip::canonical_aor(*uri);
  if (uri->user.empty()) return fail(Unreachable::unknown);
  locate(request, aor, [this, request, aor, unreachable](const std::vector<registrar::Binding>& bindings) {
    if (bindings.empty()) return ask_whether_known(request, aor, unreachable);
    to_bindings(request, bindings);
  });
}

void Proxy::locate(const RequestPtr& request, const std::string& aor, Found found) {
  const Bucket home = bucket_of(aor);
  if (home == request->bucket) return found(registrar_.targets(aor, services_.clock().now()));
  const Bucket back = request->bucket;
  const bool posted = services_.post(home, [back, aor, found](Services& there, Now now) {
    there.post_back(back, [found, bindings = there.room<registrar::Registrar>().targets(aor, now)](
                              Services&, Now) { found(bindings); });
  });
  if (!posted) give_up(request, 503);
}

void Proxy::ask_whether_known(const RequestPtr& request, const std::string& aor,
                              const OnUnreachable& unreachable) {
  services_.users().find_user(aor, [this, request, unreachable](const Result<store::UserPtr>& user) {
    forget(request->id);
    if (!user) return unreachable(request, Unreachable::failed);
    unreachable(request, *user ? Unreachable::offline : Unreachable::unknown);
  });
}

void answer_unreachable(Services& services, const RequestPtr& request, Proxy::Unreachable why) {
  switch (why) {
    case Proxy::Unreachable::unknown:
      return services.respond(*request, 404, "Unknown User");
    case Proxy::Unreachable::offline:
      return services.respond(*request, 480, "User Is Offline");
    case Proxy::Unreachable::foreign:
      return services.respond(*request, 403, "Domain Not Served Here");
    case Proxy::Unreachable::failed:
      return services.respond(*request, 500);
  }
}

void Proxy::to_bindings(const RequestPtr& request, const std::vector<registrar::Binding>& bindings) {
  const bool makes_dialog = request->message.method() == Method::invite;
  std::vector<Target> targets;
  for (const auto& binding : bindings) {
    Target target{.hop = hop_to(binding),
                  .uri = binding.contact,
                  .path = binding.path,
                  .asserted = {},
                  .record_route = {}};
    if (request->identity.authenticated) target.asserted = '<' + request->identity.aor + '>';
    if (makes_dialog) target.record_route = record_route(*request, target.hop);
    targets.push_back(std::move(target));
  }
  forward(request, targets);
}

/// One line for each side where the two reach us differently (RFC 5658); the callee's on top.
std::vector<std::string> Proxy::record_route(const Request& request, const Hop& callee) const {
  const std::string user = seal({.bucket = request.bucket,
                                 .caller_tag_hash = hash_tag(request.message.from_tag()),
                                 .caller = request.from,
                                 .callee = callee},
                                key_, request.message.call_id());
  std::string for_caller = own_route(user, services_, request.from);
  std::string for_callee = own_route(user, services_, callee);
  if (for_caller == for_callee) return {std::move(for_caller)};
  return {std::move(for_caller), std::move(for_callee)};
}

// Forwarding

void Proxy::forward(const RequestPtr& request, const std::vector<Target>& targets) {
  Context* context = find(request->id);
  if (!context) return;
  if (context->cancelled) return give_up(request, 487);
  for (std::size_t i = 0; i < targets.size(); ++i) context->fork.add();
  context->branches.resize(targets.size());
  if (request->message.method() == Method::invite) arm_timer_c(*context, services_.clock().now());
  for (std::size_t i = 0; i < targets.size(); ++i) start_branch(request, i, targets[i]);
}

void Proxy::start_branch(const RequestPtr& request, std::size_t branch, const Target& target) {
  Context* context = find(request->id);
  if (!context) return;
  const auto& settings = services_.settings();
  std::string text = outgoing(request->message, read_way(request->message, key_, settings), target, settings);
  const bool too_large = target.hop.protocol == Protocol::udp && text.size() > datagram_octets &&
                         request->message.method() == Method::message;
  if (too_large) {
    std::string response = request->reply(513).finish();
    return act(*context, context->fork.on_response(branch, 513, response), response, services_.clock().now());
  }
  context->branches[branch] = services_.send(request->bucket, std::move(text), target.hop,
                                             [this, request, branch](const Outcome& outcome, Now now) {
                                               on_outcome(request, branch, outcome, now);
                                             });
}

void Proxy::on_outcome(const RequestPtr& request, std::size_t branch, const Outcome& outcome, Now now) {
  Context* context = find(request->id);
  if (!context) return;
  int status = outcome.status;
  std::string response;
  if (outcome.response) {
    response = sip::Splice(*outcome.response).drop_first(HeaderId::via).finish();
  } else {
    // A device that cannot be reached is as good as gone; 503 would drive the caller away from this server.
    status = outcome.kind == Outcome::Kind::timeout ? 408 : 480;
    response = request->reply(status).finish();
  }
  if (outcome.kind == Outcome::Kind::provisional && status != 100 && context->timer.is_set())
    arm_timer_c(*context, now);
  act(*context, context->fork.on_response(branch, status, response), response, now);
}

void Proxy::act(Context& context, Fork::Actions actions, const std::string& response, Now now) {
  const RequestPtr request = context.request;
  const bool invite = request->message.method() == Method::invite;
  if (actions.forward_now) services_.respond(*request, response);
  if (actions.cancel_others && invite) cancel_open(context, {}, now);
  if (actions.send_best) services_.respond(*request, context.fork.best());
  if (!context.fork.is_finished()) return;
  // Copies of a 2xx may follow for 64*T1 (RFC 6026 7.1).
  if (!invite || actions.send_best) return forget(request->id);
  context.timer.set(now.mono + replay_time, [this, id = request->id](Time) { forget(id); });
}

void Proxy::arm_timer_c(Context& context, Now now) {
  context.timer.set(now.mono + timer_c, [this, id = context.request->id](Time) {
    if (Context* late = find(id)) cancel_open(*late, {}, services_.clock().now());
  });
}

void Proxy::cancel_open(Context& context, std::string_view reason, Now now) {
  for (std::size_t i = 0; i < context.fork.size(); ++i) {
    if (context.fork.is_open(i) && context.branches[i] != 0)
      services_.transactions().cancel(context.branches[i], reason, now);
  }
}

void Proxy::on_cancel(TransactionId id, const sip::Message& cancel, Now now) {
  Context* context = find(id);
  if (!context) return;
  context->cancelled = true;
  cancel_open(*context, cancel.header(HeaderId::reason), now);
}

void Proxy::on_ack(Bucket, const Hop&, const sip::Message& ack, Now now) {
  const auto& settings = services_.settings();
  const auto way = read_way(ack, key_, settings);
  const auto hop = hop_in_dialog(ack, way);
  if (!hop || ack.number(HeaderId::max_forwards) == 0U) {
    return log::debug("proxy", "{} ACK cannot be forwarded", ack.call_id());
  }
  const Target target{.hop = *hop, .uri = {}, .path = {}, .asserted = {}, .record_route = {}};
  services_.transactions().send_ack(outgoing(ack, way, target, settings), *hop, now);
}

void Proxy::on_response(const sip::Message& response, Now) {
  const std::string response_text = sip::Splice(response).drop_first(HeaderId::via).finish();
  for (const auto& [id, context] : contexts_) {
    const auto& asked = context->request->message;
    const bool same = asked.method() == Method::invite && asked.call_id() == response.call_id() &&
                      asked.header(HeaderId::cseq) == response.header(HeaderId::cseq) &&
                      asked.from_tag() == response.from_tag();
    if (same) return services_.respond(*context->request, response_text);
  }
}

std::vector<Table> Proxy::tables(Now) const {
  Table table{.name = "forwards", .rows = {}};
  for (const auto& [id, context] : contexts_) {
    const auto& message = context->request->message;
    table.rows.push_back({{"method", std::string(message.method_text())},
                          {"to", std::string(message.request_uri_text())},
                          {"call_id", std::string(message.call_id())},
                          {"branches", std::to_string(context->fork.size())},
                          {"best", std::to_string(context->fork.best_status())}});
  }
  return {std::move(table)};
}

}  // namespace beckon::server::proxy
