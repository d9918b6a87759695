#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "protocol/stun/message.hpp"

namespace beckon::direct {

inline constexpr std::size_t sources_max = 4;  ///< Addresses a HELLO may have come from (DIRECT_SESSIONS 6).
inline constexpr std::uint64_t amplification = 3;  ///< Octets out per octet in before validation (6).
inline constexpr Duration consent_time = 30s;      ///< Without a valid response: the path is lost (6).
inline constexpr Duration recheck_time = 500ms;    ///< Between CHECKs of one new address.

/// The peer's address and whether it is validated (DIRECT_SESSIONS 6, path validation). Pure bookkeeping: the
/// session sends.
class Path {
 public:
  /// An address the peer claims, with or without proof. The first one gets the media until one is
  /// validated; more than `sources_max` are not kept.
  void add_source(const Address& address, std::uint64_t octets_received);
  /// The address has shown that it receives (own CHECK answered, phase 1 SRTP came from it). The first
  /// one is moved to, and later the one that `on_moved` named.
  void validate(const Address& address);

  bool is_validated() const { return current_.has_value(); }
  /// Where media goes; empty before there is a source.
  std::optional<Address> media_target() const;
  /// Where control messages and CHECKs go: the validated address, else every source.
  std::vector<Address> control_targets() const;

  /// Counts for the threefold rule.
  void on_received(const Address& from, std::size_t octets);
  /// May that many octets be sent to `to`? Counts them if so. A validated address has no limit.
  bool take_allowance(const Address& to, std::size_t octets);

  /// An authentic packet newer than all before came from here: true if the address is worth a CHECK now.
  bool on_moved(const Address& from, std::size_t octets, Time now);

  void on_check_sent(const stun::TransactionId& transaction, const Address& to);
  /// The address a CHECK in flight went to.
  std::optional<Address> find_check(const stun::TransactionId& transaction) const;
  /// Its answer has come; another one does not count.
  void forget_check(const stun::TransactionId& transaction);

 private:
  struct Source {
    Address address;
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
  };
  struct Check {
    stun::TransactionId transaction{};
    Address to;
  };
  Source* find(const Address& address);

  std::vector<Source> sources_;
  std::optional<Source> new_place_;  ///< Where the peer seems to have moved.
  Time next_recheck_{};
  std::optional<Address> current_;
  std::deque<Check> checks_;  ///< The last ones, oldest first.
};

}  // namespace beckon::direct
