#include "protocol/auth/credentials.hpp"

#include "protocol/auth/directives.hpp"
#include "protocol/base/text.hpp"

namespace beckon::auth {

namespace {

/// UTF-8''J%C3%A4s%C3%B8n (RFC 8187); nullopt for another charset or a broken escape.
std::optional<std::string> decode_extended(std::string_view text) {
  const auto [charset, rest] = cut(text, '\'');
  if (!iequals(charset, "UTF-8")) return std::nullopt;
  const auto coded = cut(rest, '\'').second;
  std::string out;
  for (std::size_t i = 0; i < coded.size(); ++i) {
    if (coded[i] != '%') {
      out.push_back(coded[i]);
      continue;
    }
    const auto octet = from_hex(coded.substr(i + 1, 2));
    if (!octet || octet->empty()) return std::nullopt;
    out.push_back(static_cast<char>(octet->front()));
    i += 2;
  }
  return out;
}

Result<std::string> read_user_name(const Directives& directives) {
  if (const auto* name = directives.find("username")) {
    if (directives.find("username*")) return Errc::bad_syntax;
    return *name;
  }
  const auto* extended = directives.find("username*");
  if (!extended) return Errc::missing_directive;
  const auto name = decode_extended(*extended);
  if (!name || !is_utf8(*name)) return Errc::bad_syntax;
  return *name;
}

ErrorCode read_protection(const Directives& directives, Credentials& out) {
  const auto* qop = directives.find("qop");
  out.nc = directives.take("nc");
  out.cnonce = directives.take("cnonce");
  if (is_session(out.algorithm) && out.cnonce.empty()) return Errc::missing_directive;
  if (!qop) return {};
  const auto known = parse_qop(*qop);
  if (!known) return Errc::unknown_qop;
  out.qop = *known;
  if (out.nc.empty() || out.cnonce.empty()) return Errc::missing_directive;
  if (out.nc.size() != 8 || !parse_number<std::uint32_t>(out.nc, 16)) return Errc::bad_syntax;
  return {};
}

}  // namespace

std::uint32_t Credentials::count() const { return parse_number<std::uint32_t>(nc, 16).value_or(0); }

Result<Credentials> parse_credentials(std::string_view value) {
  const auto directives = Directives::parse(value);
  if (!directives) return directives.error();
  auto user_name = read_user_name(*directives);
  if (!user_name) return user_name.error();
  if (!directives->has_all({"realm", "nonce", "uri", "response"})) return Errc::missing_directive;
  const auto algorithm = parse_algorithm(directives->take("algorithm"));
  if (!algorithm) return Errc::unknown_algorithm;
  Credentials out;
  out.username = std::move(*user_name);
  out.realm = directives->take("realm");
  out.nonce = directives->take("nonce");
  out.uri = directives->take("uri");
  out.response = directives->take("response");
  out.opaque = directives->take("opaque");
  out.algorithm = *algorithm;
  out.userhash = directives->is_true("userhash");
  if (const auto error = read_protection(*directives, out)) return error;
  return out;
}

std::string print(const Credentials& credentials) {
  DirectiveWriter out("Digest ");
  out.quoted("username", credentials.username)
      .quoted("realm", credentials.realm)
      .quoted("nonce", credentials.nonce);
  out.quoted("uri", credentials.uri).quoted("response", credentials.response);
  out.plain("algorithm", to_string(credentials.algorithm));
  out.quoted_unless_empty("cnonce", credentials.cnonce);
  out.quoted_unless_empty("opaque", credentials.opaque);
  if (credentials.qop != Qop::none) out.plain("qop", to_string(credentials.qop)).plain("nc", credentials.nc);
  if (credentials.userhash) out.plain("userhash", "true");
  return std::move(out).finish();
}

}  // namespace beckon::auth
