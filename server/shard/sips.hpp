#pragma once

#include <string>
#include <string_view>

#include "protocol/sip/builder.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::server {

bool is_sips(std::string_view uri);
/// Is the Request-URI a SIPS URI, so that every hop must be secured (RFC 3261 26.2.2)?
bool is_to_sips(const sip::Message& request);
/// Had it to come to us over a secured hop: that, or its top Route is a SIPS URI (RFC 5630 5.1.1)?
bool comes_by_sips(const sip::Message& request);

/// The refusals of RFC 5630 5.1.2, both 480 with a Warning: there is no secured way to what a SIPS URI names
/// (380), or what a SIP URI names wants SIPS (381).
enum class SipsRefusal { not_allowed, required };
std::string make_refusal(sip::Builder reply, SipsRefusal why);  ///< `reply` is a 480.

}  // namespace beckon::server
