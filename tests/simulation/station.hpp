#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/transaction/layer.hpp"
#include "tests/simulation/sip_port.hpp"

namespace beckon::simulation {

/// A device that is registered as long as it lives, as RFC 3261 has it, and knows nothing of this server: not
/// the program's own, so that no fault of the two hides in both. What it is good for is its heirs' matter.
class Station : protected transaction::User {
 public:
  struct Account {
    std::string aor;   ///< "sip:alice@example.org"
    std::string name;  ///< No two have the same.
    Address address;
    transaction::Protocol protocol = transaction::Protocol::udp;
    std::string q{};                     ///< Of its contact; empty: it does not say.
    std::chrono::seconds lifetime{120};  ///< Of its registration.
  };
  /// How it ends without a word: its connection closes with it, or it is silent and the connection stays.
  enum class Death : std::uint8_t { crash, silence };

  void start();
  void end(Death death);
  bool is_running() const { return process_ != nullptr; }
  void cut_flows();
  /// It takes its binding back.
  void unregister();

  const Account& account() const { return account_; }
  bool is_registered() const { return is_registered_; }

 protected:
  Station(SipNetwork& network, const Address& server, Account account);
  ~Station() override;  ///< The heir has called `end`.

  /// Its process begins, or is about to end; its connection has closed.
  virtual void on_start() {}
  virtual void on_end() {}
  virtual void on_cut(transaction::FlowId /*flow*/) {}

  transaction::Layer& layer();
  transaction::Hop server_hop() const { return {account_.protocol, server_, account_.address, 0}; }
  Now now() const { return world_.now(); }
  /// A while of at most two seconds.
  Duration soon();
  /// Not when the process has ended meanwhile.
  void later(Duration after, std::function<void()> work);
  /// A URI.
  std::string contact() const;
  /// A Call-ID or tag that it has not used before.
  std::string fresh_name();
  /// Request line and the headers that every request outside of dialogs has.
  std::string begin_request(std::string_view method, std::string_view uri, const std::string& to,
                            const std::string& tag, const std::string& call_id, std::uint32_t cseq) const;
  void respond(transaction::TransactionId id, const sip::Message& request, int status);

 private:
  struct Process;
  void on_flow_closed(transaction::FlowId flow);
  void register_soon(Duration after);
  void ask_registration();

  SipNetwork& network_;
  World& world_;
  Address server_;
  Account account_;
  std::uint64_t names_ = 0;
  std::string register_call_id_;
  std::uint32_t register_cseq_ = 0;
  bool is_registered_ = false, wants_registration_ = true;
  std::unique_ptr<Process> process_;
  std::unique_ptr<SipPort> corpse_;  ///< What is left of a silent one: its connection.
};

}  // namespace beckon::simulation
