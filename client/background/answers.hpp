#pragma once

#include <string_view>

namespace beckon::client::background {

/// Is the event part of the answer to a command of that name, and never anything else: the event "inbox" to
/// the command "inbox"? It goes to whoever asked, and to nobody who did not.
bool is_answer(std::string_view event, std::string_view command);
/// Is it to any command?
bool is_answer(std::string_view event);

}  // namespace beckon::client::background
