#include "tests/simulation/call_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "protocol/documents/dialoginfo.hpp"
#include "protocol/sip/header.hpp"

namespace beckon::simulation {

using sip::HeaderId;
using sip::Method;

namespace {

std::string top_branch(const sip::Message& message) {
  const auto via = message.top_via();
  return via ? std::string(via->branch()) : std::string();
}

std::size_t hash_of(const sip::Message& message) { return std::hash<std::string_view>{}(message.text()); }

bool is_call(Method method) {
  return method == Method::invite || method == Method::ack || method == Method::bye ||
         method == Method::cancel;
}

/// An INVITE outside of dialogs, or an answer to one: the first CSeq of a caller here.
bool begins_call(const sip::Message& message) {
  if (message.method() != Method::invite) return false;
  if (message.is_request()) return message.to_tag().empty();
  const auto cseq = message.cseq();
  return cseq && cseq->number == 1;
}

}  // namespace

// The server

void CallLog::server_crashed() {
  ++life_;
  is_running_ = false;
  for (auto& [branch, ring] : rings_) ring.is_excused = true;
}

// The wire

void CallLog::on_sent(const Address& from, const Address& to, const sip::Message& message) {
  if (is_call(message.method())) count(from, message);
  if (from != server_) return;
  if (message.is_request() && message.method() == Method::notify) return on_notify(message);
  if (message.is_response() && begins_call(message) && message.status() >= 200) return on_final(message);
  if (message.is_request() && message.method() == Method::cancel) on_cancelled(message);
  if (!message.is_request() || !begins_call(message)) return;
  Invite& invite = invites_[std::string(message.call_id())];
  const Branch branch{.began = world_.now().mono, .is_stream = message.top_via()->transport != "UDP"};
  if (invite.branches.emplace(top_branch(message), branch).second) {
    if (invite.branches.size() == 2) ++sights_.forks;
    const Time ended = std::min(invite.ended.value_or(Time::max()), invite.cancelled.value_or(Time::max()));
    // A CANCEL may overtake what is on its way.
    if (ended < Time::max() && world_.now().mono > ended + between_shards)
      fail("a branch begins after the call's end\n" + describe(message));
  }
  if (invite.is_forbidden)
    fail(fmt::format("do-not-disturb, and {} is called\n{}", print(to), describe(message)));
}

void CallLog::count(const Address& from, const sip::Message& message) {
  Invite& invite = invites_[std::string(message.call_id())];
  if (from != server_) {
    invite.from_phones.insert(hash_of(message));
    return;
  }
  const std::size_t hash = hash_of(message);
  invite.from_server.insert(hash);
  if (++copies_[hash] > most_copies) fail("a storm of\n" + describe(message));
}

void CallLog::on_cancelled(const sip::Message& cancel) {
  Invite& invite = invites_[std::string(cancel.call_id())];
  const auto branch = invite.branches.find(top_branch(cancel));
  if (branch != invite.branches.end() && !branch->second.cancelled)
    branch->second.cancelled = world_.now().mono;
}

/// The response to a call that leaves for the caller.
void CallLog::on_final(const sip::Message& response) {
  Invite& invite = invites_[std::string(response.call_id())];
  if (!invite.has_come) return fail("an answer to nothing\n" + describe(response));
  const bool accepts = response.status() / 100 == 2;
  const std::string text = describe(response);
  if (!invite.ended) {
    invite.ended = world_.now().mono;
    accepts ? ++sights_.accepted : ++sights_.refused;
    if (invite.is_forbidden) ++sights_.forbidden;
    if (invite.is_forbidden && response.status() != 480 && response.status() != 487)
      fail("do-not-disturb, and the answer is\n" + text);
  }
  if (invite.life != life_) return fail("an answer to a call of before the crash\n" + text);
  if (!accepts) {
    if (!invite.accepted.empty()) return fail("a refusal after a 2xx\n" + text);
    if (invite.refusal.empty()) invite.refusal = text;
    if (invite.refusal != text) fail("two refusals\n" + invite.refusal + "and\n" + text);
    return;
  }
  const std::string tag(response.to_tag());
  if (!invite.answered.contains(tag)) return fail("a 2xx that no device has sent\n" + text);
  invite.due.erase(tag);
  const auto [known, is_new] = invite.accepted.emplace(tag, text);
  if (is_new && invite.accepted.size() > 1) ++sights_.late;
  if (known->second != text) fail("one 2xx in two forms\n" + known->second + "and\n" + text);
}

void CallLog::on_arrived(const Address& at, const sip::Message& message) {
  if (at != server_ || !is_running_) return;
  const auto method = message.method();
  if (!is_call(method)) return;
  Invite& invite = invites_[std::string(message.call_id())];
  if (message.is_response()) {
    const auto ring = rings_.find(top_branch(message));
    const auto branch = invite.branches.find(top_branch(message));
    const bool is_known = branch != invite.branches.end() && !is_over(branch->second);
    if (method == Method::invite && is_known) {
      if (!branch->second.heard) branch->second.heard = world_.now().mono;
      if (ring != rings_.end() && !ring->second.heard) ring->second.heard = world_.now().mono;
    }
    if (!begins_call(message) || message.status() / 100 != 2) return;
    const std::string tag(message.to_tag());
    invite.answered.insert(tag);
    if (invite.accepted.contains(tag) || !is_to_pass(invite, message)) return;
    const Branch& from = branch->second;
    if (invite.due.insert(tag).second && from.is_stream && !cuts_.empty() && cuts_.back() >= from.began)
      ++sights_.reconnected;
    return;
  }
  if (method == Method::cancel && !invite.cancelled) {
    ++sights_.cancelled;
    invite.cancelled = world_.now().mono;
  }
  if (method == Method::bye) {
    invite.byes.emplace(message.to_tag());
    invite.byes.emplace(message.from_tag());
  }
  if (!begins_call(message)) return;
  if (invite.has_come && invite.life == life_) return;
  // A copy after a restart is a new call.
  ++sights_.invites;
  invite.has_come = true;
  invite.life = life_;
  invite.ended.reset();
  invite.cancelled.reset();
  invite.refusal.clear();
  invite.branches.clear();
  invite.accepted.clear();
  invite.due.clear();
}

/// May the server have forgotten the branch?
bool CallLog::is_over(const Branch& branch) const {
  const Time now = world_.now().mono + between_shards;
  const auto cut = std::ranges::find_if(cuts_, [&](Time each) { return each >= branch.began; });
  const bool is_lost = branch.is_stream && cut != cuts_.end();
  if (!branch.heard) return is_lost || now >= branch.began + timer_b;
  if (branch.cancelled && now >= *branch.cancelled + timer_b) return true;
  return is_lost && (*branch.heard + between_shards > *cut || now >= *cut + reconnect);
}

/// Not what comes when the server has forgotten the branch, or the call.
bool CallLog::is_to_pass(const Invite& invite, const sip::Message& accepting) const {
  const auto branch = invite.branches.find(top_branch(accepting));
  if (invite.life != life_ || branch == invite.branches.end()) return false;
  // A server transaction takes 2xxs for 64*T1 after the first one (RFC 6026 7.1), and a refusal is the end.
  const bool is_late = invite.ended && world_.now().mono > *invite.ended + 30s;
  return !is_late && !is_over(branch->second) && invite.refusal.empty();
}

void CallLog::on_notify(const sip::Message& notify) {
  if (sip::media_type(notify.header(HeaderId::content_type)) != documents::dialoginfo_type) return;
  const auto cseq = notify.cseq();
  const auto document = documents::parse_dialoginfo(notify.body());
  if (!cseq || !document) return fail("a document that cannot be read\n" + describe(notify));
  Followed& followed = followed_[{std::string(notify.call_id()), std::string(notify.from_tag())}];
  if (cseq->number <= followed.last) return;  // a copy
  ++sights_.documents;
  followed.last = cseq->number;
  // The server forgets its calls in a crash, and may name others as it named them.
  if (std::exchange(followed.life, life_) != life_) followed.ranks.clear();
  std::set<std::string> present;
  for (const auto& each : document->dialogs) {
    const int rank = static_cast<int>(each.state);
    present.insert(each.id);
    const auto [known, is_new] = followed.ranks.emplace(each.id, rank);
    if (!is_new && rank < known->second)
      fail(fmt::format("dialog {} goes back to {}\n{}", each.id, documents::to_string(each.state),
                       describe(notify)));
    known->second = std::max(known->second, rank);
  }
  if (document->state != documents::DialogInfo::State::full) return;
  for (auto& [id, rank] : followed.ranks)
    if (!present.contains(id)) rank = static_cast<int>(documents::DialogState::terminated);
}

// Phones

void CallLog::ring_began(const std::string& phone, const sip::Message& invite) {
  const std::string branch = top_branch(invite);
  const std::string call_id(invite.call_id());
  if (rings_.contains(branch)) return fail(phone + " is called twice in one branch\n" + describe(invite));
  const auto known = invites_.find(call_id);
  const bool is_past = known == invites_.end() || known->second.life != life_;
  rings_[branch] = {.phone = phone,
                    .call_id = call_id,
                    .began = world_.now().mono,
                    .life = life_,
                    .is_excused = is_past || !is_running_};
}

void CallLog::ring_ended(const sip::Message& invite) {
  const auto found = rings_.find(top_branch(invite));
  if (found == rings_.end()) return;
  check_orphan(found->second);
  rings_.erase(found);
}

void CallLog::ring_excused(const sip::Message& invite) { rings_.erase(top_branch(invite)); }

void CallLog::check_orphan(const Ringing& ring) {
  const Invite& invite = invites_[ring.call_id];
  if (!invite.ended) return;
  const Time from = std::max(*invite.ended, ring.heard.value_or(ring.began));
  if (world_.now().mono <= from + grace) return;
  if (ring.is_excused || !ring.heard)
    ++sights_.orphans_excused;
  else
    fail(fmt::format("{} rings for {}, whose caller has had its answer for {} s", ring.phone, ring.call_id,
                     (world_.now().mono - from) / 1s));
}

void CallLog::forbid(const std::string& call_id, const std::string& callee) {
  Invite& invite = invites_[call_id];
  invite.callee = callee;
  invite.is_forbidden = true;
}

void CallLog::allow(const std::string& callee) {
  for (auto& [call_id, invite] : invites_)
    if (invite.callee == callee) invite.is_forbidden = false;
}

void CallLog::check_quiet(const std::set<std::string>& shown) {
  for (const auto& [branch, ring] : rings_) check_orphan(ring);
  for (const auto& [call_id, invite] : invites_) {
    if (invite.has_come && invite.life == life_ && !invite.ended) fail(call_id + " has no final answer");
    if (invite.life == life_ && !invite.due.empty())
      fail(fmt::format("{}: the 2xx of {} is not passed on", call_id, *invite.due.begin()));
    // Each message of a phone may make the server send one to each other phone, and an answer.
    const std::size_t bound = 10 * (invite.from_phones.size() + 1);
    if (invite.from_server.size() > bound)
      fail(fmt::format("{}: the server sends {} messages where phones send {}", call_id,
                       invite.from_server.size(), invite.from_phones.size()));
    const bool is_ended = std::ranges::all_of(
        invite.answered, [&byes = invite.byes](const auto& tag) { return byes.contains(tag); });
    if (shown.contains(call_id) && is_ended) fail(call_id + " is over, and is shown");
  }
}

}  // namespace beckon::simulation
