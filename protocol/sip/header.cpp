#include "protocol/sip/header.hpp"

#include <algorithm>
#include <limits>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::sip {

using grammar::Class;

namespace {

/// Cuts a value in front of its parameters: {value, parameters from ';' on}.
struct Parted {
  std::string_view value;
  std::string_view parameters;
};

Parted part(std::string_view text) {
  const auto at = grammar::find_outside(text, ";");
  return {trim(text.substr(0, at)), trim(text.substr(at))};
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
  const auto via = view_via(value);
  if (!via) return via.error();
  return own(*via);
}

Via own(const ViaView& via) {
  return {to_upper(via.transport), to_lower(via.host), via.port, std::string(via.parameters)};
}

std::string print(const Via& via) {
  std::string out;
  append(out, ViaView{via.transport, via.host, via.port, via.parameters, {}});
  return out;
}

Result<NameAddr> parse_name_addr(std::string_view value) {
  const auto address = view_name_addr(value);
  if (!address) return address.error();
  return NameAddr{grammar::unquote(address->display_name), own(address->uri),
                  std::string(address->parameters)};
}

std::string print(const NameAddr& address) {
  std::string out;
  if (is_plain_display_name(address.display_name)) {
    out = address.display_name;
  } else {
    append_quoted(out, address.display_name);
  }
  out.append(out.empty() ? "<" : " <");
  append(out, view(address.uri));
  return out.append(">").append(address.parameters);
}

Result<CSeq> parse_cseq(std::string_view value) {
  const auto cseq = view_cseq(value);
  if (!cseq) return cseq.error();
  return CSeq{cseq->number, std::string(cseq->method)};
}

Result<Event> parse_event(std::string_view value) {
  const auto [package, parameters] = part(value);
  if (!grammar::is_token(package) || !grammar::valid_parameters(parameters)) return Errc::bad_value;
  const auto id = find_parameter(parameters, "id").value_or(std::string_view{});
  return Event{std::string(package), std::string(id), std::string(parameters), find_rates(parameters)};
}

Result<SubscriptionState> parse_subscription_state(std::string_view value) {
  const auto [state, parameters] = part(value);
  if (!grammar::is_token(state) || !grammar::valid_parameters(parameters)) return Errc::bad_value;
  SubscriptionState out;
  out.state = to_lower(state);
  out.reason = find_parameter(parameters, "reason").value_or(std::string_view{});
  out.expires = number_parameter(parameters, "expires");
  out.retry_after = number_parameter(parameters, "retry-after");
  out.rates = find_rates(parameters);
  return out;
}

std::string print(const SubscriptionState& state) {
  std::string out = state.state;
  if (!state.reason.empty()) out += ";reason=" + state.reason;
  if (state.expires) out += ";expires=" + std::to_string(*state.expires);
  if (state.retry_after) out += ";retry-after=" + std::to_string(*state.retry_after);
  out += print(state.rates);
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
