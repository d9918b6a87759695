#include "tests/simulation/network.hpp"

#include <algorithm>

namespace beckon::simulation {

std::shared_ptr<void> Network::listen(const Address& address, OnDatagram on_datagram) {
  const heap::Scope scope(heap::Owner::nobody);
  auto listener = std::make_shared<OnDatagram>(std::move(on_datagram));
  listeners_[address] = listener;
  return listener;
}

void Network::send(const Address& from, const Address& to, std::string datagram) {
  const heap::Scope scope(heap::Owner::nobody);
  world_.note("datagram " + print(from) + ' ' + print(to), datagram);
  const auto shared = std::make_shared<const std::string>(std::move(datagram));
  if (world_.random().unit() >= weather_.loss) deliver(from, to, shared);
  if (world_.random().unit() < weather_.duplication) deliver(from, to, shared);
}

Duration Network::delay() {
  const double spread = world_.random().unit();
  return weather_.delay +
         Duration(static_cast<Duration::rep>(spread * static_cast<double>(weather_.delay.count())));
}

void Network::deliver(const Address& from, const Address& to,
                      const std::shared_ptr<const std::string>& datagram) {
  Duration takes = delay();
  if (world_.random().unit() < weather_.reordering)
    takes += delay() * static_cast<int>(world_.random().below(9));
  world_.timers().set(world_.now().mono + takes, [this, from, to, datagram](Time) {
    const auto found = listeners_.find(to);
    if (found == listeners_.end()) return;
    world_.note("arrives " + print(from) + ' ' + print(to), *datagram);
    if (const auto listener = found->second.lock()) (*listener)(from, *datagram);
  });
}

Time Network::deliver_reliably(std::function<void()> work, Time after) {
  const heap::Scope scope(heap::Owner::nobody);
  const Time arrival = std::max(world_.now().mono + delay(), after);
  world_.timers().set(arrival, [work = std::move(work)](Time) { work(); });
  return arrival;
}

}  // namespace beckon::simulation
