#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"

namespace beckon::documents {

/// A body in the content coding "deflate": the zlib format (RFC 1950) around DEFLATE (RFC 1951). COMPAT:
/// linphone sends its disposition notifications so, unasked. Errors: bad_value for octets that are no such
/// body, or are followed by others, and for more than `octets_max` of them inflated.
Result<std::string> inflate(std::string_view body, std::size_t octets_max);

}  // namespace beckon::documents
