#include "client/presence/dialogs.hpp"

#include <boost/json/object.hpp>

namespace beckon::client::presence {

using boost::json::object;
using documents::DialogInfo;

namespace {

object dialog_view(const documents::Dialog& dialog) {
  object out{{"id", dialog.id}, {"state", documents::to_string(dialog.state)}};
  if (dialog.event) out["event"] = documents::to_string(*dialog.event);
  if (dialog.code) out["code"] = *dialog.code;
  if (dialog.direction) out["direction"] = documents::to_string(*dialog.direction);
  if (!dialog.call_id.empty()) out["call_id"] = dialog.call_id;
  if (dialog.duration_seconds) out["duration"] = *dialog.duration_seconds;
  if (dialog.remote && dialog.remote->identity) {
    out["remote"] = dialog.remote->identity->uri;
    if (!dialog.remote->identity->display.empty()) out["remote_name"] = dialog.remote->identity->display;
  }
  return out;
}

}  // namespace

Dialogs::Taken Dialogs::take(const DialogInfo& info, std::size_t octets) {
  const bool is_full = info.state == DialogInfo::State::full;
  // A full document may restart the versions: after the server restarts, or in a new subscription.
  if (!is_full && known_ && info.version <= version_) return Taken::stale;
  partial_ = is_full ? 0 : partial_ + octets;
  const bool is_too_much = partial_ > partial_max;
  const bool is_gap = !is_full && (!known_ || info.version > version_ + 1 || is_too_much);
  if (is_too_much) partial_ = octets;
  if (is_full) registered_ = documents::is_registered(info);
  if (is_full || is_too_much)
    dialogs_.clear();
  else
    std::erase_if(dialogs_,
                  [](const auto& each) { return each.second.state == documents::DialogState::terminated; });
  for (documents::Dialog dialog : info.dialogs) {
    if (const auto before = dialogs_.find(dialog.id); before != dialogs_.end())
      documents::keep_unsaid(dialog, before->second);
    dialogs_.insert_or_assign(dialog.id, std::move(dialog));
  }
  version_ = info.version;
  known_ = true;
  return is_gap ? Taken::gap : Taken::yes;
}

boost::json::array Dialogs::json() const {
  boost::json::array out;
  for (const auto& [id, dialog] : dialogs_) out.push_back(dialog_view(dialog));
  return out;
}

}  // namespace beckon::client::presence
