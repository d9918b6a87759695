#pragma once

#include <boost/json/object.hpp>

#include "protocol/documents/message_archive.hpp"

namespace beckon::client::archive {

/// A message of the archive as the contract has it: a member of event "history", and event "message-copy"
/// without name and time.
boost::json::object make_view(const documents::ArchivedMessage& message);

}  // namespace beckon::client::archive
