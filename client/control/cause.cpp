#include "client/control/cause.hpp"

namespace beckon::client::control {

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::done:
      return "done";
    case Cause::usage:
      return "usage";
    case Cause::unreachable:
      return "unreachable";
    case Cause::credentials:
      return "credentials";
    case Cause::failed:
      return "failed";
    case Cause::not_found:
      return "not-found";
    case Cause::refused:
      return "refused";
    case Cause::unavailable:
      return "unavailable";
    case Cause::untrusted:
      return "untrusted";
    case Cause::no_direct:
      return "no-direct";
  }
  return "failed";
}

Cause parse_cause(std::string_view word) {
  for (const Cause cause :
       {Cause::done, Cause::usage, Cause::unreachable, Cause::credentials, Cause::not_found, Cause::refused,
        Cause::unavailable, Cause::untrusted, Cause::no_direct}) {
    if (to_string(cause) == word) return cause;
  }
  return Cause::failed;
}

Cause cause_of(int status) {
  if (status >= 200 && status < 300) return Cause::done;
  switch (status) {
    case unproven:
      return Cause::untrusted;
    case 401:
    case 407:
      return Cause::credentials;
    case 403:
    case 603:
      return Cause::refused;
    case 404:
    case 410:
    case 604:
      return Cause::not_found;
    case 408:
    case 480:
    case 486:
    case 487:
    case 600:
      return Cause::unavailable;
    case 0:
    case 503:
      return Cause::unreachable;
    default:
      return Cause::failed;
  }
}

std::string_view reason_of(int status) {
  if (status == unproven) return "the server did not prove that it knows the password";
  return status == 0 ? "no answer" : "";
}

}  // namespace beckon::client::control
