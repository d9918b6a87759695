#include "client/archive/view.hpp"

#include <string>

#include "protocol/base/text.hpp"

namespace beckon::client::archive {

boost::json::object make_view(const documents::ArchivedMessage& message) {
  boost::json::object view{{"message", std::to_string(message.number)},
                           {"id", message.id},
                           {"with", message.with},
                           {"direction", to_string(message.direction)},
                           {"state", to_string(message.state)},
                           {"at", print_time(message.time)},
                           {"text", message.text}};
  if (!message.content_type.empty()) view["content_type"] = message.content_type;
  if (!message.author.empty()) view["author"] = message.author;
  if (message.is_cut) view["truncated"] = true;
  return view;
}

}  // namespace beckon::client::archive
