#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "protocol/base/address.hpp"
#include "tests/simulation/world.hpp"

namespace beckon::simulation {

/// What the network does to datagrams. Streams lose nothing and keep their order; they only take time.
struct Weather {
  double loss = 0;
  double duplication = 0;
  double reordering = 0;  ///< Share of datagrams that take up to ten times as long.
  Duration delay = 5ms;   ///< One way; each takes between this and twice this.
};

/// Datagrams between the addresses of a virtual network, and the time anything takes.
class Network {
 public:
  using OnDatagram = std::function<void(const Address& from, const std::string& datagram)>;

  explicit Network(World& world) : world_(world) {}

  void set_weather(Weather weather) { weather_ = weather; }
  World& world() { return world_; }

  /// The receiver of datagrams sent to `address`; removed with the returned handle.
  std::shared_ptr<void> listen(const Address& address, OnDatagram on_datagram);
  void send(const Address& from, const Address& to, std::string datagram);

  /// Runs `work` when something sent now over a stream arrives, but not before `after`; returns when.
  Time deliver_reliably(std::function<void()> work, Time after = {});

 private:
  void deliver(const Address& from, const Address& to, const std::shared_ptr<const std::string>& datagram);
  Duration delay();

  World& world_;
  Weather weather_;
  std::map<Address, std::weak_ptr<OnDatagram>> listeners_;
};

}  // namespace beckon::simulation
