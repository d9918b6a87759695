#include "client/control/cause.hpp"

#include <algorithm>
#include <iterator>

namespace beckon::client::control {

namespace {

constexpr CauseRow rows[] = {
    {Cause::done, "done", "the command succeeded"},
    {Cause::usage, "usage", "unknown command, missing or malformed argument, unreadable file"},
    {Cause::unreachable, "unreachable", "no connection to the server, or no answer in time; 503"},
    {Cause::credentials, "credentials", "the server refuses name or password: 401, 407"},
    {Cause::failed, "failed", "any other failure; status and reason say which"},
    {Cause::not_found, "not-found", "no such user, session or subscription: 404, 410, 604"},
    {Cause::refused, "refused", "the peer or its policy refused: 403, 603, 606 to 608"},
    {Cause::unavailable, "unavailable", "known, but cannot be reached now: 408, 480, 486, 487, 600"},
    {Cause::untrusted, "untrusted", "the server's certificate or its proof of the password is not trusted"},
    {Cause::no_direct, "no-direct", "no direct session possible: no grant, no candidate, no common codec"},
    {Cause::timeout, "timeout", "what the command waited for did not come in time"},
};

}  // namespace

std::span<const CauseRow> causes() { return rows; }

std::string_view to_string(Cause cause) {
  const auto found = std::ranges::find(rows, cause, &CauseRow::cause);
  return found == std::end(rows) ? "failed" : found->word;
}

Cause parse_cause(std::string_view word) {
  const auto found = std::ranges::find(rows, word, &CauseRow::word);
  return found == std::end(rows) ? Cause::failed : found->cause;
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
    case 606:
    case 607:
    case 608:
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

/// Servers do not tell the right password from a wrong one while they damp guesses (`server/shard`).
std::string_view refused_credentials(bool accepted_before) {
  return accepted_before
             ? "the server refuses the password that it accepted before: it was changed there, or somebody "
               "guesses it and the server refuses the right one, too, for a while"
             : "the server refuses this name or password; after several wrong ones it refuses the right one, "
               "too, for a while";
}

}  // namespace beckon::client::control
