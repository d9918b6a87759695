#include "server/calls/calls.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/view.hpp"
#include "server/proxy/forwarder.hpp"
#include "server/proxy/hiding.hpp"
#include "server/shard/anonymity.hpp"

namespace beckon::server::calls {

using documents::DialogEvent;
using documents::DialogState;
using sip::HeaderId;
using sip::Method;
using transaction::FlowId;
using transaction::TransactionId;

/// A call, from its INVITE to the end of its last dialog.
struct Calls::Watched {
  Watched(const Request& invite, std::size_t dialogs_max, TimerQueue& timers)
      : id(invite.id),
        at(invite.bucket),
        from(invite.from),
        call_id(invite.message.call_id()),
        caller_tag(invite.message.from_tag()),
        call(dialogs_max),
        expiry(timers) {}

  /// Is the dialog shown to the user on that side, as far as there is room?
  bool is_shown(std::size_t number, bool is_callee) {
    return !party(number, is_callee).aor.empty() && side(number, is_callee) != Side::hidden;
  }
  /// What the user on one side has been shown of a dialog.
  enum class Side : std::uint8_t {
    untold,
    shown,
    hidden,  ///< It found no place.
  };
  Side& side(std::size_t number, bool is_callee) {
    sides.resize(std::max(sides.size(), number + 1));
    return sides[number][is_callee ? 1 : 0];
  }

  const Party& party(std::size_t number, bool is_callee) const {
    return is_callee ? callees[call.dialogs()[number].callee] : caller;
  }
  const std::string& name_of(const Call::Dialog& dialog) const {
    const Party& user = callees[dialog.callee];
    return user.aor.empty() ? user.identity.uri : user.aor;
  }
  /// The number of that user among those who are called; of none of them the first one's.
  std::size_t callee_of(std::string_view aor) const {
    const auto found = std::ranges::find(callees, aor, &Party::aor);
    return found == callees.end() ? 0 : static_cast<std::size_t>(found - callees.begin());
  }

  TransactionId id;
  Bucket at;
  transaction::Hop from;
  std::string call_id, caller_tag, caller_target;
  Party caller;
  std::vector<Party> callees;  ///< The one who was called, then those that redirections lead to.
  Call call;
  std::vector<std::array<Side, 2>> sides;  ///< Of each dialog, as far as they were told: the caller's first.
  std::vector<FlowId> flows;               ///< Where it stands in `flows_`,
  std::vector<std::uint64_t> keys;         ///< and in `by_dialog_`.
  bool is_invited = true;                  ///< The INVITE's dialogs are not all known yet.
  Timer expiry;                            ///< Of what has been answered.
};

namespace {

/// "The minimum value for Session-Expires is 90 seconds" (RFC 4028 5).
constexpr std::uint32_t session_min = 90;

documents::DialogIdentity identity_in(const Result<sip::NameAddr>& address) {
  if (!address) return {};
  return {sip::print(address->uri), address->display_name};
}

/// Empty where its sender does not want it shown.
std::string contact_of(const sip::Message& message) {
  if (proxy::hides_headers(message)) return {};
  const auto contact = sip::view_name_addr(message.first(HeaderId::contact));
  std::string uri;
  if (contact) sip::append(uri, contact->uri);
  return uri;
}

/// The user of ours who sent it; empty: somebody else.
std::string sender_of(const Request& request, const Settings& settings) {
  const bool is_known = request.identity.authenticated || settings.authentication == Authentication::none;
  return is_known && settings.serves(domain_of_aor(request.identity.aor)) ? request.identity.aor
                                                                          : std::string();
}

/// Another device has taken the call, or another person: "SIP;cause=200", or cause 26 of Q.850, which is
/// "non-selected user clearing" (RFC 3326 3.1).
bool is_answered_elsewhere(std::string_view reasons) {
  for (const std::string_view reason : sip::split_values(reasons)) {
    const auto protocol = trim(cut(reason, ';').first);
    const auto parameters = reason.substr(std::min(reason.find(';'), reason.size()));
    const auto cause = sip::find_parameter(parameters, "cause").value_or(std::string_view());
    if ((iequals(protocol, "SIP") && cause == "200") || (iequals(protocol, "Q.850") && cause == "26"))
      return true;
  }
  return false;
}

std::optional<DialogEvent> seen_by_callee(std::optional<DialogEvent> event) {
  if (event == DialogEvent::local_bye) return DialogEvent::remote_bye;
  if (event == DialogEvent::remote_bye) return DialogEvent::local_bye;
  return event;
}

}  // namespace

Calls::Calls(Environment& environment, Peers& peers)
    : environment_(environment),
      peers_(peers),
      hash_(environment.random().next(), environment.random().next()),
      closing_(environment.timers(), environment.clock(),
               [this](FlowId flow, Slice& slice, Now now) { return end_flow(flow, slice, now); }) {}

Calls::~Calls() = default;

Calls::Watched* Calls::find(TransactionId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

// What the proxy forwards

void Calls::on_invite(const Request& invite, const std::string& callee, Now now) {
  const Settings& settings = environment_.settings();
  std::string caller = sender_of(invite, settings);
  if (!settings.dialog_events || (caller.empty() && callee.empty()) || by_id_.contains(invite.id)) return;
  auto made = std::make_unique<Watched>(invite, settings.calls_per_user, environment_.timers());
  Watched& call = *made;
  const auto& message = invite.message;
  call.caller = {std::move(caller), identity_in(message.from())};
  call.callees = {{callee, identity_in(message.to())}};
  call.caller_target = contact_of(message);
  live_on(call, call.from.flow);
  by_id_.emplace(call.id, std::move(made));
  apply(call, {0}, now);
}

void Calls::on_response(const Request& request, const Branch& from, const sip::Message& response, Now now) {
  const int status = response.status();
  if (!request.message.to_tag().empty()) {
    const auto dialog = dialog_of(request.message);
    if (dialog.call && status >= 200) answered(*dialog.call, response, now);
    return;
  }
  Watched* call = find(request.id);
  if (!call) return;
  const auto& binding = from.binding;
  const FlowId flow = binding.bound_to_flow() ? binding.flow() : 0;
  const Call::Answerer answerer{.branch = from.number,
                                .device = binding.contact().empty() ? 0 : publication::device_of(binding),
                                .flow = flow,
                                .callee = call->callee_of(from.aor),
                                .target = contact_of(response)};
  const auto changes = call->call.on_response(status, response.to_tag(), answerer);
  index(*call, response.to_tag());
  if (!changes.empty()) live_on(*call, flow);
  if (!changes.empty() && status >= 200) answered(*call, response, now);
  apply(*call, changes, now);
}

void Calls::on_redirected(const Request& invite, const std::string& from, const std::string& to, Now now) {
  Watched* call = find(invite.id);
  if (!call) return;
  constexpr int moved_temporarily = 302;
  const std::size_t redirecting = call->callee_of(from);
  if (call->callees.front().aor != to && call->callee_of(to) == 0) call->callees.push_back({to, {.uri = to}});
  apply(*call, call->call.on_redirected(redirecting, call->callee_of(to), moved_temporarily), now);
}

/// A refusal of the user's, or of a device that speaks for the user (486, 603), tells the user of the call.
void Calls::on_unanswered(const Request& invite, const std::vector<std::string>& callees, int status,
                          std::string_view cancel_reason, Now now) {
  constexpr int cancelled = 487;
  const bool is_missed =
      status == cancelled ? !is_answered_elsewhere(cancel_reason) : proxy::is_absence({.status = status});
  if (!is_missed || !on_missed_) return;
  const std::string& caller = invite.identity.aor;
  for (const std::string& callee : callees)
    if (callee != caller)
      on_missed_(callee, has_anonymous_sender(invite.message) ? std::string() : caller, now);
}

/// The session lasts until it is refreshed (RFC 4028 8.3); one without timer is believed in for a while.
void Calls::answered(Watched& call, const sip::Message& response, Now now) {
  const Duration longest = environment_.settings().call_age_max;
  const auto asked = response.number(HeaderId::session_expires);
  const Duration session = asked ? std::chrono::seconds(std::max(*asked, session_min)) : longest;
  call.expiry.set(now.mono + std::min(session, longest), [this, &call](Time) {
    apply(call, call.call.end_answered(DialogEvent::timeout), environment_.clock().now());
  });
}

void Calls::on_branch_end(const Request& invite, std::size_t branch, int status, Now now) {
  if (Watched* call = find(invite.id)) apply(*call, call->call.on_branch_end(branch, status), now);
}

void Calls::on_end(const Request& request, int status, Now now) {
  if (request.message.to_tag().empty()) {
    if (Watched* call = find(request.id)) apply(*call, call->call.on_end(status), now);
    return;
  }
  // "If the response for a request within a dialog is a 481 or a 408 (Request Timeout), the UAC SHOULD
  // terminate the dialog" (RFC 3261 12.2.1.2).
  if (status != 481 && status != 408) return;
  const auto dialog = dialog_of(request.message);
  if (!dialog.call) return;
  const auto number = dialog.call->call.find(dialog.tag);
  apply(*dialog.call, dialog.call->call.end(*number, DialogEvent::error), now);
}

void Calls::on_over(const Request& invite, Now now) {
  Watched* call = find(invite.id);
  if (!call) return;
  call->is_invited = false;
  apply(*call, call->call.on_over(), now);
}

void Calls::on_bye(const Request& bye, Now now) {
  const auto dialog = dialog_of(bye.message);
  if (dialog.call) apply(*dialog.call, dialog.call->call.on_bye(dialog.tag, dialog.by_caller), now);
}

Calls::InDialog Calls::dialog_of(const sip::Message& request) const {
  const std::string_view from = request.from_tag(), to = request.to_tag();
  for (const bool by_caller : {true, false}) {
    const std::string_view tag = by_caller ? to : from;
    const auto [first, end] = by_dialog_.equal_range(key_of(request.call_id(), by_caller ? from : to, tag));
    for (auto each = first; each != end; ++each) {
      const Call& call = each->second->call;
      const auto number = call.find(tag);
      if (number && !call.dialogs()[*number].is_over()) return {each->second, tag, by_caller};
    }
  }
  return {};
}

/// Of the dialog with these tags of the caller and the callee.
std::uint64_t Calls::key_of(std::string_view call_id, std::string_view caller_tag,
                            std::string_view tag) const {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
  return (hash_(call_id) * odd ^ hash_(caller_tag)) * odd ^ hash_(tag);
}

/// From now on a request in the dialog with that tag of the callee finds the call.
void Calls::index(Watched& call, std::string_view tag) {
  if (!call.call.find(tag)) return;
  const auto key = key_of(call.call_id, call.caller_tag, tag);
  if (std::ranges::find(call.keys, key) != call.keys.end()) return;
  call.keys.push_back(key);
  by_dialog_.emplace(key, &call);
}

// The users

void Calls::apply(Watched& call, const Call::Changes& changes, Now) {
  for (const std::size_t number : changes) {
    for (const bool is_callee : {false, true})
      if (call.is_shown(number, is_callee)) tell(call, number, is_callee);
    end_if_unseen(call, number);
  }
  drop_if_over(call);
}

/// What nobody is shown is not kept, so that nobody has more calls here than may be shown.
void Calls::end_if_unseen(Watched& call, std::size_t number) {
  if (!call.is_shown(number, false) && !call.is_shown(number, true)) call.call.end(number, std::nullopt);
}

void Calls::tell(Watched& call, std::size_t number, bool is_callee) {
  const Call::Dialog& dialog = call.call.dialogs()[number];
  const Party& user = call.party(number, is_callee);
  LineChange change{.aor = user.aor,
                    .key = {call.at, call.id, static_cast<std::uint32_t>(number), is_callee},
                    .state = dialog.state,
                    .event = is_callee ? seen_by_callee(dialog.event) : dialog.event,
                    .code = dialog.code};
  auto& side = call.side(number, is_callee);
  const bool is_first = std::exchange(side, Watched::Side::shown) == Watched::Side::untold;
  // An end is never lost: it answers a beginning that found room.
  if (dialog.is_over()) return peers_.post_back<Lines>(bucket_of(user.aor), std::move(change));
  change.callee_tag = dialog.tag;
  change.callee_target = dialog.answerer.target;
  if (is_callee) change.device = dialog.answerer.device;
  if (is_first)
    change.start =
        std::make_unique<const LineStart>(LineStart{.call_id = call.call_id,
                                                    .caller_tag = call.caller_tag,
                                                    .caller = call.caller.identity,
                                                    .callee = call.party(number, true).identity,
                                                    .caller_target = call.caller_target,
                                                    .from = is_callee ? transaction::Hop{} : call.from});
  if (!peers_.post<Lines>(bucket_of(user.aor), std::move(change)) && is_first) side = Watched::Side::hidden;
}

void Calls::on(const LineRefused& refused, Bucket, Now) {
  Watched* call = find(refused.key.call);
  if (!call) return;
  const std::size_t number = refused.key.dialog;
  call->side(number, refused.key.is_callee) = Watched::Side::hidden;
  end_if_unseen(*call, number);
  drop_if_over(*call);
}

void Calls::on(const LineEnded& ended, Bucket, Now now) {
  Watched* call = find(ended.key.call);
  if (!call || (ended.if_answered && call->call.dialogs()[ended.key.dialog].is_open())) return;
  apply(*call, call->call.end(ended.key.dialog, DialogEvent::error), now);
}

/// Until its INVITE is over, a call that has ended is remembered: copies of its 2xx do not begin it anew.
void Calls::drop_if_over(Watched& call) {
  if (!call.call.is_answered()) call.expiry.cancel();
  if (call.is_invited || !call.call.is_over()) return;
  for (const FlowId flow : call.flows) flows_.erase({flow, call.id});
  for (const std::uint64_t key : call.keys) {
    auto [each, end] = by_dialog_.equal_range(key);
    while (each != end) each = each->second == &call ? by_dialog_.erase(each) : std::next(each);
  }
  by_id_.erase(call.id);
}

// Connections

void Calls::live_on(Watched& call, FlowId flow) {
  if (flow != 0 && flows_.emplace(flow, call.id).second) call.flows.push_back(flow);
}

void Calls::on_flow_closed(FlowId flow, Now) { closing_.start(flow); }

bool Calls::end_flow(FlowId flow, Slice& slice, Now now) {
  for (auto next = flows_.lower_bound({flow, 0}); next != flows_.end() && next->first == flow;
       next = flows_.lower_bound({flow, 0})) {
    if (!slice.take()) return true;
    const TransactionId id = next->second;
    flows_.erase(next);
    Watched* call = find(id);
    Call::Changes changes;
    const auto& dialogs = call->call.dialogs();
    for (std::size_t i = 0; i < dialogs.size(); ++i) {
      const bool is_its =
          call->from.flow == flow || (dialogs[i].answerer.flow == flow && !dialogs[i].is_open());
      if (is_its && !call->call.end(i, DialogEvent::error).empty()) changes.push_back(i);
    }
    apply(*call, changes, now);
  }
  return false;
}

std::vector<Table> Calls::tables(Now) const {
  Table table{.name = "calls", .rows = {}};
  for (const auto& [id, call] : by_id_)
    for (const Call::Dialog& dialog : call->call.dialogs()) {
      if (dialog.is_over()) continue;
      table.rows.push_back({{"call_id", call->call_id},
                            {"caller", call->caller.identity.uri},
                            {"callee", call->name_of(dialog)},
                            {"state", documents::to_string(dialog.state)}});
    }
  return {std::move(table)};
}

}  // namespace beckon::server::calls
