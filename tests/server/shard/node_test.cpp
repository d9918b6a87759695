#include "server/shard/node.hpp"

#include <algorithm>
#include <future>
#include <thread>

#include "protocol/net/loop.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

/// One shard's parts, on a loop of its own.
struct Side {
  explicit Side(std::uint8_t number) : loop(number) {}

  Node::Seat seat() {
    return {{wire, loop.timers(), loop.clock(), random, state, users, bus, locator},
            [this](std::function<void()> work) { loop.post(std::move(work)); }};
  }

  net::Loop loop;
  Wire wire;
  SeededRandom random{7};
  store::Memory memory;
  store::MemoryStore state{memory, loop.timers(), loop.clock()};
  store::MemoryUsers users{memory, loop.timers(), loop.clock()};
  store::LocalBus bus{loop.timers(), loop.clock()};
  locate::test::Zone zone{loop.timers(), loop.clock()};
  locate::Finder locator{zone, {.ipv6 = false}, loop.timers(), loop.clock(), random};
};

/// Keeps the Call-IDs of the MESSAGEs that reach it, and stands still in the first one until it is let go.
class Witness final : public Room {
 public:
  Serves serves() const override { return {.methods = {sip::Method::message}}; }
  void on_request(const RequestPtr& request) override {
    seen.emplace_back(request->message.call_id());
    if (seen.size() > 1) return;
    standing.set_value();
    let_go.get_future().wait();
  }

  std::vector<std::string> seen;
  std::promise<void> standing, let_go;
};

/// Runs a loop on a thread of its own until `finish`.
class Runner {
 public:
  explicit Runner(net::Loop& loop) : loop_(loop), thread_([&loop] { loop.run(); }) {}
  ~Runner() { finish(); }
  /// What was posted before it has run when this returns.
  void finish() {
    if (!thread_.joinable()) return;
    loop_.post([this] { loop_.stop(); });
    thread_.join();
  }

 private:
  net::Loop& loop_;
  std::thread thread_;
};

std::string user_of_shard(const Node& node, unsigned shard) {
  for (int i = 0;; ++i) {
    const std::string aor = "sip:user" + std::to_string(i) + "@example.org";
    if (node.owner(bucket_of(aor)) == shard) return aor;
  }
}

}  // namespace

TEST_CASE("messages handed from shard to shard arrive in order, less those that a full queue refused") {
  constexpr std::size_t room_in_queue = 5, too_many = 7, behind = 300;
  auto settings = World::open_settings();
  settings.queue_between_shards = room_in_queue;
  Side near{0}, far{1};
  Node node(settings, near.random, {near.seat(), far.seat()});
  auto& witness = node.shard(1).add<Witness>();
  const std::string to = user_of_shard(node, 1);

  World texts;
  std::vector<std::string> taken;
  int number = 0;
  const auto send = [&] {
    const Ask ask{.method = "MESSAGE", .uri = to, .to = to, .call_id = "message-" + std::to_string(++number)};
    auto message = sip::Message::parse(share(texts.text_of(ask)));
    near.wire.sent.clear();
    node.shard(0).on_message(udp(5070), std::move(*message));
    if (near.wire.sent.empty()) {
      taken.push_back(ask.call_id);
      return true;
    }
    CHECK(near.wire.sent.front().message.status() == 503);
    CHECK(near.wire.sent.front().message.call_id() == ask.call_id);
    return false;
  };

  Runner runner(far.loop);
  CHECK(send());
  REQUIRE(witness.standing.get_future().wait_for(60s) == std::future_status::ready);
  for (std::size_t i = 0; i < room_in_queue; ++i) CHECK(send());
  for (std::size_t i = 0; i < too_many; ++i) CHECK_FALSE(send());
  witness.let_go.set_value();
  while (taken.size() < 1 + room_in_queue + behind) {
    if (!send()) std::this_thread::yield();  // both threads run now: how often it is full differs
  }
  runner.finish();

  CHECK(node.shard(0).counters().overload >= too_many);
  CHECK(witness.seen == taken);
}

TEST_CASE("a bucket moves to another shard at run time, and what is on its way follows it (DESIGN 1.2)") {
  World world(World::open_settings(), 2);
  const std::string aor = user_of_shard(world.node(), 1);
  const auto requests_at = [&](unsigned shard) { return world.node().shard(shard).counters().requests; };
  const auto text = [&](const std::string& call_id) {
    return world.text_of({.from = aor, .call_id = call_id, .lines = {"Contact: <sip:a@192.0.2.9:5070>"}});
  };
  world.receive(udp(5070), text("before"));
  CHECK(requests_at(1) == 1);
  world.node().shard(0).on_message(udp(5070), sip::Message::parse(share(text("on-its-way"))).value());
  world.node().move(bucket_of(aor), 0);
  world.run();
  CHECK(requests_at(0) == 1);
  world.receive(udp(5070), text("after"));
  CHECK(requests_at(0) == 2);
  CHECK(requests_at(1) == 1);
  REQUIRE(world.wire.sent.size() == 3);
  for (const Sent& sent : world.wire.sent) CHECK(sent.message.status() == 200);
}

TEST_CASE("a value reaches the room of another bucket on its owner's thread, and the answer comes back") {
  struct Echo final : Room {
    struct Question {
      Bucket back;
    };
    struct Reply {};
    explicit Echo(Peers& p) : peers(p) {}
    void on(const Question& question, Bucket, Now) { peers.post_back<Echo>(question.back, Reply{}); }
    void on(const Reply&, Bucket at, Now) { answered = at; }
    Peers& peers;
    std::optional<Bucket> answered;
  };
  auto settings = World::open_settings();
  settings.queue_between_shards = 1;
  World world(settings, 2);
  auto& near = world.node().shard(0).add<Echo>(world.node().shard(0));
  world.node().shard(1).add<Echo>(world.node().shard(1));
  Peers& here = world.node().shard(0);
  CHECK(here.post<Echo>(Bucket{1}, Echo::Question{.back = 2}));
  CHECK_FALSE(here.post<Echo>(Bucket{1}, Echo::Question{.back = 4}));  // the queue is full
  world.run();
  CHECK(near.answered == Bucket{2});
}

TEST_CASE(
    "ten thousand connections that close at once are worked off in turns, in order, with others between") {
  struct Witness final : Room {
    void on_flow_closed(transaction::FlowId flow, Now) override { seen.push_back(flow); }
    std::vector<transaction::FlowId> seen;
  };
  constexpr std::size_t count = 10'000, most = 128;
  World world(World::open_settings());
  auto& witness = world.node().shard(0).add<Witness>();
  for (transaction::FlowId flow = 1; flow <= count; ++flow) world.node().on_flow_closed(flow);
  std::size_t turns = 0, others = 0;
  for (std::size_t before = 0; witness.seen.size() < count; before = witness.seen.size()) {
    // What comes in between two turns is served between them, and not after all.
    world.timers.set(world.clock.now().mono, [&](Time) { others += witness.seen.size() < count ? 1U : 0U; });
    REQUIRE(world.timers.step(world.clock.now().mono));
    while (witness.seen.size() == before) REQUIRE(world.timers.step(world.clock.now().mono));
    CHECK(witness.seen.size() <= before + most);
    ++turns;
  }
  CHECK(turns == (count + most - 1) / most);
  CHECK(others >= turns - 2);
  CHECK(std::ranges::is_sorted(witness.seen));
}
