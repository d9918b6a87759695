#pragma once

#include <optional>
#include <string>

#include "protocol/base/result.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/sip/view.hpp"

namespace beckon::sip {

/// Why a message is not processed, and what a request is answered. A response is dropped instead.
struct Rejected {
  Errc cause;
  int status;
  std::string reason;  ///< Reason phrase that names the fault.
};

/// Checks what every element checks before it acts (RFC 3261 8.1.1, 8.2.2, 16.3): the header fields that
/// `header_table` says are refused when missing, wrong or repeated; that the method is that of CSeq; version
/// (505) and Request-URI (400, 416) of a request. Of Via only the top value is checked. Of a response only
/// Via, From, To, Call-ID and CSeq are: who uses another field reads it (RFC 3261 16.7). Nullopt: no fault
/// found.
std::optional<Rejected> check(const Message& message);
/// The two parts of `check`: what a proxy uses itself and checks in what it relays (RFC 3261 16.3 step 1),
/// and what only whoever serves a request needs besides: Contact, Content-Type, Event, Expires.
std::optional<Rejected> check_to_serve(const Message& request);

/// What `check` reads on its way, so that the caller need not read it again. Views into the
/// message's text, which lives as long as a copy of the message.
struct Reading {
  ViaView via{};  ///< The top one.
  NameAddrView from{}, to{};
  CSeqView cseq{};
  UriView uri{};  ///< The Request-URI.
};
/// Complete where nullopt is returned.
std::optional<Rejected> check_to_relay(const Message& message, Reading& reading);

/// The answer to octets that `Message::parse` or the `Framer` refused with `why`.
struct Refusal {
  int status;
  std::string reason;
  Message head;  ///< For Builder::reply.
};
/// Nothing when no answer is due: a response, an ACK, or no readable start line and Via.
std::optional<Refusal> refusal(const SharedText& text, ErrorCode why, const Limits& limits = {});

}  // namespace beckon::sip
