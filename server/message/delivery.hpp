#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/crypto/crypto.hpp"
#include "protocol/locate/locator.hpp"
#include "server/proxy/forwarder.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::message {

/// Stored messages on their way to the devices of one shard's users: to each device one after the other, the
/// next when the one before is answered; and to no more devices at once than `at_once`.
class Deliveries final : private proxy::Forwarder::Client {
 public:
  /// Devices that a message is under way to; the others wait for their turn. A silent one keeps its place for
  /// 64*T1.
  static constexpr std::size_t at_once = 256;

  /// One message for one device.
  struct Load {
    std::uint64_t number = 0;
    sip::Message request{};
    std::string asserted{};  ///< Value of P-Asserted-Identity; empty for none.
  };
  /// Whose messages they are. Called from timers and outcomes, never from inside `start`.
  class Source {
   public:
    virtual ~Source() = default;
    /// What the device gets next; nothing ends its turn.
    virtual std::optional<Load> next_for(Entry& user, const std::string& device, Now now) = 0;
    /// How it ended there. The next one goes when the device is started again.
    virtual void on_answered(Entry& user, const std::string& device, std::uint64_t number,
                             const proxy::Forwarder::End& end, Now now) = 0;
  };

  /// All of this shard; they outlive it.
  struct Parts {
    Environment& environment;
    Sender& sender;
    locate::Locator& locator;
    registrar::Registrar& registrar;
  };
  Deliveries(Parts parts, const crypto::Key32& key, Source& source);

  /// There may be something for a registered device of `user`, or for one of another domain, whose server
  /// stands for all devices.
  void start(Entry& user, const std::string& device);
  /// Is something under way to the device, or about to be?
  bool is_at(const Entry& user, const std::string& device) const {
    return by_device_.contains({&user, device});
  }
  /// Devices that something is under way to, and those that wait for their turn.
  std::size_t size() const { return turns_.size(); }

 private:
  /// A device that is served, or waits for it.
  struct Turn {
    EntryPtr user;
    std::string device;
    std::uint64_t number = 0;  ///< Of the message that is under way.
    bool again = false;        ///< It was started anew meanwhile.
  };
  using Name = std::pair<const Entry*, std::string>;

  void enqueue(std::uint64_t turn);
  void arm();
  void run(Now now);
  void begin(std::uint64_t id, Now now);
  void end(std::uint64_t id);
  std::vector<proxy::Target> targets_of(const Turn& turn, const Load& load, Now now,
                                        bool& is_registered) const;
  std::optional<proxy::Target> target_outside(const Turn& turn, const Load& load) const;

  // proxy::Forwarder::Client
  void on_response(proxy::Forwarder::Key, std::size_t, const sip::Message&, Now) override {}
  void on_flow_failed(proxy::Forwarder::Key key, const proxy::Target& target, Now now) override;
  void on_end(proxy::Forwarder::Key key, const proxy::Forwarder::End& best, Now now) override;

  Parts parts_;
  Source& source_;
  proxy::Forwarder forwarder_;
  std::unordered_map<std::uint64_t, Turn> turns_;
  std::map<Name, std::uint64_t> by_device_;
  std::deque<std::uint64_t> waiting_;
  std::uint64_t last_ = 0;
  std::size_t under_way_ = 0;
  Timer timer_;
};

}  // namespace beckon::server::message
