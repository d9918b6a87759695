#include "protocol/locate/error.hpp"

namespace beckon::locate {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::bad_uri:
      return "not a URI that requests can be sent to";
    case Errc::no_transport:
      return "no transport for this URI";
    case Errc::no_service:
      return "the domain has no SIP service";
    case Errc::no_address:
      return "no address found";
    case Errc::no_answer:
      return "the name servers do not answer";
    case Errc::busy:
      return "too many searches at once";
    case Errc::bad_answer:
      return "unreadable DNS answer";
  }
  return "unknown error";
}

}  // namespace beckon::locate
