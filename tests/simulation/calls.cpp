#include "tests/simulation/calls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <set>

#include "tests/simulation/device.hpp"
#include "tests/simulation/phone.hpp"
#include "tests/simulation/server_stage.hpp"

namespace beckon::simulation {
namespace {

using transaction::Protocol;

/// People do all they do within this time.
constexpr Duration calling = 4min;
/// A phone that rang and died is given up (timer C), and the CANCEL to it; devices come back.
constexpr Duration silence = 4min;
/// The server waits for no call that long.
constexpr Duration oldest_call = 10min;
/// Beyond every lifetime.
constexpr Duration long_after = 26h;
/// Of what nobody hears of any more.
constexpr Duration ringing_in_turn = 5s;

constexpr const char* subscribers[] = {"alice", "bob", "carol", "dave"};
constexpr const char* watcher_name = "sip:watcher@example.org";

server::Settings call_settings(const CallsScript& script) {
  server::Settings settings;
  settings.authentication = server::Authentication::none;
  settings.dialog_watchers = {watcher_name};
  settings.subscriptions_per_watcher_and_presentity = 100;
  settings.serial_ring = ringing_in_turn;
  settings.recurse = script.recurse;
  settings.call_age_max = oldest_call;
  settings.messages.kept = 1h;  // of calls that were missed
  settings.messages.kept_for_others = 10min;
  return settings;
}

Device::State left_alone(const std::string& aor, const std::string& token) {
  return {token, "application/pidf+xml",
          fmt::format("<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
                      "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
                      "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"{}\"><tuple id=\"t\"><status>"
                      "<basic>open</basic></status></tuple><dm:person id=\"p\"><r:activities><r:busy/>"
                      "<r:other>do-not-disturb</r:other></r:activities></dm:person></presence>",
                      aor)};
}

/// One of the people.
struct Subscriber {
  std::string aor;
  std::string mood{};                ///< Token of the state that says so; empty: may be called.
  std::vector<std::string> moods{};  ///< All there were: a crash may have kept one that was taken back.
};

class Calls final : public ServerStage, public PhoneHolder {
 public:
  explicit Calls(const CallsScript& script)
      : ServerStage(script.seed, script.trace, script.shards, call_settings(script)),
        script_(script),
        ledger_(world_),
        log_(world_, server_.address()) {
    sip_.set_tap([this](const Address& from, const Address& to, const sip::Message& message) {
      // A message about a call that was missed goes to each device as it is.
      if (from != server_.address() || message.method() != sip::Method::message)
        order_.on_sent(from, message);
      log_.on_sent(from, to, message);
      say(from, to, message);
    });
    sip_.set_arrival_tap(
        [this](const Address& at, const sip::Message& message) { log_.on_arrived(at, message); });
    for (unsigned i = 0; i < script.people; ++i) {
      people_.push_back({fmt::format("sip:{}@example.org", subscribers[i])});
      server_.add_user({.aor = people_.back().aor});
      add_desk(people_.back().aor, fmt::format("desk-{}", subscribers[i]), i + 1);
      for (auto count = 1 + below(3); count > 0; --count) add_phone(people_.back().aor);
    }
    add_desk(watcher_name, "watcher", 100);
  }

  CallsHistory history() {
    CallsHistory history;
    history.digest = world_.digest();
    history.happened = world_.noted();
    history.sights = log_.sights();
    history.points = server_.points();
    history.checks = checks_;
    for (const Phone& phone : phones_) history.talks += phone.talks_begun();
    return history;
  }

 private:
  void add_desk(const std::string& aor, const std::string& name, unsigned number) {
    desks_.emplace_back(sip_, server_.address(),
                        Device::Account{aor, name, *parse_address(fmt::format("10.0.1.{}:5060", number)),
                                        one_in(3) ? Protocol::tls : Protocol::udp},
                        ledger_);
  }
  void add_phone(const std::string& aor) {
    constexpr Protocol transports[] = {Protocol::udp, Protocol::udp, Protocol::tcp, Protocol::tls};
    constexpr const char* preferences[] = {"", "", "1.0", "0.5", "0.5"};
    const auto number = phones_.size();
    phones_.emplace_back(sip_, server_.address(),
                         Phone::Account{.aor = aor,
                                        .name = fmt::format("p{}", number),
                                        .address = *parse_address(fmt::format("10.0.0.{}:5060", number + 10)),
                                        .protocol = any(transports),
                                        .q = any(preferences),
                                        .lifetime = std::chrono::seconds(60 + below(120))},
                         *this, log_);
  }

  void check_wire() const override {
    ServerStage::check_wire();
    if (!ledger_.fault().empty()) throw Wrong{ledger_.fault()};
    if (!log_.fault().empty()) throw Wrong{log_.fault()};
  }

  // --- the server

  void server_started() override {
    ledger_.server_started();
    log_.server_started();
  }
  void crash_at(std::uint64_t point) {
    if (is_calm_) return;
    ServerStage::crash_at(point, [this] {
      log_.server_crashed();
      return one_in(3) ? within(100ms) : within(10s);
    });
  }

  // --- what people do

  void act() override {
    network_.set_weather(
        {.loss = script_.loss, .duplication = script_.duplication, .reordering = script_.reordering});
    for (Phone& each : phones_) at_random(5s, [this, &each] { start(each); });
    for (Device& each : desks_) {
      each.start();
      for (const Subscriber& person : people_)
        if (person.aor == each.account().aor || each.account().aor == watcher_name)
          each.want({"dialog", person.aor}, {.lifetime = 10min});
    }
    for (unsigned i = 0; i < script_.calls; ++i) at_random(calling, [this] { call(); });
    for (unsigned i = 0; i < script_.failures; ++i) at_random(calling, [this] { fail(any(phones_)); });
    for (unsigned i = 0; i < script_.cuts; ++i) at_random(calling, [this] { cut(); });
    for (unsigned i = 0; i < script_.crashes; ++i) at_random(calling, [this] { crash_at(below(40)); });
    for (unsigned i = 0; i < script_.moods; ++i) at_random(calling, [this] { change_mood(any(people_)); });
    world_.run_for(calling);
  }

  void start(Phone& phone) {
    if (phone.is_running()) return;
    note("{} starts", phone.account().name);
    phone.start();
  }

  void fail(Phone& phone) {
    if (!phone.is_running()) return;
    const auto death = one_in(2) ? Phone::Death::crash : Phone::Death::silence;
    note("{} dies{}", phone.account().name, death == Phone::Death::silence ? " in silence" : "");
    phone.end(death);
    if (!one_in(3)) at_random(one_in(2) ? 2s : 60s, [this, &phone] { start(phone); });
  }

  void cut() {
    note("all connections break");
    ledger_.connections_cut();
    log_.connections_cut();
    server_.cut_flows();
  }

  void call() {
    Phone& phone = any(phones_);
    if (!phone.is_running()) return;
    const Subscriber& callee = any(people_);
    Calling how = call_again(phone);
    how.follows = one_in(2);
    const std::string call_id = phone.call(callee.aor, how);
    note("{} calls {}: {}", phone.account().name, callee.aor, call_id);
    if (callee.aor != phone.account().aor && is_left_alone(callee)) log_.forbid(call_id, callee.aor);
  }

  bool is_left_alone(const Subscriber& person) const {
    return !person.mood.empty() && ledger_.is_sure({"presence", person.aor, person.mood});
  }

  void change_mood(Subscriber& person) {
    log_.allow(person.aor);
    const bool is_back = !person.mood.empty();
    person.mood = is_back ? "" : make_token("mood", ++moods_);
    if (!is_back) person.moods.push_back(person.mood);
    note("{} {}", person.aor, is_back ? "may be called" : "wants to be left alone");
    desk(person.aor)
        .want_state("presence", is_back ? Device::State{} : left_alone(person.aor, person.mood), 3600s);
  }

  Device& desk(const std::string& aor) {
    return *std::ranges::find(desks_, aor, [](const Device& each) { return each.account().aor; });
  }

  // --- what phones do

  Answering answer(Phone& phone, const sip::Message&) override {
    if (is_calm_) return answer_in_quiet(phone);
    Answering how;
    if (!one_in(8)) how.rings_after = within(one_in(6) ? 8s : 500ms);
    how.decides_after = within(one_in(4) ? 25s : 6s);
    constexpr int choices[] = {200, 200, 200, 200, 200, 200, 486, 486, 480,
                               302, 603, 404, 500, 503, 0,   0,   0,   0};
    how.status = any(choices);
    if (how.status == 302) how.elsewhere = any(people_).aor;
    return how;
  }

  Answering answer_in_quiet(const Phone& phone) const {
    if (taker_ == nullptr) return {.decides_after = 1s, .status = 486};
    return {.rings_after = 200ms, .decides_after = 2s, .status = taker_ == &phone ? 200 : 0};
  }

  Talking talk(Phone&) override {
    if (is_calm_) return {.hangs_up_after = taker_ == nullptr ? 1s : 1h};
    Talking how{.hangs_up_after = within(one_in(3) ? 60s : 8s)};
    if (one_in(4)) how.reinvites_after = within(how.hangs_up_after + 1s);
    return how;
  }

  Calling call_again(Phone&) override {
    Calling how;
    if (one_in(3)) how.cancels_after = within(one_in(3) ? 40s : 4s);
    how.acknowledges = !one_in(16);
    how.hears_early_ends = one_in(2);
    return how;
  }

  void answered(Phone& phone, const std::string& call_id, int status) override {
    note("{}: {} is answered {}", phone.account().name, call_id, status);
    if (call_id == checked_call_) checked_status_ = status;
  }

  // --- what must be true

  /// Nothing more happens, and what is under way comes to its end.
  void calm() override {
    quieten();
    for (Phone& each : phones_) each.hang_up_everything();
    world_.run_for(silence);
    check_wire();
  }

  std::set<std::string> shown() const {
    std::set<std::string> call_ids;
    for (const auto& row : server_.rows("calls"))
      for (const auto& [key, value] : row)
        if (key == "call_id") call_ids.insert(value);
    return call_ids;
  }

  void check_all() override {
    note("everything is compared");
    const auto known = shown();
    log_.check_quiet(known);
    check_wire();
    for (const Phone& each : phones_)
      if (!each.is_idle()) throw Wrong{each.account().name + " has a call still"};
    for (Device& each : desks_)
      for (const auto& [topic, subscription] : each.subscriptions()) check_watcher(each, topic, known);
    check_wire();
    if (script_.people > 1)
      for (int i = 0; i < 3; ++i) check_call();
  }

  /// A dialog that nobody ended is shown, and no other.
  void check_watcher(Device& watcher, const Device::Topic& topic, const std::set<std::string>& known) {
    const Device::Subscription& subscription = watcher.subscriptions().at(topic);
    const std::string what = watcher.account().name + " of " + topic.second;
    if (subscription.state != "active") throw Wrong{what + " is " + subscription.state};
    const std::string held = subscription.picture.print();
    int status = 0;
    std::string polled;
    watcher.fetch(topic, [&](int its_status, const Picture& picture) {
      status = its_status;
      polled = picture.print();
    });
    world_.run_until([&] { return status != 0; }, 1min);
    if (polled != held)
      throw Wrong{fmt::format("{} holds\n{}\nand a poll gets ({})\n{}", what, held, status, polled)};
    std::size_t dialogs = 0;
    for (const std::string& call_id : known)
      for (auto at = held.find(' ' + call_id + ' '); at != held.npos;
           at = held.find(' ' + call_id + ' ', at + 1))
        ++dialogs;
    if (dialogs != static_cast<std::size_t>(std::ranges::count(held, '\n')))
      throw Wrong{fmt::format("{} holds what is over:\n{}", what, held)};
  }

  /// In good weather a call succeeds, and its watchers see it.
  void check_call() {
    Subscriber& callee = any(people_);
    Phone* caller = any_phone([&](const Phone& each) { return each.account().aor != callee.aor; });
    Phone* taker = any_phone([&](const Phone& each) { return each.account().aor == callee.aor; });
    if (caller == nullptr || taker == nullptr) return;
    ++checks_;
    taker_ = taker;
    checked_status_ = 0;
    const bool is_refused = is_left_alone(callee);
    const bool is_taken = std::ranges::all_of(callee.moods, [&](const std::string& mood) {
      return ledger_.is_over({"presence", callee.aor, mood});
    });
    checked_call_ = caller->call(callee.aor, {});
    note("{} calls {}, and {} answers: {}", caller->account().name, callee.aor, taker->account().name,
         checked_call_);
    world_.run_until([&] { return checked_status_ != 0; }, 1min);
    world_.run_for(2s);
    if (is_refused && checked_status_ != 480)
      throw Wrong{fmt::format("{} is called and left alone: {}", callee.aor, checked_status_)};
    if (is_taken && checked_status_ != 200)
      throw Wrong{fmt::format("{} is called in good weather: {}", callee.aor, checked_status_)};
    if (checked_status_ == 200) check_shown(*caller, callee.aor);
    caller->hang_up_everything();
    world_.run_for(40s);  // phones that rang in vain for it
    for (const Phone* each : {caller, taker})
      if (!each->is_idle()) throw Wrong{each->account().name + " has a call still"};
    if (shown().contains(checked_call_)) throw Wrong{checked_call_ + " is over and shown"};
    taker_ = nullptr;
    check_wire();
  }

  void check_shown(const Phone& caller, const std::string& callee) {
    const std::string line = ' ' + checked_call_ + " confirmed\n";
    for (const std::string& side : {caller.account().aor, callee})
      for (const Device* each : {&desk(watcher_name), &desk(side)})
        if (each->subscriptions().at({"dialog", side}).picture.print().find(line) == std::string::npos)
          throw Wrong{fmt::format("{} is not shown the dialog of {} that is confirmed:\n{}",
                                  each->account().name, side,
                                  each->subscriptions().at({"dialog", side}).picture.print())};
  }

  Phone* any_phone(const std::function<bool(const Phone&)>& which) {
    std::vector<Phone*> found;
    for (Phone& each : phones_)
      if (each.is_running() && each.is_registered() && which(each)) found.push_back(&each);
    return found.empty() ? nullptr : any(found);
  }

  /// Some say so, the others are gone.
  void leave() override {
    note("all leave");
    for (Phone& each : phones_)
      if (one_in(2)) each.unregister();
    for (Device& each : desks_)
      if (one_in(2)) each.leave();
    world_.run_for(40s);
    for (Phone& each : phones_) each.end(Phone::Death::crash);
    for (Device& each : desks_) each.end(true);
    world_.run_for(long_after);
    check_wire();
  }

  CallsScript script_;
  Ledger ledger_;
  CallLog log_;
  std::vector<Subscriber> people_;
  std::deque<Device> desks_;  ///< One for each of the people, and the watcher of all.
  std::deque<Phone> phones_;
  const Phone* taker_ = nullptr;  ///< Who answers the call that is checked.
  std::string checked_call_;
  int checked_status_ = 0;
  std::uint64_t moods_ = 0, checks_ = 0;
};

}  // namespace

CallsScript make_calls(std::uint64_t seed) {
  SeededRandom random(seed ^ 0xca115);
  CallsScript script;
  script.seed = seed;
  script.loss = random.below(3) == 0 ? 0 : 0.3 * random.unit();
  script.duplication = 0.2 * random.unit();
  script.reordering = 0.2 * random.unit();
  script.shards = static_cast<unsigned>(1 + random.below(3));
  script.people = static_cast<unsigned>(2 + random.below(3));
  script.calls = static_cast<unsigned>(10 + random.below(30));
  script.crashes = random.below(3) == 0 ? static_cast<unsigned>(1 + random.below(2)) : 0;
  script.failures = static_cast<unsigned>(random.below(6));
  script.cuts = static_cast<unsigned>(random.below(3));
  script.moods = static_cast<unsigned>(random.below(4));
  script.recurse = random.below(3) == 0;
  return script;
}

std::string print(const CallsScript& script) {
  return fmt::format(
      "seed {}: {} calls of {} people, loss {:.0f} %, duplication {:.0f} %, reordering {:.0f} %, {} "
      "shard(s), "
      "{} crash(es) of the server, {} of phones, {} cut(s), {} mood(s){}",
      script.seed, script.calls, script.people, 100 * script.loss, 100 * script.duplication,
      100 * script.reordering, script.shards, script.crashes, script.failures, script.cuts, script.moods,
      script.recurse ? ", redirections are followed" : "");
}

CallsHistory play(const CallsScript& script) {
  Calls calls(script);
  std::string fault;
  try {
    calls.run();
  } catch (const Wrong& wrong) {
    fault = wrong.what;
  }
  CallsHistory history = calls.history();
  history.fault = fault;
  return history;
}

}  // namespace beckon::simulation
