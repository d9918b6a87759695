#include "protocol/auth/error.hpp"

namespace beckon::auth {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::not_digest:
      return "scheme is not Digest";
    case Errc::bad_syntax:
      return "malformed directives";
    case Errc::missing_directive:
      return "a mandatory directive is missing";
    case Errc::unknown_algorithm:
      return "unknown digest algorithm";
    case Errc::unknown_qop:
      return "unknown quality of protection";
  }
  return "unknown";
}

}  // namespace beckon::auth
