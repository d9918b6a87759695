#include "server/packages/dialog.hpp"

#include <algorithm>
#include <array>
#include <deque>
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

/// Ended dialogs remembered for watchers that have not heard of the end. One that missed more gets full
/// state.
constexpr std::size_t gone_max = 64;

/// A dialog goes through its states in one direction (RFC 4235 3.7.1).
void keep_later_state(documents::Dialog& dialog, const documents::Dialog& other) {
  if (other.state <= dialog.state) return;
  dialog.state = other.state;
  dialog.event = other.event;
  dialog.code = other.code;
}

}  // namespace

/// A published document: its text, without what is never shown.
class Dialog::Document final : public publication::State {
 public:
  Document(std::string text, const DialogInfo& info, std::optional<Time> received)
      : text_(std::move(text)),
        received_(received),
        has_call_(std::ranges::any_of(info.dialogs, [](const documents::Dialog& dialog) {
          return dialog.state == DialogState::confirmed;
        })) {}
  std::string_view stored() const override { return text_; }

  std::vector<documents::Dialog> parse() const {
    auto info = documents::parse_dialoginfo(text_, xml::kept_limits);
    return info ? std::move(info->dialogs) : std::vector<documents::Dialog>();
  }
  /// When the durations in it were true; absent after a restart.
  std::optional<Time> received() const { return received_; }
  bool has_call() const { return has_call_; }

 private:
  std::string text_;
  std::optional<Time> received_;
  bool has_call_;
};

/// A dialog of a user, as watchers are shown it.
struct Dialog::Item {
  std::uint64_t key = 0;        ///< The device and its id for the dialog.
  documents::Dialog dialog{};   ///< With the id that watchers see, without duration.
  std::optional<Time> began{};  ///< Of the duration.
  std::uint64_t changed = 0;    ///< Number of the last change, see Shown.
  std::uint64_t entered = 0;    ///< Number of the last change of state.

  bool is_over() const { return dialog.state == DialogState::terminated; }
  /// Is `later` this dialog? A device may take an id again for its next call: ids are unique among current
  /// dialogs only (RFC 4235 4.1.1). A dialog may begin without Call-ID, and some devices never tell it.
  bool is_same(const Item& later) const {
    const std::string &mine = dialog.call_id, &other = later.dialog.call_id;
    const bool is_known = !mine.empty() && !other.empty();
    if (key != later.key || (is_known && mine != other)) return false;
    return is_known || !is_over() || later.is_over();
  }
  template <class Items>
  static bool has_id(const Items& items, std::string_view id) {
    return std::ranges::any_of(items, [id](const Item& each) { return each.dialog.id == id; });
  }
};

/// What the watchers of a user have been, or are about to be, shown. Kept while there are any.
struct Dialog::Shown final : Part {
  std::vector<Item> items;      ///< As published now; also those that are over and still published.
  std::deque<Item> gone;        ///< Over, and no longer published.
  std::uint64_t number = 0;     ///< Of the last change.
  std::uint64_t forgotten = 0;  ///< What changed up to here may be in `gone` no more.
  std::uint32_t watchers = 0;

  /// Takes over what is published now. False: nobody sees a difference.
  bool take(std::vector<Item> fresh) {
    const std::uint64_t next = number + 1;
    bool is_change = false;
    for (Item& item : fresh) {
      const auto before = std::ranges::find_if(items, [&](const Item& known) { return known.is_same(item); });
      item.changed = item.entered = next;
      if (before == items.end()) {
        is_change = true;
        if (Item::has_id(gone, item.dialog.id) || Item::has_id(items, item.dialog.id))
          item.dialog.id =
              publication::print_short(publication::shorten(item.dialog.id + ' ' + std::to_string(next)));
        continue;
      }
      item.dialog.id = before->dialog.id;
      keep_later_state(item.dialog, before->dialog);
      if (item.dialog.state == before->dialog.state) item.entered = before->entered;
      if (item.dialog == before->dialog) item.changed = before->changed;
      is_change |= item.changed == next;
      items.erase(before);
    }
    for (Item& left : items) {
      if (!left.is_over()) {
        // Nobody says why it ended: the device has gone silent, or forgot.
        left.dialog.state = DialogState::terminated;
        left.dialog.event.reset();
        left.dialog.code.reset();
        left.changed = left.entered = next;
        is_change = true;
      }
      gone.push_back(std::move(left));
    }
    items = std::move(fresh);
    for (; gone.size() > gone_max; gone.pop_front()) forgotten = std::max(forgotten, gone.front().changed);
    if (is_change) number = next;
    return is_change;
  }

  /// Calls `visit` for each dialog that `watcher` sees differently now.
  template <class Visit>
  void each_news(const News& watcher, Sight sight, const Visit& visit) const;
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
  std::uint64_t seen = 0;                      ///< Number of the last change in its documents.
  Sight sight = Sight::nothing;                ///< In its last document.
};

template <class Visit>
void Dialog::Shown::each_news(const News& watcher, Sight sight, const Visit& visit) const {
  if (sight == Sight::nothing) return;
  const auto look = [&](const Item& item) {
    const auto last = sight == Sight::everything ? item.changed : item.entered;
    if (last > watcher.seen && watcher.concerns(item.dialog)) visit(item);
  };
  for (const Item& item : gone) look(item);
  for (const Item& item : items) look(item);
}

Dialog::Dialog(Environment& environment, presence::Presentities& presentities,
               publication::Publications& publications)
    : environment_(environment),
      presentities_(presentities),
      watches_(presentities.watches()),
      publications_(publications),
      slot_(environment.directory().take_slot<Shown>()) {
  publications.add(*this);
  watches_.observe(*this);
  presentities.set_calls(*this);
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

Dialog::Sight Dialog::sight_of(const Entry& user, std::string_view watcher,
                               const presence::View& view) const {
  if (is_trusted(user, watcher)) return Sight::everything;
  return view.permission == presence::Permission::allow ? Sight::states : Sight::nothing;
}

Permission Dialog::admit(Entry& resource, const std::string& watcher, Now now) {
  return permit(resource, watcher, watches_.decide(resource, watcher, now));
}

/// "The first three of these parameters MUST be present"; without from-tag it is all that came of one INVITE
/// (RFC 4235 3.2).
std::optional<std::string> Dialog::select(std::string_view parameters) const {
  std::string selection;
  const auto take = [&](const char* name) {
    const auto value = sip::find_parameter(parameters, name);
    if (!value || value->empty()) return false;
    selection.append(";").append(name).append("=").append(*value);
    return true;
  };
  const bool has_call = take("call-id"), has_local = take("to-tag"), has_remote = take("from-tag");
  if (has_call != has_local || (has_remote && !has_local)) return std::nullopt;
  return selection;
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
  Shown* shown = user.find(slot_);
  if (!shown) {
    shown = &user.get(slot_);
    shown->items = gather(user);
  }
  ++shown->watchers;
}

void Dialog::refreshed(Subscription& subscription, Now now) {
  watches_.look_at_rules(subscription.resource(), now);
}

void Dialog::ended(Subscription& subscription, Now now) {
  watches_.end(News::of(subscription), now);
  Entry& user = subscription.resource();
  Shown* shown = subscription.is_fetch() ? nullptr : user.find(slot_);
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
  reading.state = std::make_unique<Document>(documents::print(*info), *info, request.now.mono);
  return reading;
}

publication::Reading Dialog::restore(std::string_view stored) {
  const auto info = documents::parse_dialoginfo(stored, xml::kept_limits);
  if (!info) return {};
  return {.state = std::make_unique<Document>(std::string(stored), *info, std::nullopt),
          .size = static_cast<std::uint32_t>(info->dialogs.size())};
}

/// The dialogs of all publications. One that two publications of a device have is one.
std::vector<Dialog::Item> Dialog::gather(const Entry& user) const {
  std::vector<Item> items;
  publications_.each(
      user, *this, [&](const event::Publication& publication, const publication::State& state) {
        const auto& document = static_cast<const Document&>(state);
        const std::string origin = publication.device != 0 ? publication::print_short(publication.device)
                                                           : std::to_string(publication.number);
        for (documents::Dialog& dialog : document.parse()) {
          Item item{.key = publication::shorten(origin + ' ' + dialog.id), .dialog = {}, .began = {}};
          if (document.received() && dialog.duration_seconds)
            item.began = *document.received() -
                         std::chrono::seconds(std::min<std::uint64_t>(*dialog.duration_seconds, 0xffff'ffff));
          dialog.duration_seconds.reset();
          // Unique among all devices, other for its next call, and hiding the Call-ID, which some use as id.
          dialog.id = publication::print_short(
              publication::shorten(publication::print_short(item.key) + ' ' + dialog.call_id));
          item.dialog = std::move(dialog);
          const auto known =
              std::ranges::find_if(items, [&](const Item& each) { return each.is_same(item); });
          if (known != items.end()) {
            keep_later_state(known->dialog, item.dialog);
            continue;
          }
          if (Item::has_id(items, item.dialog.id))
            item.dialog.id = publication::print_short(publication::shorten(item.dialog.id + " next"));
          items.push_back(std::move(item));
        }
      });
  return items;
}

void Dialog::on_changed(Entry& user, Now now, std::optional<Time> published) {
  watches_.look_at_rules(user, now);
  Shown* shown = user.find(slot_);
  if (shown && shown->take(gather(user))) subscriptions().changed(*this, user, now);
  presentities_.calls_changed(user, now, published);
}

bool Dialog::is_on_the_phone(const Entry& user) const {
  bool any = false;
  publications_.each(user, *this, [&](const event::Publication&, const publication::State& state) {
    any = any || static_cast<const Document&>(state).has_call();
  });
  return any;
}

// Documents

bool Dialog::has_news(const Subscription& subscription) const {
  const Shown* shown = subscription.resource().find(slot_);
  if (!shown) return false;
  const News& news = News::of(subscription);
  bool any = false;
  shown->each_news(news, sight_of(subscription.resource(), subscription.watcher(), news.view()),
                   [&](const Item&) { any = true; });
  return any;
}

subscription::Content Dialog::compose(Subscription& subscription, event::Notifier::Body body, Now now) {
  News& news = News::of(subscription);
  const Entry& user = subscription.resource();
  // Rules that a round has not brought to the watch yet hold already.
  const auto view = watches_.decide(user, subscription.watcher(), now);
  if (permit(user, subscription.watcher(), view) != Permission::active) return {};
  const Sight sight = sight_of(user, subscription.watcher(), view);

  DialogInfo info{.version = subscription.number(), .entity = user.aor()};
  const auto add = [&](const Item& item) {
    documents::Dialog shown_as{.id = item.dialog.id, .state = item.dialog.state};
    if (sight == Sight::everything) {
      shown_as = item.dialog;
      if (item.began)
        shown_as.duration_seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(
            0, std::chrono::round<std::chrono::seconds>(now.mono - *item.began).count()));
    }
    info.dialogs.push_back(std::move(shown_as));
  };

  const Shown* shown = user.find(slot_);
  const bool may_be_partial =
      body == event::Notifier::Body::partial && shown && sight == news.sight && news.seen >= shown->forgotten;
  if (may_be_partial) shown->each_news(news, sight, add);
  info.state = info.dialogs.empty() ? DialogInfo::State::full : DialogInfo::State::partial;
  if (info.state == DialogInfo::State::full && sight != Sight::nothing) {
    const auto add_current = [&](const std::vector<Item>& items) {
      for (const Item& item : items)
        if (!item.is_over() && news.concerns(item.dialog)) add(item);
    };
    shown ? add_current(shown->items) : add_current(gather(user));
  }
  news.sight = sight;
  news.seen = shown ? shown->number : 0;
  return {documents::dialoginfo_type, share(documents::print(info))};
}

}  // namespace beckon::server::packages
