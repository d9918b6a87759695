#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/base/keyed_hash.hpp"
#include "protocol/base/random.hpp"
#include "server/config/settings.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::proxy {

/// How many INVITEs outside of dialogs are forwarded and have no final answer yet, for each user, source and
/// domain (`RingingLimits`). Pure; one per shard.
class Ringing {
 public:
  /// For whom an INVITE counts.
  enum class Side : std::uint8_t {
    callee,  ///< The user of ours that it is for.
    caller,  ///< The user of ours that it is from.
    source,  ///< The address that it comes from; not for trusted networks, nor for another domain's server.
    domain,  ///< The other domain whose server sent it.
  };
  /// What one INVITE is counted under, until it is given back.
  class Places {
   public:
    bool empty() const { return count_ == 0; }

   private:
    friend class Ringing;
    std::array<std::uint64_t, 3> keys_{};
    std::uint8_t count_ = 0;
  };

  explicit Ringing(Random& random) : hash_(random.next(), random.next()) {}

  /// Counts `invite` under `places`, or gives the side for which too many ring. `callee`: the AOR of a user
  /// of ours, or empty.
  std::optional<Side> take(const Request& invite, std::string_view callee, const Settings& settings,
                           Places& places);
  /// Once or more often.
  void give_back(Places& places);
  std::size_t size() const { return counts_.size(); }

 private:
  std::uint64_t key_of(Side side, std::string_view name) const;
  bool add(std::uint64_t key, std::uint32_t most, Places& places);

  KeyedHash hash_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> counts_;  ///< By `key_of`; none is 0.
};

/// The answer to an INVITE for whose `side` too many ring: 486 for a callee (RFC 3261 21.4.24), 480 for a
/// caller, 503 for a source and for a domain; each says when to come back.
sip::Builder too_many_ring(const Request& invite, Ringing::Side side);

}  // namespace beckon::server::proxy
