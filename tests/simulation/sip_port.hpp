#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "protocol/sip/message.hpp"
#include "protocol/transaction/transport.hpp"
#include "tests/simulation/network.hpp"

namespace beckon::simulation {

class SipPort;

/// All SIP ports of a network: where a dialled connection ends, and the observers of everything that is sent.
class SipNetwork {
 public:
  /// Called for every SIP message that is handed to the network, whether or not it arrives.
  using Tap = std::function<void(const Address& from, const Address& to, const sip::Message& message)>;

  explicit SipNetwork(Network& network) : network_(network) {}
  void set_tap(Tap tap) { tap_ = std::move(tap); }
  /// Called for every SIP message that arrives, before its receiver is.
  using ArrivalTap = std::function<void(const Address& at, const sip::Message& message)>;
  void set_arrival_tap(ArrivalTap tap) { arrival_tap_ = std::move(tap); }
  Network& datagrams() { return network_; }

 private:
  friend class SipPort;
  Network& network_;
  Tap tap_;
  ArrivalTap arrival_tap_;
  std::map<Address, SipPort*> listening_;
  transaction::FlowId last_flow_ = 0;
  std::uint16_t last_port_ = 32768;  ///< Of dialled connections.
};

/// A process's SIP transport over the virtual network: UDP datagrams, and TLS connections dialled to the
/// ports that accept them. Destroying it closes its connections, as a crash does.
class SipPort final : public transaction::Transport {
 public:
  struct Handlers {
    std::function<void(const transaction::Hop& from, const sip::Message& message)> on_message;
    std::function<void(const transaction::Hop& flow)> on_flow_opened;
    std::function<void(transaction::FlowId flow)> on_flow_closed;
    /// What to answer to a STUN message, if anything.
    std::function<std::optional<Bytes>(const Address& from, ByteView message)> on_stun{};
  };
  enum class Streams { dials, takes, both };

  SipPort(SipNetwork& network, const Address& address, Streams streams, Handlers handlers);
  ~SipPort() override;

  void send(const transaction::Hop& hop, transaction::Outgoing outgoing,
            transaction::OnFailed failed) override;
  std::string sent_by(const transaction::Hop&) const override { return print(address_); }
  /// Cuts every connection: what is under way is lost, and both ends are notified.
  void cut_flows();
  std::size_t flows() const { return streams_.size(); }

 private:
  struct Stream;
  /// Alive as long as the port: what arrives later is lost.
  using Self = std::shared_ptr<SipPort*>;

  void tap(const transaction::Hop& hop, const SharedText& text);
  std::shared_ptr<Stream> find_or_dial(const transaction::Hop& hop);
  std::shared_ptr<Stream> dial(const transaction::Hop& hop);
  static void close(const std::shared_ptr<Stream>& stream);
  static void arrive(const std::shared_ptr<Stream>& stream, int end, const SharedText& message);
  void on_datagram(const Address& from, const std::string& datagram);
  void take(const transaction::Hop& from, const SharedText& text);

  SipNetwork& network_;
  Address address_;
  Streams kind_;
  Handlers handlers_;
  std::shared_ptr<void> listening_;
  std::map<transaction::FlowId, std::shared_ptr<Stream>> streams_;  ///< By our name of the flow.
  Self self_;
};

}  // namespace beckon::simulation
