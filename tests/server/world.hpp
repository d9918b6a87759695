#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "protocol/auth/digest.hpp"
#include "protocol/base/text.hpp"
#include "protocol/locate/finder.hpp"
#include "server/archive/archive.hpp"
#include "server/message/messages.hpp"
#include "server/proxy/proxy.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/node.hpp"
#include "server/store/memory.hpp"
#include "tests/protocol/locate/zone.hpp"
#include "tests/server/places.hpp"
#include "tests/support/virtual_clock.hpp"
#include "tests/support/wire.hpp"

/// A whole node without sockets, threads or real time, for the tests of its rooms.
namespace beckon::server::test {

using beckon::test::Sent;
using beckon::test::VirtualClock;
using beckon::test::Wire;

/// What a SIP request of a test says; the rest is filled in.
struct Ask {
  std::string method = "REGISTER";
  std::string uri = "sip:example.org";
  std::string from = "sip:alice@example.org";
  std::string to = {};  ///< Empty: as `from`. A value with '<' is taken as it stands.
  std::string call_id = "call-1";
  unsigned cseq = 1;
  std::vector<std::string> lines = {};  ///< Further header lines.
  std::string body = {};
  std::string branch = {};  ///< Empty: a fresh one.
  std::string from_tag = "from1";
};

class World {
 public:
  /// Gives the shards their rooms.
  using AddRooms = std::function<void(Node& node)>;

  /// `store_latency`: from a commit to its callback. `rooms`: instead of registrar, proxy and messages.
  explicit World(Settings settings = default_settings(), unsigned shards = 1,
                 Duration store_latency = Duration::zero(), AddRooms rooms = few_rooms)
      : settings_(std::move(settings)), store_latency_(store_latency), rooms_(std::move(rooms)) {
    start(shards);
  }

  static Settings default_settings() {
    Settings settings;
    settings.domains = {"example.org"};
    settings.hosts = {"192.0.2.1"};
    settings.ports = {5060, 5061};
    return settings;
  }
  static Settings open_settings() {
    Settings settings = default_settings();
    settings.authentication = Authentication::none;
    return settings;
  }

  /// As after kill -9: what the store has is there, nothing else.
  /// With other settings from the next restart on.
  void configure(Settings settings) { settings_ = std::move(settings); }
  void restart(unsigned shards) {
    node_.reset();
    stores_.clear();
    start(shards);
  }

  void add_user(const std::string& aor, const std::string& password = "secret") {
    auto user = users::make_user(aor, password, random);
    REQUIRE(user.has_value());
    memory.users.emplace(user->aor, *user);
  }

  Node& node() { return *node_; }
  registrar::Registrar& registrar(const std::string& aor) {
    return node_->shard(node_->owner(bucket_of(aor))).room<registrar::Registrar>();
  }

  void receive(const Hop& from, const std::string& text) {
    bring(from, text);
    run();
  }
  /// What it asks of the store and of other shards is still under way.
  void bring(const Hop& from, const std::string& text) {
    auto message = sip::Message::parse(share(text));
    REQUIRE(message.has_value());
    node_->shard(0).on_message(from, std::move(*message));
  }
  void run() { timers.advance(clock.now().mono); }
  void wait(Duration by) {
    const Time end = clock.now().mono + by;
    while (timers.next() && *timers.next() <= end) {
      clock.advance(std::max(Duration::zero(), *timers.next() - clock.now().mono));
      run();
    }
    clock.advance(end - clock.now().mono);
  }

  std::string text_of(const Ask& ask) {
    const std::string branch = ask.branch.empty() ? "z9hG4bK" + random.token(6) : ask.branch;
    const std::string to = ask.to.empty() ? ask.from : ask.to;
    std::string text =
        ask.method + ' ' + ask.uri + " SIP/2.0\r\n" +
        "Via: SIP/2.0/UDP 192.0.2.9:5070;rport;branch=" + branch + "\r\nMax-Forwards: 70\r\nFrom: <" +
        ask.from + ">;tag=" + ask.from_tag + "\r\nTo: " + (to.find('<') == to.npos ? '<' + to + '>' : to) +
        "\r\nCall-ID: " + ask.call_id + "\r\nCSeq: " + std::to_string(ask.cseq) + ' ' + ask.method + "\r\n";
    for (const auto& line : ask.lines) text += line + "\r\n";
    return text + "Content-Length: " + std::to_string(ask.body.size()) + "\r\n\r\n" + ask.body;
  }

  /// Sends and gives the first message that comes of it.
  sip::Message ask(const Hop& from, const Ask& request) {
    receive(from, text_of(request));
    return take().message;
  }

  /// Sends, answers a challenge as the user would, gives the final answer.
  sip::Message ask_as(const Hop& from, Ask request, const std::string& user,
                      const std::string& password = "secret") {
    const auto challenge = ask(from, request);
    if (challenge.status() != 401 && challenge.status() != 407) return challenge;
    request.lines.push_back(credentials(challenge, request, user, password));
    request.cseq++;
    return ask(from, request);
  }

  /// The header line that answers a 401 or 407.
  static std::string credentials(const sip::Message& challenge, const Ask& request, const std::string& user,
                                 const std::string& password) {
    const bool relayed = challenge.status() == 407;
    std::vector<std::string_view> offered;
    for (const auto& line : challenge.headers()) {
      if (line.id == sip::HeaderId::www_authenticate || line.id == sip::HeaderId::proxy_authenticate) {
        offered.push_back(line.value);
      }
    }
    const auto chosen = auth::choose(offered);
    REQUIRE(chosen.has_value());
    const auto value = auth::answer(*chosen, {.user = user,
                                              .password = password,
                                              .method = request.method,
                                              .uri = request.uri,
                                              .body = request.body,
                                              .cnonce = "0a4f113b"});
    return (relayed ? "Proxy-Authorization: " : "Authorization: ") + value;
  }

  Sent take() { return wire.take(); }

  VirtualClock clock;
  TimerQueue timers;
  Wire wire;
  store::Memory memory;
  std::string boot = "boot 1";  ///< Of the machine, at the next start.
  locate::test::Zone zone{timers, clock};
  SeededRandom random{7};
  locate::Finder locator{zone, {.ipv6 = false}, timers, clock, random};

 private:
  /// What one shard has for itself.
  struct Own {
    Own(store::Memory& memory, TimerQueue& timers, Clock& clock, Duration store_latency)
        : state(memory, timers, clock, store_latency),
          users(memory, timers, clock, store_latency),
          bus(timers, clock) {}
    store::MemoryStore state;
    store::MemoryUsers users;
    store::LocalBus bus;
  };

  static void few_rooms(Node& node) {
    for (unsigned i = 0; i < node.size(); ++i) add_few_rooms(node.shard(i), node.key());
  }
  static void add_few_rooms(Shard& shard, const ServerKey& key) {
    auto& registrar = shard.add<registrar::Registrar>(shard, key.gruus);
    auto& proxy = shard.add<proxy::Proxy>(proxy::Proxy::Parts{.services = shard,
                                                              .sender = shard,
                                                              .peers = shard,
                                                              .locator = shard.locator(),
                                                              .users = shard.users(),
                                                              .registrar = registrar},
                                          key.dialogs);
    auto& archive = shard.add<archive::Archive>(shard, shard, key.gruus);
    shard.add<message::Messages>(message::Messages::Parts{.services = shard,
                                                          .sender = shard,
                                                          .peers = shard,
                                                          .locator = shard.locator(),
                                                          .users = shard.users(),
                                                          .registrar = registrar,
                                                          .proxy = proxy,
                                                          .archive = archive},
                                 key.dialogs);
    shard.set_relay(proxy);
  }

  void start(unsigned shards) {
    memory.begin(boot, clock.now());
    std::vector<Node::Seat> seats;
    for (unsigned i = 0; i < shards; ++i) {
      Own& own = *stores_.emplace_back(std::make_unique<Own>(memory, timers, clock, store_latency_));
      seats.push_back({{wire, timers, clock, random, own.state, own.users, own.bus, locator},
                       [this](std::function<void()> work) {
                         timers.set(clock.now().mono, [work = std::move(work)](Time) { work(); });
                       }});
    }
    node_ = std::make_unique<Node>(settings_, random, seats);
    rooms_(*node_);
    memory.load(*node_);
    node_->restored();
  }

  Settings settings_;
  Duration store_latency_;
  AddRooms rooms_;
  std::vector<std::unique_ptr<Own>> stores_;
  std::unique_ptr<Node> node_;
};

}  // namespace beckon::server::test
