#include "tests/simulation/presence.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>

#include "tests/simulation/device.hpp"
#include "tests/simulation/document.hpp"
#include "tests/simulation/server_stage.hpp"

namespace beckon::simulation {
namespace {

using std::chrono::seconds;
using transaction::Protocol;

/// People do all they do within this time.
constexpr Duration acting = 4min;
/// Longer than a NOTIFY that got no answer waits for its next try, than the server waits for devices after a
/// restart, and than anybody refused waits.
constexpr Duration quiet_time = 150s;
/// Beyond every lifetime, and that of a watcher that waits for a decision.
constexpr Duration eternity = 26h;
/// The longest that a device of RFC 6446 waits for news.
constexpr Duration slowest_pace = 20s;

constexpr const char* given_names[] = {"alice", "bob", "carol", "dave"};

server::Settings open_settings() {
  server::Settings settings;
  settings.authentication = server::Authentication::none;
  settings.subscriptions_per_watcher_and_presentity = 100;
  settings.registration_watchers = {"sip:bob@example.org"};
  return settings;
}

/// One of the people, and that person's rules.
struct Human {
  std::string aor;
  Document document;
  Ledger::Rules rules{};
  Ledger::Rules taken{};                     ///< By the server, last.
  bool is_gone = false, is_removed = false;  ///< The administrator has seen to that.
};

/// `timed` stands in the tuple, `person` after it.
Device::State presence_state(const std::string& aor, const std::string& token, bool is_open,
                             const std::string& timed, const std::string& person) {
  return {token, "application/pidf+xml",
          fmt::format(
              "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
              "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
              "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" "
              "xmlns:ts=\"urn:ietf:params:xml:ns:pidf:timed-status\" entity=\"{}\"><tuple id=\"t\"><status>"
              "<basic>{}</basic></status>{}<note>{}</note></tuple>{}</presence>",
              aor, is_open ? "open" : "closed", timed, token, person)};
}

std::string print_time(WallTime time) {
  return fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// Closed for a while, soon (RFC 4481).
std::string timed_status(WallTime from, WallTime until) {
  return fmt::format(
      "<ts:timed-status from=\"{}\" until=\"{}\"><ts:basic>closed</ts:basic></ts:timed-status>",
      print_time(from), print_time(until));
}

constexpr const char* undisturbed =
    "<dm:person id=\"p\"><r:activities><r:busy/><r:other>do-not-disturb</r:other></r:activities></dm:person>";

/// One call; its token is its Call-ID.
Device::State dialog_state(const std::string& aor, const std::string& token, const char* state) {
  return {
      token, "application/dialog-info+xml",
      fmt::format("<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" "
                  "entity=\"{}\"><dialog id=\"d\" call-id=\"{}\" direction=\"initiator\"><state>{}</state>"
                  "</dialog></dialog-info>",
                  aor, token, state)};
}

Device::State message_state(const std::string& token, std::uint64_t fresh) {
  return {token, "application/simple-message-summary",
          fmt::format("Messages-Waiting: yes\r\nVoice-Message: {}/0\r\n", fresh)};
}

class Presence final : public ServerStage {
 public:
  explicit Presence(const PresenceScript& script)
      : ServerStage(script.seed, script.trace, script.shards, open_settings()),
        script_(script),
        ledger_(world_) {
    sip_.set_tap([this](const Address& from, const Address& to, const sip::Message& message) {
      order_.on_sent(from, message);
      ledger_.on_sent(server_.address(), from, message);
      say(from, to, message);
    });
    for (unsigned i = 0; i < script.people; ++i) {
      everybody_.push_back(fmt::format("sip:{}@example.org", given_names[i]));
      people_.push_back({everybody_.back(),
                         {network_, server_, ledger_, "pres-rules/users/" + everybody_.back() + "/index",
                          "application/auth-policy+xml"}});
      pollers_.emplace_back(sip_, server_.address(),
                            Device::Account{everybody_.back(), fmt::format("poll-{}", given_names[i]),
                                            *parse_address(fmt::format("10.0.1.{}:5060", i + 1))},
                            ledger_);
    }
    for (unsigned i = 0; i < script.devices; ++i)
      devices_.emplace_back(sip_, server_.address(),
                            Device::Account{everybody_[i % script.people], fmt::format("d{}", i),
                                            *parse_address(fmt::format("10.0.0.{}:5060", i + 10)),
                                            one_in(3) ? Protocol::tls : Protocol::udp},
                            ledger_);
  }

  World& world() { return world_; }
  const Server& server() const { return server_; }
  const Ledger& ledger() const { return ledger_; }

  void check_wire() const override {
    ServerStage::check_wire();
    if (!ledger_.fault().empty()) throw Wrong{ledger_.fault()};
  }

 private:
  /// Some are so short that they run out within the history.
  seconds any_lifetime() {
    constexpr int choices[] = {60, 120, 300, 1200, 3600};
    return seconds(any(choices));
  }

  // --- the server

  void server_started() override { ledger_.server_started(); }
  void crash_at(std::uint64_t point) {
    ServerStage::crash_at(point, [this] {
      return one_in(8) ? within(90s) : one_in(3) ? within(100ms) : within(10s);
    });
  }

  // --- what people do

  void act() override {
    network_.set_weather(
        {.loss = script_.loss, .duplication = script_.duplication, .reordering = script_.reordering});
    if (script_.crash_point != 0) crash_at(script_.crash_point - 1);
    for (Device& each : devices_) {
      if (!one_in(6)) each.want_registration(any_lifetime());
      at_random(10s, [this, &each] { start(each); });
      for (auto count = below(4); count > 0; --count) subscribe(each);
    }
    for (unsigned i = 0; i < script_.acts; ++i) at_random(acting, [this] { do_something(); });
    for (unsigned i = 0; i < script_.failures; ++i) at_random(acting, [this] { fail(any(devices_)); });
    for (unsigned i = 0; i < script_.cuts; ++i) at_random(acting, [this] { cut(); });
    for (unsigned i = 0; i < script_.crashes; ++i) at_random(acting, [this] { crash_at(below(40)); });
    for (unsigned i = 0; i < script_.gone; ++i) at_random(acting, [this] { end_user(any(people_)); });
    world_.run_for(acting);
  }

  void start(Device& device) {
    if (device.is_running() || human(device.account().aor).is_gone) return;
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

  /// Whoever is gone comes back no more: the server refuses all such a user sends.
  void end_user(Human& owner) {
    if (owner.is_gone || is_calm_) return;
    const bool removed = one_in(2);
    // The rules of a disabled user stay, and it must be known which.
    if (!removed && owner.rules != owner.taken) return at_random(1s, [this, &owner] { end_user(owner); });
    owner.is_gone = true;
    owner.is_removed = removed;
    owner.document.stop();
    note("{} is {}", owner.aor, owner.is_removed ? "removed" : "disabled");
    for (std::deque<Device>* devices : {&devices_, &pollers_})
      for (Device& each : *devices)
        if (each.account().aor == owner.aor) each.end(true);
    server_.end_user(owner.aor, owner.is_removed);
    ledger_.user_gone(owner.aor, owner.is_removed);
    if (!owner.is_removed) return;
    owner.rules.clear();
    // What is under way at this moment may still show something.
    world_.timers().set(world_.now().mono + 1s,
                        [this, &owner](Time) { ledger_.rules_answered(owner.aor, {}, everybody_); });
  }

  void cut() {
    note("all connections break");
    ledger_.connections_cut();
    server_.cut_flows();
  }

  void do_something() {
    Device& device = any(devices_);
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        return publish(device);
      case 3: {
        constexpr const char* packages[] = {"presence", "presence", "dialog", "message-summary"};
        note("{} withdraws what it published", device.account().name);
        return device.want_state(any(packages), {}, any_lifetime());
      }
      case 4:
      case 5:
      case 6:
        return set_rules(any(people_));
      case 7:
      case 8:
        return subscribe(device);
      case 9:
        return unsubscribe(device);
      case 10:
        note("{} refreshes everything", device.account().name);
        return device.refresh();
      case 11:
        note("{} registers, or no longer", device.account().name);
        return device.want_registration(one_in(3) ? 0s : any_lifetime());
    }
  }

  void publish(Device& device) {
    const std::string& aor = device.account().aor;
    const std::uint64_t number = ++states_;
    constexpr const char* call_states[] = {"trying", "early", "confirmed"};
    const auto kind = below(5);
    const char* package = kind < 3 ? "presence" : kind == 3 ? "dialog" : "message-summary";
    note("{} publishes {} {}", device.account().name, package, number);
    if (kind < 3)
      device.want_state(package, any_presence(aor, make_token("state", number)), any_lifetime());
    else if (kind == 3)
      device.want_state(package, dialog_state(aor, make_token("call", number), any(call_states)),
                        any_lifetime());
    else
      device.want_state(package, message_state(make_token("mail", number), number), any_lifetime());
  }

  Device::State any_presence(const std::string& aor, const std::string& token) {
    const bool is_open = !one_in(3);
    std::string timed;
    if (one_in(4)) {
      const WallTime from = world_.now().wall + std::chrono::seconds(below(60));
      timed = timed_status(from, from + std::chrono::seconds(1 + below(60)));
    }
    return presence_state(aor, token, is_open, timed, one_in(4) ? undisturbed : "");
  }

  void subscribe(Device& device) {
    const std::string& own = device.account().aor;
    const auto kind = below(20);
    constexpr const char* own_topics[] = {"reg",       "message-summary", "dialog",
                                          "reg.winfo", "dialog.winfo",    "presence"};
    Device::Topic topic{"presence", any(everybody_)};
    if (kind < 4)
      topic = {"presence.winfo", one_in(4) ? any(everybody_) : own};
    else if (kind < 7)
      topic = {any(own_topics), own};
    else if (kind < 9)
      topic.first = "dialog";
    else if (kind == 9)
      topic = {"reg", own == everybody_[1] ? any(everybody_) : own};
    Device::Wish wish{.lifetime = any_lifetime()};
    if (one_in(6)) wish.rates = one_in(2) ? ";max-rate=0.05" : ";max-rate=0.2";
    if (one_in(8)) wish.rates += ";min-rate=0.02";
    wish.is_conditional = topic.first == "presence" && one_in(2);
    wish.is_partial = topic.first == "presence" && one_in(2);
    note("{} subscribes to {} of {}{}{}{}", device.account().name, topic.first, topic.second, wish.rates,
         wish.is_conditional ? ", conditionally" : "", wish.is_partial ? ", in parts" : "");
    device.want(topic, wish);
  }

  void unsubscribe(Device& device) {
    const auto& all = device.subscriptions();
    if (all.empty()) return;
    const Device::Topic topic = std::next(all.begin(), static_cast<long>(below(all.size())))->first;
    note("{} unsubscribes from {} of {}", device.account().name, topic.first, topic.second);
    device.want_no_more(topic);
  }

  void set_rules(Human& owner) {
    constexpr Handling choices[] = {Handling::none,  Handling::allow,         Handling::allow,
                                    Handling::allow, Handling::without_notes, Handling::polite_block,
                                    Handling::block};
    const std::string& watcher = any(everybody_);
    if (watcher == owner.aor || owner.is_gone) return;
    owner.rules[watcher] = any(choices);
    note("{} sets {} for {}", owner.aor, to_string(owner.rules[watcher]), watcher);
    put_rules(owner);
  }

  void put_rules(Human& owner) {
    owner.document.write(
        rule_document(owner.rules),
        [this, &owner, sent = owner.rules] { ledger_.rules_sent(owner.aor, sent, everybody_); },
        [this, &owner, sent = owner.rules] {
          owner.taken = sent;
          ledger_.rules_answered(owner.aor, sent, everybody_);
        });
  }

  // --- what must be true

  /// Nothing more happens, and what is under way comes to its end.
  void calm() override {
    quieten();
    world_.run_for(quiet_time);
    check_wire();
  }

  /// What a NOTIFY on its way would change is looked at again, a few times.
  void hold(const std::function<std::string()>& check) {
    std::string fault = check();
    for (int tries = 0; tries < 3 && !fault.empty(); ++tries) {
      world_.run_for(slowest_pace);
      check_wire();
      fault = check();
    }
    if (!fault.empty()) throw Wrong{fault};
  }

  void check_all() override {
    note("everything is compared");
    for (const Human& owner : people_) {
      hold([&] { return check_bindings(owner.aor); });
      if (owner.is_gone) {
        hold([&] { return check_gone(owner); });
        continue;
      }
      for (const auto& [package, kind] : {std::pair("presence", "state"), std::pair("dialog", "call")})
        hold([&] { return check_published(owner.aor, package, kind); });
      hold([&] { return check_mail(owner.aor); });
      hold([&] { return check_subscriptions(owner.aor); });
    }
    for (const Device& device : devices_)
      if (device.is_running())
        for (const auto& [topic, subscription] : device.subscriptions())
          hold([&] { return check_subscription(device, topic, subscription); });
    check_wire();
  }

  std::string check_bindings(const std::string& owner) {
    std::set<std::string> contacts;
    for (const auto& row : server_.rows("bindings"))
      if (column(row, "aor") == owner) contacts.insert(column(row, "contact"));
    return ledger_.check("binding", owner, contacts);
  }

  /// Those who watch a user that was removed begin anew, and wait: here everybody exists who is asked for.
  std::string check_gone(const Human& owner) {
    for (const auto& row : server_.rows("PIT"))
      if (column(row, "id").starts_with(owner.aor + ' '))
        return owner.aor + " is gone, and the state that was published is there";
    for (const auto& row : server_.rows("documents"))
      if (owner.is_removed && column(row, "user") == owner.aor)
        return owner.aor + " was removed, and the rules are there";
    for (const auto& row : server_.rows("WT"))
      if (column(row, "watcher") == owner.aor && column(row, "status") != "waiting")
        return owner.aor + " is gone, and watches " + column(row, "presentity");
    return check_subscriptions(owner.aor);
  }

  /// As its owner sees it, who sees everything.
  std::string check_published(const std::string& owner, const std::string& package, const std::string& kind) {
    const auto polled = poll(owner, {package, owner});
    if (polled.status != 200) return fmt::format("{} of {} is answered {}", package, owner, polled.status);
    return ledger_.check(package, owner, tokens_in(polled.text, kind));
  }

  /// Of several summaries the sum is told, so that only their being there can be seen.
  std::string check_mail(const std::string& owner) {
    const auto polled = poll(owner, {"message-summary", owner});
    const bool waits = polled.text.starts_with("Messages-Waiting: yes");
    for (const std::string& token : ledger_.names("message-summary", owner))
      if (!waits && ledger_.is_sure({"message-summary", owner, token}))
        return fmt::format("message-summary of {} was acknowledged and is lost: {}", owner, token);
    return {};
  }

  std::string check_subscriptions(const std::string& watcher) {
    std::set<std::string> call_ids;
    for (const char* table : {"PST", "WST", "reg", "reg.winfo", "dialog", "dialog.winfo", "message-summary"})
      for (const auto& row : server_.rows(table))
        if (column(row, "from") == watcher && column(row, "state") != "terminated")
          call_ids.insert(column(row, "callid"));
    return ledger_.check("subscription", watcher, call_ids);
  }

  std::string check_subscription(const Device& device, const Device::Topic& topic,
                                 const Device::Subscription& subscription) {
    const auto& [package, whose] = topic;
    if (human(whose).is_removed) return {};
    const std::string& watcher = device.account().aor;
    const std::string what = fmt::format("{}: {} of {}", device.account().name, package, whose);
    const bool by_rules = (package == "presence" || package == "dialog") && watcher != whose;
    const Handling handling = by_rules ? rule_of(whose, watcher) : Handling::allow;
    if (handling == Handling::block)
      return subscription.refused == 403 ? "" : what + " is blocked, and is " + subscription.state;
    const char* state = handling == Handling::none ? "pending" : "active";
    if (subscription.state != state)
      return fmt::format("{} is {} ({}), not {}", what, subscription.state, subscription.refused, state);
    if (handling == Handling::none) return {};
    const auto polled = poll(watcher, topic);
    if (polled.text != subscription.picture.print())
      return fmt::format("{}: it holds\n{}\nand a poll gets ({})\n{}", what, subscription.picture.print(),
                         polled.status, polled.text);
    if (package.ends_with(".winfo")) return check_watchers(what, watcher, topic, subscription.picture);
    return {};
  }

  std::string check_watchers(const std::string& what, const std::string& watcher, const Device::Topic& topic,
                             const Picture& picture) {
    std::map<std::string, std::string> rows;
    const std::string watched = topic.first.substr(0, topic.first.find(".winfo"));
    for (const auto& row : server_.rows("WT"))
      if (column(row, "package") == watched && column(row, "presentity") == topic.second &&
          (watcher == topic.second || column(row, "watcher") == watcher))
        rows[column(row, "id")] = column(row, "watcher") + ' ' + column(row, "status");
    std::string table;
    for (const auto& [id, row] : rows) table += id + ' ' + row + '\n';
    return picture.print() == table
               ? ""
               : fmt::format("{}: it holds\n{}and the table\n{}", what, picture.print(), table);
  }

  static std::string column(const server::Row& row, std::string_view name) {
    for (const auto& [key, value] : row)
      if (key == name) return value;
    return {};
  }

  const Human& human(const std::string& aor) const { return *std::ranges::find(people_, aor, &Human::aor); }

  Handling rule_of(const std::string& owner, const std::string& watcher) const {
    const Ledger::Rules& rules = human(owner).rules;
    const auto rule = rules.find(watcher);
    return rule == rules.end() ? Handling::none : rule->second;
  }

  struct Polled {
    int status = 0;
    std::string text;
  };
  Polled poll(const std::string& watcher, const Device::Topic& topic) {
    Device& poller =
        pollers_[static_cast<std::size_t>(std::ranges::find(everybody_, watcher) - everybody_.begin())];
    if (!poller.is_running()) poller.start();
    Polled polled;
    poller.fetch(topic,
                 [&polled](int status, const Picture& picture) { polled = {status, picture.print()}; });
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
    world_.run_for(eternity);
    check_wire();
  }

  PresenceScript script_;
  Ledger ledger_;
  std::deque<Human> people_;
  std::vector<std::string> everybody_;
  std::deque<Device> devices_;
  std::deque<Device> pollers_;  ///< One for each of the people.
  std::uint64_t states_ = 0;
};

}  // namespace

PresenceScript make_presence(std::uint64_t seed) {
  SeededRandom random(seed ^ 0x9e5e4ce);
  PresenceScript script;
  script.seed = seed;
  script.loss = random.below(3) == 0 ? 0 : 0.3 * random.unit();
  script.duplication = 0.2 * random.unit();
  script.reordering = 0.2 * random.unit();
  script.shards = static_cast<unsigned>(1 + random.below(4));
  script.people = static_cast<unsigned>(2 + random.below(3));
  script.devices = static_cast<unsigned>(script.people + random.below(6));
  script.acts = static_cast<unsigned>(30 + random.below(90));
  script.crashes = random.below(4) == 0 ? 0 : static_cast<unsigned>(1 + random.below(4));
  script.failures = static_cast<unsigned>(random.below(5));
  script.cuts = static_cast<unsigned>(random.below(3));
  script.gone = random.below(3) == 0 ? 1 : 0;
  return script;
}

std::string print(const PresenceScript& script) {
  return fmt::format(
      "seed {}: {} people with {} devices, {} acts, loss {:.0f} %, duplication {:.0f} %, reordering {:.0f} "
      "%, "
      "{} shard(s), {} crash(es) of the server{}, {} of devices, {} cut(s), {} of the people removed or "
      "disabled",
      script.seed, script.people, script.devices, script.acts, 100 * script.loss, 100 * script.duplication,
      100 * script.reordering, script.shards, script.crashes,
      script.crash_point == 0 ? "" : fmt::format(" and at point {}", script.crash_point), script.failures,
      script.cuts, script.gone);
}

PresenceHistory play(const PresenceScript& script) {
  Presence presence(script);
  PresenceHistory history;
  try {
    presence.run();
  } catch (const Wrong& wrong) {
    history.fault = wrong.what;
  }
  history.digest = presence.world().digest();
  history.happened = presence.world().noted();
  history.points = presence.server().points();
  history.checks = presence.ledger().checks();
  history.diffs = presence.ledger().diffs();
  const auto [notifies, causes] = presence.ledger().busiest();
  history.busiest = static_cast<double>(notifies) / static_cast<double>(causes);
  return history;
}

}  // namespace beckon::simulation
