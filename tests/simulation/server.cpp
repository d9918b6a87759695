#include "tests/simulation/server.hpp"

#include <algorithm>
#include <boost/system/errc.hpp>
#include <iterator>
#include <vector>

#include "protocol/locate/finder.hpp"
#include "protocol/stun/message.hpp"
#include "server/server.hpp"
#include "server/shard/node.hpp"
#include "server/web.hpp"
#include "tests/protocol/locate/zone.hpp"

namespace beckon::simulation {
namespace {

/// Between a commit and its callback: a group commit's time (DESIGN 1.4).
constexpr Duration store_latency = 2ms;
/// How long a task may lie between two shards.
constexpr std::uint64_t hand_over_max_us = 200;

const ErrorCode closed = boost::system::errc::make_error_code(boost::system::errc::connection_reset);

server::Settings place(server::Settings settings, const Address& address) {
  settings.domains = {"example.org"};
  // Both outlive the state of their user, and memory is counted.
  settings.watch_log_lines = 0;
  settings.archive.messages_per_user = 0;
  settings.hosts = {print(address.ip)};
  settings.ports = {address.port};
  return settings;
}

}  // namespace

/// The network, until the server dies.
class Server::Transport final : public transaction::Transport {
 public:
  Transport(Server& server, SipPort& port) : server_(server), port_(port) {}
  void send(const transaction::Hop& hop, transaction::Outgoing message,
            transaction::OnFailed failed) override {
    if (!server_.passes()) return;
    port_.send(hop, std::move(message), std::move(failed));
    server_.passes();
  }
  std::string sent_by(const transaction::Hop& hop) const override { return port_.sent_by(hop); }

 private:
  Server& server_;
  SipPort& port_;
};

/// The stores, until the server dies.
class Server::State final : public store::StateStore {
 public:
  State(Server& server, TimerQueue& timers, World& world)
      : server_(server), store_(server.memory_, timers, world, store_latency) {}
  bool is_shared() const override { return store_.is_shared(); }
  store::TimeScale scale() const override { return store_.scale(); }
  void commit(store::Batch batch, Done done) override {
    if (server_.passes()) store_.commit(std::move(batch), server_.unless_dead(std::move(done)));
  }
  void load(const std::string& aor, Loaded loaded) override { store_.load(aor, std::move(loaded)); }

 private:
  Server& server_;
  store::MemoryStore store_;
};

class Server::Durable final : public store::DurableStore {
 public:
  Durable(Server& server, TimerQueue& timers, World& world)
      : server_(server), store_(server.memory_, timers, world, store_latency) {}
  void commit(store::Batch batch, Done done) override {
    if (server_.passes()) store_.commit(std::move(batch), server_.unless_dead(std::move(done)));
  }
  void load(const std::string& aor, Loaded loaded) override { store_.load(aor, std::move(loaded)); }
  void find_user(std::string_view aor, FoundUser found) override { store_.find_user(aor, std::move(found)); }
  void find_user_by_hash(std::string_view hash, FoundUser found) override {
    store_.find_user_by_hash(hash, std::move(found));
  }

 private:
  Server& server_;
  store::MemoryUsers store_;
};

/// What one shard has for itself.
struct Server::Seat {
  Seat(Server& server, World& world)
      : timers(world.make_timers(heap::Owner::server)),
        state(server, *timers, world),
        durable(server, *timers, world),
        bus(*timers, world),
        names(*timers, world),
        locator(names, {}, *timers, world, world.random()) {}

  std::shared_ptr<TimerQueue> timers;
  State state;
  Durable durable;
  store::LocalBus bus;
  locate::test::Zone names;  ///< Holds no names.
  locate::Finder locator;
  Time busy_until{};  ///< Tasks from other shards arrive in order.
};

struct Server::Process {
  Process(Server& server, World& world)
      : sip(server.network_, server.address_, SipPort::Streams::takes,
            {.on_message =
                 [this, &server, &world](const transaction::Hop& from, const sip::Message& message) {
                   const auto sender = message.from();
                   if (message.is_request() && sender &&
                       server.gone_.contains(sip::canonical_aor(sender->uri)))
                     return;
                   const heap::Scope scope(heap::Owner::server);
                   any_shard(world).on_message(from, message);
                 },
             .on_flow_opened = [](const transaction::Hop&) {},
             .on_flow_closed =
                 [this](transaction::FlowId flow) {
                   const heap::Scope scope(heap::Owner::server);
                   node->on_flow_closed(flow);
                 },
             .on_stun = [](const Address& from,
                           ByteView message) { return stun::make_binding_response(message, from, {}); }}),
        transport(server, sip) {
    server.memory_.begin("boot", world.now());
    std::vector<server::Node::Seat> parts;
    for (unsigned i = 0; i < server.shards_; ++i) {
      Seat& seat = *seats.emplace_back(std::make_unique<Seat>(server, world));
      parts.push_back(
          {{transport, *seat.timers, world, world.random(), seat.state, seat.durable, seat.bus, seat.locator},
           [&seat, &world](std::function<void()> work) {
             const Duration takes(static_cast<Duration::rep>(world.random().below(hand_over_max_us)));
             seat.busy_until = std::max(seat.busy_until, world.now().mono + takes);
             seat.timers->set(seat.busy_until, [work = std::move(work)](Time) { work(); });
           }});
    }
    node = std::make_unique<server::Node>(server.settings_, world.random(), parts);
    server::add_rooms(*node);
    server.memory_.load(*node);
    node->restored();
    for (const auto& [aor, removed] : server.gone_) end_user(aor, removed);
  }

  void end_user(const std::string& aor, bool removed) {
    node->each([aor, removed](server::Shard& shard) { shard.on_user_gone(aor, removed); });
  }

  /// A datagram may come in on any shard's socket, a connection on any shard.
  server::Shard& any_shard(World& world) {
    return node->shard(static_cast<unsigned>(world.random().below(node->size())));
  }

  SipPort sip;
  Transport transport;
  std::vector<std::unique_ptr<Seat>> seats;
  std::unique_ptr<server::Node> node;
};

Server::Server(SipNetwork& network, const Address& address, unsigned shards, server::Settings settings)
    : network_(network), address_(address), shards_(shards), settings_(place(std::move(settings), address)) {}

Server::~Server() = default;

void Server::end_user(const std::string& aor, bool removed) {
  const heap::Scope scope(heap::Owner::server);
  gone_[aor] = removed;
  if (process_ && !is_dead_) process_->end_user(aor, removed);
}

void Server::start() {
  const heap::Scope scope(heap::Owner::server);
  is_dead_ = false;
  ++starts_;
  process_ = std::make_unique<Process>(*this, network_.datagrams().world());
}

void Server::crash() {
  is_dead_ = true;
  process_.reset();
  for (auto& [id, done] : std::exchange(requests_, {})) done(closed);
}

void Server::crash_at(std::uint64_t count, std::function<void()> crashed) {
  points_left_ = count;
  crashed_ = std::move(crashed);
}

bool Server::passes() {
  if (is_dead_) return false;
  ++points_;
  if (!points_left_ || (*points_left_)-- > 0) return true;
  // It is in the middle of its work, which must return before it can be cleared away.
  is_dead_ = true;
  points_left_.reset();
  World& world = network_.datagrams().world();
  world.note("crash");
  world.timers().set(world.now().mono, [this, start = starts_](Time) {
    if (start != starts_ || !is_dead_) return;
    crash();
    crashed_();
  });
  return false;
}

store::RecordStore::Done Server::unless_dead(store::RecordStore::Done done) {
  return [this, done = std::move(done)](const Result<store::Version>& version) {
    if (passes()) done(version);
  };
}

void Server::cut_flows() {
  if (process_) process_->sip.cut_flows();
}

void Server::handle_http(http::HttpRequest request, HttpDone done) {
  if (!process_ || is_dead_) {
    network_.datagrams().deliver_reliably([done = std::move(done)] { done(closed); });
    return;
  }
  const heap::Scope scope(heap::Owner::server);
  const std::uint64_t id = ++last_request_;
  requests_.emplace(id, std::move(done));
  auto& web = process_->node->shard(0).room<server::Web>();
  web.handle(std::move(request), [this, id](http::HttpResponse response) {
    const auto found = requests_.find(id);
    if (found == requests_.end() || !passes()) return;
    const HttpDone answer = std::move(found->second);
    requests_.erase(found);
    answer(std::move(response));
    passes();
  });
}

std::size_t Server::nonces() const {
  std::size_t nonces = 0;
  for (unsigned i = 0; process_ && i < process_->node->size(); ++i)
    nonces += process_->node->shard(i).nonces();
  return nonces;
}

std::vector<server::Row> Server::rows(std::string_view table) const {
  std::vector<server::Row> rows;
  for (unsigned i = 0; process_ && i < process_->node->size(); ++i)
    for (auto& each : process_->node->shard(i).tables())
      if (each.name == table) std::ranges::move(each.rows, std::back_inserter(rows));
  return rows;
}

std::map<std::string, std::size_t> Server::size() const {
  std::map<std::string, std::size_t> size;
  for (unsigned i = 0; process_ && i < process_->node->size(); ++i) {
    server::Shard& shard = process_->node->shard(i);
    size["timers"] += process_->seats[i]->timers->size();
    size["transactions"] += shard.transactions().size();
    for (const auto& table : shard.tables())
      if (table.name != "documents") size[table.name] += table.rows.size();
  }
  for (const auto& [key, value] : memory_.records)
    if (std::get<store::Kind>(key) != store::Kind::document) ++size["records"];
  return size;
}

}  // namespace beckon::simulation
