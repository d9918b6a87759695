#include "server/packages/dialog.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "server/packages/following.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using documents::DialogInfo;
using documents::DialogState;
using subscription::Permission;
using subscription::Subscription;

namespace {

constexpr std::array dialog_types{documents::dialoginfo_type};

}  // namespace

/// A published document: its text, without what is never shown.
class Dialog::Document final : public publication::State {
 public:
  Document(std::string text, std::optional<Time> received) : text_(std::move(text)), received_(received) {
    look_for_call();
  }
  std::string_view stored() const override { return text_; }
  void inherit(State& before) override {
    over_ = std::move(static_cast<Document&>(before).over_);
    const auto all = parse();
    std::erase_if(over_, [&](const documents::Dialog& over) {
      return std::ranges::none_of(all, [&](const auto& dialog) { return is_named_alike(dialog, over); });
    });
    look_for_call();
  }

  std::vector<documents::Dialog> parse() const {
    auto info = documents::parse_dialoginfo(text_, xml::kept_limits);
    if (!info) return {};
    for (documents::Dialog& dialog : info->dialogs)
      for (const documents::Dialog& over : over_)
        if (is_named_alike(dialog, over)) keep_later_state(dialog, over);
    return std::move(info->dialogs);
  }
  /// The proxy has seen the end of a dialog, and the device is slow to say so, or never will. `is_last`: no
  /// other dialog has that Call-ID, so that it is this one where the device does not tell the tags.
  void end(const documents::Dialog& over, bool is_last) {
    if (text_.find(over.call_id) == text_.npos) return;
    for (documents::Dialog& dialog : parse()) {
      const bool tells_tags = !dialog.local_tag.empty() && !dialog.remote_tag.empty();
      if (dialog.state == DialogState::terminated || !is_one_call(dialog, over)) continue;
      if (!tells_tags && !is_last) continue;
      dialog.state = DialogState::terminated;
      dialog.event = over.event;
      dialog.code = over.code;
      over_.push_back(std::move(dialog));
    }
    look_for_call();
  }
  /// When the durations in it were true; absent after a restart.
  std::optional<Time> received() const { return received_; }
  bool has_call() const { return has_call_; }

 private:
  static bool is_named_alike(const documents::Dialog& one, const documents::Dialog& other) {
    return one.id == other.id && one.call_id == other.call_id;
  }
  void look_for_call() {
    has_call_ = std::ranges::any_of(
        parse(), [](const documents::Dialog& dialog) { return dialog.state == DialogState::confirmed; });
  }

  std::string text_;
  std::optional<Time> received_;
  std::vector<documents::Dialog> over_;  ///< Those of its dialogs, as they ended.
  bool has_call_ = false;
};

/// A watch, and what its watcher has been shown.
struct Dialog::News final : Following {
  News(presence::Watches& watches, Subscription& its_subscription, presence::Sink& sink)
      : Following(watches, its_subscription, sink) {
    const auto value = [&](std::string_view name) {
      return sip::grammar::unquote(
          sip::find_parameter(its_subscription.selection(), name).value_or(std::string_view()));
    };
    call_id = value("call-id");
    local_tag = value("to-tag");
    remote_tag = value("from-tag");
  }
  static News& of(const Subscription& subscription) { return static_cast<News&>(*subscription.data); }

  /// Is the subscription to that dialog, or to all (RFC 4235 3.2)?
  bool concerns(const documents::Dialog& dialog) const {
    return call_id.empty() || (dialog.call_id == call_id && dialog.local_tag == local_tag &&
                               (remote_tag.empty() || dialog.remote_tag == remote_tag));
  }

  std::string call_id, local_tag, remote_tag;  ///< Empty: any.
  struct Told {
    std::uint64_t seen = 0;        ///< Number of the last change.
    Sight sight = Sight::nothing;  ///< Of the watcher.
    bool is_registered = false;    ///< Has the user a device?
  };
  Told told;             ///< By the documents that count as sent.
  Told composed;         ///< And by the one that was composed last.
  bool has_gap = false;  ///< What counts as sent may not have arrived: the next document is full.
};

Dialog::Dialog(Environment& environment, const Parts& parts)
    : environment_(environment),
      presentities_(parts.presentities),
      watches_(parts.presentities.watches()),
      publications_(parts.publications),
      registrar_(parts.registrar),
      lines_(parts.lines),
      slot_(environment.directory().take_slot<ShownDialogs>()) {
  publications_.add(*this);
  watches_.observe(*this);
  presentities_.set_calls(*this);
  lines_.observe(*this);
  parts.registrar.observe(*this);
}

std::span<const std::string_view> Dialog::body_types() const { return dialog_types; }

// Who may watch

bool Dialog::is_trusted(const Entry& user, std::string_view watcher) const {
  const auto& named = environment_.settings().dialog_watchers;
  return watcher == user.aor() || std::ranges::find(named, watcher) != named.end();
}

Permission Dialog::permit(const Entry& user, std::string_view watcher, const presence::View& view) const {
  return is_trusted(user, watcher) ? Permission::active : permission_of(view);
}

Sight Dialog::sight_of(const Entry& user, std::string_view watcher, const presence::View& view) const {
  if (is_trusted(user, watcher)) return Sight::everything;
  return view.permission == presence::Permission::allow ? Sight::states : Sight::nothing;
}

Permission Dialog::admit(Entry& resource, const std::string& watcher, Now now) {
  return permit(resource, watcher, watches_.decide(resource, watcher, now));
}

/// "The first three of these parameters MUST be present"; without from-tag it is all that came of one INVITE
/// (RFC 4235 3.2).
int Dialog::read(const sip::Message& subscribe, std::string_view parameters, Interest& interest) const {
  if (!subscribe.to_tag().empty()) return 200;  // a refresh changes nothing
  const auto take = [&](const char* name) {
    const auto value = sip::find_parameter(parameters, name);
    if (!value || value->empty()) return false;
    interest.selection.append(";").append(name).append("=").append(*value);
    return true;
  };
  const bool has_call = take("call-id"), has_local = take("to-tag"), has_remote = take("from-tag");
  return has_call != has_local || (has_remote && !has_local) ? 400 : 200;
}

Permission Dialog::begin(Subscription& subscription, Now now) {
  presence::Sink& sink = *this;
  auto made = std::make_unique<News>(watches_, subscription, sink);
  watches_.begin(*made, now);
  const Permission permission = permit(subscription.resource(), subscription.watcher(), made->view());
  subscription.data = std::move(made);
  return permission;
}

void Dialog::begun(Subscription& subscription, Now now) {
  if (subscription.is_fetch()) return;
  watches_.follow(News::of(subscription), now);
  Entry& user = subscription.resource();
  ShownDialogs* shown = user.find(slot_);
  if (!shown) {
    shown = &user.get(slot_);
    shown->begin(gather(user));
    shown->is_registered = is_registered(user);
  }
  ++shown->watchers;
}

void Dialog::refreshed(Subscription& subscription, Now now) {
  watches_.look_at_rules(subscription.resource(), now);
}

void Dialog::notified(Subscription& subscription, Now) {
  News& news = News::of(subscription);
  news.told = news.composed;
  news.has_gap = false;
}

/// The watcher has the state, by another document than its last one: what builds upon that would have a gap.
void Dialog::confirmed(Subscription& subscription, Now) { suppressed(subscription); }

void Dialog::suppressed(Subscription& subscription) {
  News& news = News::of(subscription);
  news.told = news.composed;
  news.has_gap = true;
}

void Dialog::ended(Subscription& subscription, Now now) {
  watches_.end(News::of(subscription), now);
  Entry& user = subscription.resource();
  ShownDialogs* shown = subscription.is_fetch() ? nullptr : user.find(slot_);
  if (shown && --shown->watchers == 0) user.drop(slot_);
}

void Dialog::on_view(presence::Watch& watch, const presence::View& before, Now now) {
  Subscription& subscription = subscription_of(watch);
  const Entry& user = watch.presentity();
  const auto permission = permit(user, watch.watcher(), watch.view());
  // Of most that a presence rule may hide or show there is nothing here.
  if (permission == permit(user, watch.watcher(), before) &&
      sight_of(user, watch.watcher(), watch.view()) == sight_of(user, watch.watcher(), before))
    return;
  subscriptions().decide(subscription, permission, now);
}

void Dialog::on_rules_applied(Entry& presentity, Now now) {
  subscriptions().rules_changed(*this, presentity, now);
}

// What devices publish

/// A document is the whole state of its publication (RFC 3903 3), whatever it says of itself.
publication::Reading Dialog::read(Entry&, std::string_view body, const Request& request) {
  auto info = documents::parse_dialoginfo(body);
  if (!info) return {.reason = "Bad Dialog Information"};
  publication::Reading reading{.size = static_cast<std::uint32_t>(info->dialogs.size())};
  if (reading.size > size_max()) return reading;
  // Nobody can ask for session descriptions here, and without that they are not shown (RFC 4235 3.3).
  for (documents::Dialog& dialog : info->dialogs)
    for (auto* side : {&dialog.local, &dialog.remote})
      if (*side) (*side)->session.reset();
  reading.state = std::make_unique<Document>(documents::print(*info), request.now.mono);
  return reading;
}

publication::Reading Dialog::restore(std::string_view stored) {
  const auto info = documents::parse_dialoginfo(stored, xml::kept_limits);
  if (!info) return {};
  return {.state = std::make_unique<Document>(std::string(stored), std::nullopt),
          .size = static_cast<std::uint32_t>(info->dialogs.size())};
}

/// The dialogs of all publications. One that two publications of a device have is one.
std::vector<DialogItem> Dialog::gather_published(const Entry& user) const {
  std::vector<DialogItem> items;
  publications_.each(
      user, *this, [&](const event::Publication& publication, const publication::State& state) {
        const auto& document = static_cast<const Document&>(state);
        const std::string origin = publication.device != 0 ? publication::print_short(publication.device)
                                                           : std::to_string(publication.number);
        for (documents::Dialog& dialog : document.parse()) {
          DialogItem item{.key = publication::shorten(origin + ' ' + dialog.id),
                          .device = publication.device};
          if (document.received() && dialog.duration_seconds)
            item.began = *document.received() -
                         std::chrono::seconds(std::min<std::uint64_t>(*dialog.duration_seconds, 0xffff'ffff));
          dialog.duration_seconds.reset();
          // Unique among all devices, other for its next call, and hiding the Call-ID, which some use as id.
          dialog.id = publication::print_short(
              publication::shorten(publication::print_short(item.key) + ' ' + dialog.call_id));
          item.dialog = std::move(dialog);
          const auto known =
              std::ranges::find_if(items, [&](const DialogItem& each) { return each.is_same(item); });
          if (known != items.end()) {
            keep_later_state(known->dialog, item.dialog);
            continue;
          }
          if (has_id(items, item.dialog.id))
            item.dialog.id = publication::print_short(publication::shorten(item.dialog.id + " next"));
          items.push_back(std::move(item));
        }
      });
  return items;
}

/// All dialogs of the user. One that a device publishes and the proxy sees is one: as the device, which knows
/// more, describes it, in the later of its states. So is one that the proxy sees twice, as it went through
/// this server twice.
std::vector<DialogItem> Dialog::gather(const Entry& user) const {
  std::vector<DialogItem> items = gather_published(user);
  for (const calls::Lines::Line& line : lines_.of(user)) {
    DialogItem item{.key = publication::shorten(line.dialog.id),
                    .is_published = false,
                    .device = line.device,
                    .dialog = line.dialog,
                    .began = line.began};
    const auto is_its = [&](const DialogItem& each) {
      if (each.is_published) return each.is_same(item) && (!item.is_over() || each.is_over());
      return is_one_call(each.dialog, item.dialog) && each.dialog.remote_tag == item.dialog.remote_tag;
    };
    const auto known = std::ranges::find_if(items, is_its);
    if (known == items.end())
      items.push_back(std::move(item));
    else
      keep_later_state(known->dialog, item.dialog);
  }
  return items;
}

void Dialog::on_changed(Entry& user, Now now, std::optional<Time> published) {
  watches_.look_at_rules(user, now);
  ShownDialogs* shown = user.find(slot_);
  if (shown && shown->take(gather(user))) subscriptions().changed(*this, user, now);
  presentities_.calls_changed(user, now, published);
}

// What the proxy sees

void Dialog::on_lines_changed(Entry& user, Now now) {
  const auto& lines = lines_.of(user);
  for (const calls::Lines::Line& line : lines) {
    if (line.dialog.state != DialogState::terminated) continue;
    const bool is_last = std::ranges::none_of(lines, [&](const calls::Lines::Line& other) {
      return other.dialog.call_id == line.dialog.call_id && other.dialog.state != DialogState::terminated;
    });
    publications_.each(user, *this, [&](const event::Publication&, publication::State& state) {
      static_cast<Document&>(state).end(line.dialog, is_last);
    });
  }
  on_changed(user, now, {});
}

bool Dialog::is_on_the_phone(const Entry& user) const {
  const auto is_answered = [](const calls::Lines::Line& line) {
    return line.dialog.state == DialogState::confirmed;
  };
  bool any = std::ranges::any_of(lines_.of(user), is_answered);
  publications_.each(user, *this, [&](const event::Publication&, const publication::State& state) {
    any = any || static_cast<const Document&>(state).has_call();
  });
  return any;
}

// Whether there is a device

bool Dialog::is_registered(const Entry& user) const { return !registrar_.bindings(user).empty(); }

void Dialog::on_bindings_changed(Entry& user, registrar::BindingEvent, const registrar::Binding&,
                                 const std::vector<registrar::Binding>& all, Now now) {
  ShownDialogs* shown = user.find(slot_);
  if (!shown || shown->is_registered == !all.empty()) return;
  shown->is_registered = !all.empty();
  subscriptions().changed(*this, user, now);
}

// Documents

bool Dialog::has_news(const Subscription& subscription) const {
  const ShownDialogs* shown = subscription.resource().find(slot_);
  if (!shown) return false;
  const News& news = News::of(subscription);
  const Sight sight = sight_of(subscription.resource(), subscription.watcher(), news.view());
  bool any = sight != Sight::nothing && news.told.is_registered != shown->is_registered;
  shown->each_news(news.told.seen, sight, [&](const DialogItem& item) { any |= news.concerns(item.dialog); });
  return any;
}

subscription::Content Dialog::compose(Subscription& subscription, event::Notifier::Body body, Now now) {
  News& news = News::of(subscription);
  const Entry& user = subscription.resource();
  // Rules that a round has not brought to the watch yet hold already.
  const auto view = watches_.decide(user, subscription.watcher(), now);
  if (permit(user, subscription.watcher(), view) != Permission::active) return {};
  const Sight sight = sight_of(user, subscription.watcher(), view);

  const ShownDialogs* shown = user.find(slot_);
  const bool registered = sight != Sight::nothing && is_registered(user);
  news.composed = {.seen = shown ? shown->number() : 0, .sight = sight, .is_registered = registered};

  const auto seen_of = [&](const DialogItem& item) {
    if (sight == Sight::everything) return item.dialog;
    return documents::Dialog{.id = item.dialog.id, .state = item.dialog.state};
  };
  const std::vector<DialogItem> gathered = shown ? std::vector<DialogItem>() : gather(user);
  const auto each_current = [&](const auto& visit) {
    if (sight == Sight::nothing) return;
    for (const DialogItem& item : shown ? shown->items() : gathered)
      if (!item.is_over()) visit(item);
  };

  DialogInfo info{.version = subscription.number(), .entity = user.aor()};
  const auto add = [&](const DialogItem& item) {
    if (!news.concerns(item.dialog)) return;
    info.dialogs.push_back(seen_of(item));
    if (sight == Sight::everything && item.began)
      info.dialogs.back().duration_seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(
          0, std::chrono::round<std::chrono::seconds>(now.mono - *item.began).count()));
  };
  const bool may_be_partial = body == event::Notifier::Body::partial && shown && !news.has_gap &&
                              sight == news.told.sight && registered == news.told.is_registered &&
                              shown->remembers(news.told.seen);
  if (may_be_partial) shown->each_news(news.told.seen, sight, add);
  info.state = info.dialogs.empty() ? DialogInfo::State::full : DialogInfo::State::partial;
  const xml::Fragment registration = documents::make_registration(user.aor(), registered);
  if (info.state == DialogInfo::State::full) {
    each_current(add);
    info.extensions.push_back(registration);
  }

  // The state without its numbers and durations: equal states have one entity-tag.
  DialogInfo state{.entity = user.aor(), .extensions = {registration}};
  each_current([&](const DialogItem& item) {
    if (news.concerns(item.dialog)) state.dialogs.push_back(seen_of(item));
  });
  return {documents::dialoginfo_type, share(documents::print(info)), share(documents::print(state))};
}

}  // namespace beckon::server::packages
