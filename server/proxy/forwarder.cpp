#include "server/proxy/forwarder.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/proxy/loop.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::Outcome;

namespace {

/// RFC 3261 16.6 step 11: "more than 3 minutes".
constexpr Duration timer_c = 185s;

}  // namespace

Forwarder::Forwarder(Environment& environment, Sender& sender, locate::Locator& locator,
                     const crypto::Key32& key, Client& client)
    : environment_(environment), sender_(sender), locator_(locator), key_(key), client_(client) {}

Forwarder::~Forwarder() = default;

Forwarder::Context* Forwarder::find(Key key) {
  const auto found = contexts_.find(key);
  return found == contexts_.end() ? nullptr : &found->second;
}

std::size_t Forwarder::size(Key key) const {
  const auto found = contexts_.find(key);
  return found == contexts_.end() ? 0 : found->second.branches.size();
}

void Forwarder::start(Key key, Order order) {
  assert(!order.targets.empty() && order.breadth > 0);
  std::vector<Target> targets = std::move(order.targets);
  const auto breadth = order.breadth;
  auto& context = contexts_.try_emplace(key, std::move(order)).first->second;
  context.branches.reserve(targets.size());
  const auto at_once = std::min<std::size_t>(targets.size(), breadth);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    context.fork.add();
    // What does not divide evenly goes to the first ones (RFC 5393 5.3.3).
    const bool extra = i < breadth % at_once;
    targets[i].breadth = i < at_once ? static_cast<std::uint32_t>(breadth / at_once + (extra ? 1 : 0)) : 1;
    context.branches.emplace_back(std::move(targets[i]));
  }
  context.begun = at_once;
  for (std::size_t i = 0; i < at_once; ++i) start_branch(key, i);
}

void Forwarder::start_next(Key key) {
  Context* context = find(key);
  if (context && context->begun < context->branches.size()) start_branch(key, context->begun++);
}

void Forwarder::start_branch(Key key, std::size_t number) {
  Context* context = find(key);
  if (!context) return;
  const auto& query = context->branches[number].target.to.query;
  if (!query || context->cancelled) return try_next(key, number);
  locator_.locate(
      *query, [this, key, number](const locate::Locator::Hops& found) { on_located(key, number, found); });
}

void Forwarder::on_located(Key key, std::size_t number, locate::Locator::Hops found) {
  Context* context = find(key);
  if (!context) return;
  Branch& branch = context->branches[number];
  if (found) leave_out_loopback(*found, branch.target.to.asker);
  if (found && found->empty()) found = locate::Errc::no_address;
  if (found) {
    branch.target.to.hops.insert(branch.target.to.hops.begin(), found->begin(), found->end());
  } else {
    log::info("proxy", "{} {}: {}", context->order.request.call_id(), branch.target.to.query->host,
              found.error().message());
    const bool dns_failed = found.error() == locate::Errc::no_answer || found.error() == locate::Errc::busy;
    branch.status = dns_failed ? 504 : 404;  // RFC 3261 21.5.5: DNS is such an external server
    branch.reason = dns_failed ? "" : "Domain Not Found";
  }
  try_next(key, number);
}

void Forwarder::try_next(Key key, std::size_t number) {
  Context* context = find(key);
  if (!context) return;
  Branch& branch = context->branches[number];
  const Now now = environment_.clock().now();
  if (context->cancelled) return answer(key, number, 487, {}, nullptr, now);
  const auto& hops = branch.target.to.hops;
  if (branch.next == hops.size()) return answer(key, number, branch.status, branch.reason, nullptr, now);
  const Hop hop = hops[branch.next++];
  const Order& order = context->order;
  const auto route = branch.target.in_dialogs ? client_.record_route(key, hop) : std::vector<std::string>{};
  // Only a request that forks has to be known again (RFC 5393 4.1).
  const std::string mark = context->fork.size() > 1 ? loop_mark(order.request, key_) : std::string();
  branch.answered = false;
  branch.id = sender_.send(
      order.bucket, outgoing(order.request, order.route, branch.target, route, environment_.settings()), hop,
      [this, key, number, hop](const Outcome& outcome, Now at) { on_outcome(key, number, hop, outcome, at); },
      mark);
  if (order.request.method() == Method::invite) arm_timer_c(branch);
}

/// A device that cannot be reached by one flow may be by another (RFC 5626 7).
bool Forwarder::try_other(Key key, std::size_t number) {
  Context* context = find(key);
  Branch& branch = context->branches[number];
  if (branch.target.others.empty() || context->cancelled) return false;
  std::vector<Target> others = std::move(branch.target.others);
  Target next = std::move(others.front());
  others.erase(others.begin());
  next.others = std::move(others);
  next.breadth = branch.target.breadth;
  branch.target = std::move(next);
  branch.next = 0;
  start_branch(key, number);
  return true;
}

/// Located servers that failed come last for a while; a server may say for how long (RFC 3261 21.5.4).
void Forwarder::remember_failure(const Branch& branch, const Hop& hop, const sip::Message* response) {
  if (!branch.target.to.query) return;
  constexpr std::uint32_t longest = 3600;  // seconds
  const auto asked = response ? response->number(HeaderId::retry_after) : std::nullopt;
  const Duration pause =
      asked ? Duration(std::chrono::seconds(std::min(*asked, longest))) : locate::failed_pause;
  locator_.on_failed(hop, pause);
}

void Forwarder::on_outcome(Key key, std::size_t number, const Hop& hop, const Outcome& outcome, Now now) {
  Context* context = find(key);
  if (!context) return;
  Branch& branch = context->branches[number];
  if (outcome.kind != Outcome::Kind::provisional)
    branch.timer_c = nullptr;
  else if (outcome.status != 100 && branch.timer_c && branch.timer_c->is_set())
    arm_timer_c(branch);  // RFC 3261 16.7 step 2
  // "Failure also occurs if the transaction layer times out without ever having received any response" (RFC
  // 3263 4.3).
  const bool failed = outcome.kind == Outcome::Kind::transport_error ||
                      (outcome.kind == Outcome::Kind::timeout && !branch.answered) ||
                      (outcome.kind == Outcome::Kind::final && outcome.status == 503);
  // The registrar learns of a closed connection by itself, but not of a refused datagram.
  const bool says_failed = outcome.kind == Outcome::Kind::final && outcome.status == 430;
  const bool is_refused = outcome.kind == Outcome::Kind::transport_error &&
                          hop.protocol == transaction::Protocol::udp && branch.target.binding.reg_id != 0 &&
                          hop.remote == branch.target.binding.received().remote;
  // The client of another request than INVITE has given up by now.
  const bool is_silent = !branch.answered && context->order.request.method() == Method::invite &&
                         (outcome.kind == Outcome::Kind::timeout ||
                          (outcome.kind == Outcome::Kind::final && outcome.status == 408));
  branch.answered |= outcome.response != nullptr;
  if (failed) {
    remember_failure(branch, hop, outcome.response);
    if (branch.next < branch.target.to.hops.size() && !context->cancelled) return try_next(key, number);
  }
  if (says_failed || is_refused) client_.on_flow_failed(key, branch.target, now);
  const bool is_unreachable = outcome.kind == Outcome::Kind::transport_error || says_failed || is_silent;
  if (is_unreachable && try_other(key, number)) return;
  if (outcome.response && outcome.status != 503 && !says_failed)
    return answer(key, number, outcome.status, {}, outcome.response, now);
  // A device that cannot be reached is as good as gone; 503 would drive the caller away from this server
  // (RFC 3261 16.7 step 6), and 430 is for proxies (RFC 5626 11.5).
  const int status = outcome.kind == Outcome::Kind::timeout ? 408
                     : outcome.response && !says_failed     ? 500
                     : outcome.too_long                     ? 513
                                                            : 480;
  answer(key, number, status, {}, nullptr, now);
}

/// A branch has this answer; `response` is null for one of our own.
void Forwarder::answer(Key key, std::size_t number, int status, std::string_view reason,
                       const sip::Message* response, Now now) {
  Context* context = find(key);
  if (!context) return;
  const auto actions = context->fork.on_response(number, status);
  const bool ends = status >= 200;
  if (ends && response) context->branches[number].response = *response;
  const std::string kept_reason(reason);  // it may be the branch's own
  if (ends && !response) context->branches[number].reason = kept_reason;
  if (actions.forward_now && response) client_.on_response(key, number, *response, now);
  if (actions.cancel_others) {
    context->cancelled = true;
    cancel_open(*context, {});
  }
  if (!ends) return;
  client_.on_target_end(key, number, {status, kept_reason, response}, now);
  start_next(key);
  context = find(key);
  if (context && context->fork.is_finished()) finish(key, now);
}

void Forwarder::finish(Key key, Now now) {
  const auto ended = contexts_.extract(key);
  const Context& context = ended.mapped();
  const Branch& best = context.branches[context.fork.best()];
  const int status = context.fork.best_status();
  const sip::Message* response = best.response ? &*best.response : nullptr;
  client_.on_end(key, {status, response ? std::string_view{} : std::string_view(best.reason), response}, now);
}

/// When it fires the branch alone is cancelled (RFC 3261 16.8); one without any answer ended long before.
void Forwarder::arm_timer_c(Branch& branch) {
  if (!branch.timer_c) branch.timer_c = std::make_unique<Timer>(environment_.timers());
  branch.timer_c->set(environment_.clock().now().mono + timer_c,
                      [this, id = branch.id](Time) { sender_.cancel(id, {}); });
}

void Forwarder::cancel_open(Context& context, std::string_view reason) {
  if (context.order.request.method() != Method::invite) return;
  for (std::size_t i = 0; i < context.fork.size(); ++i) {
    if (context.fork.is_open(i) && context.branches[i].id != 0)
      sender_.cancel(context.branches[i].id, reason);
  }
}

void Forwarder::cancel(Key key, std::string_view reason) {
  Context* context = find(key);
  if (!context) return;
  context->cancelled = true;
  cancel_open(*context, reason);
}

}  // namespace beckon::server::proxy
