#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/sip/header.hpp"

namespace beckon::sip {

/// The grammar of a header field's value. Header fields share them; `parse_header` says which type each
/// gives.
enum class Shape : std::uint8_t {
  verbatim,             ///< Anything: HeaderId::other.
  text,                 ///< UTF-8 without controls, or nothing.
  products,             ///< product [/version] and comments, blanks between.
  token,                ///< One token.
  tokens,               ///< Tokens.
  semicolon_tokens,     ///< Tokens with ';' between (RFC 3323 4.2).
  dispositions,         ///< The directives of RFC 3841 10.
  call_id,              ///< One Call-ID.
  call_ids,             ///< Call-IDs.
  number,               ///< Decimal, below 2^32.
  hops,                 ///< Decimal, 0 to 255.
  sequence,             ///< Decimal, 1 to 2^32-1.
  seconds,              ///< Decimal; what is past 2^32-1 is 2^32-1.
  session,              ///< Seconds with parameters; refresher is uac or uas.
  retry_after,          ///< Seconds, comment, parameters.
  timestamp,            ///< Seconds with a fraction, and the delay.
  version,              ///< "1.0".
  date,                 ///< rfc1123-date in GMT.
  media_type,           ///< type/subtype with parameters.
  media_ranges,         ///< The same with "*" and q.
  codings,              ///< Token or "*", with q.
  languages,            ///< Language range with q.
  language_tags,        ///< Language tags.
  item,                 ///< Token with parameters.
  flag,                 ///< "true" or "false" with parameters.
  event,                ///< Event (RFC 6665 8.4, RFC 6446 9.2).
  subscription_state,   ///< Subscription-State (RFC 6665 8.4).
  reasons,              ///< Reason (RFC 3326 2).
  networks,             ///< Token or quoted string, with parameters.
  access_networks,      ///< Token with parameters.
  parameter_lists,      ///< Parameters only: name=value;name=value.
  charging,             ///< Parameters with icid-value in front (RFC 7315 5.6).
  links,                ///< <URI> with parameters.
  warnings,             ///< code, agent, "text".
  dialog,               ///< Call-ID with to-tag and from-tag (RFC 3891 6.1, RFC 3911 7.1).
  target_dialog,        ///< Call-ID with local-tag and remote-tag (RFC 4538 7).
  contact_preferences,  ///< "*" with feature parameters (RFC 3841 10).
  cseq,                 ///< Number and method.
  rack,                 ///< Number, CSeq number, method.
  challenge,            ///< Scheme and auth-params, or a token68.
  auth_info,            ///< Auth-params only.
  via,                  ///< Via values.
  address,              ///< One name-addr or addr-spec.
  addresses,            ///< Several.
  routes,               ///< name-addr values, in angle brackets.
  called_party,         ///< One of those.
  contacts,             ///< "*", or addresses with q, expires, features.
};

/// How often a value stands in a message (RFC 3261 7.3.1).
enum class Stands : std::uint8_t {
  once,           ///< One line, one value.
  list,           ///< Values with commas between, over any number of lines.
  list_or_empty,  ///< The same; a line may have no value.
  lines,          ///< Any number of lines, one value in each.
};

/// When `check` refuses a request for a header field; a response only for one that must stand. All others are
/// ignored where they are wrong, by the code that reads them (RFC 3261 16.3: elements act on no header field
/// they do not need).
enum class Refused : std::uint8_t {
  never,
  when_repeated,            ///< Standing more often than once.
  when_wrong,               ///< Its value not reading well.
  when_wrong_or_repeated,   ///< Either.
  when_missing_or_wrong,    ///< Not standing at all, or wrong.
  when_missing_or_not_one,  ///< Any of the three.
};

/// What the project knows about one header field.
struct HeaderRow {
  HeaderId id;
  std::string_view name;  ///< The usual spelling.
  char compact;           ///< Compact form (RFC 3261 7.3.3), or ' '.
  Shape shape;
  Stands stands;
  Refused refused;
  std::string_view defined;  ///< Document and section.
};

/// Every header field that is read to a type, in the order of HeaderId. HEADERS.md shows it;
/// header_table_test compares the two, and reads good and bad examples of each row.
inline constexpr auto header_table = [] {
  using enum HeaderId;
  using S = Shape;
  using enum Stands;
  using enum Refused;
  return std::to_array<HeaderRow>({
      {other, "", ' ', S::verbatim, lines, never, "3261 7.3.1"},
      {accept, "Accept", ' ', S::media_ranges, list_or_empty, never, "3261 20.1"},
      {accept_contact, "Accept-Contact", 'a', S::contact_preferences, list, never, "3841 10"},
      {accept_encoding, "Accept-Encoding", ' ', S::codings, list_or_empty, never, "3261 20.2"},
      {accept_language, "Accept-Language", ' ', S::languages, list_or_empty, never, "3261 20.3"},
      {alert_info, "Alert-Info", ' ', S::links, list, never, "3261 20.4"},
      {allow, "Allow", ' ', S::tokens, list_or_empty, never, "3261 20.5"},
      {allow_events, "Allow-Events", 'u', S::tokens, list, never, "6665 8.4"},
      {answer_mode, "Answer-Mode", ' ', S::item, once, never, "5373 2"},
      {authentication_info, "Authentication-Info", ' ', S::auth_info, once, never, "3261 20.6"},
      {authorization, "Authorization", ' ', S::challenge, lines, never, "3261 20.7"},
      {call_id, "Call-ID", 'i', S::call_id, once, when_missing_or_not_one, "3261 20.8"},
      {call_info, "Call-Info", ' ', S::links, list, never, "3261 20.9"},
      {contact, "Contact", 'm', S::contacts, list, when_wrong, "3261 20.10, 3840 9, 5626 10, 5627 7"},
      {content_disposition, "Content-Disposition", ' ', S::item, once, never, "3261 20.11"},
      {content_encoding, "Content-Encoding", 'e', S::tokens, list, never, "3261 20.12"},
      {content_language, "Content-Language", ' ', S::language_tags, list, never, "3261 20.13"},
      {content_length, "Content-Length", 'l', S::number, once, when_wrong, "3261 20.14"},
      {content_type, "Content-Type", 'c', S::media_type, once, when_repeated, "3261 20.15"},
      {cseq, "CSeq", ' ', S::cseq, once, when_missing_or_not_one, "3261 20.16"},
      {date, "Date", ' ', S::date, once, never, "3261 20.17"},
      {error_info, "Error-Info", ' ', S::links, list, never, "3261 20.18"},
      {event, "Event", 'o', S::event, once, when_repeated, "6665 8.4, 6446 9.2"},
      {expires, "Expires", ' ', S::seconds, once, when_repeated, "3261 20.19"},
      {flow_timer, "Flow-Timer", ' ', S::seconds, once, never, "5626 10"},
      {from, "From", 'f', S::address, once, when_missing_or_not_one, "3261 20.20"},
      {in_reply_to, "In-Reply-To", ' ', S::call_ids, list, never, "3261 20.21"},
      {join, "Join", ' ', S::dialog, once, never, "3911 7.1"},
      {max_breadth, "Max-Breadth", ' ', S::number, once, never, "5393 5.8"},
      {max_forwards, "Max-Forwards", ' ', S::hops, once, when_wrong_or_repeated, "3261 20.22"},
      {mime_version, "MIME-Version", ' ', S::version, once, never, "3261 20.24"},
      {min_expires, "Min-Expires", ' ', S::seconds, once, never, "3261 20.23"},
      {min_se, "Min-SE", ' ', S::session, once, never, "4028 5"},
      {organization, "Organization", ' ', S::text, once, never, "3261 20.25"},
      {p_access_network_info, "P-Access-Network-Info", ' ', S::access_networks, list, never, "7315 5.4"},
      {p_asserted_identity, "P-Asserted-Identity", ' ', S::addresses, list, never, "3325 9.1"},
      {p_associated_uri, "P-Associated-URI", ' ', S::routes, list_or_empty, never, "7315 5.1"},
      {p_called_party_id, "P-Called-Party-ID", ' ', S::called_party, once, never, "7315 5.2"},
      {p_charging_function_addresses, "P-Charging-Function-Addresses", ' ', S::parameter_lists, list, never,
       "7315 5.5"},
      {p_charging_vector, "P-Charging-Vector", ' ', S::charging, once, never, "7315 5.6"},
      {p_preferred_identity, "P-Preferred-Identity", ' ', S::addresses, list, never, "3325 9.2"},
      {p_visited_network_id, "P-Visited-Network-ID", ' ', S::networks, list, never, "7315 5.3"},
      {path, "Path", ' ', S::routes, list, never, "3327 4"},
      {priority, "Priority", ' ', S::token, once, never, "3261 20.26"},
      {priv_answer_mode, "Priv-Answer-Mode", ' ', S::item, once, never, "5373 2"},
      {privacy, "Privacy", ' ', S::semicolon_tokens, once, never, "3323 4.2"},
      {proxy_authenticate, "Proxy-Authenticate", ' ', S::challenge, lines, never, "3261 20.27"},
      {proxy_authentication_info, "Proxy-Authentication-Info", ' ', S::auth_info, once, never, "7615 4"},
      {proxy_authorization, "Proxy-Authorization", ' ', S::challenge, lines, never, "3261 20.28"},
      {proxy_require, "Proxy-Require", ' ', S::tokens, list, never, "3261 20.29"},
      {rack, "RAck", ' ', S::rack, once, never, "3262 7.2"},
      {reason, "Reason", ' ', S::reasons, list, never, "3326 2"},
      {record_route, "Record-Route", ' ', S::routes, list, never, "3261 20.30"},
      {refer_sub, "Refer-Sub", ' ', S::flag, once, never, "4488 4"},
      {refer_to, "Refer-To", 'r', S::address, once, never, "3515 2.1"},
      {referred_by, "Referred-By", 'b', S::address, once, never, "3892 3"},
      {reject_contact, "Reject-Contact", 'j', S::contact_preferences, list, never, "3841 10"},
      {replaces, "Replaces", ' ', S::dialog, once, never, "3891 6.1"},
      {reply_to, "Reply-To", ' ', S::address, once, never, "3261 20.31"},
      {request_disposition, "Request-Disposition", 'd', S::dispositions, list, never, "3841 10"},
      {require, "Require", ' ', S::tokens, list, never, "3261 20.32"},
      {retry_after, "Retry-After", ' ', S::retry_after, once, never, "3261 20.33"},
      {route, "Route", ' ', S::routes, list, never, "3261 20.34"},
      {rseq, "RSeq", ' ', S::sequence, once, never, "3262 7.1"},
      {server, "Server", ' ', S::products, once, never, "3261 20.35"},
      {service_route, "Service-Route", ' ', S::routes, list, never, "3608 5"},
      {session_expires, "Session-Expires", 'x', S::session, once, never, "4028 4"},
      {sip_etag, "SIP-ETag", ' ', S::token, once, never, "3903 12"},
      {sip_if_match, "SIP-If-Match", ' ', S::token, once, never, "3903 12"},
      {subject, "Subject", 's', S::text, once, never, "3261 20.36"},
      {subscription_state, "Subscription-State", ' ', S::subscription_state, once, never,
       "6665 8.4, 6446 9.2"},
      {supported, "Supported", 'k', S::tokens, list_or_empty, never, "3261 20.37"},
      {suppress_if_match, "Suppress-If-Match", ' ', S::token, once, never, "5839 7.3"},
      {target_dialog, "Target-Dialog", ' ', S::target_dialog, once, never, "4538 7"},
      {timestamp, "Timestamp", ' ', S::timestamp, once, never, "3261 20.38"},
      {to, "To", 't', S::address, once, when_missing_or_not_one, "3261 20.39"},
      {unsupported, "Unsupported", ' ', S::tokens, list, never, "3261 20.40"},
      {user_agent, "User-Agent", ' ', S::products, once, never, "3261 20.41"},
      {via, "Via", 'v', S::via, list, when_missing_or_wrong, "3261 20.42, 3581 6.1"},
      {warning, "Warning", ' ', S::warnings, list, never, "3261 20.43"},
      {www_authenticate, "WWW-Authenticate", ' ', S::challenge, lines, never, "3261 20.44"},
      {direct_session, "Direct-Session", ' ', S::parameter_lists, list, never, "ds1 11"},
  });
}();

static_assert(header_table.size() == header_count);
static_assert([] {
  for (std::size_t i = 0; i < header_table.size(); ++i) {
    if (static_cast<std::size_t>(header_table[i].id) != i) return false;
  }
  return true;
}());

constexpr const HeaderRow& row_of(HeaderId id) { return header_table[static_cast<std::size_t>(id)]; }

}  // namespace beckon::sip
