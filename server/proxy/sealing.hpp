#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"

namespace beckon::server::proxy {

/// `plain`, of less than 64 KiB, in a form that only this node can read and make, in characters for the user
/// part of a URI (`to_user_part`). The same texts have the same form, as copies of a message are equal; how
/// long `plain` is shows. `key` is the node's; `context` has to be the same to open it.
///
/// A synthetic initialisation vector as in RFC 5297: 80 bits of SipHash-128-2-4 over all of it prove it, and
/// begin the stream of the same function that hides it. For so few octets that is several times quicker than
/// a cipher.
std::string seal_text(std::string_view plain, ByteView key, std::string_view context);
/// Nothing when it is not ours, or of another context.
std::optional<std::string> open_text(std::string_view sealed, ByteView key, std::string_view context);

}  // namespace beckon::server::proxy
