#include "server/calls/lines.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/calls/calls.hpp"

namespace beckon::server::calls {

using documents::DialogState;

namespace {

constexpr std::size_t id_octets = 8;

std::optional<documents::DialogTarget> target_at(std::string uri) {
  if (uri.empty()) return std::nullopt;
  return documents::DialogTarget{.uri = std::move(uri)};
}

/// What the callee's side says changes with each answer.
void show(documents::Dialog& dialog, LineChange& change) {
  dialog.state = change.state;
  dialog.event = change.event;
  dialog.code = change.code;
  const bool is_callee = change.key.is_callee;
  (is_callee ? dialog.local_tag : dialog.remote_tag) = std::move(change.callee_tag);
  (is_callee ? dialog.local : dialog.remote)->target = target_at(std::move(change.callee_target));
}

documents::Dialog make_dialog(std::string id, LineChange& change) {
  using documents::DialogDirection;
  const LineStart& start = *change.start;
  const bool is_callee = change.key.is_callee;
  const documents::DialogParticipant caller{.identity = start.caller,
                                            .target = target_at(start.caller_target)};
  const documents::DialogParticipant callee{.identity = start.callee};
  documents::Dialog dialog{.id = std::move(id),
                           .call_id = start.call_id,
                           .direction = is_callee ? DialogDirection::recipient : DialogDirection::initiator,
                           .local = is_callee ? callee : caller,
                           .remote = is_callee ? caller : callee};
  (is_callee ? dialog.remote_tag : dialog.local_tag) = start.caller_tag;
  show(dialog, change);
  return dialog;
}

}  // namespace

Lines::Lines(Environment& environment, Peers& peers, registrar::Registrar& registrar)
    : environment_(environment),
      peers_(peers),
      registrar_(registrar),
      slot_(environment.directory().take_slot<UserLines>()) {
  registrar.observe(*this);
}

const std::vector<Lines::Line>& Lines::of(const Entry& user) const {
  static const std::vector<Line> none;
  const UserLines* lines = user.find(slot_);
  return lines ? lines->all : none;
}

publication::Device Lines::device_of(const Entry& user, const LineChange& change) const {
  if (change.device != 0 || change.key.is_callee || !change.start) return change.device;
  const registrar::Binding* binding = registrar_.binding_at(user, change.start->from);
  return binding ? publication::device_of(*binding) : 0;
}

void Lines::on(LineChange change, Bucket, Now now) {
  const EntryPtr user = environment_.directory().get(change.aor);
  if (change.state == DialogState::terminated) return end(*user, change, now);
  if (change.start) return begin(*user, std::move(change), now);
  UserLines* lines = user->find(slot_);
  if (!lines) return;
  const auto known = std::ranges::find(lines->all, change.key, &Line::key);
  if (known == lines->all.end()) return;
  if (change.device != 0) known->device = change.device;
  show(known->dialog, change);
  report(*user, now);
}

void Lines::begin(Entry& user, LineChange change, Now now) {
  UserLines& lines = user.get(slot_);
  if (lines.all.size() >= environment_.settings().calls_per_user) {
    log::debug("calls", "{} {}: has too many calls, this one is not shown", user.aor(),
               change.start->call_id);
    return peers_.post_back<Calls>(change.key.at, LineRefused{change.key});
  }
  lines.all.push_back({change.key, make_dialog(environment_.random().token(id_octets), change), now.mono,
                       device_of(user, change)});
  ++size_;
  report(user, now);
}

/// It is shown once more, as it ended.
void Lines::end(Entry& user, const LineChange& change, Now now) {
  UserLines* lines = user.find(slot_);
  if (!lines) return;
  const auto known = std::ranges::find(lines->all, change.key, &Line::key);
  if (known == lines->all.end()) return;
  known->dialog.state = DialogState::terminated;
  known->dialog.event = change.event;
  known->dialog.code = change.code;
  report(user, now);
  std::erase_if(lines->all, [&](const Line& line) { return line.key == change.key; });
  --size_;
  if (lines->all.empty()) user.drop(slot_);
}

void Lines::report(Entry& user, Now now) {
  for (Observer* observer : observers_) observer->on_lines_changed(user, now);
}

/// `Calls` says how it ends, for both sides.
void Lines::give_up(const LineKey& key, bool if_answered) {
  peers_.post_back<Calls>(key.at, LineEnded{key, if_answered});
}

void Lines::on_bindings_changed(Entry& user, registrar::BindingEvent event, const registrar::Binding& changed,
                                const std::vector<registrar::Binding>& all, Now) {
  const UserLines* lines = user.find(slot_);
  if (!lines || !registrar::is_end(event)) return;
  const auto device = publication::device_of(changed);
  const auto is_its = [device](const auto& binding) { return publication::device_of(binding) == device; };
  if (std::ranges::any_of(all, is_its)) return;
  for (const Line& line : lines->all)
    if (line.device == device) give_up(line.key, true);
}

void Lines::on_user_gone(std::string_view aor, bool, Now) {
  const EntryPtr user = environment_.directory().find(aor);
  if (!user) return;
  for (const Line& line : of(*user)) give_up(line.key, false);
}

}  // namespace beckon::server::calls
