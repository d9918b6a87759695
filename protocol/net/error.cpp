#include "protocol/net/error.hpp"

namespace beckon::net {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::no_socket:
      return "no socket of that protocol and address family";
    case Errc::flow_gone:
      return "the connection is gone";
    case Errc::queue_full:
      return "the peer reads too slowly";
    case Errc::too_large:
      return "too large";
    case Errc::timed_out:
      return "timed out";
    case Errc::idle:
      return "nothing came for too long";
    case Errc::closed:
      return "closed";
    case Errc::untrusted:
      return "the certificate is not trusted";
    case Errc::wrong_name:
      return "the certificate is for another name";
    case Errc::other_certificate:
      return "the server shows another certificate than the one of the invitation: ask who runs it whether "
             "it was "
             "replaced, and for a new invitation";
    case Errc::bad_certificate:
      return "certificate or key cannot be used";
    case Errc::bad_reply:
      return "the answer cannot be read";
    case Errc::bad_url:
      return "not an https URL";
    case Errc::bad_frame:
      return "no WebSocket frame a client may send";
    case Errc::not_utf8:
      return "a text message is not UTF-8";
    case Errc::not_secure:
      return "TLS is not configured";
    case Errc::no_handshake:
      return "it accepts a connection and no TLS; is this a port for TLS?";
    case Errc::crowded_out:
      return "unfinished messages hold too many octets";
  }
  return "unknown";
}

}  // namespace beckon::net
