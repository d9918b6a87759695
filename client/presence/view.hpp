#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>

#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"

namespace beckon::client::presence {

/// Is the key of that user's device verified?
using IsVerified = std::function<bool(const std::string& aor, const crypto::Key32& device_key)>;

/// One user's presence as the contract has it (event "presence" without name and time): open if one of the
/// tuples is.
boost::json::object make_view(const std::string& aor, const documents::Presence& presence,
                              const IsVerified& is_verified);

/// The same for a user whose subscription has ended: nothing is known any more.
boost::json::object make_unknown_view(const std::string& aor);

}  // namespace beckon::client::presence
