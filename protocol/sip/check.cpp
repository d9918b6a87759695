#include "protocol/sip/check.hpp"

#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"

namespace beckon::sip {

namespace {

constexpr std::uint32_t max_max_forwards = 255;  ///< RFC 3261 20.22.

Rejected bad_request(Errc cause, std::string reason) { return {cause, 400, std::move(reason)}; }

/// Headers that stand exactly (first five) or at most once; a second one makes it unclear what is meant.
std::optional<Rejected> check_counts(const Message& message) {
  static constexpr std::array once{HeaderId::from,         HeaderId::to,           HeaderId::call_id,
                                   HeaderId::cseq,         HeaderId::max_forwards, HeaderId::expires,
                                   HeaderId::content_type, HeaderId::event};
  static constexpr std::size_t mandatory = 4;
  std::array<unsigned, static_cast<std::size_t>(HeaderId::direct_session) + 1> counts{};
  for (const auto& line : message.headers()) ++counts[static_cast<std::size_t>(line.id)];
  for (std::size_t i = 0; i < once.size(); ++i) {
    const auto count = counts[static_cast<std::size_t>(once[i])];
    const std::string name(to_string(once[i]));
    if (count == 0 && i < mandatory) return bad_request(Errc::missing_header, "Missing " + name);
    if (count > 1) return bad_request(Errc::repeated_header, "Repeated " + name);
  }
  if (counts[static_cast<std::size_t>(HeaderId::via)] == 0)
    return bad_request(Errc::missing_header, "Missing Via");
  return std::nullopt;
}

bool is_call_id(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_max_forwards(std::string_view text) {
  const auto value = parse_number<std::uint32_t>(text);
  return value && *value <= max_max_forwards;
}

std::optional<Rejected> check_values(const Message& message) {
  const auto bad = [](std::string_view name) {
    return bad_request(Errc::bad_value, "Bad " + std::string(name));
  };
  if (!message.top_via()) return bad("Via");
  if (!message.from()) return bad("From");
  if (!message.to()) return bad("To");
  if (!is_call_id(message.call_id())) return bad("Call-ID");
  if (!message.cseq()) return bad("CSeq");
  if (message.has(HeaderId::contact) && !message.contacts()) return bad("Contact");
  if (message.has(HeaderId::max_forwards) && !is_max_forwards(message.header(HeaderId::max_forwards))) {
    return bad("Max-Forwards");
  }
  return std::nullopt;
}

std::optional<Rejected> check_request_uri(const Message& request) {
  const auto uri = request.request_uri();
  if (!uri) return bad_request(Errc::bad_uri, "Bad Request-URI");
  static constexpr std::array<std::string_view, 4> served{"sip", "sips", "im", "pres"};
  if (std::find(served.begin(), served.end(), uri->scheme) == served.end()) {
    return Rejected{Errc::bad_scheme, 416, std::string(default_reason(416))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Rejected> check(const Message& message) {
  if (message.is_request() && !iequals(message.version(), "SIP/2.0")) {
    return Rejected{Errc::bad_version, 505, std::string(default_reason(505))};
  }
  if (auto rejected = check_counts(message)) return rejected;
  if (auto rejected = check_values(message)) return rejected;
  if (message.is_response()) return std::nullopt;
  if (message.cseq()->method != message.method_text())
    return bad_request(Errc::bad_value, "CSeq Method Mismatch");
  return check_request_uri(message);
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
