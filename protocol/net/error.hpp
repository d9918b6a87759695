#pragma once

#include "protocol/base/result.hpp"

namespace beckon::net {

/// Why something could not be sent, opened or trusted. Errors of the operating system (connection refused,
/// address in use) keep their own codes.
enum class Errc {
  no_socket = 1,      ///< No listener or socket of that protocol and address family: configuration.
  flow_gone,          ///< The flow is closed, or was never one of ours.
  queue_full,         ///< The peer reads slower than we write; a stream is closed for it.
  too_large,          ///< More octets than the transport or a limit allows.
  timed_out,          ///< Connecting, the TLS handshake, an answer, or the end of a message took too long.
  idle,               ///< No octet arrived for too long, or a keep-alive was not answered (RFC 5626 4.4.1).
  closed,             ///< The peer closed, or we did.
  untrusted,          ///< The peer's certificate is not signed by a trusted authority.
  wrong_name,         ///< The peer's certificate is for another name (RFC 5922 7.2).
  bad_certificate,    ///< A certificate or key file cannot be read, or the two do not fit.
  bad_reply,          ///< What came back is not HTTP, or not what was agreed.
  bad_url,            ///< Not an https URL.
  bad_frame,          ///< A WebSocket peer broke RFC 6455 5; the connection is closed with code 1002.
  not_utf8,           ///< A WebSocket text message is not UTF-8; closed with code 1007.
  not_secure,         ///< TLS was asked for and this side has no certificate or trust configured.
  no_handshake,       ///< Connected, but the TLS handshake is not answered in time: hardly a port for TLS.
  crowded_out,        ///< Unfinished messages held too many octets, this connection the most (`Unfinished`).
  other_certificate,  ///< The server shows another certificate than the one whose fingerprint is known.
};
const char* to_string(Errc value);

}  // namespace beckon::net

BECKON_ERROR_ENUM(beckon::net, Errc, "beckon.net")

namespace beckon::net {

/// The peer answered, and is not who it should be: another address of it would only hide that.
inline bool is_distrust(const ErrorCode& error) {
  return error == Errc::untrusted || error == Errc::wrong_name || error == Errc::other_certificate;
}

}  // namespace beckon::net
