#pragma once

#include <span>
#include <string_view>

namespace beckon::client::control {

/// Why a command ended as it did. The number is the exit code of a one-shot `beckon COMMAND`; both
/// number and spelling are part of the contract with other programs and never change.
enum class Cause {
  done = 0,
  usage = 2,        ///< Unknown command, missing or malformed argument, unreadable file.
  unreachable = 3,  ///< No connection to the server, or no answer in time.
  credentials = 4,  ///< The server refused name or password.
  failed = 5,       ///< Any other failure; `status` and `reason` say which.
  not_found = 6,    ///< No such user (404, 410, 604).
  refused = 7,      ///< The peer or its policy refused (403, 603, 606; 607 and 608 of RFC 8197 and 8688).
  unavailable = 8,  ///< Known, but cannot be reached now (408, 480, 486, 487, 600).
  untrusted =
      9,  ///< The TLS certificate, the device key or the server's proof of the password is not trusted.
  no_direct = 10,  ///< No direct session possible: no grant, no candidate, no codec in common.
  timeout = 11,    ///< What a command waited for did not come in time.
};

/// One row of the table of causes. The README, the help of the command line and the schema follow it.
struct CauseRow {
  Cause cause;
  std::string_view word;  ///< As written in JSON.
  const char* help;
};
std::span<const CauseRow> causes();

/// "done", "usage", ...
std::string_view to_string(Cause cause);
/// And back; an unknown word is `failed`.
Cause parse_cause(std::string_view word);

/// In place of a final status: a 2xx carried a wrong proof of the password (RFC 7616 3.5).
inline constexpr int unproven = -1;

/// The cause of a final SIP status, of 0 (no answer), or of `unproven`.
Cause cause_of(int status);
/// The reason of the last two for people; empty for a SIP status, which has a reason phrase.
std::string_view reason_of(int status);

/// For people, where a server refuses the credentials: its own phrase says too little. `accepted_before`: the
/// same ones were good.
std::string_view refused_credentials(bool accepted_before);

}  // namespace beckon::client::control
