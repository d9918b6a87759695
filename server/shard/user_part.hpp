#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"

namespace beckon::server {

/// Octets as characters that stand unescaped in the user part of a URI (RFC 3261 25.1): base64 of RFC 4648 5,
/// without padding.
std::string to_user_part(ByteView octets);
/// Nothing also for a second form of the same octets.
std::optional<Bytes> from_user_part(std::string_view text);

/// COMPAT: as Twinkle, which escapes 'Z', writes it back: "%5a" is the same there as what it stands for (RFC
/// 3261 19.1.4).
std::string without_escapes(std::string_view user);

}  // namespace beckon::server
