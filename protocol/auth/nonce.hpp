#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::auth {

/// Makes and recognises nonces without remembering them: prefix, time and random octets under a keyed
/// check over them and the realm. A nonce of another factory or realm is forged.
class NonceFactory {
 public:
  /// `lifetime`: how long a nonce may be used.
  NonceFactory(const crypto::Key32& key, Duration lifetime) : key_(key), lifetime_(lifetime) {}
  ~NonceFactory();
  NonceFactory(const NonceFactory&) = default;
  NonceFactory& operator=(const NonceFactory&) = default;

  /// `prefix` stands in front as it is (a server puts the bucket there); visible ASCII without quotes.
  std::string make(std::string_view prefix, std::string_view realm, Time now, Random& random) const;

  enum class Verdict { fresh, stale, forged };
  struct Check {
    Verdict verdict;
    Time minted{};  ///< Not for forged.
  };
  Check check(std::string_view nonce, std::string_view realm, Time now) const;
  /// Is more than half of the life of a nonce of ours over? (`check` said that it is ours.)
  bool is_old(Time minted, Time now) const { return now - minted > lifetime_ / 2; }

 private:
  std::string mac(std::string_view text, std::string_view realm) const;

  crypto::Key32 key_;
  Duration lifetime_;
};

/// The nonce counts seen (RFC 7616 3.4.5): each count of a nonce is accepted once, also out of order within
/// the last 64 (UDP). A nonce serves its first user alone, and its counts do not leap: who has seen another's
/// nonce cannot use them up with an account of its own. A nonce is kept from its first use to the end of its
/// life. When the table is full the oldest nonce is dropped, and every nonce as old becomes stale: a replay
/// is never accepted.
class NonceWindow {
 public:
  /// Nonces in use at a time. Enough for 50 000 users that each refresh every few minutes; about 200 octets
  /// each.
  static constexpr std::size_t default_capacity = 65536;

  explicit NonceWindow(Duration lifetime, std::size_t capacity = default_capacity)
      : lifetime_(lifetime), capacity_(capacity) {}

  /// A count this far above the highest one so far is the last one accepted: more than a client sends at a
  /// time, and than it loses, in the life of a nonce.
  static constexpr std::uint32_t leap_max = 1024;

  enum class Verdict { fresh, replayed, stale };
  /// A longer one is not remembered: what a peer has us keep is bounded.
  static constexpr std::size_t session_cnonce_max = 128;
  /// `minted` as NonceFactory::check gave it. Count 0 is never fresh. `owner` is the user: the nonce is stale
  /// for all others. COMPAT: the first count may be any; some clients go on counting when the nonce changes.
  /// `cnonce` is the session's if no fresh use named one before (RFC 7616 3.4.2); empty: none.
  Verdict use(std::string_view nonce, Time minted, std::uint32_t count, Time now, std::size_t owner = 0,
              std::string_view cnonce = {});
  /// The cnonce of the session's first request; empty before it, and when it was too long. Valid until the
  /// next call that changes the window.
  std::string_view session_cnonce(std::string_view nonce, Time minted) const;
  /// Was the nonce used with the right password by `owner`, and not with a wrong one since? A client that
  /// knows such a nonce is `owner`'s, or reads `owner`'s messages.
  bool is_of(std::size_t owner, std::string_view nonce, Time minted) const;
  /// It was used with a wrong password: `is_of` is false from now on.
  void distrust(std::string_view nonce, Time minted);
  std::size_t size() const { return seen_.size(); }

 private:
  struct Counts {
    std::uint32_t highest = 0;
    std::uint64_t below = 0;  ///< Bit i: highest - i was used.
    std::size_t owner = 0;    ///< The user that used it first; 0: no known owner.
    bool is_trusted = true;   ///< No wrong password came with it.
    /// Of a -sess algorithm's first request; empty where it was too long.
    std::optional<std::string> cnonce{};
  };
  static bool take(Counts& counts, std::uint32_t count);
  void expire(Time now);

  Duration lifetime_;
  std::size_t capacity_;
  std::map<std::pair<Time, std::string>, Counts> seen_;  ///< In the order of minting.
  std::optional<Time> forgotten_;  ///< Nonces minted until then and not in the table are stale.
};

}  // namespace beckon::auth
