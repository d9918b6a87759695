#include "server/proxy/forwarder.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/sip/builder.hpp"
#include "server/proxy/gather.hpp"
#include "server/proxy/hiding.hpp"
#include "server/proxy/identity.hpp"
#include "server/proxy/loop.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::Outcome;

namespace {

/// RFC 3261 16.6 step 11: "more than 3 minutes".
constexpr Duration timer_c = 185s;
/// Early dialogs of one branch whose end is told (RFC 6228); a fork further on may make any number.
constexpr std::size_t early_max = 16;

/// Reason of a CANCEL (RFC 3326 3.1).
std::string reason_of(int status) {
  const std::string_view text =
      status / 100 == 2 ? std::string_view("Call completed elsewhere") : sip::default_reason(status);
  return "SIP;cause=" + std::to_string(status / 100 == 2 ? 200 : status) + ";text=\"" + std::string(text) +
         '"';
}

/// Is the caller to be told of early dialogs that end (RFC 6228 6)? Not where provisional responses have to
/// be reliable: a proxy's own are not.
bool wants_early_ends(const sip::Message& request) {
  return request.lists(HeaderId::supported, "199") && !request.lists(HeaderId::require, "100rel") &&
         !request.lists(HeaderId::proxy_require, "100rel");
}

/// May what a response asserts be believed? It may come from elsewhere than its request was sent to, as its
/// branch is known to all who saw that: then what `sent_to` has proven says nothing of it.
bool is_trusted(const Hop& from, const Hop& sent_to, const Settings& settings) {
  return proxy::is_trusted(from, settings) ||
         (from.remote == sent_to.remote && (sent_to.flow == 0 || from.flow == sent_to.flow) &&
          proxy::is_trusted(sent_to, settings));
}

/// Users may share a device, and devices in several private networks a contact.
bool is_same_place(const Target& one, const Target& other) {
  return one.uri == other.uri && one.path == other.path && one.binding.received() == other.binding.received();
}

}  // namespace

Forwarder::Forwarder(Environment& environment, Sender& sender, locate::Locator& locator,
                     const crypto::Key32& key, Client& client)
    : environment_(environment), sender_(sender), locator_(locator), key_(key), client_(client) {
  constexpr std::size_t usual = 64;  // under way at a time
  contexts_.reserve(usual);
}

Forwarder::~Forwarder() = default;

Forwarder::Context* Forwarder::find(Key key) {
  const auto found = contexts_.find(key);
  return found == contexts_.end() ? nullptr : &found->second;
}

std::size_t Forwarder::size(Key key) const {
  const auto found = contexts_.find(key);
  return found == contexts_.end() ? 0 : found->second.branches.size();
}

bool is_absence(const Forwarder::End& end) {
  switch (end.status) {
    case 404:
      return !end.response;
    case 408:
    case 430:
    case 480:
    case 500:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

/// By thousandths of q: the highest first. Only a call has the time for one group after another.
std::uint32_t Forwarder::group_of(const Order& order, const Target& target) {
  if (order.ring == Duration::zero() || order.request.method() != Method::invite) return 0;
  return static_cast<std::uint32_t>((1.0F - std::clamp(target.binding.q, 0.0F, 1.0F)) * 1000 + 0.5F);
}

void Forwarder::start(Key key, Order order) {
  assert(!order.targets.empty() && order.breadth > 0);
  std::vector<Target> targets = std::move(order.targets);
  auto& context = contexts_.try_emplace(key, std::move(order)).first->second;
  context.branches.reserve(targets.size());
  for (Target& target : targets) {
    context.fork.add(group_of(context.order, target));
    context.branches.emplace_back(std::move(target));
  }
  start_next(key);
}

/// All that may begin now.
void Forwarder::start_next(Key key) {
  Context* context = find(key);
  while (context) {
    const auto turn = context->fork.next_turn();
    if (!turn) return arm_ring(key, *context);
    context->branches[turn->branch].target.breadth = turn->breadth;
    start_branch(key, turn->branch);
    context = find(key);
  }
}

/// Set anew for each group that begins.
void Forwarder::arm_ring(Key key, Context& context) {
  if (context.cancelled || !context.fork.has_waiting_group()) return void(context.ring = nullptr);
  if (context.ring && context.ring->is_set() && context.ringing == context.fork.group()) return;
  if (!context.ring) context.ring = std::make_unique<Timer>(environment_.timers());
  context.ringing = context.fork.group();
  context.ring->set(environment_.clock().now().mono + context.order.ring,
                    [this, key](Time) { on_ring_end(key); });
}

/// The targets that ring are given up; one that answers all the same is heard.
void Forwarder::on_ring_end(Key key) {
  Context* context = find(key);
  if (!context || context->cancelled) return;  // those that wait end with those that were cancelled
  cancel_open(*context, reason_of(408));
  context->fork.open_next_group();
  start_next(key);
}

void Forwarder::start_branch(Key key, std::size_t number) {
  Context* context = find(key);
  if (!context) return;
  const auto& query = context->branches[number].target.to.query;
  if (!query || context->is_over(number)) return try_next(key, number);
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
  if (context->is_over(number)) return answer(key, number, 487, {}, nullptr, now);
  const auto& hops = branch.target.to.hops;
  if (branch.next == hops.size()) {
    if (!try_other(key, number)) answer(key, number, branch.status, branch.reason, nullptr, now);
    return;
  }
  const Hop hop = hops[branch.next++];
  const Order& order = context->order;
  const OwnLines own = client_.own_lines(key, branch.target, hop);
  // Only a request that forks has to be known again (RFC 5393 4.1).
  const std::string mark = context->fork.size() > 1 ? loop_mark(order.request, key_) : std::string();
  branch.answered = false;
  const SharedText text =
      outgoing(order.request, order.route, branch.target, hop, own, environment_.settings());
  const auto [line, headers] = transaction::cut_request_line(*text);
  branch.id = sender_.send(
      order.bucket, {.line = line, .headers = {&headers, 1}, .branch_part = mark, .each_success = true}, hop,
      [this, key, number, hop](const Outcome& outcome, Now at) { receive(key, number, hop, outcome, at); });
  if (order.request.method() == Method::invite) arm_timer_c(branch);
}

/// A device that cannot be reached by one flow may be by another (RFC 5626 7).
bool Forwarder::try_other(Key key, std::size_t number) {
  Context* context = find(key);
  Branch& branch = context->branches[number];
  if (branch.target.others.empty() || context->is_over(number)) return false;
  constexpr int flow_failed = 430;
  end_early(key, branch, flow_failed);
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

/// The identity of whoever answers is believed to peers of the trust domain alone (RFC 3325 5). A response
/// without its sender's Via is not forwarded (RFC 3261 16.7 step 3).
void Forwarder::receive(Key key, std::size_t number, const Hop& hop, const Outcome& outcome, Now now) {
  const sip::Message* response = outcome.response;
  const Context* context = find(key);
  if (context && response && !has_way_back(context->order.request, *response)) {
    log::info("proxy", "{} {} from {}: its Via is gone, dropped", response->call_id(), response->status(),
              print(hop.remote));
    if (outcome.status < 200 || outcome.again) return;
    Outcome lost = outcome;
    lost.response = nullptr;
    return on_outcome(key, number, hop, lost, now);
  }
  const bool asserts = response && (response->has(HeaderId::p_asserted_identity) ||
                                    response->has(HeaderId::p_preferred_identity));
  if (!asserts || is_trusted(*outcome.from, hop, environment_.settings()))
    return on_outcome(key, number, hop, outcome, now);
  const sip::Message clean = without_identities(*response);
  Outcome same = outcome;
  same.response = &clean;
  on_outcome(key, number, hop, same, now);
}

void Forwarder::on_outcome(Key key, std::size_t number, const Hop& hop, const Outcome& outcome, Now now) {
  if (outcome.again) return client_.on_success_again(key, *outcome.response, now);
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
  branch.was_answered |= outcome.kind == Outcome::Kind::final;
  // Of another domain.
  const auto& query = branch.target.to.query;
  const bool is_lost_server = outcome.kind == Outcome::Kind::transport_error &&
                              branch.target.binding.contact().empty() && (query || !hop.name.empty());
  if (is_lost_server)
    log::info("proxy", "{} {} at {} cannot be reached: {}", context->order.request.call_id(),
              query ? query->host : hop.name, print(hop.remote), outcome.error.message());
  if (failed) {
    remember_failure(branch, hop, outcome.response);
    if (branch.next < branch.target.to.hops.size() && !context->is_over(number)) {
      end_early(key, branch, outcome.status);
      return try_next(key, number);
    }
  }
  if (says_failed || is_refused) client_.on_flow_failed(key, branch.target, now);
  const bool is_unreachable = outcome.kind == Outcome::Kind::transport_error || says_failed || is_silent;
  if (is_unreachable && try_other(key, number)) return;
  const bool is_redirected = outcome.response && outcome.status / 100 == 3 && !context->is_over(number);
  if (is_redirected && client_.on_redirect(key, number, *outcome.response)) {
    branch.response = *outcome.response;
    return;
  }
  if (outcome.response && outcome.status != 503 && !says_failed)
    return answer(key, number, outcome.status, {}, outcome.response, now);
  // A device that cannot be reached is as good as gone; 503 would drive the caller away from this server
  // (RFC 3261 16.7 step 6), and 430 is for proxies (RFC 5626 11.5).
  const bool is_lost = outcome.kind == Outcome::Kind::final && !outcome.response;
  const int status = outcome.kind == Outcome::Kind::timeout ? 408
                     : is_lost                              ? 502
                     : outcome.response && !says_failed     ? 500
                     : outcome.too_long                     ? 513
                     : is_lost_server                       ? 504
                                                            : 480;
  answer(key, number, status, is_lost_server ? "Domain Cannot Be Reached" : "", nullptr, now);
}

/// A branch has this answer; `response` is null for one of our own.
void Forwarder::answer(Key key, std::size_t number, int status, std::string_view reason,
                       const sip::Message* response, Now now) {
  Context* context = find(key);
  if (!context) return;
  const auto actions = context->fork.on_response(number, status);
  const bool ends = status >= 200;
  Branch& branch = context->branches[number];
  if (ends && response) branch.response = *response;
  const std::string kept_reason(reason);  // it may be the branch's own
  if (ends && !response) branch.reason = kept_reason;
  if (!ends && actions.forward_now && response) note_early(*context, branch, *response);
  if (actions.forward_now && response) client_.on_response(key, number, *response, now);
  if (actions.cancel_others) {
    context->cancelled = true;
    cancel_open(*context, reason_of(status));
  }
  if (!ends) return;
  if (!context->fork.is_answered()) end_early(key, branch, status);
  client_.on_target_end(key, number, {status, kept_reason, response, branch.was_answered}, now);
  start_next(key);
  context = find(key);
  if (context && context->fork.is_finished()) finish(key, now);
}

void Forwarder::redirect(Key key, std::size_t target, std::vector<Target> targets,
                         std::optional<sip::Message> left) {
  Context* context = find(key);
  if (!context || !context->branches[target].response) return;
  const Now now = environment_.clock().now();
  const sip::Message response = std::move(*std::exchange(context->branches[target].response, std::nullopt));
  const std::size_t before = context->branches.size(), bound = environment_.settings().max_breadth;
  if (context->is_over(target)) targets.clear();
  for (Target& each : targets) {
    const auto is_it = [&](const Branch& tried) { return is_same_place(tried.target, each); };
    if (context->branches.size() >= bound || std::ranges::any_of(context->branches, is_it)) continue;
    context->fork.add(context->fork.group());
    context->branches.emplace_back(std::move(each));
  }
  if (context->branches.size() == before) return answer(key, target, response.status(), {}, &response, now);
  if (left) return answer(key, target, left->status(), {}, &*left, now);
  context->fork.leave_out(target);
  end_early(key, context->branches[target], response.status());
  client_.on_target_end(key, target, {response.status(), {}, &response, true}, now);
  start_next(key);
}

void Forwarder::note_early(const Context& context, Branch& branch, const sip::Message& response) const {
  if (context.order.request.method() != Method::invite || !wants_early_ends(context.order.request)) return;
  const auto tag = response.to_tag();
  constexpr int early_dialog_terminated = 199;
  if (response.status() == early_dialog_terminated) {
    std::erase(branch.early, tag);
  } else if (!tag.empty() && branch.early.size() < early_max &&
             std::ranges::find(branch.early, tag) == branch.early.end()) {
    branch.early.emplace_back(tag);
  }
}

void Forwarder::end_early(Key key, Branch& branch, int status) {
  for (const std::string& tag : std::exchange(branch.early, {})) client_.on_early_end(key, tag, status);
}

void Forwarder::finish(Key key, Now now) {
  const auto ended = contexts_.extract(key);
  const Context& context = ended.mapped();
  const Branch& best = context.branches[context.fork.best()];
  const int status = context.fork.best_status();
  const sip::Message* response = best.response ? &*best.response : nullptr;
  std::optional<sip::Message> whole;
  if (response && status >= 300 && context.branches.size() > 1) {
    std::vector<const sip::Message*> others;
    for (const Branch& branch : context.branches)
      if (&branch != &best && branch.response) others.push_back(&*branch.response);
    whole = gather(*response, others);
  }
  if (whole) response = &*whole;
  const std::string_view reason = response ? std::string_view{} : std::string_view(best.reason);
  client_.on_end(key, {status, reason, response, best.was_answered}, now);
}

/// When it fires the branch alone is cancelled (RFC 3261 16.8); one without any answer ended long before.
void Forwarder::arm_timer_c(Branch& branch) {
  if (!branch.timer_c) branch.timer_c = std::make_unique<Timer>(environment_.timers());
  branch.timer_c->set(environment_.clock().now().mono + timer_c,
                      [this, id = branch.id](Time) { sender_.cancel(id, reason_of(408)); });
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
