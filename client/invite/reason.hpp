#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client/call/book.hpp"
#include "client/control/cause.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::client::invite {

/// What a Reason header of protocol "SIP" says (RFC 3326).
struct Reason {
  int cause = 0;     ///< A SIP status.
  std::string text;  ///< Empty: none was given.
};
/// The first one of protocol SIP; empty without one.
std::optional<Reason> find_reason(const sip::Message& message);
/// Value of the header: `SIP ;cause=408 ;text="..."`.
std::string print(const Reason& reason);

/// Why a call is over whose INVITE got that final status; `response` is null without answer.
call::Cause cause_of_final(int status, const sip::Message* response);
/// Why a call is over that the peer ended with a BYE or CANCEL.
call::Cause cause_of_end(const sip::Message& request);

}  // namespace beckon::client::invite
