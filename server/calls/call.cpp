#include "server/calls/call.hpp"

#include <algorithm>
#include <functional>

namespace beckon::server::calls {

namespace {

/// A proxy in the way says that an early dialog has ended (RFC 6228).
constexpr int early_dialog_terminated = 199;

/// RFC 4235 4.1.2.
documents::DialogEvent event_of(int status) {
  switch (status) {
    case 487:
      return documents::DialogEvent::cancelled;
    case 408:
      return documents::DialogEvent::timeout;
    default:
      return documents::DialogEvent::rejected;
  }
}

}  // namespace

std::optional<std::size_t> Call::find(std::string_view tag) const {
  const auto found = std::ranges::find(dialogs_, tag, &Dialog::tag);
  if (found == dialogs_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - dialogs_.begin());
}

/// The dialog that waits for the first tag of that callee's devices.
std::optional<std::size_t> Call::find_tried(std::size_t callee) const {
  const auto found = std::ranges::find_if(dialogs_, [callee](const Dialog& dialog) {
    return dialog.tag.empty() && dialog.callee == callee && !dialog.is_over();
  });
  if (found == dialogs_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - dialogs_.begin());
}

/// The dialog of a response with that tag, a new one where it is the first.
std::optional<std::size_t> Call::take(std::string_view tag, std::size_t callee) {
  if (const auto known = tag.empty() ? std::nullopt : find(tag)) return known;
  if (const auto tried = find_tried(callee)) {
    dialogs_[*tried].tag = tag;
    return tried;
  }
  // Without a tag it cannot be told which of the others is meant.
  if (tag.empty() || dialogs_.size() >= max_) return std::nullopt;
  dialogs_.push_back({.tag = std::string(tag), .callee = callee});
  return dialogs_.size() - 1;
}

Call::Changes Call::on_redirected(std::size_t from, std::size_t to, int status) {
  Changes changes;
  if (const auto tried = find_tried(from)) {
    end(*tried, Event::rejected);
    dialogs_[*tried].code = static_cast<std::uint16_t>(status);
    changes.push_back(*tried);
  }
  if (find_tried(to) || dialogs_.size() >= max_) return changes;
  dialogs_.push_back({.callee = to});
  changes.push_back(dialogs_.size() - 1);
  return changes;
}

Call::Changes Call::on_response(int status, std::string_view tag, const Answerer& from) {
  if (status == early_dialog_terminated) {
    const auto ended = find(tag);
    return ended && dialogs_[*ended].is_open() ? end(*ended, Event::rejected) : Changes{};
  }
  const auto number = take(tag, from.callee);
  if (!number) return {};
  Dialog& dialog = dialogs_[*number];
  const State state = status >= 200 ? State::confirmed : tag.empty() ? State::proceeding : State::early;
  if (state <= dialog.state) return {};
  dialog.state = state;
  dialog.code = static_cast<std::uint16_t>(status);
  if (tag.empty() && status < 200) return {*number};  // any of the devices
  std::string target = std::move(dialog.answerer.target);
  dialog.answerer = from;
  if (from.target.empty()) dialog.answerer.target = std::move(target);
  return {*number};
}

template <class Which>
Call::Changes Call::end_open(int status, const Which& which) {
  Changes changes;
  for (std::size_t i = 0; i < dialogs_.size(); ++i) {
    Dialog& dialog = dialogs_[i];
    if (!dialog.is_open() || !which(dialog)) continue;
    dialog.state = State::terminated;
    dialog.event = event_of(status);
    dialog.code = static_cast<std::uint16_t>(status);
    changes.push_back(i);
  }
  return changes;
}

Call::Changes Call::on_branch_end(std::size_t branch, int status) {
  if (status < 300) return {};
  return end_open(status, [branch](const Dialog& dialog) {
    return dialog.state == State::early && dialog.answerer.branch == branch;
  });
}

Call::Changes Call::on_end(int status) {
  if (status < 300) return {};
  return end_open(status, [](const Dialog&) { return true; });
}

template <class Which>
Call::Changes Call::end_all(Event why, const Which& which) {
  Changes changes;
  for (std::size_t i = 0; i < dialogs_.size(); ++i) {
    if (dialogs_[i].is_over() || !std::invoke(which, dialogs_[i])) continue;
    end(i, why);
    changes.push_back(i);
  }
  return changes;
}

Call::Changes Call::on_over() { return end_all(Event::timeout, &Dialog::is_open); }

Call::Changes Call::end_answered(Event why) {
  return end_all(why, [](const Dialog& dialog) { return !dialog.is_open(); });
}

Call::Changes Call::on_bye(std::string_view tag, bool by_caller) {
  const auto number = find(tag);
  if (!number) return {};
  return end(*number, by_caller ? Event::local_bye : Event::remote_bye);
}

Call::Changes Call::end(std::size_t number, std::optional<Event> why) {
  Dialog& dialog = dialogs_[number];
  if (dialog.is_over()) return {};
  dialog.state = State::terminated;
  dialog.event = why;
  dialog.code.reset();
  return {number};
}

bool Call::is_answered() const {
  return std::ranges::any_of(dialogs_, [](const Dialog& dialog) { return dialog.state == State::confirmed; });
}

bool Call::is_over() const { return std::ranges::all_of(dialogs_, &Dialog::is_over); }

}  // namespace beckon::server::calls
