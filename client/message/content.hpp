#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/documents/cpim.hpp"
#include "protocol/documents/imdn.hpp"
#include "protocol/documents/iscomposing.hpp"
#include "protocol/sip/message.hpp"

/// The body of a MESSAGE: what it is, taken out of message/cpim.
namespace beckon::client::message {

struct Content {
  enum class Kind { text, notification, composing };
  Kind kind = Kind::text;
  std::string media_type{};                      ///< Of a text, in lower case; empty: not said.
  std::string text{};                            ///< UTF-8.
  std::vector<documents::Imdn> notifications{};  ///< Of a notification: at least one (RFC 5438 8.3).
  documents::IsComposing composing{};
  std::optional<documents::Cpim> cpim{};  ///< The headers of the wrapper, without its content.
};

/// The status that refuses a body.
struct Refusal {
  int status;
};

/// What we read: the value of Accept in a 415 (RFC 3261 8.2.3).
inline constexpr std::string_view accepted_types =
    "text/plain, message/cpim, message/imdn+xml, application/im-iscomposing+xml";

/// Refuses with 415 what is of another type, and a message/cpim that cannot be read or requires what we do
/// not know: its sender may still send the text alone. Refuses with 400 another body that cannot be read.
/// COMPAT: some peers send a text without Content-Type; linphone sends notifications without message/cpim
/// around.
boost::system::result<Content, Refusal> read_content(const sip::Message& message);

}  // namespace beckon::client::message
