#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/direct/keyring.hpp"
#include "media/direct/endpoint.hpp"
#include "media/stream/calls.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"

namespace beckon::client::direct {

/// The audio codecs of this program, in order of preference (DIRECT_SESSIONS 2).
const std::vector<documents::Codec>& codecs();

/// The <direct> element this device publishes.
documents::Direct make_direct(const Keyring& keyring, const std::string& aor, ds1::Mode mode,
                              const ds1::Epoch& epoch, const crypto::Key32& secret,
                              const std::vector<beckon::direct::Candidate>& candidates);
/// The same for the own endpoint.
beckon::direct::Published make_published(const documents::Direct& direct);

/// A device of the callee to be called, and the codec to use.
struct Choice {
  beckon::direct::Offer offer;
  stream::AudioCodec codec;
  std::string target;  ///< The device's GRUU (RFC 5627); empty without one.
};
/// Chooses the callee's device (DIRECT_SESSIONS 9: verified ones first, then those that answer at once, then
/// contact priority, then the newest) and the first codec of its list that this program has (5). Empty: no
/// device offers one.
std::optional<Choice> choose(const std::string& aor, const documents::Presence& presence,
                             const std::function<bool(const crypto::Key32& device_key)>& is_verified);

}  // namespace beckon::client::direct
