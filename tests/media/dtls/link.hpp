#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "media/dtls/machine.hpp"

namespace beckon::dtls::test {

/// Two machines and what lies between them, on a virtual clock. Datagrams take 10 ms.
class Link {
 public:
  struct Flight {
    bool to_server = false;
    Time arrives{};
    Bytes octets;
  };
  /// Changes, drops or copies what is sent; empty: as it is. The number counts all datagrams.
  using Mangle = std::function<std::vector<Flight>(Flight flight, unsigned number)>;

  explicit Link(Bytes source = {1})
      : client(alice, Role::client, {}), server(bob, Role::server, std::move(source)) {}

  void collect() {
    for (Machine* end : {&client, &server}) {
      for (Bytes& each : end->take_output()) {
        largest = std::max(largest, each.size());
        Flight flight{end == &client, now + std::chrono::milliseconds(10), std::move(each)};
        const unsigned number = sent++;
        if (!mangle) {
          waiting.push_back(std::move(flight));
          continue;
        }
        for (Flight& kept : mangle(std::move(flight), number)) waiting.push_back(std::move(kept));
      }
    }
  }

  /// Runs until both are connected or failed, or nothing happens any more; at most a virtual minute.
  void run() {
    client.start(now);
    collect();
    const Time until = now + std::chrono::seconds(60);
    while (now < until) {
      std::optional<Time> next;
      const auto sooner = [&](std::optional<Time> when) {
        if (when && (!next || *when < *next)) next = when;
      };
      sooner(client.deadline());
      sooner(server.deadline());
      for (const Flight& each : waiting) sooner(each.arrives);
      if (!next) return;
      now = std::max(now, *next);
      client.on_deadline(now);
      server.on_deadline(now);
      for (std::size_t i = 0; i < waiting.size();) {
        if (waiting[i].arrives > now) {
          ++i;
          continue;
        }
        const Flight arrived = std::move(waiting[i]);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
        (arrived.to_server ? server : client).on_datagram(arrived.octets, now);
      }
      collect();
    }
  }
  bool is_done() const {
    return client.state() == Machine::State::connected && server.state() == Machine::State::connected;
  }
  bool has_same_keys() const {
    return is_done() && client.keys()->local == server.keys()->remote &&
           client.keys()->remote == server.keys()->local && client.keys()->profile == server.keys()->profile;
  }

  Identity alice, bob;
  Machine client, server;
  Time now = Time{} + std::chrono::seconds(1000);
  std::deque<Flight> waiting;
  Mangle mangle;
  unsigned sent = 0;
  std::size_t largest = 0;
};

}  // namespace beckon::dtls::test
