#pragma once

#include <cstdint>
#include <functional>

#include "tests/simulation/order.hpp"
#include "tests/simulation/server.hpp"
#include "tests/simulation/stage.hpp"

namespace beckon::simulation {

/// A stage with a server that crashes and comes back: how each history on it begins and ends.
class ServerStage : protected Stage {
 public:
  /// Throws `Wrong`. When all have left the server must hold what it held at its start.
  void run();

 protected:
  ServerStage(std::uint64_t seed, bool trace, unsigned shards, server::Settings settings)
      : Stage(seed, trace), server_(sip_, *parse_address("10.0.0.1:5060"), shards, std::move(settings)) {}
  virtual ~ServerStage() = default;

  /// People do all they do, in any weather.
  virtual void act() = 0;
  /// Nothing more happens, and what is under way comes to its end.
  virtual void calm() = 0;
  virtual void check_all() = 0;
  /// Everybody, and every lifetime is over.
  virtual void leave() = 0;
  /// Throws what was seen to be wrong so far.
  virtual void check_wire() const {
    if (!order_.fault().empty()) throw Wrong{order_.fault()};
  }
  virtual void server_started() {}

  void start_server();
  /// `crashed` says for how long it stays away.
  void crash_at(std::uint64_t point, std::function<Duration()> crashed);
  /// What `calm` begins with.
  void quieten();

  Order order_;
  Server server_;
  bool is_calm_ = false;
};

}  // namespace beckon::simulation
