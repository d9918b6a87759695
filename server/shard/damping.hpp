#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "server/config/settings.hpp"

namespace beckon::server {

/// How often each key failed, and until when it must wait. Bounded: full, the key that failed longest ago
/// goes.
class Failures {
 public:
  explicit Failures(const GuessLimits& limits) : limits_(limits) {}

  bool must_wait(const std::string& key, Time now) const;
  /// One more. The pause when it is the first one this key must make.
  std::optional<Duration> count(const std::string& key, Time now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::uint32_t failures = 0;
    Time last{};
    Time wait_until{};
  };
  using Order = std::list<Entry>;

  Order::iterator touch(const std::string& key, Time now);
  void forget_front();
  Duration pause_after(std::uint32_t failures) const;

  const GuessLimits& limits_;
  Order order_;  ///< The one that failed longest ago first.
  std::map<std::string, Order::iterator> entries_;
};

/// Slows down the guessing of passwords. Wrong answers are counted for the account, for the source (an
/// address, /64 for IPv6) and for the pair of both. After too many, credentials are ignored for a pause that
/// grows with each further one. Others cannot keep an account's own device out: a pair that was right lately
/// waits for its own mistakes only, and a nonce known to be the user's is not asked about here at all.
/// Accounts that do not exist are counted like those that do. Pure; one per shard.
class Damping {
 public:
  /// How long, after it was right, a pair is not held for the mistakes of others: a phone's weekend.
  static constexpr Duration good_for = 72h;

  /// `limits` outlives it and may change.
  explicit Damping(const GuessLimits& limits)
      : limits_(limits), accounts_(limits), sources_(limits), pairs_(limits) {}

  struct Guess {
    std::string_view account;  ///< Canonical AOR, or what stands for it.
    IpAddress source{};
    bool trusted = false;  ///< The source's own mistakes are not counted: many users are behind it.
  };
  /// May the answer be looked at?
  bool may_try(const Guess& guess, Time now) const;
  void right(const Guess& guess, Time now);

  /// The first pause of a burst of wrong answers, for the log.
  struct Burst {
    enum class Of { account, source, pair } of;
    Duration pause;
  };
  std::optional<Burst> wrong(const Guess& guess, Time now);

 private:
  bool was_right(const std::string& pair, Time now) const;

  const GuessLimits& limits_;
  Failures accounts_, sources_, pairs_;
  using Order = std::multimap<Time, std::string>;
  Order good_order_;  ///< When a pair was right last -> pair.
  std::map<std::string, Order::iterator> good_;
};

}  // namespace beckon::server
