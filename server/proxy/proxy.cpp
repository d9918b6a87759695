#include "server/proxy/proxy.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/sip/builder.hpp"
#include "server/proxy/loop.hpp"
#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::Outcome;
using transaction::TransactionId;

namespace {

/// RFC 3261 16.6 step 11: "more than 3 minutes".
constexpr Duration timer_c = 185s;

}  // namespace

Proxy::Context::Context(RequestPtr asked, TimerQueue& timers)
    : request(std::move(asked)), fork(request->message.method() == Method::invite), copies(timers) {}

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
  return !request.to_tag().empty() &&
         destination_in_dialog(request, read_way(request, key_, services_.settings()),
                               services_.locator().abilities());
}

bool Proxy::is_looping(const sip::Message& request) const { return proxy::is_looping(request, key_); }

Proxy::Context* Proxy::find(TransactionId id) {
  const auto found = contexts_.find(id);
  return found == contexts_.end() ? nullptr : found->second.get();
}

void Proxy::begin(const RequestPtr& request) {
  contexts_.emplace(request->id, std::make_unique<Context>(request, services_.timers()));
}

void Proxy::forget(TransactionId id) { contexts_.erase(id); }

void Proxy::give_up(const RequestPtr& request, int status, std::string_view reason) {
  forget(request->id);
  services_.respond(*request, status, reason);
}

void Proxy::give_up(const RequestPtr& request, SipsRefusal why) {
  forget(request->id);
  services_.respond(*request, make_refusal(request->reply(480), why));
}

void Proxy::on_request(const RequestPtr& request) {
  const auto way = read_way(request->message, key_, services_.settings());
  const bool in_dialog = way.token && !request->message.to_tag().empty();
  if (!in_dialog) {
    return deliver(request, [this](const RequestPtr& asked, Unreachable why) {
      answer_unreachable(services_, asked, why);
    });
  }
  begin(request);
  auto to = destination_in_dialog(request->message, way, services_.locator().abilities());
  if (!to && may_leave(*request)) {
    const auto route = sip::parse_name_addr(way.rest.front());
    if (route) to = destination_of(route->uri, services_.locator().abilities(), request->from.remote.ip);
  }
  if (!to) return give_up(request, 403, "Not The Way Of This Dialog");
  if (is_to_sips(request->message)) to = secured(std::move(*to));
  if (to->is_nowhere()) return give_up(request, SipsRefusal::not_allowed);
  forward(request, {{.to = std::move(*to)}});
}

// Whom to forward to

void Proxy::deliver(const RequestPtr& request, OnUnreachable unreachable) {
  const auto uri = request->message.request_uri();
  if (!uri) return services_.respond(*request, 400);
  begin(request);
  const auto fail = [this, request, unreachable](Unreachable why) {
    forget(request->id);
    unreachable(request, why);
  };
  const auto way = read_way(request->message, key_, services_.settings());
  if (!services_.settings().serves(uri->host) || !way.rest.empty()) {
    if (!may_leave(*request)) return fail(Unreachable::foreign);
    const auto route =
        way.rest.empty() ? std::nullopt : std::optional(sip::parse_name_addr(way.rest.front()));
    if (route && !*route) return give_up(request, 400);
    return to_foreign(request, route ? (*route)->uri : *uri);
  }
  const std::string aor = sip::canonical_aor(*uri);
  if (uri->user.empty()) return fail(Unreachable::unknown);
  locate(request, aor, [this, request, aor, unreachable](const std::vector<registrar::Binding>& bindings) {
    if (bindings.empty()) return ask_whether_known(request, aor, unreachable);
    to_bindings(request, bindings);
  });
}

/// No open relay: only users of ours, proven by their password, send to other domains.
bool Proxy::may_leave(const Request& request) const {
  const auto& settings = services_.settings();
  if (settings.foreign != ForeignPolicy::forward || !request.identity.authenticated) return false;
  const auto sender = sip::parse_uri(request.identity.aor);
  return sender && settings.serves(sender->host);
}

void Proxy::to_foreign(const RequestPtr& request, const sip::Uri& uri) {
  auto to = destination_of(uri, services_.locator().abilities(), request->from.remote.ip);
  if (!to) return give_up(request, 404, "Domain Not Found");
  if (is_to_sips(request->message)) to = secured(std::move(*to));
  if (to->is_nowhere()) return give_up(request, SipsRefusal::not_allowed);
  forward(request, {{.to = std::move(*to), .in_dialogs = request->message.method() == Method::invite}});
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
  const bool sips = is_to_sips(request->message);
  std::vector<Target> targets;
  for (const auto& binding : bindings) {
    const auto uri = uri_toward(std::string(binding.contact()), sips);
    if (!uri) continue;
    auto to = destination_of(binding, services_.locator().abilities());
    if (is_sips(binding.contact())) to = secured(std::move(to));
    if (to.is_nowhere()) continue;
    Target target{.to = std::move(to), .uri = *uri, .path = std::string(binding.path()), .in_dialogs = makes_dialog};
    if (request->identity.authenticated) target.asserted = '<' + request->identity.aor + '>';
    targets.push_back(std::move(target));
  }
  if (targets.empty()) return give_up(request, sips ? SipsRefusal::not_allowed : SipsRefusal::required);
  forward(request, std::move(targets));
}

/// One line for each side where the two reach us differently (RFC 5658); the callee's on top.
std::vector<std::string> Proxy::record_route(const Request& request, const Hop& callee) const {
  const std::string user = seal({.bucket = request.bucket,
                                 .caller_tag_hash = hash_tag(request.message.from_tag()),
                                 .caller = request.from,
                                 .callee = callee},
                                key_, request.message.call_id());
  // RFC 3261 16.6 step 4.
  const bool sips = is_to_sips(request.message);
  std::string for_caller = '<' + services_.own_uri(user, request.from, sips) + ";lr>";
  std::string for_callee = '<' + services_.own_uri(user, callee, sips) + ";lr>";
  if (for_caller == for_callee) return {std::move(for_caller)};
  return {std::move(for_caller), std::move(for_callee)};
}

// Forwarding

void Proxy::forward(const RequestPtr& request, std::vector<Target> targets) {
  Context* context = find(request->id);
  if (!context) return;
  if (context->cancelled) return give_up(request, 487);
  const auto breadth = breadth_of(request->message, services_.settings());
  if (breadth == 0) return give_up(request, 440, "Max-Breadth Exceeded");
  const auto at_once = std::min<std::size_t>(targets.size(), breadth);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    context->fork.add();
    // What does not divide evenly goes to the first ones.
    const bool extra = i < breadth % at_once;
    targets[i].breadth = i < at_once ? static_cast<std::uint32_t>(breadth / at_once + (extra ? 1 : 0)) : 1;
    if (i >= at_once) context->waiting.push_back(i);
    context->branches.emplace_back(std::move(targets[i]), services_.timers());
  }
  for (std::size_t i = 0; i < at_once; ++i) start_branch(request, i);
}

void Proxy::start_next(const RequestPtr& request) {
  Context* context = find(request->id);
  if (!context || context->waiting.empty()) return;
  const std::size_t next = context->waiting.front();
  context->waiting.pop_front();
  start_branch(request, next);
}

void Proxy::start_branch(const RequestPtr& request, std::size_t number) {
  Context* context = find(request->id);
  if (!context) return;
  const auto& query = context->branches[number].target.to.query;
  if (!query || context->cancelled) return try_next(request, number);
  services_.locator().locate(*query, [this, request, number](const locate::Locator::Hops& found) {
    on_located(request, number, found);
  });
}

void Proxy::on_located(const RequestPtr& request, std::size_t number, locate::Locator::Hops found) {
  Context* context = find(request->id);
  if (!context) return;
  Branch& branch = context->branches[number];
  if (found) leave_out_loopback(*found, branch.target.to.asker);
  if (found && found->empty()) found = locate::Errc::no_address;
  if (found) {
    branch.target.to.hops.insert(branch.target.to.hops.begin(), found->begin(), found->end());
  } else {
    log::info("proxy", "{} {}: {}", request->message.call_id(), branch.target.to.query->host,
              found.error().message());
    const bool dns_failed = found.error() == locate::Errc::no_answer || found.error() == locate::Errc::busy;
    branch.status = dns_failed ? 504 : 404;  // RFC 3261 21.5.5: DNS is such an external server
    branch.reason = dns_failed ? "" : "Domain Not Found";
  }
  try_next(request, number);
}

void Proxy::try_next(const RequestPtr& request, std::size_t number) {
  Context* context = find(request->id);
  if (!context) return;
  Branch& branch = context->branches[number];
  if (context->cancelled) return end_branch(request, number, 487);
  const auto& hops = branch.target.to.hops;
  const auto& settings = services_.settings();
  const Way way = read_way(request->message, key_, settings);
  if (branch.next == hops.size()) return end_branch(request, number, branch.status, branch.reason);
  const Hop hop = hops[branch.next++];
  const auto route = branch.target.in_dialogs ? record_route(*request, hop) : std::vector<std::string>{};
  // Only a request that forks has to be known again (RFC 5393 4.1).
  const std::string mark = context->fork.size() > 1 ? loop_mark(request->message, key_) : std::string();
  branch.heard = false;
  branch.id = services_.send(
      request->bucket, outgoing(request->message, way, branch.target, route, settings), hop,
      [this, request, number, hop](const Outcome& outcome, Now now) {
        on_outcome(request, number, hop, outcome, now);
      },
      mark);
  if (request->message.method() == Method::invite) arm_timer_c(branch, services_.clock().now());
}

/// Ends a branch with an answer of our own.
void Proxy::end_branch(const RequestPtr& request, std::size_t number, int status, std::string_view reason) {
  Context& context = *find(request->id);
  const std::string response = request->reply(status, reason).finish();
  act(context, context.fork.on_response(number, status, response), response, services_.clock().now());
  start_next(request);
}

/// Located servers that failed come last for a while; a server may say for how long (RFC 3261 21.5.4).
void Proxy::remember_failure(const Branch& branch, const Hop& hop, const sip::Message* response) {
  if (!branch.target.to.query) return;
  constexpr std::uint32_t longest = 3600;  // seconds
  const auto asked = response ? response->number(HeaderId::retry_after) : std::nullopt;
  const Duration pause =
      asked ? Duration(std::chrono::seconds(std::min(*asked, longest))) : locate::failed_pause;
  services_.locator().on_failed(hop, pause);
}

void Proxy::on_outcome(const RequestPtr& request, std::size_t number, const Hop& hop, const Outcome& outcome,
                       Now now) {
  Context* context = find(request->id);
  if (!context) return;
  Branch& branch = context->branches[number];
  if (outcome.kind != Outcome::Kind::provisional)
    branch.timer_c.cancel();
  else if (outcome.status != 100 && branch.timer_c.is_set())
    arm_timer_c(branch, now);  // RFC 3261 16.7 step 2
  // "Failure also occurs if the transaction layer times out without ever having received any response" (RFC
  // 3263 4.3).
  const bool failed = outcome.kind == Outcome::Kind::transport_error ||
                      (outcome.kind == Outcome::Kind::timeout && !branch.heard) ||
                      (outcome.kind == Outcome::Kind::final && outcome.status == 503);
  branch.heard |= outcome.response != nullptr;
  if (failed) {
    remember_failure(branch, hop, outcome.response);
    if (branch.next < branch.target.to.hops.size() && !context->cancelled) return try_next(request, number);
  }
  int status = outcome.status;
  std::string response;
  if (outcome.response && status != 503) {
    response = sip::Splice(*outcome.response).drop_first(HeaderId::via).finish();
  } else {
    // A device that cannot be reached is as good as gone; 503 would drive the caller away from this server
    // (RFC 3261 16.7 step 6).
    status = outcome.kind == Outcome::Kind::timeout ? 408
             : outcome.response                     ? 500
             : outcome.too_long                     ? 513
                                                    : 480;
    response = request->reply(status).finish();
  }
  act(*context, context->fork.on_response(number, status, response), response, now);
  if (status >= 200) start_next(request);
}

void Proxy::act(Context& context, Fork::Actions actions, const std::string& response, Now now) {
  const RequestPtr request = context.request;
  const bool invite = request->message.method() == Method::invite;
  if (actions.forward_now) services_.respond(*request, response);
  if (actions.cancel_others) context.cancelled = true;
  if (actions.cancel_others && invite) cancel_open(context, {}, now);
  if (actions.send_best) services_.respond(*request, context.fork.best());
  if (!context.fork.is_finished()) return;
  // Copies of a 2xx may follow for 64*T1 (RFC 6026 7.1).
  if (!invite || actions.send_best) return forget(request->id);
  context.copies.set(now.mono + replay_time, [this, id = request->id](Time) { forget(id); });
}

/// When it fires the branch alone is cancelled (RFC 3261 16.8); one that nobody has answered ended long
/// before.
void Proxy::arm_timer_c(Branch& branch, Now now) {
  branch.timer_c.set(now.mono + timer_c, [this, id = branch.id](Time) {
    services_.transactions().cancel(id, {}, services_.clock().now());
  });
}

void Proxy::cancel_open(Context& context, std::string_view reason, Now now) {
  for (std::size_t i = 0; i < context.fork.size(); ++i) {
    if (context.fork.is_open(i) && context.branches[i].id != 0)
      services_.transactions().cancel(context.branches[i].id, reason, now);
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
  auto to = destination_in_dialog(ack, way, services_.locator().abilities());
  if (to && is_to_sips(ack)) to = secured(std::move(*to));
  if (!to || to->is_nowhere() || ack.number(HeaderId::max_forwards) == 0U) {
    return log::debug("proxy", "{} ACK cannot be forwarded", ack.call_id());
  }
  const std::string text =
      outgoing(ack, way, {.to = *to, .breadth = breadth_of(ack, settings)}, {}, settings);
  if (!to->query) return services_.transactions().send_ack(text, to->hops.front(), now);
  services_.locator().locate(*to->query, [this, text](const locate::Locator::Hops& found) {
    if (found) services_.transactions().send_ack(text, found->front(), services_.clock().now());
  });
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
