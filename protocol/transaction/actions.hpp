#pragma once

namespace beckon::transaction {

/// What the owner of a client machine does next, in this order.
struct ClientActions {
  bool send_request = false;  ///< Again.
  bool send_ack = false;      ///< For the non-2xx response that came.
  bool send_cancel = false;
  bool pass_response = false;    ///< To the user.
  bool timeout = false;          ///< Reported to the user, as a 408.
  bool transport_error = false;  ///< Reported to the user, as a 503.
  bool destroy = false;
  bool operator==(const ClientActions&) const = default;
};

/// What the owner of a server machine does next, in this order.
struct ServerActions {
  bool send_response = false;    ///< The one just passed by the user; keep it for `resend`.
  bool resend = false;           ///< The last one, if there was any.
  bool send_trying = false;      ///< A 100 made by the layer; keep it for `resend`.
  bool pass_ack = false;         ///< To the user.
  bool no_ack = false;           ///< Reported to the user: its response to an INVITE was never acknowledged.
  bool transport_error = false;  ///< Reported to the user: its response could not be sent.
  bool destroy = false;
  bool operator==(const ServerActions&) const = default;
};

}  // namespace beckon::transaction
