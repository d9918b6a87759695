#include "server/explain.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <type_traits>

#include "protocol/base/printable.hpp"
#include "protocol/base/text.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/xcap/usage.hpp"
#include "server/message/messages.hpp"
#include "server/presence/filter.hpp"
#include "server/presence/presentities.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/subscription/subscriptions.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server {

namespace {

using boost::json::array;
using boost::json::object;
using documents::Component;
using documents::Tuple;
using event::Notifier;

std::int64_t seconds(Duration duration) { return std::chrono::round<std::chrono::seconds>(duration).count(); }

/// One presentity and one watcher.
class Explanation {
 public:
  Explanation(Shard& shard, const std::string& presentity, const std::string& watcher)
      : shard_(shard),
        now_(shard.clock().now()),
        watcher_(watcher),
        entry_(shard.directory().find(presentity)),
        presentities_(shard.room<presence::Presentities>()),
        publications_(shard.room<publication::Publications>()),
        registrar_(shard.room<registrar::Registrar>()),
        subscriptions_(shard.room<subscription::Subscriptions>()),
        documents_(shard.room<xcap::Documents>()),
        boxes_(shard.room<message::Messages>().boxes()),
        attempts_(shard.room<message::Messages>().attempts()) {
    facts_ = {{"presentity", presentity}, {"watcher", watcher}, {"time", print_time(now_.wall)}};
  }

  object make(bool is_user) && {
    facts_["user"] = is_user;
    facts_["devices"] = devices();
    facts_["publications"] = entry_ ? publications() : array();
    facts_["hard_state"] = hard_state();
    facts_["decision"] = decision();
    facts_["state"] = state();
    facts_["subscriptions"] = entry_ ? subscriptions() : array();
    facts_["messages"] = messages();
    return std::move(facts_);
  }

 private:
  array devices() const {
    array all;
    if (!entry_) return all;
    const auto silent = presentities_.information().silent_bindings(*entry_);
    for (const registrar::Binding& binding : registrar_.bindings(*entry_)) {
      const bool is_silent = std::ranges::find(silent, &binding) != silent.end();
      all.push_back(object{{"contact", printable(binding.contact())},
                           {"instance", printable(binding.instance())},
                           {"device", publication::print_short(publication::device_of(binding))},
                           {"user_agent", printable(binding.user_agent())},
                           {"expires", seconds(binding.expires - now_.mono)},
                           {"suspended", binding.suspended},
                           {"shown", !is_silent          ? "as it published"
                                     : binding.suspended ? "as registered, until it is back"
                                                         : "as registered"}});
    }
    return all;
  }

  /// The document that the user wrote over XCAP, for when no device says anything (RFC 4827).
  std::string_view hard_state() const {
    if (!entry_ || !documents_.find(*entry_, beckon::xcap::hard_state_auid, "index")) return "none";
    return presentities_.information().shows_hard_state(*entry_) ? "shown" : "not-shown";
  }

  // What composition did is seen by comparing what went in with what came out.

  template <class T>
  static void add_fate(array& elements, std::string_view kind, const T& published,
                       const std::vector<T>& all) {
    object element{{"element", kind}, {"id", published.id}};
    const auto is_equal = [&](const T& made) { return made == published; };
    const auto is_renamed = [same = published](const T& made) mutable {
      same.id = made.id;
      return same == made;
    };
    const auto same_id = std::ranges::find(all, published.id, &T::id);
    const auto renamed = std::ranges::find_if(all, is_renamed);
    if (std::ranges::any_of(all, is_equal)) {
      element["became"] = "itself";
    } else if (renamed != all.end()) {
      element["became"] = "renamed";
      element["shown_as"] = renamed->id;
    } else if (same_id != all.end()) {
      element["became"] = "merged";
      element["shown_as"] = same_id->id;
    } else if (std::is_same_v<T, Component> && !all.empty()) {
      // Persons are one whatever their ids, and so are devices with one deviceID.
      element["became"] = "merged";
      element["shown_as"] = all.front().id;
    } else {
      element["became"] = "left-out";
    }
    elements.push_back(std::move(element));
  }

  array publications() {
    array all;
    presence::Names names;
    auto composed = presentities_.information().compose(*entry_, names).presence;
    // A publication is compared without its <direct>, which is kept apart.
    for (Tuple& tuple : composed.tuples) documents::remove_direct(tuple);
    publications_.each(*entry_, presentities_.information(),
                       [&](const event::Publication& publication, const publication::State& state) {
                         const auto& document = static_cast<const presence::Document&>(state);
                         auto published = document.parse();
                         array elements;
                         for (Tuple& tuple : published.tuples) {
                           documents::remove_direct(tuple);
                           add_fate(elements, "tuple", tuple, composed.tuples);
                         }
                         for (const Component& person : published.persons)
                           add_fate(elements, "person", person, composed.persons);
                         for (const Component& device : published.devices)
                           add_fate(elements, "device", device, composed.devices);
                         all.push_back(object{{"number", publication.number},
                                              {"device", publication.device == 0
                                                             ? std::string()
                                                             : publication::print_short(publication.device)},
                                              {"expires", seconds(publication.expires - now_.mono)},
                                              {"incomplete", publication.incomplete},
                                              {"direct_offers", document.offers().size()},
                                              {"elements", std::move(elements)}});
                       });
    return all;
  }

  object decision() {
    const std::string aor(facts_.at("presentity").as_string());
    const documents::CompiledRules* rules = entry_ ? documents_.rules(*entry_) : nullptr;
    const Settings& settings = shard_.settings();
    const std::string sphere =
        entry_ ? presentities_.information().sphere(*entry_, now_.wall).value : std::string();
    // Rules that ask for it are of a user who has an entry.
    const bool lets_see = entry_ && presentities_.watches().lets_see(*entry_, watcher_).value_or(false);
    view_ = presence::decide(settings, rules, aor, watcher_, now_.wall, sphere, lets_see);
    const auto reason = presence::reason_of(settings, rules, aor, watcher_, now_.wall, sphere, lets_see);
    object decision{{"by", to_string(reason.by)},
                    {"result", presence::to_string(view_.permission)},
                    {"direct", ds1::to_string(view_.direct())}};
    array ids;
    for (const std::string& id : reason.rules) ids.emplace_back(id);
    decision["rules"] = std::move(ids);
    decision["policy"] = settings.watcher_policy == WatcherPolicy::allow ? "allow" : "confirm";
    return decision;
  }

  template <class T>
  static void add_missing(array& missing, std::string_view kind, const std::vector<T>& all,
                          const std::vector<T>& left) {
    for (const T& each : all) {
      const auto kept = std::ranges::find(left, each.id, &T::id);
      if (kept == left.end())
        missing.push_back(object{{"element", kind}, {"id", each.id}, {"left_out", "whole"}});
      else if (*kept != each)
        missing.push_back(object{{"element", kind}, {"id", each.id}, {"left_out", "part"}});
    }
  }

  /// Together, and what of it the watcher does not get.
  object state() {
    if (!entry_) return {{"basic", "closed"}, {"tuples", array()}, {"left_out", array()}};
    presence::Names names;
    auto all = presentities_.information().compose(*entry_, names).presence;
    array tuples;
    for (Tuple& tuple : all.tuples) {
      tuples.push_back(
          object{{"id", tuple.id}, {"basic", tuple.basic ? documents::to_string(*tuple.basic) : ""}});
      documents::remove_direct(tuple);
    }
    const bool is_open = std::ranges::any_of(
        all.tuples, [](const Tuple& tuple) { return tuple.basic == documents::Basic::open; });
    array missing;
    if (view_.permission == presence::Permission::allow) {
      presence::Names names_left;
      auto left = presentities_.information().compose(*entry_, names_left, &view_.what).presence;
      for (Tuple& tuple : left.tuples) documents::remove_direct(tuple);
      presence::filter(left, view_.what);
      add_missing(missing, "tuple", all.tuples, left.tuples);
      add_missing(missing, "person", all.persons, left.persons);
      add_missing(missing, "device", all.devices, left.devices);
      if (left.notes != all.notes) missing.push_back(object{{"element", "notes"}, {"left_out", "whole"}});
    }
    return {{"basic", is_open ? "open" : "closed"},
            {"tuples", std::move(tuples)},
            {"left_out", std::move(missing)}};
  }

  array subscriptions() const {
    array all;
    const subscription::Package* package = subscriptions_.find("presence");
    subscriptions_.each(*package, *entry_, [&](const subscription::Subscription& each) {
      if (each.watcher() == watcher_) all.push_back(about(each));
    });
    return all;
  }

  object about(const subscription::Subscription& subscription) const {
    const Notifier& notifier = subscription.notifier();
    object about{{"id", subscription.id()},
                 {"state", to_string(notifier.state())},
                 {"since", seconds(now_.mono - subscription.since())},
                 {"secure", subscription.is_secure()},
                 {"reachable", subscription.is_reachable()},
                 {"in_flight", notifier.in_flight()},
                 {"due", notifier.is_due()},
                 {"failures", notifier.failures()}};
    if (subscription.is_follower())
      about["list"] = true;  // it lasts as long as that
    else
      about["expires"] = seconds(subscription.expires() - now_.mono);
    if (notifier.last_sent() != Time::min()) {
      const Duration ago = now_.mono - notifier.last_sent();
      object last{{"number", subscription.number()},
                  {"octets", subscription.last_octets()},
                  {"ago", seconds(ago)},
                  {"time", print_time(now_.wall - std::chrono::floor<std::chrono::milliseconds>(ago))}};
      if (subscription.last_status() != 0) last["status"] = subscription.last_status();
      about["last_notify"] = std::move(last);
    }
    add_wait(about, subscription);
    return about;
  }

  /// What holds back the next NOTIFY.
  void add_wait(object& about, const subscription::Subscription& subscription) const {
    const Notifier& notifier = subscription.notifier();
    if (!subscription.is_reachable())
      about["waits_for"] = "connection";
    else if (subscription.waits_for_store())
      about["waits_for"] = "store";
    else if (subscription.waits_for_rules())
      about["waits_for"] = "rules";
    else if (notifier.in_flight())
      about["waits_for"] = "answer";
    else if (notifier.is_due() && notifier.not_before() > now_.mono) {
      about["waits_for"] = notifier.failures() != 0 ? "retry" : subscription.has_pace() ? "pace" : "turn";
      about["waits"] = seconds(notifier.not_before() - now_.mono);
    } else if (subscription.is_quenched())
      about["waits_for"] = "suppressed";
  }

  /// What is stored for the presentity of what the watcher sent.
  array messages() const {
    array all;
    const message::Inbox* inbox = entry_ ? boxes_.inbox(*entry_) : nullptr;
    if (!inbox) return all;
    for (const auto& [number, stored] : inbox->all()) {
      if (stored.sender != watcher_) continue;
      all.push_back(object{{"id", message::key_of(number)},
                           {"since", print_time(stored.arrived)},
                           {"expires", seconds(stored.ends - now_.mono)},
                           {"octets", stored.text.size()},
                           {"notification", stored.kind == message::Kind::notification},
                           {"stored_as", to_string(stored.why)},
                           {"devices", devices_of(stored)}});
    }
    return all;
  }

  /// What the devices have said to it, and how far those are that have not.
  array devices_of(const message::Stored& stored) const {
    array all;
    for (const message::Receipt& receipt : stored.receipts)
      all.push_back(
          object{{"device", printable(receipt.device)}, {"is", receipt.accepted ? "delivered" : "refused"}});
    for (const registrar::Binding& binding : registrar_.bindings(*entry_)) {
      const std::string device = message::device_of(binding);
      if (std::ranges::find(stored.receipts, device, &message::Receipt::device) != stored.receipts.end())
        continue;
      const auto progress = attempts_.progress(*entry_, device);
      object next{{"device", printable(device)}};
      if (stored.kind != message::Kind::notification && attempts_.is_left_alone(*entry_, stored.sender)) {
        next["is"] = "left-alone";
      } else if (progress.is_under_way) {
        next["is"] = "under-way";
      } else if (progress.times != 0 && progress.next > now_.mono) {
        next["is"] = "put-off";
        next["times"] = progress.times;
        next["waits"] = seconds(progress.next - now_.mono);
      } else {
        next["is"] = "idle";
      }
      all.push_back(std::move(next));
    }
    return all;
  }

  Shard& shard_;
  Now now_;
  const std::string& watcher_;
  EntryPtr entry_;
  presence::Presentities& presentities_;
  publication::Publications& publications_;
  registrar::Registrar& registrar_;
  subscription::Subscriptions& subscriptions_;
  xcap::Documents& documents_;
  const message::Boxes& boxes_;
  const message::Attempts& attempts_;
  presence::View view_;
  object facts_;
};

}  // namespace

void explain(Shard& shard, const std::string& presentity, const std::string& watcher,
             std::function<void(object)> done) {
  shard.users().find_user(
      presentity, [&shard, presentity, watcher, done = std::move(done)](const Result<store::UserPtr>& user) {
        done(Explanation(shard, presentity, watcher).make(user && *user != nullptr));
      });
}

}  // namespace beckon::server
