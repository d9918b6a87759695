#include "tests/simulation/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "protocol/base/text.hpp"
#include "protocol/documents/cpim.hpp"
#include "tests/simulation/correspondent.hpp"
#include "tests/simulation/server_stage.hpp"

namespace beckon::simulation {
namespace {

/// More than all letters take.
constexpr Duration writing = 12h;
/// All devices are there, and take what waits for them, one after the other.
constexpr Duration catching_up = 5min;
/// Of what the server does when a letter ends: it crashes at one of them, or soon after.
constexpr std::uint64_t points_of_an_end = 16;
/// Beyond every lifetime, and what is kept for other devices.
constexpr Duration forgetting = 26h;
/// One letter in so many may expire, and its sender wants to know.
constexpr unsigned expiring_share = 20;
constexpr std::chrono::seconds letter_lifetime = 30s;
constexpr unsigned devices_each = 2;

server::Settings message_settings(const MessagesScript& script) {
  server::Settings settings;
  settings.authentication = server::Authentication::none;
  settings.messages.per_user = 4 * script.messages;
  return settings;
}

class Messages final : public ServerStage, public Postmaster {
 public:
  explicit Messages(const MessagesScript& script)
      : ServerStage(script.seed, script.trace, script.shards, message_settings(script)), script_(script) {
    sip_.set_tap([this](const Address& from, const Address& to, const sip::Message& message) {
      // What is stored goes to each device as its sender sent it.
      if (from != server_.address() || message.method() != sip::Method::message)
        order_.on_sent(from, message);
      say(from, to, message);
      on_sent(from, message);
    });
    constexpr const char* names[] = {"alice", "bob"};
    unsigned number = 0;
    for (const char* name : names) {
      Person& person = people_.emplace_back();
      person.aor = fmt::format("sip:{}@example.org", name);
      server_.add_user({.aor = person.aor});
      for (unsigned i = 0; i < devices_each; ++i, ++number)
        person.devices.emplace_back(
            sip_, server_.address(),
            Station::Account{.aor = person.aor,
                             .name = fmt::format("{}-{}", name, i),
                             .address = *parse_address(fmt::format("10.0.0.{}:5060", number + 10)),
                             .lifetime = std::chrono::seconds(60 + below(120))},
            *this);
    }
    for (unsigned i = 0; i < script.kills; ++i) kills_.insert(1 + below(script.messages / 4));
  }

  MessagesHistory history() {
    MessagesHistory history = seen_;
    history.digest = world_.digest();
    history.happened = world_.noted();
    for (const Person& person : people_)
      for (const Correspondent& device : person.devices) history.copies += device.copies();
    for (const auto& [text, letter] : letters_) history.again += attempts(letter, text) - 1;
    return history;
  }

 private:
  struct Person {
    std::string aor;
    std::deque<Correspondent> devices;  ///< The first one writes.
  };
  struct Letter {
    const Person* from = nullptr;
    const Person* to = nullptr;
    unsigned number = 0;
    bool may_expire = false;
    int status = 0;  ///< Of its 2xx.
    bool has_failed = false;
    std::map<const Correspondent*, std::uint64_t> had{};   ///< How often.
    std::map<const Correspondent*, std::uint64_t> told{};  ///< Likewise, that it has failed.
  };

  static std::uint64_t attempts(const Letter& letter, const std::string& text) {
    return letter.from->devices.front().attempts(text);
  }

  // --- the server

  void crash_at(std::uint64_t point) {
    ServerStage::crash_at(point, [this] { return one_in(3) ? within(100ms) : within(10s); });
  }

  /// The server is killed right behind a 202.
  void on_sent(const Address& from, const sip::Message& message) {
    if (from != server_.address() || message.method() != sip::Method::message) return;
    if (message.is_request()) {
      const bool is_stored = stored_.contains(std::string(message.call_id()));
      is_from_store_.emplace(branch_of(message), is_stored);
    } else if (message.status() == 202) {
      stored_.emplace(message.call_id());
      if (kills_.erase(++accepted_) > 0) crash_at(0);
    }
  }
  static std::string branch_of(const sip::Message& request) {
    const auto via = request.top_via();
    return via ? std::string(via->branch()) : std::string();
  }

  // --- what people do

  void act() override {
    network_.set_weather(
        {.loss = script_.loss, .duplication = script_.duplication, .reordering = script_.reordering});
    for (unsigned i = 0; i < script_.crashes; ++i) at_random(10min, [this] { crash_at(below(100)); });
    for (Person& person : people_)
      for (Correspondent& device : person.devices) at_random(10s, [this, &device] { come(device); });
    for (unsigned number = 1; number <= script_.messages; ++number) {
      write(people_[0], people_[1], number, one_in(expiring_share));
      write(people_[1], people_[0], number, one_in(expiring_share));
    }
    const bool done = world_.run_until(
        [this] {
          return std::ranges::all_of(people_,
                                     [](const Person& each) { return each.devices.front().waiting() == 0; });
        },
        writing);
    check_wire();
    if (!done) throw Wrong{"letters wait that nobody takes"};
  }

  Letter& write(Person& from, const Person& to, unsigned number, bool may_expire) {
    const std::string text = fmt::format("{}-{}", from.aor.substr(4, from.aor.find('@') - 4), number);
    Letter& letter = letters_[text];
    letter = {.from = &from, .to = &to, .number = number, .may_expire = may_expire};
    Correspondent::Letter sent{.to = to.aor, .text = text};
    if (letter.may_expire) {
      sent.type = "message/cpim";
      sent.headers = fmt::format("Expires: {}\r\n", letter_lifetime.count());
      sent.body = fmt::format(
          "From: <{}>\r\nTo: <{}>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: {}\r\n"
          "imdn.Disposition-Notification: negative-delivery\r\n\r\nContent-Type: text/plain\r\n\r\n{}",
          from.aor, to.aor, text, text);
    }
    from.devices.front().write(std::move(sent));
    return letter;
  }

  /// Devices come and go as long as there is something to write.
  void come(Correspondent& device) {
    if (is_calm_) return;
    note("{} comes", device.account().name);
    device.start();
    later(5s + within(one_in(4) ? 300s : 40s), [this, &device] { go(device); });
  }
  void go(Correspondent& device) {
    if (is_calm_) return;
    const bool says_so = one_in(2);
    note("{} {}", device.account().name, says_so ? "leaves" : "dies");
    if (says_so) device.unregister();
    later(says_so ? 2s : 0s, [this, &device] {
      if (!is_calm_) device.end(Station::Death::crash);
    });
    later(2s + within(one_in(4) ? 120s : 20s), [this, &device] { come(device); });
  }

  // --- what becomes of it

  void answered(Correspondent&, const std::string& text, int status) override {
    if (status / 100 != 2) return note("{} is answered {}", text, status);
    letters_.at(text).status = status;
    status == 202 ? ++seen_.stored : ++seen_.relayed;
  }

  void received(Correspondent& at, const sip::Message& request) override {
    const std::string body(request.body());
    if (!body.starts_with("From:")) return take(at, request, letters_.find(body));
    const auto cpim = documents::parse_cpim(body);
    if (!cpim) return fail("a message/cpim that cannot be read\n" + body);
    if (cpim->content_type.starts_with("text/plain"))
      return take(at, request, letters_.find(cpim->message_id));
    for (auto& [text, letter] : letters_) {
      if (cpim->content.find("<message-id>" + text + "</message-id>") == std::string::npos) continue;
      if (!letter.may_expire || letter.from->aor != at.account().aor) fail("a notification astray\n" + body);
      if (++letter.told[&at] > attempts(letter, text)) fail("told once more that it failed: " + text);
      if (!letter.has_failed) ++seen_.failed;
      letter.has_failed = true;
      return;
    }
    fail("a notification of nothing\n" + body);
  }

  void take(Correspondent& at, const sip::Message& request, std::map<std::string, Letter>::iterator found) {
    if (found == letters_.end()) return fail("a message that nobody wrote\n" + std::string(request.text()));
    auto& [text, letter] = *found;
    const std::string where = fmt::format("{} at {}", text, at.account().name);
    const auto from = request.from();
    if (letter.to->aor != at.account().aor || !from || sip::canonical_aor(from->uri) != letter.from->aor)
      return fail("astray: " + where);
    if (++letter.had[&at] > attempts(letter, text)) return fail("once more: " + where);
    if (letter.had[&at] > 1) return;
    const bool may_lag = lags(letter, text);
    if (letter.had.size() == 1) rise(newest_[letter.to], letter.number, may_lag, where);
    // What is relayed may come late to one of two devices, when the other one has had it.
    const bool is_relayed = !is_from_store_[branch_of(request)];
    rise(newest_at_[&at], letter.number, may_lag || is_relayed, where + ", from the store,");
  }

  /// May a copy of it be under way when the next letters come? The server lets these go when its time is
  /// over; and a sender that does not know what became of it sends it anew, and then the next ones.
  bool lags(const Letter& letter, const std::string& text) {
    const Correspondent& sender = letter.from->devices.front();
    const bool is_over = letter.may_expire && world_.now().mono >= sender.sent_at(text) + letter_lifetime;
    return is_over || sender.attempts(text) > 1;
  }

  /// Of each letter that comes for the first time.
  void rise(unsigned& last, unsigned number, bool may_lag, const std::string& where) {
    if (number < last && !may_lag) fail(fmt::format("{} comes behind {}", where, last));
    last = std::max(last, number);
  }

  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
  }
  void check_wire() const override {
    ServerStage::check_wire();
    if (!fault_.empty()) throw Wrong{fault_};
  }

  // --- what must be true

  void calm() override {
    quieten();
    world_.run_for(40s);
    start_server();
    for (Person& person : people_)
      for (Correspondent& device : person.devices) {
        device.end(Station::Death::crash);
        device.start();
      }
    world_.run_for(catching_up);
    check_wire();
  }

  void check_all() override {
    for (const auto& [text, letter] : letters_) {
      if (letter.status / 100 != 2) throw Wrong{text + " has no answer"};
      if (letter.had.empty() && !(letter.may_expire && letter.has_failed))
        throw Wrong{fmt::format("{} was answered {} and is lost", text, letter.status)};
      if (letter.status != 202 || letter.may_expire) continue;
      for (const Correspondent& device : letter.to->devices)
        if (!letter.had.contains(&device))
          throw Wrong{fmt::format("{} was stored, and {} has not got it", text, device.account().name)};
    }
  }

  /// A letter to somebody whose devices are silent ends, and the server crashes about then.
  void expire() {
    note("a letter that nobody takes");
    for (Correspondent& device : people_[1].devices) device.end(Station::Death::silence);
    const Letter& letter = write(people_[0], people_[1], script_.messages + 1, /*may_expire=*/true);
    later(letter_lifetime - 1s, [this] { crash_at(below(points_of_an_end)); });
    world_.run_for(letter_lifetime + 1min);
    server_.crash_nowhere();
    world_.run_for(catching_up);
    check_wire();
    if (letter.status != 202 || !letter.had.empty() || !letter.has_failed)
      throw Wrong{"a letter that nobody took has ended, and its sender is not told"};
  }

  void leave() override {
    expire();
    note("all leave");
    for (Person& person : people_)
      for (Correspondent& device : person.devices) device.end(Station::Death::crash);
    world_.run_for(forgetting);
    check_wire();
  }

  MessagesScript script_;
  std::deque<Person> people_;
  std::map<std::string, Letter> letters_;     ///< By text.
  std::set<std::uint64_t> kills_;             ///< Behind which 202s.
  std::uint64_t accepted_ = 0;                ///< 202s that the server has sent.
  std::map<const Person*, unsigned> newest_;  ///< Number of the last letter that came for the first time.
  std::map<const Correspondent*, unsigned> newest_at_;  ///< Likewise, at each device.
  std::set<std::string> stored_;                        ///< Call-IDs that were answered 202.
  std::map<std::string, bool> is_from_store_;           ///< By branch of what the server sends.
  MessagesHistory seen_;
  std::string fault_;
};

}  // namespace

MessagesScript make_messages(std::uint64_t seed) {
  SeededRandom random(seed ^ 0x3e55a9e);
  MessagesScript script;
  script.seed = seed;
  script.shards = static_cast<unsigned>(1 + random.below(3));
  script.kills = static_cast<unsigned>(2 + random.below(4));
  script.crashes = static_cast<unsigned>(random.below(4));
  return script;
}

std::string print(const MessagesScript& script) {
  return fmt::format(
      "seed {}: {} messages each way, loss {:.0f} %, duplication {:.0f} %, reordering {:.0f} %, {} shard(s), "
      "{} kill(s) behind a 202, {} other crash(es)",
      script.seed, script.messages, 100 * script.loss, 100 * script.duplication, 100 * script.reordering,
      script.shards, script.kills, script.crashes);
}

MessagesHistory play(const MessagesScript& script) {
  Messages messages(script);
  std::string fault;
  try {
    messages.run();
  } catch (const Wrong& wrong) {
    fault = wrong.what;
  }
  MessagesHistory history = messages.history();
  history.fault = fault;
  return history;
}

}  // namespace beckon::simulation
