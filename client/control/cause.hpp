#pragma once

#include <string_view>

namespace beckon::client::control {

/// Why a command ended as it did. The number is the exit code of a one-shot `beckon COMMAND`; both
/// number and spelling are part of the contract with people's programs and never change.
enum class Cause {
  done = 0,
  usage = 2,        ///< Unknown command, missing or malformed argument, unreadable file.
  unreachable = 3,  ///< No connection to the server, or no answer in time.
  credentials = 4,  ///< The server refused name or password.
  failed = 5,       ///< Any other failure; `status` and `reason` say which.
  not_found = 6,    ///< No such user (404, 410, 604).
  refused = 7,      ///< The other side or its policy said no (403, 603).
  unavailable = 8,  ///< Known, but not to be reached now (408, 480, 486, 487, 600).
  untrusted = 9,    ///< TLS certificate, device key or the server's proof of the password not to be trusted.
  no_direct = 10,   ///< No direct session possible: no grant, no candidate, no codec in common.
};

/// "done", "usage", ... as written in JSON.
std::string_view to_string(Cause cause);
/// And back; what is no cause is `failed`.
Cause parse_cause(std::string_view word);

/// Stands in place of a final status: a 2xx came with a proof of the password that is wrong (RFC 7616 3.5).
inline constexpr int unproven = -1;

/// The cause of a final SIP status, of 0 (nobody answered), or of `unproven`.
Cause cause_of(int status);
/// What to tell of the last two; empty for a SIP status, whose reason phrase says it.
std::string_view reason_of(int status);

}  // namespace beckon::client::control
