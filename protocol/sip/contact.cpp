#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_value.hpp"

namespace beckon::sip {

namespace {

bool is_base_tag(std::string_view name) {
  static constexpr std::array<std::string_view, 20> names{
      "audio",    "automata", "class",   "duplex",      "data",    "control",     "mobility",
      "events",   "priority", "methods", "description", "schemes", "application", "video",
      "language", "type",     "isfocus", "actor",       "text",    "extensions"};
  return std::any_of(names.begin(), names.end(), [&](std::string_view tag) { return iequals(tag, name); });
}

bool is_feature_name(std::string_view name) {
  const auto fits = [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("!'.-%").find(c) != std::string_view::npos;
  };
  return !name.empty() && is_alpha(name.front()) && std::all_of(name.begin(), name.end(), fits);
}

/// [ "+" / "-" ] 1*DIGIT [ "." 0*DIGIT ]
bool is_feature_number(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  const auto [whole, fraction] = cut(text, '.');
  return grammar::all_digits(whole) && std::all_of(fraction.begin(), fraction.end(), is_digit);
}

/// [ "!" ] ( token-nobang / boolean / numeric )
bool is_tag_value(std::string_view text) {
  if (text.starts_with("!")) text.remove_prefix(1);
  if (!text.starts_with("#")) return grammar::is_token(text) && text.find('!') == std::string_view::npos;
  text.remove_prefix(1);
  if (text.starts_with(">=") || text.starts_with("<=")) return is_feature_number(text.substr(2));
  if (text.starts_with("=")) return is_feature_number(text.substr(1));
  const auto [low, high] = cut(text, ':');
  return low.size() != text.size() && is_feature_number(low) && is_feature_number(high);
}

/// The content of the quotes: a list of tag values, or "<...>".
bool take_feature_value(std::string_view text, Feature& out) {
  out.value = text;
  out.is_string = text.size() >= 2 && text.front() == '<' && text.back() == '>';
  if (out.is_string) return text.substr(1, text.size() - 2).find_first_of("<>") == std::string_view::npos;
  while (true) {
    const auto comma = text.find(',');
    // COMPAT: blanks after the commas, which RFC 3840 9 does not have.
    if (!is_tag_value(trim(text.substr(0, comma)))) return false;
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  out.is_negated = out.value.starts_with("!") && out.value.find(',') == std::string_view::npos;
  return true;
}

}  // namespace

Result<std::vector<Feature>> parse_features(std::string_view parameters) {
  std::vector<Feature> features;
  auto rest = parameters;
  for (std::string_view name, value; grammar::next_parameter(rest, name, value);) {
    const bool extended = name.starts_with("+");
    if (!extended && !is_base_tag(name)) continue;
    Feature feature;
    feature.tag = extended ? name.substr(1) : name;
    if (!is_feature_name(feature.tag)) return Errc::bad_value;
    if (!value.empty()) {
      if (!grammar::is_quoted(value) || !take_feature_value(value.substr(1, value.size() - 2), feature))
        return Errc::bad_value;
    }
    const auto twice = [&](const Feature& other) { return iequals(other.tag, feature.tag); };
    if (std::any_of(features.begin(), features.end(), twice)) return Errc::bad_value;
    features.push_back(feature);
  }
  return features;
}

std::string text_of(std::string_view quoted) { return grammar::unquote(quoted); }

std::optional<unsigned> parse_q(std::string_view text) {
  // ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
  if (text.empty() || text.size() > 5 || (text.front() != '0' && text.front() != '1')) return std::nullopt;
  unsigned value = text.front() == '1' ? 1000 : 0;
  if (text.size() == 1) return value;
  if (text[1] != '.') return std::nullopt;
  unsigned weight = 100;
  for (const char c : text.substr(2)) {
    if (!is_digit(c)) return std::nullopt;
    value += static_cast<unsigned>(c - '0') * weight;
    weight /= 10;
  }
  return value <= 1000 ? std::optional(value) : std::nullopt;
}

std::optional<std::string_view> AuthValue::parameter(std::string_view name) const {
  for (const auto& parameter : parameters) {
    if (iequals(parameter.value, name)) return parameter.parameters;
  }
  return std::nullopt;
}

std::optional<unsigned> Contact::q() const {
  const auto text = address.parameter("q");
  return text ? parse_q(*text) : std::nullopt;
}

std::optional<std::uint32_t> Contact::expires() const {
  const auto text = address.parameter("expires");
  return text ? parse_delta_seconds(*text) : std::nullopt;
}

std::string_view Contact::instance() const {
  const auto text = address.parameter("+sip.instance").value_or(std::string_view{});
  return text.size() > 2 && text.front() == '<' ? text.substr(1, text.size() - 2) : std::string_view{};
}

std::optional<std::uint32_t> Contact::reg_id() const {
  const auto text = address.parameter("reg-id");
  const auto id = text ? parse_number<std::uint32_t>(*text) : std::nullopt;
  return id && *id >= 1 && *id <= max_reg_id ? id : std::nullopt;
}

bool Contact::is_outbound() const { return address.uri.parameter("ob").has_value(); }

namespace {

std::string quoted_parameter(const NameAddr& address, std::string_view name) {
  auto rest = std::string_view(address.parameters);
  for (std::string_view found, value; grammar::next_parameter(rest, found, value);) {
    if (iequals(found, name)) return text_of(value);
  }
  return {};
}

}  // namespace

std::string Contact::pub_gruu() const { return quoted_parameter(address, "pub-gruu"); }
std::string Contact::temp_gruu() const { return quoted_parameter(address, "temp-gruu"); }

}  // namespace beckon::sip
