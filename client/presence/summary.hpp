#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "protocol/documents/message_summary.hpp"

namespace beckon::client::presence {

/// What waits for a user as the contract has it (event "message-summary" without name and time).
boost::json::object make_summary_view(const std::string& of, const documents::MessageSummary& summary);

}  // namespace beckon::client::presence
