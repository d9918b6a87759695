#include "protocol/sip/view.hpp"

#include <algorithm>

#include "protocol/base/address.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::sip {

using grammar::Class;

namespace {

bool is_scheme(std::string_view text) {
  const auto fits = [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; };
  return !text.empty() && is_alpha(text.front()) && std::all_of(text.begin(), text.end(), fits);
}

/// 1*3DIGIT four times: RFC 3261 25.1 does not bound the octets, the resolver does.
bool is_ipv4(std::string_view host) {
  int dots = 0;
  std::size_t digits = 0;
  for (const char c : host) {
    if (c == '.') {
      if (digits == 0 || ++dots > 3) return false;
      digits = 0;
    } else if (!is_digit(c) || ++digits > 3) {
      return false;
    }
  }
  return dots == 3 && digits > 0;
}

/// Labels of letters, digits and '-' inside, the last of which begins with a letter.
bool is_host_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  for (std::size_t at = 0;; ++at) {
    const auto end = grammar::skip(host, at, Class::host);
    if (end == at || host[at] == '-' || host[end - 1] == '-') return false;
    if (end == host.size()) return is_alpha(host[at]);
    if (host[end] != '.') return false;
    at = end;
  }
}

bool valid_uri_parameters(std::string_view text) {
  if (text.empty()) return true;
  for (std::size_t i = 0; i < text.size();) {
    const auto name = ++i;  // after ';'
    i = grammar::skip_or_escaped(text, i, Class::parameter);
    if (i == name) return false;
    if (i < text.size() && text[i] == '=') {
      const auto value = ++i;
      i = grammar::skip_or_escaped(text, i, Class::parameter);
      if (i == value) return false;
    }
    if (i < text.size() && text[i] != ';') return false;
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

bool read_userinfo(std::string_view text, UriView& uri) {
  const auto [user, password] = cut(text, ':');
  if (user.empty()) return false;
  if (!grammar::all_or_escaped(user, Class::user) || !grammar::all_or_escaped(password, Class::password))
    return false;
  uri.user = user;
  uri.password = password;
  return true;
}

std::optional<Errc> read_sip_uri(std::string_view rest, UriView& uri) {
  const auto at = rest.find('@');
  if (at != std::string_view::npos) {
    if (!read_userinfo(rest.substr(0, at), uri)) return Errc::bad_uri;
    rest.remove_prefix(at + 1);
  }
  const auto question = rest.find('?');
  if (question != std::string_view::npos) {
    uri.headers = rest.substr(question + 1);
    if (!valid_uri_headers(uri.headers)) return Errc::bad_uri;
    rest = rest.substr(0, question);
  }
  const auto semicolon = std::min(rest.find(';'), rest.size());
  uri.parameters = rest.substr(semicolon);
  if (!valid_uri_parameters(uri.parameters)) return Errc::bad_uri;
  const auto host = view_host_port(rest.substr(0, semicolon));
  if (!host) return static_cast<Errc>(host.error().value());
  uri.host = host->host;
  uri.port = host->port;
  return std::nullopt;
}

std::optional<Errc> read_uri(std::string_view text, UriView& uri) {
  if (text.size() > max_uri_length) return Errc::too_long;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return Errc::bad_uri;
  uri.scheme = text.substr(0, colon);
  const auto rest = text.substr(colon + 1);
  if (uri.scheme == "sip" || iequals(uri.scheme, "sip") || iequals(uri.scheme, "sips"))
    return read_sip_uri(rest, uri);
  if (!is_scheme(uri.scheme)) return Errc::bad_uri;
  if (rest.empty() || !grammar::all_or_escaped(rest, Class::uric)) return Errc::bad_uri;
  uri.user = rest;
  return std::nullopt;
}

/// "SIP/2.0/UDP" with blanks around the slashes: takes it off `text`, gives the transport.
std::optional<std::string_view> take_protocol(std::string_view& text) {
  if (text.starts_with("SIP/2.0/")) {
    text = trim(text.substr(8));
  } else {
    const auto first = text.find('/');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = text.find('/', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    if (!iequals(trim(text.substr(0, first)), "SIP")) return std::nullopt;
    if (trim(text.substr(first + 1, second - first - 1)) != "2.0") return std::nullopt;
    text = trim(text.substr(second + 1));
  }
  const auto end = grammar::skip(text, 0, Class::token);
  if (end == 0 || end == text.size() || !is_blank(text[end])) return std::nullopt;
  const auto transport = text.substr(0, end);
  text = trim(text.substr(end));
  return transport;
}

/// host [ COLON port ], blanks around the colon allowed.
std::optional<Errc> read_sent_by(std::string_view text, ViaView& via) {
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
  via.host = host;
  return std::nullopt;
}

bool is_display_name(std::string_view text) {
  if (text.starts_with('"')) return grammar::skip_quoted(text, 0) == text.size();
  // COMPAT: several peers write names beyond ASCII without quotes.
  for (const char c : text) {
    if (!grammar::is(c, Class::token) && !is_blank(c) && static_cast<unsigned char>(c) < 0x80) return false;
  }
  return true;
}

std::optional<Errc> read_address(std::string_view text, NameAddrView& out) {
  const auto open = grammar::find_outside(text, "<");
  if (open == text.size()) {
    // RFC 3261 20.10: without brackets the parameters are the header's, and there is no '?' and no comma.
    const auto end = grammar::find_outside(text, ";");
    const auto address = trim(text.substr(0, end));
    if (address.find_first_of("?,") != std::string_view::npos) return Errc::bad_value;
    out.parameters = trim(text.substr(end));
    return read_uri(address, out.uri);
  }
  const auto close = text.find('>', open);
  if (close == std::string_view::npos) return Errc::bad_value;
  out.display_name = trim(text.substr(0, open));
  if (!is_display_name(out.display_name)) return Errc::bad_value;
  out.parameters = trim(text.substr(close + 1));
  return read_uri(text.substr(open + 1, close - open - 1), out.uri);
}

/// What `find_parameter` would give: the first of that name, quotes taken off.
void take_if(std::string_view wanted, std::string_view name, std::string_view value, std::string_view& out) {
  if (out.data() || !iequals(name, wanted)) return;
  out = value.starts_with('"') ? value.substr(1, value.size() - 2) : value;
}

void take_via_parameter(ViaView& via, std::string_view name, std::string_view value) {
  take_if("branch", name, value, via.branch);
  if (iequals(name, "rport") && !via.rport) via.rport = value;
  if (iequals(name, "received")) via.received = true;
}

void append_host_port(std::string& out, std::string_view host, std::optional<std::uint16_t> port) {
  const bool bracketed = host.find(':') != std::string_view::npos;
  if (bracketed) out.push_back('[');
  out.append(host);
  if (bracketed) out.push_back(']');
  if (!port) return;
  out.push_back(':');
  grammar::append_number(out, *port);
}

}  // namespace

Result<HostPortView> view_host_port(std::string_view text) {
  HostPortView out;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return Errc::bad_uri;
    out.host = text.substr(1, close - 1);
    if (out.host.find(':') == std::string_view::npos || !parse_ip(out.host)) return Errc::bad_uri;
    rest = text.substr(close + 1);
  } else {
    out.host = text.substr(0, text.find(':'));
    if (!is_ipv4(out.host) && !is_host_name(out.host)) return Errc::bad_uri;
    rest = text.substr(out.host.size());
  }
  if (rest.empty()) return out;
  if (rest.front() != ':') return Errc::bad_uri;
  out.port = parse_number<std::uint16_t>(rest.substr(1));
  if (!out.port) return Errc::bad_port;
  return out;
}

Result<UriView> view_uri(std::string_view text) {
  UriView uri;
  if (const auto error = read_uri(text, uri)) return *error;
  return uri;
}

UriView view(const Uri& uri) {
  return {uri.scheme, uri.user, uri.password, uri.host, uri.port, uri.parameters, uri.headers};
}

void append(std::string& out, const UriView& uri) {
  out.append(uri.scheme).append(":").append(uri.user);
  if (!iequals(uri.scheme, "sip") && !iequals(uri.scheme, "sips")) return;
  if (!uri.password.empty()) out.append(":").append(uri.password);
  if (!uri.user.empty()) out.push_back('@');
  append_host_port(out, uri.host, uri.port);
  out.append(uri.parameters);
  if (!uri.headers.empty()) out.append("?").append(uri.headers);
}

Result<ViaView> view_via(std::string_view value) {
  ViaView via;
  via.text = trim(value);
  const auto end = grammar::find_outside(value, ";");
  auto front = trim(value.substr(0, end));
  const auto transport = take_protocol(front);
  if (!transport) return Errc::bad_value;
  via.transport = *transport;
  via.parameters = trim(value.substr(end));
  const bool valid = grammar::each_parameter(
      via.parameters,
      [&via](std::string_view name, std::string_view text) { take_via_parameter(via, name, text); });
  if (!valid) return Errc::bad_value;
  if (const auto error = read_sent_by(front, via)) return *error;
  return via;
}

void append(std::string& out, const ViaView& via) {
  out.append("SIP/2.0/").append(via.transport).append(" ");
  append_host_port(out, via.host, via.port);
  out.append(via.parameters);
}

Result<NameAddrView> view_name_addr(std::string_view value) {
  NameAddrView out;
  if (const auto error = read_address(trim(value), out)) return *error;
  const bool valid = grammar::each_parameter(
      out.parameters,
      [&out](std::string_view name, std::string_view text) { take_if("tag", name, text, out.tag); });
  if (!valid) return Errc::bad_value;
  return out;
}

void append(std::string& out, const NameAddrView& address) {
  out.append(address.display_name).append(address.display_name.empty() ? "<" : " <");
  append(out, address.uri);
  out.append(">").append(address.parameters);
}

Result<CSeqView> view_cseq(std::string_view value) {
  value = trim(value);
  const auto blank = std::find_if(value.begin(), value.end(), is_blank);
  if (blank == value.end()) return Errc::bad_value;
  const auto size = static_cast<std::size_t>(blank - value.begin());
  const auto number = parse_number<std::uint32_t>(value.substr(0, size));
  const auto method = trim(value.substr(size));
  if (!number || *number > grammar::max_cseq || !grammar::is_token(method)) return Errc::bad_value;
  return CSeqView{*number, method};
}

void append(std::string& out, const CSeqView& cseq) {
  grammar::append_number(out, cseq.number);
  out.append(" ").append(cseq.method);
}

}  // namespace beckon::sip
