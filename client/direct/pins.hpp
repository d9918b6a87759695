#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/result.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::client::direct {

/// The identities that the user trusts (DIRECT_SESSIONS 13). Pins are per AOR: the first identity of an AOR
/// is pinned (trust on first use); a later one stays unverified until the user accepts it.
class Pins {
 public:
  enum class Seen {
    bad,       ///< The signature is wrong: the claim is ignored.
    pinned,    ///< The AOR's first identity: pinned now, its device key is verified.
    verified,  ///< A pinned identity: the device key is verified.
    fresh,     ///< Not a pinned identity: the device key stays unverified, and the user should know.
    waiting,   ///< The same identity for the same device again: the user knows already.
  };

  /// An identity's claim over a device key, from a <direct> element or a HELLO's IDENT item. It takes nothing
  /// from the claims of other identities over the same key.
  Seen see(const std::string& aor, const crypto::Key32& device_key, const crypto::Key32& ident,
           const crypto::Key32& fingerprint, ByteView signature);

  bool is_verified(const std::string& aor, const crypto::Key32& device_key) const;
  bool is_pinned(const std::string& aor, const crypto::Key32& ident) const;
  /// The user accepts `ident`, which the AOR has shown; without one, that which it showed last. False if it
  /// has not, or if none waits. Other identities stay as they were.
  bool accept(const std::string& aor, const std::optional<crypto::Key32>& ident = {});
  /// The identity to compare with its user; null without one.
  const crypto::Key32* ident_of(const std::string& aor) const;

  /// Pins as one JSON object, and back; verified device keys are learned again from presence.
  std::string print() const;
  static Result<Pins> parse(std::string_view text);

 private:
  struct Entry {
    using Claim = std::pair<crypto::Key32, crypto::Key32>;  ///< A device key, an identity that signed it.
    std::set<crypto::Key32> pinned;
    std::set<Claim> claims;
    std::optional<crypto::Key32> waiting;  ///< The identity shown last that is not pinned.

    void make_room();
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace beckon::client::direct
