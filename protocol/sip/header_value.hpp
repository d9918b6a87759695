#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/sip/header.hpp"

/// Header fields read to types. The texts of these types are views into the value that was read and live as
/// long as it does; quoted strings stand in them as written (`text_of` takes quotes and escapes off).
namespace beckon::sip {

/// One value with its parameters: a token, media range, Call-ID, URI...; most header fields are lists of it.
struct Item {
  std::string_view value;
  std::string_view parameters;  ///< All, starting with ';'; empty where there is none.

  std::optional<std::string_view> parameter(std::string_view name) const {
    return find_parameter(parameters, name);
  }
  bool operator==(const Item&) const = default;
};

/// A decimal number with parameters: Expires, Max-Forwards, Session-Expires...
struct Number {
  std::uint32_t value = 0;
  std::string_view parameters;

  std::optional<std::string_view> parameter(std::string_view name) const {
    return find_parameter(parameters, name);
  }
  bool operator==(const Number&) const = default;
};

/// Retry-After (RFC 3261 20.33).
struct RetryAfter {
  std::uint32_t seconds = 0;
  std::string_view comment;               ///< Without its outer parentheses.
  std::optional<std::uint32_t> duration;  ///< Seconds the callee is reachable for.
  std::string_view parameters;            ///< All.
  bool operator==(const RetryAfter&) const = default;
};

/// Timestamp (RFC 3261 20.38), as written, since its unit is the sender's.
struct Timestamp {
  std::string_view value;
  std::string_view delay;  ///< Empty when absent.
  bool operator==(const Timestamp&) const = default;
};

/// One value of Warning (RFC 3261 20.43).
struct Warning {
  std::uint16_t code = 0;
  std::string_view agent;
  std::string_view text;  ///< Quoted, as written.
  bool operator==(const Warning&) const = default;
};

/// RAck (RFC 3262 7.2).
struct RAck {
  std::uint32_t response = 0;
  std::uint32_t cseq = 0;
  std::string_view method;
  bool operator==(const RAck&) const = default;
};

/// A challenge, credentials, or what confirms them (RFC 3261 20.6, 20.7, 20.27, 20.28, 20.44).
/// `protocol/auth` knows what they mean. Never logged.
struct AuthValue {
  std::string_view scheme;       ///< Empty in Authentication-Info.
  std::vector<Item> parameters;  ///< value: the name; parameters: what follows '=', as written.
  std::string_view token68;      ///< Instead of parameters (RFC 7235 2.1).

  /// As written; nullopt when absent.
  std::optional<std::string_view> parameter(std::string_view name) const;
  bool operator==(const AuthValue&) const = default;
};

/// One value of Contact with what RFC 3261 20.10, 3840, 5626 and 5627 say in its parameters.
struct Contact {
  NameAddr address;  ///< "*" is a URI of scheme "*".

  bool is_star() const { return address.uri.scheme == "*"; }
  std::optional<unsigned> q() const;  ///< Thousandths, 0 to 1000.
  std::optional<std::uint32_t> expires() const;
  std::string_view instance() const;            ///< "urn:uuid:..." of +sip.instance, without "<>"; or empty.
  std::optional<std::uint32_t> reg_id() const;  ///< RFC 5626 4.2.1.
  bool is_outbound() const;                     ///< The URI has "ob" (RFC 5626 4.3).
  std::string pub_gruu() const;                 ///< Unescaped; empty when absent (RFC 5627 4.2).
  std::string temp_gruu() const;
};

inline constexpr std::uint32_t max_reg_id = 0x7fffffff;  ///< RFC 5626 10.

using DateTime = std::chrono::sys_seconds;

/// What a header field says. `Shape` decides which of the types: monostate: verbatim; string_view: text,
/// token, call_id, version; Item: one value with parameters; vector<Item>: several (products and comments
/// too); vector<NameAddr>: address, addresses, routes.
using HeaderValue = std::variant<std::monostate, std::string_view, Item, std::vector<Item>, Number,
                                 RetryAfter, Timestamp, DateTime, std::vector<Warning>, CSeq, RAck, AuthValue,
                                 std::vector<Via>, std::vector<NameAddr>, std::vector<Contact>>;

/// Reads the value of one header line by its row of `header_table`. Errors: Errc::bad_value, or the one of a
/// URI in it. HeaderId::other gives monostate.
Result<HeaderValue> parse_header(HeaderId id, std::string_view value);

/// Writes what `parse_header(id, ...)` gave, with usual blanks; parameters as they were written.
void append(std::string& out, HeaderId id, const HeaderValue& value);
std::string print(HeaderId id, const HeaderValue& value);

/// Do two values of that header field say the same (RFC 3261 7.3.1, 19.1.4, 20)? Values that do not read are
/// compared as text.
bool equivalent_values(HeaderId id, std::string_view a, std::string_view b);

/// rfc1123-date, GMT only (RFC 3261 20.17). A weekday that does not fit the date is let pass.
Result<DateTime> parse_date(std::string_view text);
std::string print_date(DateTime time);

/// qvalue in thousandths (RFC 3261 25.1); nullopt when it is none.
std::optional<unsigned> parse_q(std::string_view text);

/// A quoted string without quotes and escapes; other text as it stands.
std::string text_of(std::string_view quoted);

/// One feature parameter of a Contact or Accept-Contact (RFC 3840 9).
struct Feature {
  std::string_view tag;     ///< Without '+'.
  std::string_view value;   ///< Within the quotes; empty for a tag without value, which means TRUE.
  bool is_string = false;   ///< "<...>": compared octet by octet.
  bool is_negated = false;  ///< The whole value is "!x".
  bool operator==(const Feature&) const = default;
};
/// The feature parameters among `parameters`. Errors: bad_value where one is malformed or stands twice.
Result<std::vector<Feature>> parse_features(std::string_view parameters);

}  // namespace beckon::sip
