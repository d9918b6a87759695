#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/message.hpp"
#include "server/shard/bucket.hpp"

/// Header privacy (RFC 3323 5.1): Via, Contact and Record-Route show where the sender of a message is. They
/// are put back for the sender; what of them the other end has to send back to us stands sealed in a Contact
/// of ours, so that dialogs need no state here.
namespace beckon::server::proxy {

/// Does its sender ask for that?
bool hides_headers(const sip::Message& message);

/// The user part of a Contact that takes the place of the sender's; empty where it has none. `key` is the
/// node's.
std::string seal_contact(const sip::Message& message, Bucket bucket, ByteView key);

/// Whom a sealed Contact leads to.
struct Hidden {
  std::string contact;   ///< A URI.
  std::string routes{};  ///< Route values to put on top; empty for none.
};
/// Nothing for another user part, and for one of another dialog.
std::optional<Hidden> open_contact(std::string_view user, ByteView key, std::string_view call_id);

/// Takes all that shows where its sender is out of `request`, and puts `contact` in place of its Contact.
void hide(sip::Splice& out, const sip::Message& request, std::string_view contact);
/// Puts into a response what was taken out of its `request`, in place of our own Via.
void restore(sip::Splice& out, const sip::Message& response, const sip::Message& request);
/// The same as `hide` for a response that makes a dialog and whose sender asks for it: Via and Record-Route
/// stay, as its way back is along them.
void hide_answerer(sip::Splice& out, const sip::Message& response, std::string_view contact);

/// Does `response`, as it came, lead back to the sender of `request`? Its Via after ours does, or they are
/// kept in `request`.
bool has_way_back(const sip::Message& request, const sip::Message& response);

}  // namespace beckon::server::proxy
