#include "client/presence/subscriptions.hpp"

#include "client/presence/summary.hpp"

namespace beckon::client::presence {

using sip::HeaderId;

namespace {

constexpr std::string_view list_type = "multipart/related";

bool has_ended(const Subscription& subscription) {
  return subscription.state() == event::Subscriber::State::ended;
}

/// Packages that a list of resources may be asked for (RFC 4662).
bool has_lists(std::string_view package) {
  return package == presence_package || package == dialog_package || package == reg_package;
}

/// The formats to ask for. Of presence rather what changed than all of it (RFC 5263 4.2), but of each member
/// of a list all comes each time; around them RFC 4662 4.3.
std::string accept_of(std::string_view package) {
  std::string accept;
  if (package == winfo_package) accept = documents::winfo_type;
  if (package == dialog_package) accept = documents::dialoginfo_type;
  if (package == summary_package) accept = documents::message_summary_type;
  if (package == reg_package) accept = documents::reginfo_type;
  if (package == conference_package) accept = documents::conference_type;
  if (package == archive_package) accept = documents::message_archive_type;
  if (package == presence_package)
    accept = std::string(documents::pidf_type) + ";q=0.5, " + std::string(documents::pidf_diff_type);
  if (has_lists(package)) accept.append(", ").append(list_type).append(", ").append(documents::rlmi_type);
  return accept;
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
  const Key key{to, package};
  auto& subscription = subscriptions_[key];
  if (subscription && !has_ended(*subscription)) return Errc::already_subscribed;
  if (subscription) replaced_.push_back(std::move(subscription));
  subscription = std::make_unique<Subscription>(
      context_, to, package, accept_of(package), expires_seconds,
      [this, key](const sip::Message& notify, Now at) { on_document(key, notify, at); },
      [this, key](Now at) { on_change(key, at); }, rates);
  if (has_lists(package)) subscription->support_lists();
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
  const bool is_list = sip::media_type(notify.header(HeaderId::content_type)) == list_type;
  if (is_list && has_lists(package)) return on_list(key, notify, now);
  if (package == winfo_package) return on_winfo(key, notify, now);
  if (package == dialog_package) return on_dialogs(key, notify, now);
  if (package == summary_package) return on_summary(of, notify, now);
  if (package == reg_package) return on_registrations(key, notify, now);
  if (package == archive_package) return on_archive(notify, now);
  if (package == conference_package) return on_room(key, notify, now);
  on_presence(key, notify, now);
}

void Subscriptions::on_list(const Key& key, const sip::Message& notify, Now now) {
  const std::string& of = key.first;
  List& list = lists_[key];
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
  for (const std::string& aor : changed) {
    const auto member = list.members().find(aor);
    show_member(key, aor, member == list.members().end() ? std::string() : member->second.document, now);
  }
}

/// What a list says of a member, as its package shows it. Without a document nothing is known.
void Subscriptions::show_member(const Key& list, const std::string& aor, const std::string& document,
                                Now now) {
  const std::string& package = list.second;
  if (package == presence_package) {
    const auto presence = documents::parse_pidf(document);
    return presence ? show(aor, *presence, now) : show_unknown(aor, now);
  }
  if (document.empty()) return;  // the event "list" says why
  if (package == dialog_package) {
    const auto info = documents::parse_dialoginfo(document);
    if (!info) return warn("the dialogs of " + aor + " cannot be read: " + info.error().message(), now);
    Dialogs dialogs;
    dialogs.take(*info, document.size());
    return show_dialogs(aor, dialogs, info->version, true, now);
  }
  const auto info = documents::parse_reginfo(document);
  if (!info) return warn("the registrations of " + aor + " cannot be read: " + info.error().message(), now);
  show_registrations(*info, now);
}

void Subscriptions::show_unknown(const std::string& of, Now now) {
  boost::json::object event = control::make_event("presence", now);
  for (auto& member : make_unknown_view(of)) event.insert(member);
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
  show_dialogs(of, dialogs, info->version, info->state == documents::DialogInfo::State::full, now);
}

void Subscriptions::show_dialogs(const std::string& of, const Dialogs& dialogs, std::uint32_t version,
                                 bool is_full, Now now) {
  boost::json::object event = control::make_event("dialogs", now);
  event["of"] = of;
  event["version"] = version;
  event["document"] = is_full ? "full" : "partial";
  if (const auto registered = dialogs.is_registered()) event["registered"] = *registered;
  event["dialogs"] = dialogs.json();
  context_.emit(std::move(event));
}

void Subscriptions::on_registrations(const Key& key, const sip::Message& notify, Now now) {
  const std::string of = key.first;
  const auto info = documents::parse_reginfo(notify.body());
  if (!info) return warn("the registrations of " + of + " cannot be read: " + info.error().message(), now);
  show_registrations(*info, now);
  if (of.find('@') == std::string::npos) {
    for (const auto& [user, contact] : newly_registered(*info))
      if (user != context_.account.aor) hooks_.on_registered(user, contact, now);
    return;
  }
  const auto news = registrations_[of].take(*info);
  if (news.is_gap) incomplete_ = subscriptions_.at(key).get();
  for (const std::string& contact : news.fresh) hooks_.on_registered(of, contact, now);
}

void Subscriptions::show_registrations(const documents::RegistrationInfo& info, Now now) {
  for (const auto& registration : info.registrations) {
    boost::json::object event = control::make_event("registrations", now);
    for (auto& member : make_registrations_view(registration)) event.insert(member);
    event["document"] = info.state == documents::RegistrationInfo::State::full ? "full" : "partial";
    context_.emit(std::move(event));
  }
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
  if (key.second == presence_package && presences_.erase(key.first) > 0) show_unknown(key.first, now);
  if (key.second == presence_package) partials_.erase(key.first);
  if (const auto list = lists_.extract(key))
    for (const auto& [aor, member] : list.mapped().members())
      if (!member.document.empty()) show_member(key, aor, {}, now);
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
  for (const auto& [key, list] : lists_) {
    for (const auto& [aor, member] : list.members()) {
      if (key.second != presence_package || presences_.contains(aor)) continue;
      if (const auto presence = documents::parse_pidf(member.document))
        out.push_back(make_view(aor, *presence, hooks_.is_verified));
    }
  }
  return out;
}

}  // namespace beckon::client::presence
