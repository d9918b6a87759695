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

}  // namespace beckon::server
