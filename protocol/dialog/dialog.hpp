#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::dialog {

/// Why a dialog could not be made, read or used. Values are stable: they appear in logs.
enum class Errc {
  bad_contact = 1,  ///< No Contact, more than one, or not a SIP URI: answer 400 (RFC 3261 12.1.1).
  missing_tag,      ///< The peer sent no tag where the dialog needs one.
  bad_header,       ///< From, To, CSeq or Record-Route cannot be read: answer 400.
  out_of_order,     ///< A CSeq not above the last one: answer 500 (RFC 3261 12.2.2).
};
const char* to_string(Errc value);

/// Names one dialog (RFC 3261 12).
struct Id {
  std::string call_id;
  std::string local_tag;
  std::string remote_tag;  ///< Empty for RFC 2543 peers.
  auto operator<=>(const Id&) const = default;
};

/// One end's view of a dialog: a value, early or confirmed as its owner knows it.
struct Dialog {
  Id id;
  std::string local_uri;                     ///< Without brackets; From of what we send.
  std::string remote_uri;                    ///< To of what we send.
  std::string remote_target;                 ///< URI of the peer's Contact.
  std::vector<std::string> route_set;        ///< Route values as written ("<sip:p;lr>"), nearest hop first.
  std::uint32_t local_cseq = 0;              ///< Of the last request we sent; 0 before the first.
  std::uint32_t reserved_cseq = 0;           ///< For an owner who stores it: no CSeq above was used.
  std::optional<std::uint32_t> remote_cseq;  ///< Of the last request we got.
  bool secure = false;  ///< RFC 3261 12.1: made over TLS with a sips URI. Its owner then sends over TLS only.
  bool operator==(const Dialog&) const = default;

  /// Checks a request that arrived in this dialog, remembers its CSeq and takes over its Contact if it
  /// refreshes the target (RFC 3261 12.2.2). Challenge it before: a repetition with credentials may bear the
  /// same CSeq. ACK and CANCEL pass unchecked. Errors: out_of_order, bad_contact, bad_header; the dialog is
  /// unchanged then.
  Result<void> on_request(const sip::Message& request);
  /// Takes over the Contact of a 2xx to a target refresh (RFC 3261 12.2.1.2). A bad Contact is ignored.
  void on_response(const sip::Message& response);

  /// Starts the next request: start line, Route, Max-Forwards, From, To, Call-ID and CSeq (+1). The caller
  /// adds Contact and the rest. A first hop without `lr` is served by strict routing (RFC 3261 12.2.1.1).
  sip::Builder make_request(std::string_view method);
  /// The same without CSeq, for requests whose beginning is kept: what it says does not change before the
  /// remote target does.
  sip::Builder make_head(std::string_view method) const;
  /// The same for an ACK of the 2xx to our INVITE `invite_cseq` (RFC 3261 13.2.2.4).
  sip::Builder make_ack(std::uint32_t invite_cseq) const;
};

/// The dialog that our response with To-tag `local_tag` to `request` makes (RFC 3261 12.1.1).
/// Errors: bad_contact, bad_header. `secure`: the request came over TLS.
Result<Dialog> make_uas_dialog(const sip::Message& request, std::string_view local_tag, bool secure);

/// The dialog that `response` (1xx with tag, 2xx) to our request makes (RFC 3261 12.1.2). `secure`: the
/// request went over TLS to a sips URI. Errors: missing_tag, bad_contact, bad_header.
Result<Dialog> make_uac_dialog(const sip::Message& response, bool secure);

/// The dialog that a NOTIFY makes when it overtakes the 2xx to our SUBSCRIBE, or comes from another fork
/// (RFC 6665 4.1.2.4). `subscribe_cseq` is our SUBSCRIBE's. Give the NOTIFY to `on_request` next, as any
/// other: its CSeq is not taken yet. Errors: missing_tag, bad_contact, bad_header.
Result<Dialog> make_notified_dialog(const sip::Message& notify, std::uint32_t subscribe_cseq, bool secure);

/// The dialog that a received request belongs to, as its receiver names it: local is the To tag.
Id id_of_request(const sip::Message& request);

}  // namespace beckon::dialog

BECKON_ERROR_ENUM(beckon::dialog, Errc, "beckon.dialog")

template <>
struct std::hash<beckon::dialog::Id> {
  std::size_t operator()(const beckon::dialog::Id& id) const noexcept {
    const std::hash<std::string> of;
    return (of(id.call_id) * 31 + of(id.local_tag)) * 31 + of(id.remote_tag);
  }
};
