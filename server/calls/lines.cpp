#include "server/calls/lines.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/calls/calls.hpp"

namespace beckon::server::calls {

using documents::DialogState;

namespace {

constexpr std::size_t id_octets = 8;

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
  if (change.device != 0) return change.device;
  const registrar::Binding* binding = registrar_.binding_at(user, change.from);
  return binding ? publication::device_of(*binding) : 0;
}

void Lines::on(LineChange change, Bucket, Now now) {
  const EntryPtr user = environment_.directory().get(change.aor);
  if (change.dialog.state == DialogState::terminated) return end(*user, change, now);
  if (change.is_first) return begin(*user, std::move(change), now);
  UserLines* lines = user->find(slot_);
  if (!lines) return;
  const auto known = std::ranges::find(lines->all, change.key, &Line::key);
  if (known == lines->all.end()) return;
  const auto device = device_of(*user, change);
  if (device != 0) known->device = device;
  change.dialog.id = std::move(known->dialog.id);
  known->dialog = std::move(change.dialog);
  report(*user, now);
}

void Lines::begin(Entry& user, LineChange change, Now now) {
  UserLines& lines = user.get(slot_);
  if (lines.all.size() >= environment_.settings().calls_per_user) {
    log::debug("calls", "{} {}: has too many calls, this one is not shown", user.aor(),
               change.dialog.call_id);
    return peers_.post_back<Calls>(change.key.at, LineRefused{change.key});
  }
  change.dialog.id = environment_.random().token(id_octets);
  const auto device = device_of(user, change);
  lines.all.push_back({change.key, std::move(change.dialog), now.mono, device});
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
  known->dialog.event = change.dialog.event;
  known->dialog.code = change.dialog.code;
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
