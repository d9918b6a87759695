#include "protocol/sip/header.hpp"

#include <algorithm>
#include <limits>

#include "protocol/base/address.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::sip {

using grammar::Class;

namespace {

constexpr std::uint32_t max_cseq = 0x7fffffff;  ///< RFC 3261 8.1.1.5: less than 2^31.

/// Cuts a value in front of its parameters: {value, parameters from ';' on}.
struct Parted {
  std::string_view value;
  std::string_view parameters;
};

Parted part(std::string_view text) {
  const auto at = grammar::find_outside(text, ";");
  return {trim(text.substr(0, at)), trim(text.substr(at))};
}

/// "SIP/2.0/UDP" with blanks around the slashes: takes it off `text`, gives the transport.
std::optional<std::string_view> take_protocol(std::string_view& text) {
  const auto first = text.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (!iequals(trim(text.substr(0, first)), "SIP")) return std::nullopt;
  if (trim(text.substr(first + 1, second - first - 1)) != "2.0") return std::nullopt;
  text = trim(text.substr(second + 1));
  const auto end = text.find_first_of(" \t");
  if (end == std::string_view::npos) return std::nullopt;
  const auto transport = text.substr(0, end);
  text = trim(text.substr(end));
  return grammar::is_token(transport) ? std::optional(transport) : std::nullopt;
}

/// host [ COLON port ], blanks around the colon allowed.
Result<Via> take_sent_by(std::string_view text, Via via) {
  const auto bracket = text.find(']');
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  auto host = trim(text.substr(0, colon));
  if (colon != std::string_view::npos) {
    via.port = parse_number<std::uint16_t>(trim(text.substr(colon + 1)));
    if (!via.port) return Errc::bad_port;
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!parse_ip(host)) return Errc::bad_value;
  } else if (host.empty() || !grammar::all(host, Class::unreserved)) {
    return Errc::bad_value;
  }
  via.host = to_lower(host);
  return via;
}

bool is_display_name(std::string_view text) {
  // COMPAT: several peers write names beyond ASCII without quotes.
  for (const char c : text) {
    if (!grammar::is(c, Class::token) && !is_blank(c) && static_cast<unsigned char>(c) < 0x80) return false;
  }
  return true;
}

bool take_display_name(std::string_view text, std::string& name) {
  text = trim(text);
  if (text.empty() || text.front() != '"') {
    name = text;
    return is_display_name(text);
  }
  name = grammar::unquote(text);
  return grammar::skip_quoted(text, 0) == text.size();
}

Result<NameAddr> read_bracketed(std::string_view text, std::size_t open) {
  NameAddr out;
  const auto close = text.find('>', open);
  if (close == std::string_view::npos) return Errc::bad_value;
  if (!take_display_name(text.substr(0, open), out.display_name)) return Errc::bad_value;
  const auto uri = parse_uri(text.substr(open + 1, close - open - 1));
  if (!uri) return uri.error();
  out.uri = *uri;
  out.parameters = trim(text.substr(close + 1));
  return out;
}

/// RFC 3261 20.10: without brackets the parameters are the header's, and there is no '?' and no comma.
Result<NameAddr> read_bare(std::string_view text) {
  const auto [address, parameters] = part(text);
  if (address.find_first_of("?,") != std::string_view::npos) return Errc::bad_value;
  const auto uri = parse_uri(address);
  if (!uri) return uri.error();
  return NameAddr{{}, *uri, std::string(parameters)};
}

bool is_plain_display_name(std::string_view text) { return grammar::all(text, Class::token); }

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c == '\r' || c == '\n' ? ' ' : c);
  }
  out.push_back('"');
}

std::optional<std::uint32_t> number_parameter(std::string_view parameters, std::string_view name) {
  const auto text = find_parameter(parameters, name);
  return text ? parse_delta_seconds(*text) : std::nullopt;
}

}  // namespace

Result<Via> parse_via(std::string_view value) {
  auto [front, parameters] = part(value);
  const auto transport = take_protocol(front);
  if (!transport || !grammar::valid_parameters(parameters)) return Errc::bad_value;
  Via via;
  via.transport = to_upper(*transport);
  via.parameters = parameters;
  return take_sent_by(front, std::move(via));
}

std::string print(const Via& via) {
  std::string out = "SIP/2.0/" + via.transport + " ";
  out += via.host.find(':') == std::string::npos ? via.host : "[" + via.host + "]";
  if (via.port) out += ":" + std::to_string(*via.port);
  return out + via.parameters;
}

Result<NameAddr> parse_name_addr(std::string_view value) {
  value = trim(value);
  const auto open = grammar::find_outside(value, "<");
  auto out = open == value.size() ? read_bare(value) : read_bracketed(value, open);
  if (out && !grammar::valid_parameters(out->parameters)) return Errc::bad_value;
  return out;
}

std::string print(const NameAddr& address) {
  std::string out;
  if (is_plain_display_name(address.display_name)) {
    out = address.display_name;
  } else {
    append_quoted(out, address.display_name);
  }
  if (!out.empty()) out += " ";
  return out + "<" + print(address.uri) + ">" + address.parameters;
}

Result<CSeq> parse_cseq(std::string_view value) {
  value = trim(value);
  const auto blank = value.find_first_of(" \t");
  if (blank == std::string_view::npos) return Errc::bad_value;
  const auto number = parse_number<std::uint32_t>(value.substr(0, blank));
  const auto method = trim(value.substr(blank));
  if (!number || *number > max_cseq || !grammar::is_token(method)) return Errc::bad_value;
  return CSeq{*number, std::string(method)};
}

Result<Event> parse_event(std::string_view value) {
  const auto [package, parameters] = part(value);
  if (!grammar::is_token(package) || !grammar::valid_parameters(parameters)) return Errc::bad_value;
  const auto id = find_parameter(parameters, "id").value_or(std::string_view{});
  return Event{std::string(package), std::string(id), std::string(parameters)};
}

Result<SubscriptionState> parse_subscription_state(std::string_view value) {
  const auto [state, parameters] = part(value);
  if (!grammar::is_token(state) || !grammar::valid_parameters(parameters)) return Errc::bad_value;
  SubscriptionState out;
  out.state = to_lower(state);
  out.reason = find_parameter(parameters, "reason").value_or(std::string_view{});
  out.expires = number_parameter(parameters, "expires");
  out.retry_after = number_parameter(parameters, "retry-after");
  return out;
}

std::string print(const SubscriptionState& state) {
  std::string out = state.state;
  if (!state.reason.empty()) out += ";reason=" + state.reason;
  if (state.expires) out += ";expires=" + std::to_string(*state.expires);
  if (state.retry_after) out += ";retry-after=" + std::to_string(*state.retry_after);
  return out;
}

std::optional<std::uint32_t> parse_delta_seconds(std::string_view text) {
  text = trim(text);
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  return parse_number<std::uint32_t>(text).value_or(std::numeric_limits<std::uint32_t>::max());
}

std::string media_type(std::string_view content_type) {
  const auto value = part(content_type).value;
  const auto [type, subtype] = cut(value, '/');
  if (!grammar::is_token(trim(type)) || !grammar::is_token(trim(subtype))) return {};
  return to_lower(trim(type)) + "/" + to_lower(trim(subtype));
}

std::vector<std::string_view> split_values(std::string_view value) {
  std::vector<std::string_view> values;
  for (std::string_view piece; grammar::next_piece(value, ',', piece);) {
    piece = trim(piece);
    if (!piece.empty()) values.push_back(piece);
  }
  return values;
}

}  // namespace beckon::sip
