#include "tests/simulation/server.hpp"

#include <boost/system/errc.hpp>
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

server::Settings make_settings(const Address& address) {
  server::Settings settings;
  settings.domains = {"example.org"};
  settings.watch_log_lines = 0;  // it outlives the presentity's state, and memory is counted
  settings.hosts = {print(address.ip)};
  settings.ports = {address.port};
  return settings;
}

/// What one shard has for itself.
struct Seat {
  Seat(World& world, store::Memory& memory)
      : timers(world.make_timers(heap::Owner::server)),
        state(memory, *timers, world, store_latency),
        users(memory, *timers, world, store_latency),
        bus(*timers, world),
        names(*timers, world),
        locator(names, {}, *timers, world, world.random()) {}

  std::shared_ptr<TimerQueue> timers;
  store::MemoryStore state;
  store::MemoryUsers users;
  store::LocalBus bus;
  locate::test::Zone names;  ///< Holds no names.
  locate::Finder locator;
  Time busy_until{};  ///< Tasks from other shards arrive in order.
};

}  // namespace

struct Server::Process {
  Process(Server& server, World& world)
      : sip(server.network_, server.address_, SipPort::Streams::takes,
            {.on_message =
                 [this, &world](const transaction::Hop& from, const sip::Message& message) {
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
                           ByteView message) { return stun::make_binding_response(message, from, {}); }}) {
    server.memory_.begin("boot", world.now());
    std::vector<server::Node::Seat> parts;
    for (unsigned i = 0; i < server.shards_; ++i) {
      Seat& seat = *seats.emplace_back(std::make_unique<Seat>(world, server.memory_));
      parts.push_back(
          {{sip, *seat.timers, world, world.random(), seat.state, seat.users, seat.bus, seat.locator},
           [&seat, &world](std::function<void()> work) {
             const Duration takes(static_cast<Duration::rep>(world.random().below(hand_over_max_us)));
             seat.busy_until = std::max(seat.busy_until, world.now().mono + takes);
             seat.timers->set(seat.busy_until, [work = std::move(work)](Time) { work(); });
           }});
    }
    node = std::make_unique<server::Node>(make_settings(server.address_), world.random(), parts);
    for (unsigned i = 0; i < node->size(); ++i) server::add_rooms(node->shard(i), node->key());
    server.memory_.load(*node);
    node->restored();
  }

  /// A datagram may come in on any shard's socket, a connection on any shard.
  server::Shard& any_shard(World& world) {
    return node->shard(static_cast<unsigned>(world.random().below(node->size())));
  }

  SipPort sip;
  std::vector<std::unique_ptr<Seat>> seats;
  std::unique_ptr<server::Node> node;
};

Server::Server(SipNetwork& network, const Address& address, unsigned shards)
    : network_(network), address_(address), shards_(shards) {}

Server::~Server() = default;

void Server::start() {
  const heap::Scope scope(heap::Owner::server);
  process_ = std::make_unique<Process>(*this, network_.datagrams().world());
}

void Server::crash() {
  process_.reset();
  for (auto& [id, done] : std::exchange(requests_, {})) done(closed);
}

void Server::cut_flows() {
  if (process_) process_->sip.cut_flows();
}

void Server::handle_http(http::HttpRequest request, HttpDone done) {
  if (!process_) {
    network_.datagrams().deliver_reliably([done = std::move(done)] { done(closed); });
    return;
  }
  const heap::Scope scope(heap::Owner::server);
  const std::uint64_t id = ++last_request_;
  requests_.emplace(id, std::move(done));
  auto& web = process_->node->shard(0).room<server::Web>();
  web.handle(std::move(request), [this, id](http::HttpResponse response) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return;
    const HttpDone answer = std::move(found->second);
    requests_.erase(found);
    answer(std::move(response));
  });
}

std::size_t Server::nonces() const {
  std::size_t nonces = 0;
  for (unsigned i = 0; process_ && i < process_->node->size(); ++i)
    nonces += process_->node->shard(i).nonces();
  return nonces;
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
