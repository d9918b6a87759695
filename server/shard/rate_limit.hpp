#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"

namespace beckon::server {

/// A token bucket for each source (an address, /64 for IPv6; or whoever has a name), in a table of fixed
/// size: nothing is allocated after the start. A bucket is one number, the time when it will be full again; a
/// full one needs no memory, so calm sources give way to loud ones. Pure; one per shard.
class RateLimit {
 public:
  /// Sources that can be loud at a time; 24 octets each. In a crowd of more the calmest are forgotten.
  static constexpr std::size_t default_sources = 16384;

  /// `random` seeds the places of sources in the table, so that nobody can choose to share one with another.
  explicit RateLimit(Random& random, std::size_t sources = default_sources);

  /// `per_second` tokens flow in, up to `burst`; both at least 1.
  void set(std::uint32_t per_second, std::uint32_t burst);
  /// One token flows in every `token`, up to `burst`.
  void set_pace(Duration token, std::uint32_t burst);

  enum class Verdict {
    pass,
    first_over,  ///< The first one too many since the source was calm: worth a line in the log.
    over,
  };
  /// Takes a token if there is one.
  Verdict take(const IpAddress& source, Time now) { return take(key_of(source), now); }
  Verdict take(std::string_view source, Time now) { return take(key_of(source), now); }
  /// Takes a token, there or not: the bucket may be `burst` tokens in debt.
  void charge(const IpAddress& source, Time now);
  /// In debt as deep as it goes?
  bool is_deep_over(const IpAddress& source, Time now) const;

 private:
  static constexpr std::size_t ways = 8;  ///< Places one source may have.
  struct Place {
    std::uint64_t source = 0;
    Time full{};        ///< When the bucket will be full again.
    bool told = false;  ///< Of being over, since it was calm.
  };
  static std::uint64_t key_of(const IpAddress& source);
  static std::uint64_t key_of(std::string_view source);
  Verdict take(std::uint64_t key, Time now);
  std::size_t first_place(std::uint64_t key) const;
  Place& place_of(std::uint64_t key, Time now);

  std::vector<Place> places_;
  std::uint64_t seed_;
  Duration token_{10ms};  ///< In which one flows in.
  Duration depth_{10s};   ///< In which an empty bucket fills.
};

}  // namespace beckon::server
