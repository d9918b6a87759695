#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/sip/error.hpp"
#include "protocol/sip/method.hpp"
#include "protocol/sip/rates.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/sip/view.hpp"

namespace beckon::sip {

/// Header fields the code names, as `header_table` lists them. Every other one is `other`, kept as written.
enum class HeaderId : std::uint8_t {
  other,
  accept,
  accept_contact,
  accept_encoding,
  accept_language,
  alert_info,
  allow,
  allow_events,
  answer_mode,
  authentication_info,
  authorization,
  call_id,
  call_info,
  contact,
  content_disposition,
  content_encoding,
  content_language,
  content_length,
  content_type,
  cseq,
  date,
  error_info,
  event,
  expires,
  flow_timer,
  from,
  in_reply_to,
  join,
  max_breadth,
  max_forwards,
  mime_version,
  min_expires,
  min_se,
  organization,
  p_access_network_info,
  p_asserted_identity,
  p_associated_uri,
  p_called_party_id,
  p_charging_function_addresses,
  p_charging_vector,
  p_preferred_identity,
  p_visited_network_id,
  path,
  priority,
  priv_answer_mode,
  privacy,
  proxy_authenticate,
  proxy_authentication_info,
  proxy_authorization,
  proxy_require,
  rack,
  reason,
  record_route,
  refer_sub,
  refer_to,
  referred_by,
  reject_contact,
  replaces,
  reply_to,
  request_disposition,
  require,
  retry_after,
  route,
  rseq,
  server,
  service_route,
  session_expires,
  sip_etag,
  sip_if_match,
  subject,
  subscription_state,
  supported,
  suppress_if_match,
  target_dialog,
  timestamp,
  to,
  unsupported,
  user_agent,
  via,
  warning,
  www_authenticate,
  direct_session,
};
inline constexpr std::size_t header_count = static_cast<std::size_t>(HeaderId::direct_session) + 1;
/// Any case, compact forms too (RFC 3261 7.3.3).
HeaderId parse_header_name(std::string_view name);
/// The usual spelling: "Call-ID". Empty for `other`.
std::string_view to_string(HeaderId id);

/// A set of header fields, a bit for each.
class HeaderSet {
 public:
  static constexpr std::size_t size = 128;
  static_assert(header_count <= size);

  constexpr bool has(HeaderId id) const { return (words_[word(id)] >> bit(id) & 1) != 0; }
  constexpr void add(HeaderId id) { words_[word(id)] |= std::uint64_t{1} << bit(id); }
  constexpr HeaderSet both(const HeaderSet& other) const {
    return {words_[0] & other.words_[0], words_[1] & other.words_[1]};
  }
  constexpr HeaderSet without(const HeaderSet& other) const {
    return {words_[0] & ~other.words_[0], words_[1] & ~other.words_[1]};
  }
  /// The one that stands first in `header_table`.
  constexpr std::optional<HeaderId> first() const {
    if (words_[0] != 0) return static_cast<HeaderId>(std::countr_zero(words_[0]));
    if (words_[1] != 0) return static_cast<HeaderId>(64 + std::countr_zero(words_[1]));
    return std::nullopt;
  }

  constexpr HeaderSet() = default;

 private:
  constexpr HeaderSet(std::uint64_t low, std::uint64_t high) : words_{low, high} {}
  static constexpr std::size_t word(HeaderId id) { return static_cast<std::size_t>(id) / 64; }
  static constexpr unsigned bit(HeaderId id) { return static_cast<unsigned>(id) % 64; }

  std::array<std::uint64_t, size / 64> words_{};
};

/// One Via hop (RFC 3261 20.42).
struct Via {
  std::string transport;              ///< Upper case: "UDP", "TCP", "TLS", "WS", "WSS".
  std::string host;                   ///< Lower case, without brackets for IPv6.
  std::optional<std::uint16_t> port;  ///< Absent means the transport's default port.
  std::string parameters;             ///< All, as written, starting with ';'.

  std::string_view branch() const {
    return find_parameter(parameters, "branch").value_or(std::string_view{});
  }
};
Result<Via> parse_via(std::string_view value);
Via own(const ViaView& via);
std::string print(const Via& via);

/// name-addr or addr-spec with header parameters: From, To, Contact, Route... (RFC 3261 20.10).
struct NameAddr {
  std::string display_name;  ///< Unquoted and unescaped.
  Uri uri;
  std::string parameters;  ///< The header's, not the URI's, starting with ';'.

  std::optional<std::string_view> parameter(std::string_view name) const {
    return find_parameter(parameters, name);
  }
  std::string_view tag() const { return parameter("tag").value_or(std::string_view{}); }
};
Result<NameAddr> parse_name_addr(std::string_view value);
std::string print(const NameAddr& address);

struct CSeq {
  std::uint32_t number = 0;
  std::string method;
};
Result<CSeq> parse_cseq(std::string_view value);

/// Event (RFC 6665 8.2.1, RFC 6446 9.2).
struct Event {
  std::string package;     ///< "presence", "presence.winfo"; compared as written.
  std::string id;          ///< Empty when absent.
  std::string parameters;  ///< All, starting with ';'.
  Rates rates{};
};
Result<Event> parse_event(std::string_view value);

/// Subscription-State (RFC 6665 8.2.3, RFC 6446 9.2).
struct SubscriptionState {
  std::string state;                         ///< "active", "pending", "terminated" or another token.
  std::string reason;                        ///< Empty when absent.
  std::optional<std::uint32_t> expires;      ///< Seconds.
  std::optional<std::uint32_t> retry_after;  ///< Seconds.
  Rates rates{};
};
Result<SubscriptionState> parse_subscription_state(std::string_view value);
std::string print(const SubscriptionState& state);

/// delta-seconds (RFC 3261 25.1): past 2^32-1 it is 2^32-1; anything but digits gives nullopt.
std::optional<std::uint32_t> parse_delta_seconds(std::string_view text);

/// "type/subtype" in lower case, without parameters; empty when malformed.
std::string media_type(std::string_view content_type);

/// Splits a header value at commas outside quotes and angle brackets; pieces are trimmed.
std::vector<std::string_view> split_values(std::string_view value);

}  // namespace beckon::sip
