#include "protocol/sip/check.hpp"

#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_table.hpp"

namespace beckon::sip {

namespace {

constexpr std::uint32_t max_max_forwards = 255;  ///< RFC 3261 20.22.

Rejected bad_request(Errc cause, std::string_view fault, HeaderId id) {
  return {cause, 400, std::string(fault).append(" ").append(to_string(id))};
}

template <class Choose>
constexpr HeaderSet headers_that(Choose choose) {
  HeaderSet chosen;
  for (const auto& row : header_table) {
    if (choose(row)) chosen.add(row.id);
  }
  return chosen;
}

constexpr HeaderSet mandatory = headers_that([](const HeaderRow& row) {
  return row.refused == Refused::when_missing_or_wrong || row.refused == Refused::when_missing_or_not_one;
});
/// Of these a second one makes it unclear what is meant.
constexpr HeaderSet single = headers_that([](const HeaderRow& row) {
  return row.refused == Refused::when_repeated || row.refused == Refused::when_wrong_or_repeated ||
         row.refused == Refused::when_missing_or_not_one;
});
/// Of what is relayed a proxy uses no others (RFC 3261 16.3 step 1).
constexpr HeaderSet single_in_relayed = headers_that([](const HeaderRow& row) {
  return row.refused == Refused::when_missing_or_not_one || row.id == HeaderId::max_forwards;
});
/// A response is refused only for what finds its request again and its way back: a proxy relays the rest as
/// it is (RFC 3261 16.7), and one device's fault in a list of Contacts must not cost another its answer.
constexpr HeaderSet single_in_response =
    headers_that([](const HeaderRow& row) { return row.refused == Refused::when_missing_or_not_one; });

std::optional<Rejected> check_counts(const Message& message) {
  const HeaderSet& counted = message.is_request() ? single_in_relayed : single_in_response;
  if (const auto id = message.repeated().both(counted).first())
    return bad_request(Errc::repeated_header, "Repeated", *id);
  if (const auto id = mandatory.without(message.present()).first())
    return bad_request(Errc::missing_header, "Missing", *id);
  return std::nullopt;
}

bool is_max_forwards(std::string_view text) {
  const auto value = parse_number<std::uint32_t>(text);
  return value && *value <= max_max_forwards;
}

/// Takes what was read; false when it was not.
template <class T>
bool take(const Result<T>& read, T& into) {
  if (read) into = *read;
  return read.has_value();
}

/// RFC 3261 10.3: "*" stands alone.
bool are_contacts(const Message& message) {
  std::size_t count = 0;
  bool all = false;
  for (const auto value : message.each(HeaderId::contact)) {
    ++count;
    if (value == "*") {
      all = true;
    } else if (!view_name_addr(value)) {
      return false;
    }
  }
  return !all || count == 1;
}

/// Reads what `header_table` says is refused when wrong. The parameters of an address are left to the code
/// that needs them.
std::optional<Rejected> check_values(const Message& message, Reading& reading) {
  const auto bad = [](HeaderId id) { return bad_request(Errc::bad_value, "Bad", id); };
  if (!take(message.top_via_view(), reading.via)) return bad(HeaderId::via);
  if (!take(view_name_addr(message.header(HeaderId::from)), reading.from)) return bad(HeaderId::from);
  if (!take(view_name_addr(message.header(HeaderId::to)), reading.to)) return bad(HeaderId::to);
  if (!grammar::is_call_id(message.call_id())) return bad(HeaderId::call_id);
  if (!take(view_cseq(message.header(HeaderId::cseq)), reading.cseq)) return bad(HeaderId::cseq);
  if (message.is_response()) return std::nullopt;
  if (message.has(HeaderId::max_forwards) && !is_max_forwards(message.header(HeaderId::max_forwards))) {
    return bad(HeaderId::max_forwards);
  }
  return std::nullopt;
}

std::optional<Rejected> check_request_uri(const Message& request, UriView& uri) {
  if (!take(request.request_uri_view(), uri)) return Rejected{Errc::bad_uri, 400, "Bad Request-URI"};
  static constexpr std::array<std::string_view, 4> served{"sip", "sips", "im", "pres"};
  const auto is_same = [&uri](std::string_view scheme) { return iequals(scheme, uri.scheme); };
  if (std::none_of(served.begin(), served.end(), is_same)) {
    return Rejected{Errc::bad_scheme, 416, std::string(default_reason(416))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Rejected> check(const Message& message) {
  Reading reading;
  if (auto rejected = check_to_relay(message, reading)) return rejected;
  return message.is_request() ? check_to_serve(message) : std::nullopt;
}

std::optional<Rejected> check_to_serve(const Message& request) {
  if (const auto id = request.repeated().both(single).first())
    return bad_request(Errc::repeated_header, "Repeated", *id);
  if (!are_contacts(request)) return bad_request(Errc::bad_value, "Bad", HeaderId::contact);
  return std::nullopt;
}

std::optional<Rejected> check_to_relay(const Message& message, Reading& reading) {
  if (message.is_request() && !iequals(message.version(), "SIP/2.0")) {
    return Rejected{Errc::bad_version, 505, std::string(default_reason(505))};
  }
  if (auto rejected = check_counts(message)) return rejected;
  if (auto rejected = check_values(message, reading)) return rejected;
  if (message.is_response()) return std::nullopt;
  if (reading.cseq.method != message.method_text())
    return Rejected{Errc::bad_value, 400, "CSeq Method Mismatch"};
  return check_request_uri(message, reading.uri);
}

std::optional<Refusal> refusal(const SharedText& text, ErrorCode why, const Limits& limits) {
  auto head = Message::salvage(text, limits);
  if (!head || head->is_response() || head->method() == Method::ack || !head->has(HeaderId::via))
    return std::nullopt;
  int status = 400;
  if (!head->version().empty() && !iequals(head->version(), "SIP/2.0")) status = 505;
  if (why == Errc::too_long) status = head->request_uri_text().size() > limits.uri ? 414 : 513;
  std::string reason(status == 400 ? to_string(static_cast<Errc>(why.value())) : default_reason(status));
  if (status == 400) reason = "Bad Request: " + reason;
  return Refusal{status, std::move(reason), std::move(*head)};
}

}  // namespace beckon::sip
