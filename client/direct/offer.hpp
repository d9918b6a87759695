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

/// The audio codecs we encode and decode, in order of preference (DIRECT_SESSIONS 2).
const std::vector<documents::Codec>& codecs();

/// The <direct> element this device publishes.
documents::Direct make_direct(const Keyring& keyring, const std::string& aor, ds1::Mode mode,
                              const ds1::Epoch& epoch, const crypto::Key32& secret,
                              const std::vector<beckon::direct::Candidate>& candidates);
/// The same for our own endpoint.
beckon::direct::Published make_published(const documents::Direct& direct);

/// A device of the callee to be called, and the codec to use.
struct Choice {
  beckon::direct::Offer offer;
  stream::AudioCodec codec;
};
/// Chooses the callee's device (DIRECT_SESSIONS 9: verified ones first, then those that answer at once, then
/// contact priority, then the newest) and the first codec of its list that we know (5). Nothing: no device
/// offers what we could use.
std::optional<Choice> choose(const std::string& aor, const documents::Presence& presence,
                             const std::function<bool(const crypto::Key32& device_key)>& is_verified);

}  // namespace beckon::client::direct
