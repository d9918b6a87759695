#include "tests/simulation/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/header.hpp"
#include "tests/simulation/list_document.hpp"

namespace beckon::simulation {

using sip::HeaderId;
using sip::Method;

namespace {

/// "sip:alice@example.org" of From or To.
std::string aor_of(const Result<sip::NameAddr>& value) {
  return value ? sip::canonical_aor(value->uri) : std::string();
}

/// A NOTIFY that follows one SUBSCRIBE, and a few that a crash or a lost answer repeats.
constexpr std::uint64_t spare_notifies = 4;

/// A list is told by its members: they may be a little ahead of it.
constexpr Duration list_slack = 1s;

/// The rules say who may watch.
bool is_ruled(std::string_view package) { return package == "presence" || package == "dialog"; }

}  // namespace

const char* to_string(Handling handling) {
  switch (handling) {
    case Handling::none:
      return "none";
    case Handling::allow:
      return "allow";
    case Handling::without_notes:
      return "without notes";
    case Handling::polite_block:
      return "polite-block";
    case Handling::block:
      return "block";
  }
  return "";
}

std::string make_token(std::string_view kind, std::uint64_t number) {
  return fmt::format("{}-{}-", kind, number);
}

std::set<std::string> tokens_in(std::string_view text, std::string_view kind) {
  std::set<std::string> tokens;
  const std::string begin = std::string(kind) + '-';
  for (auto at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
    const auto end = text.find('-', at + begin.size());
    if (end != std::string_view::npos) tokens.emplace(text.substr(at, end + 1 - at));
  }
  return tokens;
}

// What was acknowledged

void Ledger::asked(const Thing& thing, std::chrono::seconds lifetime) {
  Claim& claim = claims_[thing];
  const Time now = world_.now().mono;
  claim.possible_until = std::max(claim.possible_until, now + transaction_time + Duration(lifetime));
  // It may be shortened.
  claim.sure_until = std::min(claim.sure_until, now + Duration(lifetime));
}

void Ledger::granted(const Thing& thing, Time asked_at, std::chrono::seconds lifetime) {
  Claim& claim = claims_[thing];
  if (claim.possible_until <= world_.now().mono) return;  // it has ended meanwhile
  claim.sure_until = asked_at + Duration(lifetime);
  if (!claim.is_stray) claim.possible_until = world_.now().mono + Duration(lifetime);
}

void Ledger::doubted(const Thing& thing) { claims_[thing].sure_until = {}; }

void Ledger::strayed(const Thing& thing) { claims_[thing].is_stray = true; }

void Ledger::ended(const Thing& thing) {
  Claim& claim = claims_[thing];
  claim.sure_until = {};
  if (!claim.is_stray) claim.possible_until = std::min(claim.possible_until, world_.now().mono);
}

bool Ledger::is_sure(const Thing& thing) const {
  const auto found = claims_.find(thing);
  const auto of = thing.kind == "subscription" ? subscribed_.find(thing.name) : subscribed_.end();
  if (of != subscribed_.end() && (of->second.may_be_rejected || removed_.contains(of->second.owner)))
    return false;
  return found != claims_.end() && found->second.sure_until > world_.now().mono + slack;
}

bool Ledger::is_over(const Thing& thing) const {
  const auto found = claims_.find(thing);
  return found == claims_.end() || found->second.possible_until + slack < world_.now().mono;
}

std::vector<std::string> Ledger::names(const std::string& kind, const std::string& owner) const {
  std::vector<std::string> names;
  for (auto it = claims_.lower_bound({kind, owner, {}});
       it != claims_.end() && it->first.kind == kind && it->first.owner == owner; ++it)
    names.push_back(it->first.name);
  return names;
}

std::string Ledger::check(const std::string& kind, const std::string& owner,
                          const std::set<std::string>& present) const {
  const Time now = world_.now().mono;
  for (const std::string& name : names(kind, owner)) {
    ++checks_;
    if (is_sure({kind, owner, name}) && !present.contains(name))
      return fmt::format("{} of {} was acknowledged and is lost: {}", kind, owner, name);
  }
  for (const std::string& name : present) {
    const auto claim = claims_.find({kind, owner, name});
    if (claim == claims_.end()) return fmt::format("{} of {} that nobody made: {}", kind, owner, name);
    if (claim->second.possible_until + slack < now)
      return fmt::format("{} of {} is over and still there: {}", kind, owner, name);
  }
  return {};
}

// Rules

void Ledger::rules_sent(const std::string& owner, const Rules& rules,
                        const std::vector<std::string>& watchers) {
  // They may make a subscription active whose pending state waited for its rate and was never told: that is
  // exempt, too.
  for (auto& [call_id, of] : subscribed_)
    if (of.owner == owner && is_ruled(of.package)) ++of.exempt;
  rules_hold(owner, rules, watchers);
}

void Ledger::rules_hold(const std::string& owner, const Rules& rules,
                        const std::vector<std::string>& watchers) {
  changes_[owner] += 2;
  for (const std::string& watcher : watchers) {
    const auto rule = rules.find(watcher);
    const Handling handling = rule == rules.end() ? Handling::none : rule->second;
    Sight& sight = sights_[{owner, watcher}];
    sight.shows_notes |= handling == Handling::allow;
    sight.shows_dialogs |= handling == Handling::allow || handling == Handling::without_notes;
    if (handling != Handling::block) continue;
    sight.may_block = true;
    for (auto& [call_id, of] : subscribed_)
      if (of.owner == owner && of.watcher == watcher && is_ruled(of.package)) of.may_be_rejected = true;
  }
}

void Ledger::rules_answered(const std::string& owner, const Rules& rules,
                            const std::vector<std::string>& watchers) {
  for (const std::string& watcher : watchers) {
    Sight& sight = sights_[{owner, watcher}];
    sight = {.noted = sight.shows_notes ? world_.now().mono + list_slack : sight.noted};
  }
  rules_hold(owner, rules, watchers);
}

// Users

void Ledger::user_gone(const std::string& aor, bool removed) {
  const Time now = world_.now().mono;
  const auto over = [&](Claim& claim) {
    claim.sure_until = {};
    claim.possible_until = std::min(claim.possible_until, now);
  };
  for (auto& [thing, claim] : claims_)
    if (thing.owner == aor) over(claim);
  for (auto& [call_id, of] : subscribed_) {
    if (of.watcher != aor && !(removed && of.owner == aor)) continue;
    Claim& claim = claims_[{"subscription", of.watcher, call_id}];
    // A SUBSCRIBE that is under way may be taken later: here everybody exists who is asked for.
    if (of.watcher == aor || claim.sure_until > now) over(claim);
    ++changes_[of.owner];
  }
  if (removed) removed_.insert(aor);
  // Each of its devices and publications ends.
  changes_[aor] += 20;
}

// The wire

void Ledger::on_sent(const Address& server, const Address& from, const sip::Message& message) {
  if (!message.is_request()) return;
  const auto cseq = message.cseq();
  if (!cseq) return;
  // A copy was composed before.
  const auto key = std::tuple(std::string(message.call_id()), std::string(message.from_tag()), cseq->number);
  if (!seen_.insert(key).second) return;
  if (from != server) return on_request(message);
  if (message.method() == Method::notify) on_notify(message);
}

/// How many changes of its person a request may cause, its end included: a subscription begins, is decided
/// about, ends and may wait.
void Ledger::on_request(const sip::Message& request) {
  const std::string owner = aor_of(request.to());
  const bool subscribes = request.method() == Method::subscribe;
  changes_[owner] += subscribes ? 4 : 2;
  if (request.body().find("timed-status") != std::string_view::npos)
    changes_[owner] += 2;  // begins, and ends
  if (!subscribes) return;
  const auto event = sip::parse_event(request.header(HeaderId::event));
  Subscribed& of = subscribed_[std::string(request.call_id())];
  if (of.subscribes++ == 0) {
    of.owner = owner;
    of.watcher = aor_of(request.from());
    of.package = event ? event->package : "";
    of.may_be_rejected = is_ruled(of.package) && sights_[{owner, of.watcher}].may_block;
    for (const std::string_view option : request.each(HeaderId::supported))
      of.is_list |= option == "eventlist";
    of.before = changes_of(of);
    of.restarts = of.restarts_seen = restarts_;
    of.cuts = cuts_;
    of.began = world_.now().mono;
  }
  ++of.exempt;
  if (!event) return;
  of.repeats = std::max(of.repeats, static_cast<double>(event->rates.min) / double{sip::Rates::per_second});
}

void Ledger::on_notify(const sip::Message& notify) {
  const std::string call_id(notify.call_id());
  const auto found = subscribed_.find(call_id);
  if (found == subscribed_.end())
    return fail("a NOTIFY that nobody asked for\n" + std::string(notify.text()));
  Subscribed& of = found->second;
  const auto state = sip::parse_subscription_state(notify.header(HeaderId::subscription_state));
  if (!state) return fail("a NOTIFY without state\n" + std::string(notify.text()));
  // It may be lost, and a crash make the server forget that it has sent it.
  if (state->state == "terminated") doubted({"subscription", of.watcher, call_id});
  of.notifies.insert(notify.cseq()->number);
  if (notify.body().find("pidf-diff>") != std::string_view::npos) ++diffs_;
  check_sight(of, notify);
  check_rate(of, state->state);
  check_causes(of, notify);
  of.last = world_.now().mono;
  of.state = state->state;
  const std::uint64_t rate = state->rates.max;
  of.interval =
      Duration(rate == 0 ? 0 : static_cast<Duration::rep>(1'000'000 * sip::Rates::per_second / rate));
}

std::uint64_t Ledger::changes_of(const Subscribed& of) {
  if (!of.is_list) return changes_[of.owner];
  std::uint64_t sum = 0;
  for (const auto& [owner, count] : changes_) sum += count;
  return sum;
}

void Ledger::check_list(const Subscribed& of, const sip::Message& notify) {
  std::string fault;
  const auto list = read_list(notify.header(HeaderId::content_type), notify.body(), fault);
  if (!list) return;
  for (const auto& resource : leaves_of(*list, fault)) {
    if (resource.uri == of.watcher) continue;
    const Sight& sight = sights_[{resource.uri, of.watcher}];
    ++checks_;
    if (!sight.shows_notes && world_.now().mono > sight.noted && !tokens_in(resource.text, "state").empty())
      fail(of.watcher + " is shown a note that is hidden, in a list\n" + std::string(notify.text()));
  }
}

void Ledger::check_sight(const Subscribed& of, const sip::Message& notify) {
  if (of.is_list) return check_list(of, notify);
  if (of.owner == of.watcher) return;
  const Sight& sight = sights_[{of.owner, of.watcher}];
  ++checks_;
  if (!sight.shows_notes && !tokens_in(notify.body(), "state").empty())
    fail(of.watcher + " is shown a note that is hidden\n" + std::string(notify.text()));
  if (!sight.shows_dialogs && notify.body().find("<dialog ") != std::string_view::npos)
    fail(of.watcher + " is shown a dialog that is hidden\n" + std::string(notify.text()));
}

/// Exempt is what follows a SUBSCRIBE, and what says another state (RFC 6446 5.2); a server that has crashed
/// does not know when it sent the last one.
void Ledger::check_rate(Subscribed& of, const std::string& state) {
  const bool knows_last = of.restarts_seen == restarts_;
  of.restarts_seen = restarts_;
  if (of.interval == Duration::zero() || of.last == Time{} || state != of.state || !knows_last) return;
  ++checks_;
  if (world_.now().mono - of.last >= of.interval - 1ms) return;
  if (of.exempt == 0) return fail(of.watcher + " is sent more than its max-rate about " + of.owner);
  --of.exempt;
}

void Ledger::check_causes(const Subscribed& of, const sip::Message& notify) {
  const std::uint64_t after = changes_of(of) - of.before;
  const std::uint64_t restarts = restarts_ - of.restarts, cuts = cuts_ - of.cuts;
  const double seconds = static_cast<double>((world_.now().mono - of.began).count()) / 1e6;
  // What was there before may end; a restart resumes, and bindings that do not come back end.
  const std::uint64_t bound = after + of.before / 2 + of.subscribes + 4 * restarts + 2 * cuts +
                              static_cast<std::uint64_t>(of.repeats * seconds) + spare_notifies;
  const std::uint64_t count = of.notifies.size();
  if (count * busiest_.second > busiest_.first * bound) busiest_ = {count, bound};
  if (count > bound) fail(fmt::format("{} NOTIFYs where {} have a cause\n{}", count, bound, notify.text()));
}

}  // namespace beckon::simulation
