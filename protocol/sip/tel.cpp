#include "protocol/sip/tel.hpp"

#include <algorithm>
#include <map>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::sip {

using grammar::Class;

namespace {

constexpr bool is_separator(char c) { return c == '-' || c == '.' || c == '(' || c == ')'; }

std::string without_separators(std::string_view text) {
  std::string out(text);
  std::erase_if(out, is_separator);
  return out;
}

/// 1*phonedigit with at least one digit.
bool is_digits(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_digit) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || is_separator(c); });
}

bool is_global_digits(std::string_view text) { return text.starts_with("+") && is_digits(text.substr(1)); }

/// COMPAT: '#' is no character of a URI, but RFC 3966 3 has it in a local number; escaped it is read too.
bool is_local_digits(std::string_view text) {
  const auto counts = [](char c) { return grammar::hex_value(c) >= 0 || c == '*' || c == '#'; };
  return std::any_of(text.begin(), text.end(), counts) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return counts(c) || is_separator(c); });
}

/// *( domainlabel "." ) toplabel [ "." ]
bool is_domain(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  while (true) {
    const auto dot = text.find('.');
    const auto label = text.substr(0, dot);
    const auto fits = [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; };
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), fits)) return false;
    if (dot == std::string_view::npos) return is_alpha(label.front());
    text.remove_prefix(dot + 1);
  }
}

bool is_name(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
}

std::string unescape_hash(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hash = text.substr(i, 3) == "%23";
    out.push_back(hash ? '#' : text[i]);
    if (hash) i += 2;
  }
  return out;
}

using Parameters = std::map<std::string, std::string, std::less<>>;

/// Names in lower case; false where one stands twice or is malformed.
bool take_parameters(std::string_view text, Parameters& out) {
  while (!text.empty()) {
    const auto [piece, rest] = cut(text.substr(1), ';');
    const bool more = piece.size() + 1 < text.size();
    const auto [name, value] = cut(piece, '=');
    const bool has_value = name.size() != piece.size();
    if (!is_name(name) || (has_value && value.empty())) return false;
    // isub may hold every reserved character but the separators of the URI itself.
    if (!grammar::all_or_escaped(value, Class::parameter | Class::uric)) return false;
    if (!out.emplace(to_lower(name), value).second) return false;
    text = more ? text.substr(piece.size() + 1) : std::string_view{};
  }
  return true;
}

std::string take(Parameters& from, std::string_view name) {
  const auto found = from.find(name);
  if (found == from.end()) return {};
  std::string out = std::move(found->second);
  from.erase(found);
  return out;
}

bool is_context(std::string_view text) { return is_global_digits(text) || is_domain(text); }

std::string comparable(std::string_view context) {
  if (is_global_digits(context)) return without_separators(context);
  std::string out = to_lower(context);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

Parameters parameters_of(const TelNumber& number) {
  Parameters out;
  take_parameters(number.parameters, out);
  for (auto& [name, value] : out) value = to_lower(value);
  return out;
}

}  // namespace

Result<TelNumber> parse_tel(std::string_view text) {
  const auto semicolon = std::min(text.find(';'), text.size());
  const auto subscriber = unescape_hash(text.substr(0, semicolon));
  Parameters parameters;
  if (!take_parameters(text.substr(semicolon), parameters)) return Errc::bad_uri;
  const bool has_extension = parameters.contains("ext");
  TelNumber out;
  out.is_global = subscriber.starts_with("+");
  out.extension = take(parameters, "ext");
  out.isdn_subaddress = take(parameters, "isub");
  out.context = take(parameters, "phone-context");
  if (has_extension && !is_digits(out.extension)) return Errc::bad_uri;
  if (out.is_global ? !is_global_digits(subscriber) : !is_local_digits(subscriber)) return Errc::bad_uri;
  // A context is the local number's only, and it must have one (RFC 3966 5.1.5).
  if (out.is_global != out.context.empty() || (!out.is_global && !is_context(out.context)))
    return Errc::bad_uri;
  out.digits = to_upper(without_separators(subscriber.substr(out.is_global ? 1 : 0)));
  for (const auto& [name, value] : parameters) add_parameter(out.parameters, name, value);
  return out;
}

std::string print(const TelNumber& number) {
  std::string out = number.is_global ? "+" + number.digits : number.digits;
  for (auto hash = out.find('#'); hash != std::string::npos; hash = out.find('#'))
    out.replace(hash, 1, "%23");
  if (!number.extension.empty()) add_parameter(out, "ext", number.extension);
  if (!number.isdn_subaddress.empty()) add_parameter(out, "isub", number.isdn_subaddress);
  if (!number.context.empty()) add_parameter(out, "phone-context", number.context);
  return out + number.parameters;
}

bool equivalent(const TelNumber& a, const TelNumber& b) {
  return a.is_global == b.is_global && a.digits == b.digits &&
         without_separators(a.extension) == without_separators(b.extension) &&
         iequals(a.isdn_subaddress, b.isdn_subaddress) && comparable(a.context) == comparable(b.context) &&
         parameters_of(a) == parameters_of(b);
}

std::optional<TelNumber> tel_of(const Uri& uri) {
  const auto phone = uri.is_sip() ? uri.parameter("user") : std::nullopt;
  if (uri.scheme != "tel" && !(phone && iequals(*phone, "phone"))) return std::nullopt;
  auto number = parse_tel(uri.user);
  if (!number) return std::nullopt;
  return std::move(*number);
}

}  // namespace beckon::sip
