#include "media/stream/stream.hpp"

#include <utility>

namespace beckon::stream {

Stream::Stream(boost::asio::io_context& context, Clock& clock, TimerQueue& timers, Random& random,
               direct::Identity identity, direct::Trust& trust, User& user)
    : clock_(clock),
      port_(context),
      calls_(std::move(identity), random, timers, trust, static_cast<Network&>(*this), user) {}

Result<void> Stream::start(const Address& local) {
  return port_.open(
      local,
      {.on_datagram = [this](const Address& from,
                             ByteView datagram) { calls_.on_datagram(from, datagram, clock_.now().mono); },
       .on_unreachable = [this](const Address& to) { calls_.on_unreachable(to, clock_.now().mono); }});
}

std::vector<direct::Candidate> Stream::candidates(bool loopback) const {
  return host_candidates(port_.local(), read_interfaces(), loopback);
}

}  // namespace beckon::stream
