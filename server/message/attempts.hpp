#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "server/message/boxes.hpp"
#include "server/message/delivery.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::message {

/// Stored messages at the devices of a shard's users: which device gets what next, what its answer means, and
/// when one that could not take a message is tried again.
class Attempts final : private registrar::BindingsObserver, private Deliveries::Source {
 public:
  /// All of this shard; they outlive it.
  struct Parts {
    Environment& environment;
    Sender& sender;
    locate::Locator& locator;
    registrar::Registrar& registrar;
    Boxes& boxes;
  };
  Attempts(Parts parts, const crypto::Key32& key);

  /// Does the user want to be left alone by that sender now? Then nothing of the sender's is delivered but
  /// notifications, which make no sound.
  using LeftAlone = std::function<bool(Entry& user, std::string_view sender)>;
  void ask_first(LeftAlone left_alone) { left_alone_ = std::move(left_alone); }
  bool is_left_alone(Entry& user, std::string_view sender) const {
    return left_alone_ && left_alone_(user, sender);
  }
  /// A user of another domain wants nothing more of that sender, who is a room: there is no such user, or the
  /// user has refused a message (6xx). Once.
  using OnUnwanted = std::function<void(Entry& user, const std::string& sender)>;
  void observe_unwanted(OnUnwanted on_unwanted) { on_unwanted_ = std::move(on_unwanted); }

  /// Is a message of that sender stored, or about to be, that goes first: to all devices, or to one that is
  /// registered?
  bool waits_from(const Entry& user, std::string_view sender, Now now) const;

  /// The user's devices get what waits, those that registered after `since`.
  void start(Entry& user, Now now, Time since = Time::min());
  /// One of them has answered, and may get the next.
  void start(Entry& user, const std::string& device) { deliveries_.start(user, device); }
  /// A device has refused a copy of the message for now, which was relayed before it was stored: it is tried
  /// again after a pause.
  void pause(Entry& user, const std::string& device, std::uint64_t number, Now now);
  /// Nothing waits for the user any more.
  void forget(Entry& user) { user.drop(slot_); }
  void restored(Now now);

  /// How far a device is with what waits for it.
  struct Progress {
    bool is_under_way = false;  ///< Or about to be.
    unsigned times = 0;         ///< In a row it could not take a message.
    Time next{};                ///< When it is tried again, with `times`.
  };
  Progress progress(const Entry& user, const std::string& device) const;

 private:
  struct Tries;
  /// Devices that do not read message/cpim, by user and device, for this shard; the oldest are forgotten.
  class PlainDevices {
   public:
    static constexpr std::size_t most = 4096;
    bool has(const Entry& user, std::string_view device) const;
    void add(const Entry& user, std::string_view device);

   private:
    std::unordered_set<std::string> all_;
    std::deque<std::string> by_age_;
  };

  std::vector<std::string> devices(const Entry& user, Now now, Time since = Time::min()) const;
  bool becomes_plain(Entry& user, const std::string& device, std::uint64_t number);
  void put_off(Entry& user, const std::string& device, std::uint64_t number, bool is_answered, Now now);
  void retry(Entry& user, Now now);

  // registrar::BindingsObserver
  void on_bindings_changed(Entry& user, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;
  // Deliveries::Source
  std::optional<Deliveries::Load> next_for(Entry& user, const std::string& device, Now now) override;
  void on_answered(Entry& user, const std::string& device, std::uint64_t number,
                   const proxy::Forwarder::End& end, Now now) override;

  Environment& environment_;
  registrar::Registrar& registrar_;
  Boxes& boxes_;
  Slot<Tries> slot_;
  Deliveries deliveries_;
  LeftAlone left_alone_;
  OnUnwanted on_unwanted_;
  PlainDevices plain_;
};

}  // namespace beckon::server::message
