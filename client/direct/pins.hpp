#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::client::direct {

/// Whose identities we trust (DIRECT_SESSIONS 13). Pins are per AOR: the first identity seen of an AOR is
/// pinned (first use); another one later stays unverified until the user accepts it.
class Pins {
 public:
  enum class Seen {
    bad,       ///< The signature does not check: nothing was learned.
    pinned,    ///< The AOR's first identity: pinned now, its device key is verified.
    verified,  ///< A pinned identity: the device key is verified.
    fresh,     ///< Another identity than the pinned ones: the device key stays unverified, the user is told.
    waiting,   ///< The same again: the user has been told.
  };

  /// An identity's claim over a device key, from a <direct> element or a HELLO's IDENT item.
  Seen see(const std::string& aor, const crypto::Key32& device_key, const crypto::Key32& ident,
           const crypto::Key32& fingerprint, ByteView signature);

  bool is_verified(const std::string& aor, const crypto::Key32& device_key) const;
  bool is_pinned(const std::string& aor, const crypto::Key32& ident) const;
  /// The user accepts the identity that AOR showed last; false where none waits. Others that were shown
  /// before it stay what they were.
  bool accept(const std::string& aor);
  /// The identity to compare with its user; null without one.
  const crypto::Key32* ident_of(const std::string& aor) const;

  /// Pins as one JSON object, and back; verified device keys are learned anew from presence.
  std::string print() const;
  static Result<Pins> parse(std::string_view text);

 private:
  struct Entry {
    std::set<crypto::Key32> pinned;
    std::map<crypto::Key32, crypto::Key32> devices;  ///< Device key -> the identity that signed it.
    std::optional<crypto::Key32> waiting;            ///< The one shown last that is not pinned.
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace beckon::client::direct
