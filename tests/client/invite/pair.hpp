#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/invite/calls.hpp"
#include "tests/client/bench.hpp"

/// Two user agents with calls by INVITE, and a network between them: what one sends the other receives, as if
/// a proxy stood between them that changes nothing.
namespace beckon::client::test {

/// UDP ports of both, by their addresses.
struct MediaNetwork {
  std::map<Address, invite::Ports::OnDatagram> ports;
  struct Datagram {
    Address from, to;
    Bytes octets;
  };
  std::vector<Datagram> waiting;
  std::uint16_t next_port = 30000;
  std::size_t carried = 0;

  void deliver() {
    for (auto& each : std::exchange(waiting, {})) {
      const auto found = ports.find(each.to);
      if (found == ports.end()) continue;
      ++carried;
      found->second(each.from, each.octets);
    }
  }
};

class FakePorts final : public invite::Ports {
 public:
  explicit FakePorts(MediaNetwork& network) : network_(network) {}

  Result<std::unique_ptr<stream::MediaPort>> open(const IpAddress& ip, OnDatagram on_datagram) override {
    if (fails) return make_error_code(boost::system::errc::too_many_files_open);
    const Address own{ip, network_.next_port++};
    network_.ports[own] = std::move(on_datagram);
    return std::unique_ptr<stream::MediaPort>(std::make_unique<Port>(network_, own));
  }

  bool fails = false;

 private:
  class Port final : public stream::MediaPort {
   public:
    Port(MediaNetwork& network, const Address& own) : network_(network), own_(own) {}
    ~Port() override { network_.ports.erase(own_); }
    Address local() const override { return own_; }
    void send(const Address& to, ByteView datagram) override {
      network_.waiting.push_back({own_, to, Bytes(datagram.begin(), datagram.end())});
    }

   private:
    MediaNetwork& network_;
    Address own_;
  };

  MediaNetwork& network_;
};

/// A network, and the ports of one device on it: the base of a fixture whose agent needs them.
struct OwnPorts {
  MediaNetwork network;
  FakePorts ports{network};
};

/// One end: a bench with its calls.
struct End : Bench {
  End(MediaNetwork& network, const std::string& user, transaction::Protocol protocol, invite::Options options)
      : Bench(protocol), ports(network) {
    account = *account::parse_account(user + "@example.org");
    account.password = "secret";
    // Tags and keys of both ends differ.
    random = SeededRandom(static_cast<std::uint64_t>(user.front()));
    calls.emplace(context, book, ports, options);
    dispatcher.add(*calls);
  }

  std::string state() const {
    const auto event = last("call");
    return event.empty() ? "" : std::string(event.at("state").as_string());
  }
  std::string call() const { return std::string(last("call").at("call").as_string()); }
  std::string of_last(const char* member) const {
    const auto event = last("call");
    const auto* const value = event.if_contains(member);
    return value == nullptr ? "" : value->is_string() ? std::string(value->as_string()) : "?";
  }

  FakePorts ports;
  call::Book book{context};
  std::optional<invite::Calls> calls;
};

class Pair {
 public:
  explicit Pair(transaction::Protocol protocol = transaction::Protocol::tls, invite::Options of_alice = {},
                invite::Options of_bob = {})
      : alice(network, "alice", protocol, of_alice), bob(network, "bob", protocol, of_bob) {}

  /// Carries what was sent, without time passing.
  void settle() {
    for (int round = 0; round < 100; ++round) {
      const bool silent = alice.wire.is_silent() && bob.wire.is_silent();
      if (silent) return;
      carry(alice, bob);
      carry(bob, alice);
    }
    FAIL("they do not stop talking");
  }
  void run(Duration time) {
    settle();
    for (Duration passed{}; passed < time; passed += 10ms) {
      alice.pass(10ms);
      bob.pass(10ms);
      settle();
      network.deliver();
    }
  }
  /// alice calls bob, who answers.
  void talk() {
    REQUIRE(alice.calls->dial("sip:bob@example.org", {}, "", alice.now()));
    settle();
    REQUIRE(bob.book.answer(bob.call(), bob.now()));
    settle();
  }
  /// The first messages of that method or status that were sent.
  std::size_t count(const std::string& what) const {
    return static_cast<std::size_t>(std::ranges::count(seen, what));
  }

  MediaNetwork network;
  End alice, bob;
  std::vector<std::string> seen;                               ///< "alice INVITE", "bob 180".
  std::vector<sip::Message> messages;                          ///< The same.
  std::function<bool(const sip::Message& message)> lose;       ///< Drops what it says.
  std::function<std::string(const std::string& text)> change;  ///< Changes what is carried.

 private:
  void carry(End& from, End& to) {
    const std::string name = &from == &alice ? "alice " : "bob ";
    for (auto waiting = std::exchange(from.wire.sent, {}); !waiting.empty(); waiting.pop_front()) {
      const auto& message = waiting.front().message;
      seen.push_back(name + (message.is_request() ? std::string(message.method_text())
                                                  : std::to_string(message.status())));
      messages.push_back(message);
      if (lose && lose(message)) continue;
      to.receive(change ? *sip::Message::parse(share(change(std::string(message.text())))) : message);
    }
  }
};

}  // namespace beckon::client::test
