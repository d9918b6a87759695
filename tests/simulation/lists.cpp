#include "tests/simulation/lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <set>

#include "tests/simulation/device.hpp"
#include "tests/simulation/document.hpp"
#include "tests/simulation/server_stage.hpp"

namespace beckon::simulation {
namespace {

using std::chrono::seconds;
using transaction::Protocol;

/// People do all they do within this time.
constexpr Duration editing = 4min;
/// As long as NOTIFYs that failed, and whoever was refused, wait for the next try.
constexpr Duration settling = 150s;
/// Beyond every lifetime.
constexpr Duration outliving = 26h;
/// The longest that a device of RFC 6446 waits for news.
constexpr Duration longest_pace = 20s;

constexpr const char* friends_of_list[] = {"alice", "bob", "carol", "dave"};

server::Settings list_settings() {
  server::Settings settings;
  settings.authentication = server::Authentication::none;
  settings.subscriptions_per_watcher_and_presentity = 100;
  return settings;
}

/// One of the people: the rules, and two lists, the first of which has the second in it now and then.
struct Keeper {
  std::string aor, list, inner_list;
  Document rule_text, list_text;
  Ledger::Rules rules{};
  std::vector<std::string> members{}, inner_members{};
  bool has_list = false;  ///< The server has taken one.
};

std::string list_document(const Keeper& keeper) {
  std::string text =
      "<rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\" "
      "xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\">";
  for (const auto& [uri, members] :
       {std::pair(&keeper.list, &keeper.members), std::pair(&keeper.inner_list, &keeper.inner_members)}) {
    text += "<service uri=\"" + *uri + "\"><list>";
    for (const std::string& member : *members) text += "<rl:entry uri=\"" + member + "\"/>";
    text += "</list><packages><package>presence</package></packages></service>";
  }
  return text + "</rls-services>";
}

class Lists final : public ServerStage {
 public:
  explicit Lists(const ListsScript& script)
      : ServerStage(script.seed, script.trace, script.shards, list_settings()),
        script_(script),
        ledger_(world_) {
    sip_.set_tap([this](const Address& from, const Address& to, const sip::Message& message) {
      order_.on_sent(from, message);
      ledger_.on_sent(server_.address(), from, message);
      say(from, to, message);
    });
    for (unsigned i = 0; i < script.people; ++i) add_keeper(i);
    for (unsigned i = 0; i < script.devices; ++i)
      devices_.emplace_back(sip_, server_.address(),
                            Device::Account{everybody_[i % script.people], fmt::format("d{}", i),
                                            *parse_address(fmt::format("10.0.0.{}:5060", i + 10)),
                                            one_in(3) ? Protocol::tls : Protocol::udp},
                            ledger_);
  }

  ListsHistory history() {
    ListsHistory history;
    history.digest = world_.digest();
    history.happened = world_.noted();
    history.points = server_.points();
    history.checks = ledger_.checks();
    history.members = compared_;
    return history;
  }

 private:
  void add_keeper(unsigned number) {
    const std::string name = friends_of_list[number];
    const std::string aor = fmt::format("sip:{}@example.org", name);
    everybody_.push_back(aor);
    keepers_.push_back(
        {aor,
         fmt::format("sip:list-{}@example.org", name),
         fmt::format("sip:inner-{}@example.org", name),
         {network_, server_, ledger_, "pres-rules/users/" + aor + "/index", "application/auth-policy+xml"},
         {network_, server_, ledger_, "rls-services/users/" + aor + "/index",
          "application/rls-services+xml"}});
    pollers_.emplace_back(
        sip_, server_.address(),
        Device::Account{aor, "poll-" + name, *parse_address(fmt::format("10.0.1.{}:5060", number + 1))},
        ledger_);
  }

  void check_wire() const override {
    ServerStage::check_wire();
    if (!ledger_.fault().empty()) throw Wrong{ledger_.fault()};
  }
  void server_started() override { ledger_.server_started(); }
  void crash_at(std::uint64_t point) {
    if (is_calm_) return;
    ServerStage::crash_at(point, [this] { return one_in(3) ? within(100ms) : within(10s); });
  }

  // --- what people do

  seconds any_lifetime() {
    constexpr int choices[] = {60, 120, 300, 1200, 3600};
    return seconds(any(choices));
  }

  void act() override {
    network_.set_weather(
        {.loss = script_.loss, .duplication = script_.duplication, .reordering = script_.reordering});
    for (Keeper& each : keepers_) edit_list(each);
    for (Device& each : devices_) {
      if (!one_in(4)) each.want_registration(any_lifetime());
      at_random(10s, [this, &each] { start(each); });
      at_random(20s, [this, &each] { watch_list(each); });
    }
    for (unsigned i = 0; i < script_.acts; ++i) at_random(editing, [this] { do_something(); });
    for (unsigned i = 0; i < script_.failures; ++i) at_random(editing, [this] { fail(any(devices_)); });
    for (unsigned i = 0; i < script_.cuts; ++i) at_random(editing, [this] { cut(); });
    for (unsigned i = 0; i < script_.crashes; ++i) at_random(editing, [this] { crash_at(below(60)); });
    world_.run_for(editing);
  }

  void start(Device& device) {
    if (device.is_running()) return;
    note("{} starts", device.account().name);
    device.start();
  }
  void fail(Device& device) {
    if (!device.is_running()) return;
    const bool forgets = !one_in(3);
    note("{} dies{}", device.account().name, forgets ? "" : ", and remembers");
    device.end(forgets);
    if (!one_in(3)) at_random(one_in(2) ? 2s : 60s, [this, &device] { start(device); });
  }
  void cut() {
    note("all connections break");
    ledger_.connections_cut();
    server_.cut_flows();
  }

  void do_something() {
    Device& device = any(devices_);
    switch (below(10)) {
      case 0:
      case 1:
        return publish(device);
      case 2:
      case 3:
      case 4:
        return set_rules(any(keepers_));
      case 5:
      case 6:
        return edit_list(any(keepers_));
      case 7:
        return watch_list(device);
      case 8:
        return watch_person(device);
      case 9:
        return unsubscribe(device);
    }
  }

  void publish(Device& device) {
    const std::string& aor = device.account().aor;
    note("{} publishes, or no longer", device.account().name);
    if (one_in(4)) return device.want_state("presence", {}, any_lifetime());
    const std::string token = make_token("state", ++states_);
    device.want_state(
        "presence",
        {token, "application/pidf+xml",
         fmt::format("<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{}\"><tuple "
                     "id=\"t\"><status><basic>{}</basic></status><note>{}</note></tuple></presence>",
                     aor, one_in(3) ? "closed" : "open", token)},
        any_lifetime());
  }

  void set_rules(Keeper& keeper) {
    constexpr Handling choices[] = {Handling::none,          Handling::allow,        Handling::allow,
                                    Handling::without_notes, Handling::polite_block, Handling::block};
    const std::string& watcher = any(everybody_);
    if (watcher == keeper.aor) return;
    keeper.rules[watcher] = any(choices);
    note("{} sets {} for {}", keeper.aor, to_string(keeper.rules[watcher]), watcher);
    keeper.rule_text.write(
        rule_document(keeper.rules),
        [this, &keeper, sent = keeper.rules] { ledger_.rules_sent(keeper.aor, sent, everybody_); },
        [this, &keeper, sent = keeper.rules] { ledger_.rules_answered(keeper.aor, sent, everybody_); });
  }

  void edit_list(Keeper& keeper) {
    keeper.members.clear();
    keeper.inner_members.clear();
    for (const std::string& each : everybody_) {
      if (!one_in(3)) keeper.members.push_back(each);
      if (one_in(3)) keeper.inner_members.push_back(each);
    }
    if (one_in(3)) keeper.members.push_back(keeper.inner_list);
    note("{} has {} members in a list, and {} in another", keeper.aor, keeper.members.size(),
         keeper.inner_members.size());
    keeper.list_text.write(
        list_document(keeper), [this, &keeper] { ledger_.changed(keeper.list); },
        [this, &keeper] {
          keeper.has_list = true;
          ledger_.changed(keeper.list);
        });
  }

  void watch_list(Device& device) {
    const Keeper& own = keeper(device.account().aor);
    // Before there is one its URI would be a user's.
    if (!own.has_list) return at_random(2s, [this, &device] { watch_list(device); });
    Device::Wish wish{.lifetime = any_lifetime(), .is_list = true};
    if (one_in(4)) wish.rates = one_in(2) ? ";max-rate=0.05" : ";max-rate=0.2";
    const std::string& list = one_in(4) ? own.inner_list : own.list;
    note("{} watches {}{}", device.account().name, list, wish.rates);
    device.want({"presence", list}, wish);
  }

  void watch_person(Device& device) {
    const std::string& whose = any(everybody_);
    note("{} watches {}", device.account().name, whose);
    device.want({"presence", whose}, {.lifetime = any_lifetime(), .is_conditional = one_in(2)});
  }

  void unsubscribe(Device& device) {
    const auto& all = device.subscriptions();
    if (all.empty()) return;
    const Device::Topic topic = std::next(all.begin(), static_cast<long>(below(all.size())))->first;
    note("{} watches {} no more", device.account().name, topic.second);
    device.want_no_more(topic);
  }

  // --- what must be true

  void calm() override {
    quieten();
    world_.run_for(settling);
    check_wire();
  }

  /// What a NOTIFY on its way would change is looked at again, a few times.
  void hold(const std::function<std::string()>& check) {
    std::string fault = check();
    for (int tries = 0; tries < 3 && !fault.empty(); ++tries) {
      world_.run_for(longest_pace);
      check_wire();
      fault = check();
    }
    if (!fault.empty()) throw Wrong{fault};
  }

  void check_all() override {
    note("everything is compared");
    for (const std::string& watcher : everybody_) hold([&] { return check_subscriptions(watcher); });
    for (const Device& device : devices_)
      if (device.is_running())
        for (const auto& [topic, subscription] : device.subscriptions())
          hold([&] { return check_subscription(device, topic, subscription); });
    check_wire();
  }

  /// Those of devices: what follows for a list has no Call-ID.
  std::string check_subscriptions(const std::string& watcher) {
    std::set<std::string> call_ids;
    for (const char* table : {"PST", "presence list"})
      for (const auto& row : server_.rows(table))
        if (column(row, "from") == watcher && column(row, "state") != "terminated" &&
            !column(row, "callid").empty())
          call_ids.insert(column(row, "callid"));
    return ledger_.check("subscription", watcher, call_ids);
  }

  std::string check_subscription(const Device& device, const Device::Topic& topic,
                                 const Device::Subscription& subscription) {
    const std::string& watcher = device.account().aor;
    const std::string what = device.account().name + " of " + topic.second;
    const Keeper& own = keeper(watcher);
    const bool is_list = topic.second == own.list || topic.second == own.inner_list;
    if (!is_list) return check_person(what, watcher, topic.second, subscription);
    if (subscription.state != "active")
      return fmt::format("{} is {} ({})", what, subscription.state, subscription.refused);
    const auto& members = topic.second == own.list ? own.members : own.inner_members;
    if (const auto fault = check_members(what, own, members, subscription.picture); !fault.empty())
      return fault;
    const Polled polled = poll(watcher, topic, true);
    return polled.picture.print() == subscription.picture.print()
               ? ""
               : fmt::format("{}: it holds\n{}\nand a poll gets ({})\n{}", what, subscription.picture.print(),
                             polled.status, polled.picture.print());
  }

  std::string check_person(const std::string& what, const std::string& watcher, const std::string& whose,
                           const Device::Subscription& subscription) {
    const Handling handling = rule_of(whose, watcher);
    if (handling == Handling::block)
      return subscription.refused == 403 ? "" : what + " is blocked, and is " + subscription.state;
    const char* state = handling == Handling::none ? "pending" : "active";
    return subscription.state == state
               ? ""
               : fmt::format("{} is {} ({}), not {}", what, subscription.state, subscription.refused, state);
  }

  /// Each is there, as its rules let the watcher see it, and nobody else is.
  std::string check_members(const std::string& what, const Keeper& own,
                            const std::vector<std::string>& members, const Picture& picture) {
    if (picture.rows().size() != members.size())
      return fmt::format("{}: {} members, and it holds\n{}", what, members.size(), picture.print());
    for (const std::string& member : members) {
      ++compared_;
      if (member == own.inner_list) {
        const ListDocument::Resource* row = picture.row(member);
        if (!row) return what + ": no " + member;
        if (row->state != "active") return what + ": the list in it is " + row->state;
        continue;
      }
      if (const auto fault = check_member(what, own, member, picture); !fault.empty()) return fault;
    }
    return {};
  }

  std::string check_member(const std::string& what, const Keeper& own, const std::string& member,
                           const Picture& picture) {
    const Handling handling = rule_of(member, own.aor);
    const bool is_shown = handling != Handling::block && handling != Handling::none;
    // A NOTIFY that comes while the poll is answered can replace each row: it is looked for after that.
    const Polled polled = is_shown ? poll(own.aor, {"presence", member}, false) : Polled{};
    const ListDocument::Resource* row = picture.row(member);
    if (!row) return what + ": no " + member;
    const std::string state = handling == Handling::block  ? "terminated rejected"
                              : handling == Handling::none ? "pending "
                                                           : "active ";
    const std::string seen = row->state + ' ' + row->reason;
    if (seen != state) return fmt::format("{}: {} is {}, not {}", what, member, seen, state);
    if (!is_shown) return row->text.empty() ? "" : fmt::format("{}: it is shown {}", what, row->text);
    return polled.picture.print() == row->text
               ? ""
               : fmt::format("{}: of {} it holds\n{}\nand a poll gets ({})\n{}", what, member, row->text,
                             polled.status, polled.picture.print());
  }

  static std::string column(const server::Row& row, std::string_view name) {
    for (const auto& [key, value] : row)
      if (key == name) return value;
    return {};
  }

  const Keeper& keeper(const std::string& aor) const {
    return *std::ranges::find(keepers_, aor, &Keeper::aor);
  }

  Handling rule_of(const std::string& owner, const std::string& watcher) const {
    if (owner == watcher) return Handling::allow;
    const Ledger::Rules& rules = keeper(owner).rules;
    const auto rule = rules.find(watcher);
    return rule == rules.end() ? Handling::none : rule->second;
  }

  struct Polled {
    int status = 0;
    Picture picture;
  };
  Polled poll(const std::string& watcher, const Device::Topic& topic, bool is_list) {
    Device& poller =
        pollers_[static_cast<std::size_t>(std::ranges::find(everybody_, watcher) - everybody_.begin())];
    if (!poller.is_running()) poller.start();
    Polled polled;
    poller.fetch(
        topic, [&polled](int status, const Picture& picture) { polled = {status, picture}; }, is_list);
    world_.run_until([&] { return polled.status != 0; }, 1min);
    return polled;
  }

  /// Some say so, the others are gone.
  void leave() override {
    note("all leave");
    for (Device& each : devices_)
      if (each.is_running() && one_in(2)) each.leave();
    world_.run_for(40s);
    for (Device& each : devices_) each.end(true);
    for (Device& each : pollers_) each.end(true);
    world_.run_for(outliving);
    check_wire();
  }

  ListsScript script_;
  Ledger ledger_;
  std::deque<Keeper> keepers_;
  std::vector<std::string> everybody_;
  std::deque<Device> devices_;
  std::deque<Device> pollers_;  ///< One for each of the people.
  std::uint64_t states_ = 0, compared_ = 0;
};

}  // namespace

ListsScript make_lists(std::uint64_t seed) {
  SeededRandom random(seed ^ 0x115750);
  ListsScript script;
  script.seed = seed;
  script.loss = random.below(3) == 0 ? 0 : 0.3 * random.unit();
  script.duplication = 0.2 * random.unit();
  script.reordering = 0.2 * random.unit();
  script.shards = static_cast<unsigned>(1 + random.below(4));
  script.people = static_cast<unsigned>(2 + random.below(3));
  script.devices = static_cast<unsigned>(script.people + random.below(4));
  script.acts = static_cast<unsigned>(30 + random.below(60));
  script.crashes = random.below(3) == 0 ? 0 : static_cast<unsigned>(1 + random.below(3));
  script.failures = static_cast<unsigned>(random.below(4));
  script.cuts = static_cast<unsigned>(random.below(3));
  return script;
}

std::string print(const ListsScript& script) {
  return fmt::format(
      "seed {}: {} people with {} devices, {} acts, loss {:.0f} %, duplication {:.0f} %, reordering {:.0f} "
      "%, {} shard(s), {} crash(es) of the server, {} of devices, {} cut(s)",
      script.seed, script.people, script.devices, script.acts, 100 * script.loss, 100 * script.duplication,
      100 * script.reordering, script.shards, script.crashes, script.failures, script.cuts);
}

ListsHistory play(const ListsScript& script) {
  Lists lists(script);
  std::string fault;
  try {
    lists.run();
  } catch (const Wrong& wrong) {
    fault = wrong.what;
  }
  ListsHistory history = lists.history();
  history.fault = fault;
  return history;
}

}  // namespace beckon::simulation
