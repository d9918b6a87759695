#include "tests/simulation/story.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <deque>

#include "tests/simulation/client.hpp"
#include "tests/simulation/order.hpp"

namespace beckon::simulation {
namespace {

using boost::json::object;
using Words = std::vector<std::string>;

/// Virtual time within which a step must happen. What was lost for good is found out by a refresh only, at
/// four fifths of `lifetime`.
constexpr Duration patience = 30min;
/// Seconds, of every subscription and registration.
const std::string lifetime = "600";
/// What a server does after its start is over (`restart_grace`, replayed answers).
constexpr Duration settling = 2min;
/// Beyond every lifetime, and that of a watcher that waits for a decision.
constexpr Duration for_ever = 26h;

/// A step that did not happen, or an invariant that does not hold.
struct Broken {
  std::string what;
};

/// A person of the story, and the state that person last published.
struct Person {
  Person(SipNetwork& network, Server& server, Client::Account account)
      : client(network, server, std::move(account)) {}
  Client client;
  int shown = 0;  ///< Notes are numbers, so that an older state is known from a newer one.
};

/// The same for all histories: the keys of a password cost more than the rest of a history.
const users::User& user(const std::string& aor, const std::string& password) {
  static std::map<std::string, users::User> made;
  const auto known = made.find(aor);
  if (known != made.end()) return known->second;
  SeededRandom random(1);
  return made.emplace(aor, *users::make_user(aor, password, random)).first->second;
}

/// The number in the note of an event "presence"; 0 without one.
int note_of(const object& presence) {
  int highest = 0;
  for (const auto& tuple : presence.at("tuples").as_array()) {
    const std::string note(text(tuple.as_object(), "note"));
    if (!note.empty()) highest = std::max(highest, std::stoi(note));
  }
  return highest;
}

bool is_granted(const object& presence) {
  for (const auto& tuple : presence.at("tuples").as_array()) {
    const auto* direct = tuple.as_object().if_contains("direct");
    if (direct != nullptr && direct->as_object().at("granted").as_bool()) return true;
  }
  return false;
}

/// One play of the story.
class Play {
 public:
  explicit Play(const Script& script)
      : script_(script),
        world_(script.seed),
        network_(world_),
        sip_(network_),
        server_(sip_, *parse_address("10.0.0.1:5060"), script.shards) {
    sip_.set_tap([this](const Address& from, const Address& to, const sip::Message& message) {
      order_.on_sent(from, message);
      if (script_.trace) print_message(from, to, message);
    });
    const char* passwords[] = {"wonderland", "looking-glass"};
    const char* names[] = {"alice@example.org", "bob@example.org"};
    for (int i = 0; i < 2; ++i) {
      const Address address = *parse_address(fmt::format("10.0.0.{}:5060", i + 2));
      server_.add_user(user(names[i], passwords[i]));
      people_.emplace_back(sip_, server_, Client::Account{names[i], passwords[i], address, script.protocol});
    }
  }

  void run() {
    server_.start();
    world_.run_for(settling);
    idle_ = server_.size();
    live();
    const auto blocks = held_blocks();
    // By now every table has what a container keeps when it has grown once, and the same rules are stored.
    again_ = true;
    if (script_.leak) leak();
    live();
    const auto more = held_blocks() - blocks;
    // After a crash the tables are new.
    if (more > 0 && script_.crashes == 0)
      throw Broken{fmt::format("the second play cost the server {} blocks of memory", more)};
  }
  const World& world() const { return world_; }

 private:
  /// Both people come, do everything, and leave.
  void live() {
    make_weather();
    begin(alice());
    const std::string kept = write(alice(), bob());
    begin(bob());
    expect_shown(bob(), kept);
    grant(alice(), bob());
    grant(bob(), alice());
    exchange_messages();
    change_presence();
    if (bob().client.is_secure()) talk();
    heal();
    wait_for_truth();
    make_weather();
    block();
    heal();
    leave();
  }

  std::int64_t held_blocks() {
    server_.forget_answers();
    constexpr std::int64_t of_nonce = 2;  // its place in the table and its text
    return heap::blocks(heap::Owner::server) - of_nonce * static_cast<std::int64_t>(server_.nonces());
  }

  /// What the heap check is there to find.
  void leak() {
    const heap::Scope scope(heap::Owner::server);
    leaked_ = std::make_unique<int>();
  }

  Person& alice() { return people_[0]; }
  Person& bob() { return people_[1]; }

  // --- the experiment

  /// Bad weather, and accidents at any time of the next minutes.
  void make_weather() {
    network_.set_weather(
        {.loss = script_.loss, .duplication = script_.duplication, .reordering = script_.reordering});
    for (unsigned i = 0; i < script_.crashes; ++i) at_random(60s, [this] { crash(); });
    for (unsigned i = 0; i < script_.cuts; ++i) at_random(60s, [this] { cut(); });
  }

  void at_random(Duration within, std::function<void()> work) {
    const auto when =
        static_cast<Duration::rep>(world_.random().unit() * static_cast<double>(within.count()));
    world_.timers().set(world_.now().mono + Duration(when), [work = std::move(work)](Time) { work(); });
  }

  void crash() {
    if (script_.trace) fmt::print("{} the server crashes\n", stamp());
    server_.crash();
    at_random(10s, [this] {
      if (!server_.is_running()) server_.start();
    });
  }

  void cut() {
    if (script_.trace) fmt::print("{} all connections break\n", stamp());
    server_.cut_flows();
  }

  void heal() {
    world_.run_for(80s);  // every accident has happened
    network_.set_weather({});
  }

  std::string stamp() {
    return fmt::format("{:10.3f}", static_cast<double>(world_.now().mono.time_since_epoch().count()) / 1e6);
  }
  void print_message(const Address& from, const Address& to, const sip::Message& message) {
    fmt::print("{} {} -> {}\n{}\n", stamp(), print(from), print(to), message.text());
  }
  void print_events(Client& client) {
    for (auto& told = told_[&client]; told < client.events().size(); ++told)
      fmt::print("{} {} {}\n", stamp(), client.aor(), boost::json::serialize(client.events()[told]));
  }

  // --- waiting

  void check_order() {
    if (!order_.fault().empty()) throw Broken{order_.fault()};
    for (Person& watcher : people_) check_seen(watcher.client);
  }

  /// No user's state goes back to an older one.
  void check_seen(const Client& watcher) {
    std::map<std::string, int> seen;
    for (const auto& event : watcher.events()) {
      if (text(event, "event") != "presence") continue;
      int& newest = seen[std::string(text(event, "of"))];
      const int note = note_of(event);
      if (note != 0 && note < newest)
        throw Broken{fmt::format("{} sees state {} behind {}", watcher.aor(), note, newest)};
      newest = std::max(newest, note);
    }
  }

  void wait(const std::string& what, const std::function<bool()>& done) {
    const bool happened = world_.run_until(
        [&] {
          if (script_.trace)
            for (Person& each : people_) print_events(each.client);
          return done();
        },
        patience);
    check_order();
    if (!happened) throw Broken{"never: " + what};
  }

  /// Executes a command until it succeeds: a request may be lost for good, and people try again.
  void command(Person& who, const Words& words, const std::function<Words()>& again = {}) {
    Words now = words;
    for (int tries = 0; tries < 20; ++tries) {
      const std::string id = who.client.execute(now);
      wait(who.client.aor() + ": an end of " + now.front(), [&] { return who.client.result(id) != nullptr; });
      const object& result = *who.client.result(id);
      // "usage" and "not-found": what was lost has happened by itself meanwhile.
      const auto cause = text(result, "cause");
      if (result.at("ok").as_bool() || cause == "usage") return;
      world_.run_for(3s);
      if (again) now = again();
    }
    throw Broken{who.client.aor() + ": " + boost::json::serialize(*who.client.last("result"))};
  }

  // --- what people see

  const object* seen(const Person& watcher, const Person& of) {
    return watcher.client.last("presence",
                               [&](const object& event) { return text(event, "of") == of.client.uri(); });
  }
  bool sees(const Person& watcher, const Person& of, std::string_view basic, int note) {
    const object* presence = seen(watcher, of);
    return presence != nullptr && text(*presence, "basic") == basic && note_of(*presence) == note;
  }
  bool has_grant(const Person& watcher, const Person& of) {
    const object* presence = seen(watcher, of);
    return presence != nullptr && is_granted(*presence);
  }
  bool is_subscription(const Person& watcher, const Person& of, std::string_view state) {
    const object* told = watcher.client.last("subscription", [&](const object& event) {
      return text(event, "to") == of.client.uri() && text(event, "package") == "presence";
    });
    return told != nullptr && text(*told, "state") == state;
  }
  bool sees_watcher(const Person& owner, const Person& watcher, std::string_view status) {
    const object* told = owner.client.last("watchers");
    if (told == nullptr) return false;
    for (const auto& each : told->at("watchers").as_array()) {
      if (text(each.as_object(), "aor") == watcher.client.uri() && text(each.as_object(), "status") == status)
        return true;
    }
    return false;
  }

  // --- the story

  void publish(Person& who) {
    ++who.shown;
    command(who, {"publish", "open", "--note", std::to_string(who.shown), "--direct", "auto"});
  }

  void begin(Person& who) {
    who.client.forget_events();
    told_.erase(&who.client);
    who.client.start();
    command(who, {"register", "--expires", lifetime});
    command(who, {"subscribe", who.client.aor(), "--package", "presence.winfo", "--expires", lifetime});
    wait("watchers are told", [&] { return who.client.last("watchers") != nullptr; });
    publish(who);
  }

  /// Asks first; a watcher decided about in an earlier play is decided about again before it asks.
  void grant(Person& owner, Person& watcher) {
    const Words allow{"allow", watcher.client.aor(), "--direct", "auto"};
    if (again_) command(owner, allow);
    command(watcher, {"subscribe", owner.client.aor(), "--expires", lifetime});
    if (!again_) {
      wait("subscription is pending", [&] { return is_subscription(watcher, owner, "pending"); });
      wait("watcher is seen pending", [&] { return sees_watcher(owner, watcher, "pending"); });
      command(owner, allow);
    }
    wait("subscription is active", [&] { return is_subscription(watcher, owner, "active"); });
    wait("presence is seen", [&] { return sees(watcher, owner, "open", owner.shown); });
    wait("watcher is seen active", [&] { return sees_watcher(owner, watcher, "active"); });
    if (owner.client.is_secure()) wait("a grant", [&] { return has_grant(watcher, owner); });
  }

  void exchange_messages() {
    for (std::size_t i = 0; i < 4; ++i)
      expect_shown(people_[1 - i % 2], write(people_[i % 2], people_[1 - i % 2]));
  }

  /// A text that a device has, or that the server keeps.
  std::string write(Person& from, Person& to) {
    std::string said;
    const auto words = [&] {
      said = "text " + std::to_string(++texts_);
      return Words{"message", to.client.aor(), said};
    };
    command(from, words(), words);
    return said;
  }

  /// A text whose answer says so is shown once; a text without answer at most once.
  void expect_shown(Person& to, const std::string& said) {
    std::map<std::string, int> shown;
    wait("a message that was answered is shown: " + said, [&] {
      shown.clear();
      for (const auto& event : to.client.events())
        if (text(event, "event") == "message") ++shown[std::string(text(event, "text"))];
      return shown[said] != 0;
    });
    for (const auto& [each, times] : shown) {
      if (times > 1 && script_.crashes == 0) throw Broken{fmt::format("{} was shown {} times", each, times)};
    }
  }

  void change_presence() {
    for (int i = 0; i < 3; ++i) {
      publish(alice());
      publish(bob());
    }
    wait("bob sees alice's newest state", [&] { return sees(bob(), alice(), "open", alice().shown); });
    wait("alice sees bob's newest state", [&] { return sees(alice(), bob(), "open", bob().shown); });
  }

  /// The newest state of any session; empty without one.
  static std::string_view call_state(const Client& client) {
    const object* told = client.last("call");
    return told != nullptr ? text(*told, "state") : std::string_view();
  }

  /// Dials once; empty if no session became active.
  std::string dial(Client& caller, const Client& callee) {
    world_.run_for(3s);
    const object result = *caller.result(caller.execute({"call", callee.aor()}));
    if (!result.at("ok").as_bool()) return {};
    const auto decided = [&] { return call_state(caller) == "active" || call_state(caller) == "ended"; };
    world_.run_until(decided, 60s);
    return call_state(caller) == "active" ? std::string(text(result, "call")) : std::string();
  }

  void talk() {
    Client& caller = bob().client;
    Client& callee = alice().client;
    std::string id;
    // A session whose every HELLO was lost is dialled again.
    for (int tries = 0; tries < 10 && id.empty(); ++tries) {
      wait("both have grants", [&] { return has_grant(bob(), alice()) && has_grant(alice(), bob()); });
      id = dial(caller, callee);
    }
    if (id.empty()) throw Broken{"never: a direct session becomes active"};
    const auto heard = [](const object& event) { return text(event, "direction") == "received"; };
    wait("both hear each other",
         [&] { return caller.last("media", heard) != nullptr && callee.last("media", heard) != nullptr; });
    world_.run_for(1s);
    caller.execute({"hangup", id});
    wait("both sessions end", [&] { return call_state(caller) == "ended" && call_state(callee) == "ended"; });
  }

  void wait_for_truth() {
    for (Person* watcher : {&alice(), &bob()}) {
      Person& of = watcher == &alice() ? bob() : alice();
      wait("truth: active", [&] { return is_subscription(*watcher, of, "active"); });
      wait("truth: newest state", [&] { return sees(*watcher, of, "open", of.shown); });
      wait("truth: watcher", [&] { return sees_watcher(of, *watcher, "active"); });
      if (of.client.is_secure()) wait("truth: grant", [&] { return has_grant(*watcher, of); });
    }
  }

  void block() {
    command(alice(), {"block", bob().client.aor()});
    wait("bob's subscription ends", [&] { return is_subscription(bob(), alice(), "terminated"); });
    wait("bob knows nothing of alice", [&] { return sees(bob(), alice(), "unknown", 0); });
  }

  void leave() {
    for (Person& each : people_) command(each, {"quit"});
    wait("alice knows nothing of bob", [&] { return sees(alice(), bob(), "unknown", 0); });
    for (Person& each : people_) each.client.end();
    world_.run_for(for_ever);
    const auto size = server_.size();
    for (const auto& [what, number] : size) {
      const auto before = idle_.find(what);
      const std::size_t had = before == idle_.end() ? 0 : before->second;
      if (number != had)
        throw Broken{fmt::format("the server holds {} {}, {} at its start", number, what, had)};
    }
    check_order();
  }

  Script script_;
  World world_;
  Network network_;
  SipNetwork sip_;
  Order order_;
  Server server_;
  std::deque<Person> people_;
  std::map<std::string, std::size_t> idle_;
  bool again_ = false;  ///< The second play.
  std::unique_ptr<int> leaked_;
  int texts_ = 0;
  std::map<const Client*, std::size_t> told_;  ///< Events printed.
};

}  // namespace

History play(const Script& script) {
  Play play(script);
  History history;
  try {
    play.run();
  } catch (const Broken& broken) {
    history.fault = broken.what;
  }
  history.digest = play.world().digest();
  history.happened = play.world().noted();
  return history;
}

}  // namespace beckon::simulation
