#include "protocol/sip/uri.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/sip/tel.hpp"

namespace beckon::sip {

using grammar::Class;

std::optional<std::string_view> find_parameter(std::string_view parameters, std::string_view name) {
  for (std::string_view piece; grammar::next_piece(parameters, ';', piece);) {
    const auto [found, raw] = cut(piece, '=');
    if (!iequals(trim(found), name)) continue;
    const auto value = trim(raw);
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
  }
  return std::nullopt;
}

void add_parameter(std::string& parameters, std::string_view name, std::string_view value) {
  parameters.append(";").append(name);
  if (!value.empty()) parameters.append("=").append(value);
}

std::string without_parameter(std::string_view parameters, std::string_view name) {
  std::string out;
  out.reserve(parameters.size());
  for (std::string_view piece; grammar::next_piece(parameters, ';', piece);) {
    if (trim(piece).empty() || iequals(trim(cut(piece, '=').first), name)) continue;
    out.append(";").append(piece);
  }
  return out;
}

namespace {

bool is_scheme(std::string_view text) {
  const auto fits = [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; };
  return !text.empty() && is_alpha(text.front()) && std::all_of(text.begin(), text.end(), fits);
}

bool is_label(std::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' && grammar::all(label, Class::host);
}

/// 1*3DIGIT four times: RFC 3261 25.1 does not bound the octets, the resolver does.
bool is_ipv4(std::string_view host) {
  int groups = 0;
  for (std::string_view rest = host; groups < 4; ++groups) {
    const auto [group, more] = cut(rest, '.');
    if (group.empty() || group.size() > 3 || !std::all_of(group.begin(), group.end(), is_digit)) return false;
    if (group.size() == rest.size()) return groups == 3;
    rest = more;
  }
  return false;
}

bool is_host_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  while (true) {
    const auto dot = host.find('.');
    const auto label = host.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return is_alpha(label.front());
    host.remove_prefix(dot + 1);
  }
}

struct HostPort {
  std::string host;
  std::optional<std::uint16_t> port;
};

Result<HostPort> parse_host_port(std::string_view text) {
  HostPort out;
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return Errc::bad_uri;
    const auto inside = text.substr(1, close - 1);
    if (inside.find(':') == std::string_view::npos || !parse_ip(inside)) return Errc::bad_uri;
    out.host = to_lower(inside);
    rest = text.substr(close + 1);
  } else {
    const auto host = text.substr(0, text.find(':'));
    if (!is_ipv4(host) && !is_host_name(host)) return Errc::bad_uri;
    out.host = to_lower(host);
    rest = text.substr(host.size());
  }
  if (rest.empty()) return out;
  if (rest.front() != ':') return Errc::bad_uri;
  rest.remove_prefix(1);
  out.port = parse_number<std::uint16_t>(rest);
  if (!out.port) return Errc::bad_port;
  return out;
}

bool valid_uri_parameters(std::string_view text) {
  if (text.empty()) return true;
  if (text.back() == ';') return false;
  text.remove_prefix(1);
  while (!text.empty()) {
    const auto [piece, rest] = cut(text, ';');
    const auto [name, value] = cut(piece, '=');
    if (name.empty() || !grammar::all_or_escaped(name, Class::parameter)) return false;
    if (name.size() != piece.size() && (value.empty() || !grammar::all_or_escaped(value, Class::parameter))) {
      return false;
    }
    text = rest;
  }
  return true;
}

bool valid_uri_headers(std::string_view text) {
  if (text.empty() || text.back() == '&') return false;
  while (!text.empty()) {
    const auto [piece, rest] = cut(text, '&');
    const auto [name, value] = cut(piece, '=');
    if (name.empty() || name.size() == piece.size()) return false;
    if (!grammar::all_or_escaped(name, Class::header) || !grammar::all_or_escaped(value, Class::header))
      return false;
    text = rest;
  }
  return true;
}

bool read_userinfo(std::string_view text, Uri& uri) {
  const auto [user, password] = cut(text, ':');
  if (user.empty()) return false;
  if (!grammar::all_or_escaped(user, Class::user) || !grammar::all_or_escaped(password, Class::password))
    return false;
  uri.user = user;
  uri.password = password;
  return true;
}

Result<Uri> parse_sip_uri(std::string_view rest, Uri uri) {
  const auto at = rest.find('@');
  if (at != std::string_view::npos) {
    if (!read_userinfo(rest.substr(0, at), uri)) return Errc::bad_uri;
    rest.remove_prefix(at + 1);
  }
  const auto question = rest.find('?');
  if (question != std::string_view::npos) {
    const auto headers = rest.substr(question + 1);
    if (!valid_uri_headers(headers)) return Errc::bad_uri;
    uri.headers = headers;
    rest = rest.substr(0, question);
  }
  const auto semicolon = std::min(rest.find(';'), rest.size());
  const auto parameters = rest.substr(semicolon);
  if (!valid_uri_parameters(parameters)) return Errc::bad_uri;
  uri.parameters = parameters;
  auto host = parse_host_port(rest.substr(0, semicolon));
  if (!host) return host.error();
  uri.host = std::move(host->host);
  uri.port = host->port;
  return uri;
}

/// One spelling for all equivalent ones: escapes of unreserved characters undone, the digits of the
/// others in upper case (RFC 3261 19.1.4).
std::string normalize_escapes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!grammar::is_escape(text, i)) {
      out.push_back(text[i]);
      continue;
    }
    const char plain =
        static_cast<char>(grammar::hex_value(text[i + 1]) * 16 + grammar::hex_value(text[i + 2]));
    if (grammar::is(plain, Class::unreserved)) {
      out.push_back(plain);
    } else {
      out.append({'%', to_upper(text[i + 1]), to_upper(text[i + 2])});
    }
    i += 2;
  }
  return out;
}

bool same_text(std::string_view a, std::string_view b) {
  return iequals(a, b) || iequals(normalize_escapes(a), normalize_escapes(b));
}

bool same_host(std::string_view a, std::string_view b) {
  if (iequals(a, b)) return true;
  const auto left = parse_ip(a);
  return left && left == parse_ip(b);
}

struct Pair {
  std::string name;
  std::string_view value;
};

std::vector<Pair> pairs_of(std::string_view text, char separator) {
  std::vector<Pair> pairs;
  for (const auto piece : split(text, separator)) {
    const auto [name, value] = cut(piece, '=');
    if (!piece.empty()) pairs.push_back({to_lower(normalize_escapes(name)), value});
  }
  return pairs;
}

const Pair* find_pair(const std::vector<Pair>& pairs, std::string_view name) {
  const auto found =
      std::find_if(pairs.begin(), pairs.end(), [&](const Pair& pair) { return pair.name == name; });
  return found == pairs.end() ? nullptr : &*found;
}

/// Parameters that decide where or how a request goes: never equal to their absence (RFC 3261 19.1.4).
bool must_be_in_both(std::string_view name) {
  static constexpr std::array<std::string_view, 5> names{"transport", "user", "ttl", "method", "maddr"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool parameters_match(const std::vector<Pair>& one, const std::vector<Pair>& other) {
  return std::all_of(one.begin(), one.end(), [&](const Pair& pair) {
    const Pair* twin = find_pair(other, pair.name);
    return twin ? same_text(pair.value, twin->value) : !must_be_in_both(pair.name);
  });
}

/// "%41" -> "A".
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = grammar::is_escape(text, i);
    out.push_back(
        escaped ? static_cast<char>(grammar::hex_value(text[i + 1]) * 16 + grammar::hex_value(text[i + 2]))
                : text[i]);
    if (escaped) i += 2;
  }
  return out;
}

/// By the rules of the header field itself; the body octet by octet (RFC 3261 19.1.4).
bool same_header(std::string_view name, std::string_view a, std::string_view b) {
  if (name == "body") return unescape(a) == unescape(b);
  const auto id = parse_header_name(name);
  return id == HeaderId::other ? same_text(a, b) : equivalent_values(id, unescape(a), unescape(b));
}

bool headers_match(const std::vector<Pair>& one, const std::vector<Pair>& other) {
  return std::all_of(one.begin(), one.end(), [&](const Pair& pair) {
    return std::any_of(other.begin(), other.end(), [&](const Pair& twin) {
      return pair.name == twin.name && same_header(pair.name, pair.value, twin.value);
    });
  });
}

bool same_parameters(const Uri& a, const Uri& b) {
  if (a.parameters == b.parameters) return true;
  const auto left = pairs_of(a.parameters, ';'), right = pairs_of(b.parameters, ';');
  return parameters_match(left, right) && parameters_match(right, left);
}

bool same_headers(const Uri& a, const Uri& b) {
  if (a.headers == b.headers) return true;
  const auto left = pairs_of(a.headers, '&'), right = pairs_of(b.headers, '&');
  return left.size() == right.size() && headers_match(left, right) && headers_match(right, left);
}

bool is_ipv6(std::string_view host) { return host.find(':') != std::string_view::npos; }

std::string bracketed(std::string_view host) {
  return is_ipv6(host) ? "[" + std::string(host) + "]" : std::string(host);
}

std::string aor_of(std::string_view user, std::string_view host) {
  std::string out = "sip:";
  if (!user.empty()) out.append(normalize_escapes(user)).append("@");
  const auto ip = is_ipv6(host) ? parse_ip(host) : std::nullopt;
  return out + (ip ? bracketed(print(*ip)) : std::string(host));
}

}  // namespace

Result<Uri> parse_uri(std::string_view text) {
  if (text.size() > max_uri_length) return Errc::too_long;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || !is_scheme(text.substr(0, colon))) return Errc::bad_uri;
  Uri uri;
  uri.scheme = to_lower(text.substr(0, colon));
  const auto rest = text.substr(colon + 1);
  if (uri.is_sip()) return parse_sip_uri(rest, std::move(uri));
  if (rest.empty() || !grammar::all_or_escaped(rest, Class::uric)) return Errc::bad_uri;
  uri.user = rest;
  return uri;
}

std::string print(const Uri& uri) {
  std::string out = uri.scheme;
  out.append(":").append(uri.user);
  if (!uri.is_sip()) return out;
  if (!uri.password.empty()) out.append(":").append(uri.password);
  if (!uri.user.empty()) out.append("@");
  out.append(bracketed(uri.host));
  if (uri.port) out.append(":").append(std::to_string(*uri.port));
  out.append(uri.parameters);
  if (!uri.headers.empty()) out.append("?").append(uri.headers);
  return out;
}

namespace {

/// "alice@example.org?subject=x" (RFC 3859 2, RFC 3860 2): the host in any case, the rest as text.
bool same_mailbox(std::string_view a, std::string_view b) {
  const auto left_at = a.find('@'), right_at = b.find('@');
  if (left_at == std::string_view::npos || right_at == std::string_view::npos) return false;
  const auto left = cut(a.substr(left_at + 1), '?'), right = cut(b.substr(right_at + 1), '?');
  return normalize_escapes(a.substr(0, left_at)) == normalize_escapes(b.substr(0, right_at)) &&
         iequals(left.first, right.first) &&
         normalize_escapes(left.second) == normalize_escapes(right.second);
}

/// The namespace in any case (RFC 8141 3.1), a service in any case too (RFC 5031 4.1).
bool same_urn(std::string_view a, std::string_view b) {
  const auto [a_space, a_name] = cut(a, ':');
  const auto [b_space, b_name] = cut(b, ':');
  if (!iequals(a_space, b_space)) return false;
  return iequals(a_space, "service") ? iequals(a_name, b_name)
                                     : normalize_escapes(a_name) == normalize_escapes(b_name);
}

bool same_other(const Uri& a, const Uri& b) {
  if (normalize_escapes(a.user) == normalize_escapes(b.user)) return true;
  if (a.scheme == "tel") {
    const auto left = tel_of(a), right = tel_of(b);
    return left && right && equivalent(*left, *right);
  }
  if (a.scheme == "im" || a.scheme == "pres") return same_mailbox(a.user, b.user);
  return a.scheme == "urn" && same_urn(a.user, b.user);
}

}  // namespace

bool equivalent(const Uri& a, const Uri& b) {
  if (a.scheme != b.scheme) return false;
  if (!a.is_sip()) return same_other(a, b);
  return a.port == b.port && same_host(a.host, b.host) &&
         normalize_escapes(a.user) == normalize_escapes(b.user) &&
         normalize_escapes(a.password) == normalize_escapes(b.password) && same_parameters(a, b) &&
         same_headers(a, b);
}

bool is_gruu(const Uri& uri) { return uri.is_sip() && uri.parameter("gr").has_value(); }

std::string canonical_aor(const Uri& uri) {
  if (uri.is_sip()) return uri.host.empty() ? std::string{} : aor_of(uri.user, uri.host);
  if (uri.scheme != "im" && uri.scheme != "pres") return {};
  const auto address = std::string_view(uri.user).substr(0, uri.user.find_first_of("?;"));
  const auto at = address.find('@');
  const auto user = at == std::string_view::npos ? std::string_view{} : address.substr(0, at);
  const auto host = parse_host_port(at == std::string_view::npos ? address : address.substr(at + 1));
  return host ? aor_of(user, host->host) : std::string{};
}

}  // namespace beckon::sip
