#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "media/direct/endpoint.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/ds1/ticket.hpp"

/// Endpoints joined by an in-memory network under a virtual clock.
namespace world {

using namespace beckon;
using namespace beckon::direct;

class Network;

/// A user agent's media side with all its events and received media.
class Agent final : public Sink, public Trust {
 public:
  struct Heard {
    Time when;
    std::string payload;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
  };

  Agent(Network& network, std::string aor, std::string_view address, std::uint64_t seed);

  // Sink
  void send(const Address& to, ByteView datagram) override;
  void on_media(CallId call, MediaKind kind, const rtp::Packet& packet, Time now) override;
  void on_event(const Event& event, Time now) override;
  // Trust
  bool is_verified(std::string_view name, const crypto::Key32& key) override {
    return verified.contains({std::string(name), key});
  }
  bool is_pinned(std::string_view name, const Ident& ident) override {
    return pinned.contains({std::string(name), ident.key});
  }

  /// Publishes audio, opus 111, with a fresh epoch.
  void publish(ds1::Mode mode = ds1::Mode::automatic);
  void new_epoch();
  /// What `watcher` would read in its NOTIFY about this agent.
  Offer offer_to(const Agent& watcher, ds1::Mode mode = ds1::Mode::automatic);
  /// Both user agents have verified each other's device keys.
  void trust(const Agent& other) { verified.insert({other.aor, other.device.pub}); }
  bool say(CallId call, std::string_view payload);

  template <class E>
  std::vector<std::pair<E, Time>> events_of() const {
    std::vector<std::pair<E, Time>> out;
    for (const auto& [event, when] : events) {
      if (const E* one = std::get_if<E>(&event)) out.emplace_back(*one, when);
    }
    return out;
  }
  template <class E>
  E last() const {
    const auto all = events_of<E>();
    return all.empty() ? E{} : all.back().first;
  }

  Network& network;
  std::string aor;
  Address address;
  SeededRandom random;
  crypto::KeyPair device;
  crypto::KeyPair identity;
  Policy policy;
  ds1::Epoch epoch{};
  crypto::Key32 secret{};
  std::set<std::pair<std::string, crypto::Key32>> verified;
  std::set<std::pair<std::string, crypto::Key32>> pinned;
  std::vector<std::pair<Event, Time>> events;
  std::vector<Heard> heard;
  std::uint64_t octets_sent = 0;
  std::uint32_t clock = 0;  ///< RTP timestamp of what is said.
  std::optional<Endpoint> endpoint;
};

/// One datagram on its way.
struct Flight {
  Address from;
  Address to;
  Bytes datagram;
};

class Network {
 public:
  static constexpr Duration delay = 50ms;

  void join(Agent& agent) { agents_[agent.address] = &agent; }
  void move(Agent& agent, const Address& address) {
    agents_.erase(agent.address);
    agent.address = address;
    agents_[address] = &agent;
  }
  void carry(Flight flight) {
    flown.push_back({now, flight});
    if (lose && lose(flight)) return;
    deliver(std::move(flight), delay);
  }
  void deliver(Flight flight, Duration after) {
    timers.set(now + after, [this, flight = std::move(flight)](Time) {
      const auto found = agents_.find(flight.to);
      if (found != agents_.end()) found->second->endpoint->on_datagram(flight.from, flight.datagram, now);
    });
  }
  /// Lets time pass until `until` after the start.
  void run(Duration until) {
    const Time end = start + until;
    for (auto next = timers.next(); next && *next <= end; next = timers.next()) {
      now = std::max(now, *next);
      timers.advance(now);
    }
    now = end;
  }
  Duration elapsed() const { return now - start; }

  static constexpr Time start{Duration(1'000'000'000)};
  Time now = start;
  TimerQueue timers;
  std::function<bool(const Flight&)> lose;  ///< True: the datagram gets lost.
  std::vector<std::pair<Time, Flight>> flown;

 private:
  std::map<Address, Agent*> agents_;
};

inline Agent::Agent(Network& network_, std::string aor_, std::string_view address_, std::uint64_t seed)
    : network(network_),
      aor(std::move(aor_)),
      address(parse_address(address_).value()),
      random(seed),
      device(crypto::make_x25519(random)),
      identity(crypto::make_ed25519(random)) {
  network.join(*this);
  policy.reachable = true;
  const Ident ident{identity.pub, {}, ds1::sign_identity(identity.secret, aor, device.pub, {})};
  endpoint.emplace(Identity{aor, device, ident}, random, network.timers, *this, *this);
  endpoint->set_policy(policy);
}

inline void Agent::send(const Address& to, ByteView datagram) {
  octets_sent += datagram.size();
  network.carry({address, to, Bytes(datagram.begin(), datagram.end())});
}

inline void Agent::on_media(CallId, MediaKind, const rtp::Packet& packet, Time now) {
  heard.push_back(
      {now, std::string(as_text(packet.payload)), packet.header.sequence, packet.header.timestamp});
}

inline void Agent::on_event(const Event& event, Time now) { events.emplace_back(event, now); }

inline void Agent::publish(ds1::Mode mode) {
  Published published;
  published.mode = mode;
  published.media = {{MediaKind::audio, Direction::sendrecv, ds1::Mode::automatic, {{111, 48000}}}};
  endpoint->set_published(published);
  new_epoch();
}

inline void Agent::new_epoch() {
  random.fill(epoch);
  random.fill(secret);
  endpoint->set_epoch(epoch, secret, network.now);
}

inline Offer Agent::offer_to(const Agent& watcher, ds1::Mode mode) {
  Offer offer;
  offer.aor = aor;
  offer.device_key = device.pub;
  offer.verified = watcher.verified.contains({aor, device.pub});
  offer.epoch = epoch;
  offer.grant = ds1::make_grant(secret, epoch, {mode, watcher.aor}, random);
  offer.candidates = {{Candidate::Type::host, 1, address}};
  offer.mode = mode;
  offer.media = {{MediaKind::audio, Direction::sendrecv, 111, 48000}};
  return offer;
}

inline bool Agent::say(CallId call, std::string_view payload) {
  clock += 960;
  return endpoint->send_media(call, MediaKind::audio, as_bytes(payload), clock, false, network.now);
}

/// Alice publishes `auto`, permits Bob, and both trust each other's keys.
struct Couple {
  Network network;
  Agent alice{network, "sip:alice@example.org", "192.0.2.10:40000", 1};
  Agent bob{network, "sip:bob@example.org", "192.0.2.20:40002", 2};

  Couple() {
    alice.publish();
    alice.endpoint->set_permit(bob.aor, ds1::Mode::automatic, network.now);
    alice.trust(bob);
    bob.trust(alice);
  }
  CallId dial() { return bob.endpoint->call(alice.offer_to(bob), network.now).value(); }
  CallId alices_call() const { return alice.last<Incoming>().call; }
  /// Dials and waits until both sides are active.
  CallId talk() {
    const CallId call = dial();
    network.run(network.elapsed() + 300ms);
    return call;
  }
};

inline bool is_hello(const Flight& flight) {
  return flight.datagram.size() > 22 && flight.datagram[0] == 0 && flight.datagram[1] == 1 &&
         flight.datagram[20] == 0xcb && flight.datagram[21] == 0x01;
}
inline bool is_stun(const Flight& flight) { return flight.datagram[0] <= 3; }
inline bool is_rtcp(const Flight& flight) {
  return flight.datagram[0] >= 128 && flight.datagram[1] >= 192 && flight.datagram[1] <= 223;
}
inline bool is_rtp(const Flight& flight) { return flight.datagram[0] >= 128 && !is_rtcp(flight); }
inline std::uint8_t phase_of(const Flight& flight) { return flight.datagram.back(); }

}  // namespace world
