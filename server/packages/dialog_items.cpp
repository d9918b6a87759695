#include "server/packages/dialog_items.hpp"

#include <string>
#include <utility>

namespace beckon::server::packages {

using documents::DialogState;

namespace {

/// Ended dialogs remembered for watchers that have not heard of the end. One that missed more gets full
/// state.
constexpr std::size_t gone_max = 64;

bool agree(std::string_view one, std::string_view other) {
  return one.empty() || other.empty() || one == other;
}

}  // namespace

bool is_one_call(const documents::Dialog& one, const documents::Dialog& other) {
  return !one.call_id.empty() && one.call_id == other.call_id && agree(one.local_tag, other.local_tag) &&
         agree(one.remote_tag, other.remote_tag) &&
         (!one.direction || !other.direction || one.direction == other.direction);
}

void keep_later_state(documents::Dialog& dialog, const documents::Dialog& other) {
  if (other.state <= dialog.state) return;
  dialog.state = other.state;
  dialog.event = other.event;
  dialog.code = other.code;
}

bool has_id(const std::vector<DialogItem>& items, std::string_view id) {
  return std::ranges::any_of(items, [id](const DialogItem& each) { return each.dialog.id == id; });
}

bool DialogItem::is_same(const DialogItem& later) const {
  if (is_published != later.is_published)
    return is_one_call(dialog, later.dialog) && (device == 0 || later.device == 0 || device == later.device);
  if (!is_published) return key == later.key;
  const std::string &mine = dialog.call_id, &other = later.dialog.call_id;
  const bool is_known = !mine.empty() && !other.empty();
  if (key != later.key || (is_known && mine != other)) return false;
  return is_known || !is_over() || later.is_over();
}

bool ShownDialogs::is_known(std::string_view id) const {
  return has_id(items_, id) ||
         std::ranges::any_of(gone_, [id](const DialogItem& each) { return each.dialog.id == id; });
}

bool ShownDialogs::take(std::vector<DialogItem> fresh) {
  const std::uint64_t next = number_ + 1;
  bool is_change = false;
  for (DialogItem& item : fresh) {
    const auto before =
        std::ranges::find_if(items_, [&](const DialogItem& known) { return known.is_same(item); });
    item.changed = item.entered = next;
    if (before == items_.end()) {
      is_change = true;
      if (is_known(item.dialog.id))
        item.dialog.id =
            publication::print_short(publication::shorten(item.dialog.id + ' ' + std::to_string(next)));
      continue;
    }
    item.dialog.id = before->dialog.id;
    keep_later_state(item.dialog, before->dialog);
    if (item.dialog.state == before->dialog.state) item.entered = before->entered;
    if (item.dialog == before->dialog) item.changed = before->changed;
    is_change |= item.changed == next;
    items_.erase(before);
  }
  for (DialogItem& left : items_) {
    if (!left.is_over()) {
      // Nobody says why it ended: the device has gone silent, or forgot.
      left.dialog.state = DialogState::terminated;
      left.dialog.event.reset();
      left.dialog.code.reset();
      left.changed = left.entered = next;
      is_change = true;
    }
    gone_.push_back(std::move(left));
  }
  items_ = std::move(fresh);
  for (; gone_.size() > gone_max; gone_.pop_front()) forgotten_ = std::max(forgotten_, gone_.front().changed);
  if (is_change) number_ = next;
  return is_change;
}

}  // namespace beckon::server::packages
