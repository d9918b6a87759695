#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/message/stored.hpp"
#include "server/registrar/binding.hpp"

namespace beckon::server::message {

/// What tells a device from a user's others: its instance ID, else its contact.
std::string device_of(const registrar::Binding& binding);
/// Is it an instance ID, which stays when the contact changes?
bool is_instance(std::string_view device);

/// The stored messages of one user. Pure.
class Inbox {
 public:
  /// Devices whose receipts a message keeps; further ones do not get it.
  static constexpr std::size_t devices_max = 16;

  struct Limits {
    std::uint32_t messages = 0;
    std::size_t octets = 0;  ///< Of all texts.
  };
  /// Is there room for that message? The limits are those of its kind, and others do not count. Messages that
  /// a device has already give way, the oldest first, and notifications and own texts whether a device has
  /// them or not: `giving_way` are those that have to go. False: it does not fit among those that stay, or
  /// its sender would have more waiting than is left free for everybody.
  bool has_room(const Stored& message, const Limits& limits, std::vector<std::uint64_t>& giving_way) const;

  /// A number for a message that arrives now: greater than any before.
  std::uint64_t next_number(WallTime now) const;
  /// Adds it, or takes the place of the one of that number.
  void put(Stored message);
  void erase(std::uint64_t number);
  const Stored* find(std::uint64_t number) const;

  /// What waits under that topic, and no device has had; null: nothing.
  const Stored* find(std::string_view topic) const;

  /// The oldest that the device is to get, of those that `may_go`; null: none. What another device has goes
  /// to those only that an instance ID tells from it.
  using MayGo = std::function<bool(const Stored& message)>;
  const Stored* next_for(std::string_view device, const MayGo& may_go = {}) const;
  /// Is the same message of that sender here already, as a program sends it again that lost its connection
  /// before the answer: of one id and one body? 0: no.
  std::uint64_t find_copy(const Stored& message) const;
  /// Those of that name that a user shows as from `sender`.
  std::vector<std::uint64_t> named(std::string_view sender, std::string_view id) const;
  /// Does a message of that sender wait which no device has refused? A later one is delivered after it.
  bool waits_from(std::string_view sender) const;
  /// The message after the device has answered; nothing where no other device is to get it any more.
  /// `kept`: how long others may come for what one has accepted.
  static std::optional<Stored> answered(Stored message, std::string_view device, bool accepted, Time now,
                                        Duration kept);

  /// The message after the device has refused it for now. Of too many such devices none is told from others.
  static Stored refused_for_now(Stored message, std::string_view device);

  /// When the next one ends.
  std::optional<Time> next_end() const;
  std::vector<std::uint64_t> ended(Time now) const;

  const std::map<std::uint64_t, Stored>& all() const { return messages_; }
  bool empty() const { return messages_.empty(); }
  /// Those that no device has.
  std::size_t waiting() const { return waiting_; }
  /// Of those, what a person waits for: all but notifications.
  std::size_t fresh() const { return fresh_; }
  std::size_t octets() const;

 private:
  struct Sum {
    std::size_t messages = 0, octets = 0;
    void add(const Stored& message) {
      ++messages;
      octets += message.text.size();
    }
  };
  void count(const Stored& message, int sign);
  bool is_within_share(const Stored& message, const Limits& limits) const;

  std::map<std::uint64_t, Stored> messages_;
  std::array<Sum, 3> sums_{};  ///< By kind.
  std::size_t waiting_ = 0, fresh_ = 0;
};

}  // namespace beckon::server::message
