#include "protocol/sip/uri.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/sip/tel.hpp"
#include "protocol/sip/view.hpp"

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

/// A registrar compares ten contacts of a peer's making with ten bindings, and each comparison is quadratic:
/// within these bounds it takes some 40 us at most, without them 8 ms.
constexpr std::size_t max_parameters = 64, max_headers = 8, max_headers_octets = 128;

bool same_parameters(const Uri& a, const Uri& b) {
  if (a.parameters == b.parameters) return true;
  const auto left = pairs_of(a.parameters, ';'), right = pairs_of(b.parameters, ';');
  if (std::max(left.size(), right.size()) > max_parameters) return false;
  return parameters_match(left, right) && parameters_match(right, left);
}

bool same_headers(const Uri& a, const Uri& b) {
  if (a.headers == b.headers) return true;
  if (std::max(a.headers.size(), b.headers.size()) > max_headers_octets) return false;
  const auto left = pairs_of(a.headers, '&'), right = pairs_of(b.headers, '&');
  if (std::max(left.size(), right.size()) > max_headers) return false;
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
  const auto uri = view_uri(text);
  if (!uri) return uri.error();
  return own(*uri);
}

Uri own(const UriView& uri) {
  return {to_lower(uri.scheme),
          std::string(uri.user),
          std::string(uri.password),
          to_lower(uri.host),
          uri.port,
          std::string(uri.parameters),
          std::string(uri.headers)};
}

std::string print(const Uri& uri) {
  std::string out;
  append(out, view(uri));
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

std::string canonical_aor(const Uri& uri) { return canonical_aor(view(uri)); }

std::string canonical_aor(const UriView& uri) {
  if (iequals(uri.scheme, "sip") || iequals(uri.scheme, "sips"))
    return uri.host.empty() ? std::string{} : aor_of(uri.user, to_lower(uri.host));
  if (!iequals(uri.scheme, "im") && !iequals(uri.scheme, "pres")) return {};
  const auto address = uri.user.substr(0, uri.user.find_first_of("?;"));
  const auto at = address.find('@');
  const auto user = at == std::string_view::npos ? std::string_view{} : address.substr(0, at);
  const auto host = view_host_port(at == std::string_view::npos ? address : address.substr(at + 1));
  return host ? aor_of(user, to_lower(host->host)) : std::string{};
}

}  // namespace beckon::sip
