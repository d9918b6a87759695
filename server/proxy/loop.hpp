#pragma once

#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/sip/message.hpp"

/// Loops and spirals (RFC 5393 4.2). A request that comes back as it was is looping: 482. One that comes back
/// for somebody else is spiraling: it goes on.
namespace beckon::server::proxy {

/// The "second part" of the branches of a request that is forked (RFC 5393 4.2.1): made of what the location
/// service looks at, the address-of-record of the Request-URI and Route, and of Call-ID and CSeq number; the
/// same for each method. `key` is the node's: others' marks are nothing to us.
std::string loop_mark(const sip::Message& request, ByteView key);

/// Was it forked here before, as it is now (RFC 5393 4.2.2)? Looks at every Via.
bool is_looping(const sip::Message& request, ByteView key);

}  // namespace beckon::server::proxy
