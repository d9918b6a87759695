#include "client/presence/subscriptions.hpp"

#include "client/presence/summary.hpp"

namespace beckon::client::presence {

using sip::HeaderId;

namespace {

constexpr std::string_view list_type = "multipart/related";

bool has_ended(const Subscription& subscription) {
  return subscription.state() == event::Subscriber::State::ended;
}

/// The formats to ask for. Of presence rather what changed than all of it (RFC 5263 4.2).
std::string accept_of(std::string_view package) {
  if (package == winfo_package) return std::string(documents::winfo_type);
  if (package == dialog_package) return std::string(documents::dialoginfo_type);
  if (package == summary_package) return std::string(documents::message_summary_type);
  if (package == reg_package) return std::string(documents::reginfo_type);
  if (package == conference_package) return std::string(documents::conference_type);
  if (package == archive_package) return std::string(documents::message_archive_type);
  return std::string(documents::pidf_type) + ";q=0.5, " + std::string(documents::pidf_diff_type);
}

/// RFC 4662 4.3. All of a member's presence comes each time, so no partial documents.
std::string list_accept() {
  return std::string(list_type) + ", " + std::string(documents::rlmi_type) + ", " +
         std::string(documents::pidf_type);
}

/// Versions of partial documents count within one subscription.
std::string name_of_dialog(const sip::Message& notify) {
  return std::string(notify.call_id()) + ' ' + std::string(notify.to_tag()) + ' ' +
         std::string(notify.from_tag());
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::already_subscribed:
      return "already subscribed";
    case Errc::not_own_watchers:
      return "only your own watchers can be asked for";
    case Errc::not_subscribed:
      return "not subscribed";
  }
  return "unknown";
}

Subscriptions::Subscriptions(account::Context& context, Hooks hooks)
    : context_(context), hooks_(std::move(hooks)), drop_timer_(context.timers) {}

// --- what the user asks for

Result<void> Subscriptions::subscribe(const std::string& to, const std::string& package,
                                      std::uint32_t expires_seconds, Done done, Now now,
                                      const sip::Rates& rates) {
  if (package == winfo_package && to != context_.account.aor) return Errc::not_own_watchers;
  return begin({to, package}, accept_of(package), expires_seconds, std::move(done), now, rates, false);
}

Result<void> Subscriptions::watch(const std::string& list, std::uint32_t expires_seconds, Done done,
                                  Now now) {
  return begin({list, std::string(presence_package)}, list_accept(), expires_seconds, std::move(done), now,
               {}, true);
}

Result<void> Subscriptions::begin(const Key& key, std::string accept, std::uint32_t expires_seconds,
                                  Done done, Now now, const sip::Rates& rates, bool supports_lists) {
  auto& subscription = subscriptions_[key];
  if (subscription && !has_ended(*subscription)) return Errc::already_subscribed;
  if (subscription) replaced_.push_back(std::move(subscription));
  subscription = std::make_unique<Subscription>(
      context_, key.first, key.second, std::move(accept), expires_seconds,
      [this, key](const sip::Message& notify, Now at) { on_document(key, notify, at); },
      [this, key](Now at) { on_change(key, at); }, rates);
  if (supports_lists) subscription->support_lists();
  subscription->start(std::move(done), now);
  return {};
}

Result<void> Subscriptions::unsubscribe(const std::string& to, const std::string& package, Done done,
                                        Now now) {
  Subscription* const subscription = find(to, package);
  if (subscription == nullptr || has_ended(*subscription)) return Errc::not_subscribed;
  subscription->stop(std::move(done), now);
  return {};
}

void Subscriptions::unsubscribe_all(Now now) {
  for (auto& [key, subscription] : subscriptions_) subscription->stop({}, now);
}

void Subscriptions::refresh_all(Now now) {
  for (auto& [key, subscription] : subscriptions_) subscription->refresh(now);
}

// --- NOTIFY

const incoming::Services& Subscriptions::services() const {
  static const incoming::Services services{
      .methods = {sip::Method::notify},
      .packages = {presence_package, winfo_package, dialog_package, summary_package, reg_package,
                   archive_package, conference_package},
      .option_tags = {"eventlist"}};
  return services;
}

void Subscriptions::on_request(const incoming::Request& request, Now now) {
  for (auto& [key, subscription] : subscriptions_) {
    if (!subscription->matches(request.message())) continue;
    if (!subscription->can_read(request.message())) {
      auto reply = request.reply(415);
      reply.add(HeaderId::accept, subscription->accepted());
      return request.respond(std::move(reply), now);
    }
    request.respond(subscription->on_notify(request.message(), now), now);
    if (Subscription* incomplete = std::exchange(incomplete_, nullptr))
      incomplete->reload(now);
    else if (!request.message().body().empty())
      subscription->settle();
    if (subscription->confirms(request.message())) confirm(key, now);
    return;
  }
  request.respond(481, now);
}

void Subscriptions::on_document(const Key& key, const sip::Message& notify, Now now) {
  const auto& [of, package] = key;
  if (package == winfo_package) return on_winfo(key, notify, now);
  if (package == dialog_package) return on_dialogs(key, notify, now);
  if (package == summary_package) return on_summary(of, notify, now);
  if (package == reg_package) return on_registrations(key, notify, now);
  if (package == archive_package) return on_archive(notify, now);
  if (package == conference_package) return on_room(key, notify, now);
  if (sip::media_type(notify.header(HeaderId::content_type)) == list_type) return on_list(key, notify, now);
  on_presence(key, notify, now);
}

void Subscriptions::on_list(const Key& key, const sip::Message& notify, Now now) {
  const std::string& of = key.first;
  List& list = lists_[of];
  std::vector<std::string> changed;
  const auto taken = list.take(notify.body(), notify.header(HeaderId::content_type), changed);
  if (taken == List::Taken::stale) return;
  if (taken != List::Taken::yes) incomplete_ = subscriptions_.at(key).get();
  if (taken == List::Taken::unreadable) return warn("the list " + of + " cannot be read", now);
  boost::json::object event = control::make_event("list", now);
  event["of"] = of;
  event["version"] = list.version();
  event["document"] = list.was_full() ? "full" : "partial";
  event["members"] = list.json();
  context_.emit(std::move(event));
  for (const std::string& aor : changed) show_member(list, aor, now);
}

void Subscriptions::show_member(const List& list, const std::string& aor, Now now) {
  const auto member = list.members().find(aor);
  const bool is_shown = member != list.members().end() && member->second.presence;
  if (is_shown) return show(aor, *member->second.presence, now);
  boost::json::object event = control::make_event("presence", now);
  for (auto& each : make_unknown_view(aor)) event.insert(each);
  context_.emit(std::move(event));
}

void Subscriptions::on_presence(const Key& key, const sip::Message& notify, Now now) {
  const std::string& of = key.first;
  if (sip::media_type(notify.header(HeaderId::content_type)) == documents::pidf_diff_type) {
    if (!on_partial_presence(key, notify, now)) return;
    presences_[of] = partials_[of].presence();
  } else {
    if (const auto partial = partials_.find(of); partial != partials_.end()) partial->second.drop();
    auto document = documents::parse_pidf(notify.body());
    if (!document)
      return warn("the presence of " + of + " cannot be read: " + document.error().message(), now);
    presences_[of] = std::move(*document);
  }
  const documents::Presence& presence = presences_[of];
  hooks_.on_presence(of, presence, now);
  show(of, presence, now);
}

/// RFC 5263 4.5. Is there a new state?
bool Subscriptions::on_partial_presence(const Key& key, const sip::Message& notify, Now now) {
  using Taken = documents::PartialPresence::Taken;
  const auto taken = partials_[key.first].take(notify.body(), name_of_dialog(notify));
  if (taken == Taken::gap || taken == Taken::failed) incomplete_ = subscriptions_.at(key).get();
  if (taken == Taken::failed) {
    // What fails once would fail again.
    incomplete_->fall_back(documents::pidf_type);
    warn("a change of the presence of " + key.first + " cannot be read; all of it is asked for", now);
  }
  return taken == Taken::yes;
}

void Subscriptions::show(const std::string& of, const documents::Presence& presence, Now now) {
  boost::json::object event = control::make_event("presence", now);
  for (auto& member : make_view(of, presence, hooks_.is_verified)) event.insert(member);
  context_.emit(std::move(event));
}

/// The server says anew what we have, as after a lost connection; so do we.
void Subscriptions::confirm(const Key& key, Now now) {
  if (key.second == summary_package) return show_summary(key.first, now);
  const auto document = presences_.find(key.first);
  if (key.second != presence_package || document == presences_.end()) return;
  show(key.first, document->second, now);
}

void Subscriptions::on_winfo(const Key& key, const sip::Message& notify, Now now) {
  const auto info = documents::parse_winfo(notify.body());
  if (!info) return warn("the list of watchers cannot be read: " + info.error().message(), now);
  const auto taken = watchers_.take(*info, notify.body().size());
  if (taken == Watchers::Taken::gap) incomplete_ = subscriptions_.at(key).get();
  if (taken != Watchers::Taken::yes) return;
  hooks_.on_watchers(*info, now);
  boost::json::object event = control::make_event("watchers", now);
  event["version"] = info->version;
  event["document"] = info->state == documents::WatcherInfo::State::full ? "full" : "partial";
  event["watchers"] = watchers_.watchers_json();
  event["permits"] = watchers_.permits_json();
  context_.emit(std::move(event));
}

void Subscriptions::on_dialogs(const Key& key, const sip::Message& notify, Now now) {
  const std::string& of = key.first;
  const auto info = documents::parse_dialoginfo(notify.body());
  if (!info) return warn("the dialogs of " + of + " cannot be read: " + info.error().message(), now);
  Dialogs& dialogs = dialogs_[of];
  const auto taken = dialogs.take(*info, notify.body().size());
  if (taken == Dialogs::Taken::stale) return;
  if (taken == Dialogs::Taken::gap) incomplete_ = subscriptions_.at(key).get();
  boost::json::object event = control::make_event("dialogs", now);
  event["of"] = of;
  event["version"] = info->version;
  event["document"] = info->state == documents::DialogInfo::State::full ? "full" : "partial";
  if (const auto registered = dialogs.is_registered()) event["registered"] = *registered;
  event["dialogs"] = dialogs.json();
  context_.emit(std::move(event));
}

void Subscriptions::on_registrations(const Key& key, const sip::Message& notify, Now now) {
  const std::string of = key.first;
  const auto info = documents::parse_reginfo(notify.body());
  if (!info) return warn("the registrations of " + of + " cannot be read: " + info.error().message(), now);
  if (of.find('@') == std::string::npos) {
    for (const auto& [user, contact] : newly_registered(*info))
      if (user != context_.account.aor) hooks_.on_registered(user, contact, now);
    return;
  }
  const auto news = registrations_[of].take(*info);
  if (news.is_gap) incomplete_ = subscriptions_.at(key).get();
  for (const std::string& contact : news.fresh) hooks_.on_registered(of, contact, now);
}

void Subscriptions::on_archive(const sip::Message& notify, Now now) {
  const auto changes = documents::parse_message_archive(notify.body());
  if (!changes) return warn("the changes of your messages cannot be read: " + changes.error().message(), now);
  hooks_.on_archive(&*changes, now);
}

void Subscriptions::on_summary(const std::string& of, const sip::Message& notify, Now now) {
  auto summary = documents::parse_message_summary(notify.body());
  if (!summary)
    return warn("the message summary of " + of + " cannot be read: " + summary.error().message(), now);
  summaries_[of] = std::move(*summary);
  show_summary(of, now);
}

void Subscriptions::show_summary(const std::string& of, Now now) {
  const auto summary = summaries_.find(of);
  if (summary == summaries_.end()) return;
  boost::json::object event = control::make_event("message-summary", now);
  for (auto& member : make_summary_view(of, summary->second)) event.insert(member);
  context_.emit(std::move(event));
}

void Subscriptions::on_room(const Key& key, const sip::Message& notify, Now now) {
  const auto info = documents::parse_conference(notify.body());
  if (!info) return warn("the room " + key.first + " cannot be read: " + info.error().message(), now);
  WatchedRoom& room = rooms_[key.first];
  const auto taken = room.take(*info);
  if (taken == WatchedRoom::Taken::gap) incomplete_ = subscriptions_.at(key).get();
  if (taken != WatchedRoom::Taken::yes) return;
  boost::json::object event = control::make_event("room", now);
  for (auto& member : room.view()) event.insert(member);
  context_.emit(std::move(event));
}

void Subscriptions::warn(const std::string& text, Now now) {
  boost::json::object event = control::make_event("warning", now);
  event["text"] = text;
  context_.emit(std::move(event));
}

void Subscriptions::on_change(const Key& key, Now now) {
  hooks_.on_change();
  const Subscription* const subscription = find(key.first, key.second);
  if (subscription == nullptr || !has_ended(*subscription)) return;
  // What an ended subscription showed may be true no longer: nothing is known, and the grants are void.
  if (key.second == presence_package && presences_.erase(key.first) > 0) {
    boost::json::object event = control::make_event("presence", now);
    for (auto& member : make_unknown_view(key.first)) event.insert(member);
    context_.emit(std::move(event));
  }
  if (key.second == presence_package) partials_.erase(key.first);
  if (const auto list = lists_.find(key.first); key.second == presence_package && list != lists_.end()) {
    const List ended = std::move(list->second);
    lists_.erase(list);
    for (const auto& [aor, member] : ended.members())
      if (member.presence) show_member({}, aor, now);
  }
  if (key.second == archive_package) hooks_.on_archive(nullptr, now);
  if (key.second == dialog_package) dialogs_.erase(key.first);
  if (key.second == summary_package) summaries_.erase(key.first);
  if (key.second == conference_package) rooms_.erase(key.first);
  if (key.second == winfo_package) watchers_ = {};
  drop_timer_.set(now.mono, [this](Time) { drop_ended(); });
}

void Subscriptions::drop_ended() {
  replaced_.clear();
  std::erase_if(subscriptions_, [](const auto& entry) { return has_ended(*entry.second); });
}

// --- what is known

Subscription* Subscriptions::find(const std::string& to, std::string_view package) const {
  const auto found = subscriptions_.find({to, std::string(package)});
  return found == subscriptions_.end() ? nullptr : found->second.get();
}

const documents::Presence* Subscriptions::document_of(const std::string& aor) const {
  const Subscription* const subscription = find(aor, presence_package);
  const auto document = presences_.find(aor);
  const bool is_current =
      subscription != nullptr && subscription->is_active() && document != presences_.end();
  return is_current ? &document->second : nullptr;
}

bool Subscriptions::watches_own() const {
  const Subscription* const own = find(context_.account.aor, winfo_package);
  return own != nullptr && own->is_active();
}

boost::json::array Subscriptions::subscriptions_json() const {
  boost::json::array out;
  for (const auto& [key, subscription] : subscriptions_) {
    out.push_back(boost::json::object{
        {"to", key.first}, {"package", key.second}, {"state", subscription->state_word()}});
  }
  return out;
}

boost::json::array Subscriptions::presence_json() const {
  boost::json::array out;
  for (const auto& [of, document] : presences_) out.push_back(make_view(of, document, hooks_.is_verified));
  for (const auto& [of, list] : lists_)
    for (const auto& [aor, member] : list.members())
      if (member.presence && !presences_.contains(aor))
        out.push_back(make_view(aor, *member.presence, hooks_.is_verified));
  return out;
}

}  // namespace beckon::client::presence
