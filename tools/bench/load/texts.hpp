#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::bench {

/// What every SIP text of a run needs to know.
inline constexpr std::string_view domain = "example.org";
/// Of every user that a server knows which has to: of kind 'u', or of kind 'o', who are away.
inline constexpr std::string_view password = "secret";
inline constexpr std::uint32_t known_users = 10000;
inline constexpr std::size_t pidf_octets = 640;
inline constexpr std::size_t echo_octets = 500;

/// Finds a transaction again: the slot it occupies, and a serial number that no other one of the run has.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint32_t serial = 0;
};

/// User `number` of a kind, without the domain: "u17", "p17", "w17".
std::string user(char kind, std::uint32_t number);

/// What differs between requests of one method. Every request has the ticket in its branch.
struct Request {
  std::string_view method;
  std::string_view uri;     ///< Request-URI.
  std::string_view from;    ///< User name.
  std::string_view to;      ///< User name; empty: the domain itself.
  std::string_view to_tag;  ///< Empty outside a dialog.
  std::string_view call_id;
  std::uint32_t cseq = 1;
  std::string_view headers;  ///< Whole lines.
  std::string_view body;
};
/// Sent from 127.0.0.1:`port` over UDP.
std::string print(const Request& request, Ticket ticket, std::uint16_t port);

/// 500 octets with the ticket in them.
std::string echo_text(Ticket ticket);
/// A PIDF document of exactly `pidf_octets` octets: open, with a note that holds `serial`.
std::string pidf(std::string_view presentity, std::uint32_t serial);
/// The text that only the document of this serial number contains.
std::string pidf_mark(std::uint32_t serial);

/// What user w`number` has for services of lists (RFC 4826): one, list`number`, of the presentities from p0
/// on.
std::string list_document(std::uint32_t number, std::uint32_t members);

/// The ticket in the first branch of ours; empty if there is none.
std::optional<Ticket> ticket_in(std::string_view text);
/// Status of a response; 0 for any other text.
int status_in(std::string_view text);
/// The value of the first header line with this name; empty if there is none.
std::string_view header(std::string_view text, std::string_view name);
/// The value of parameter "tag"; empty if there is none.
std::string_view tag_in(std::string_view value);
/// The URI between angle brackets; empty if there are none.
std::string_view bracketed(std::string_view value);
/// The hexadecimal number at the start of `text`; empty if there is none.
std::optional<std::uint32_t> hexadecimal(std::string_view text);

/// An answer to `request`; `headers` are whole lines. A To without a tag gets one.
std::string answer(std::string_view request, std::string_view status, std::string_view headers,
                   std::string_view body);
std::string ok(std::string_view request);

}  // namespace beckon::bench
