#include "protocol/auth/info.hpp"

#include "protocol/auth/digest.hpp"
#include "protocol/auth/directives.hpp"
#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::auth {

Result<Info> parse_info(std::string_view value) {
  const auto directives = Directives::parse_list(value);
  if (!directives) return directives.error();
  Info out;
  out.next_nonce = directives->take("nextnonce");
  out.proof = directives->take("rspauth");
  out.cnonce = directives->take("cnonce");
  out.nc = directives->take("nc");
  if (const auto* text = directives->find("qop")) {
    const auto qop = parse_qop(*text);
    if (!qop) return Errc::unknown_qop;
    out.qop = *qop;
  }
  const bool whole = out.qop != Qop::none && !out.cnonce.empty() && !out.nc.empty();
  if (!out.proof.empty() && !whole) return Errc::missing_directive;
  return out;
}

std::string print(const Info& info) {
  DirectiveWriter out("");
  out.quoted_unless_empty("nextnonce", info.next_nonce);
  if (info.qop != Qop::none) out.plain("qop", to_string(info.qop));
  out.quoted_unless_empty("rspauth", info.proof);
  out.quoted_unless_empty("cnonce", info.cnonce);
  if (!info.nc.empty()) out.plain("nc", info.nc);
  return std::move(out).finish();
}

Info make_info(const Credentials& credentials, std::string_view ha1, std::string_view body,
               std::string_view next_nonce, std::string_view session_cnonce) {
  Info out;
  out.next_nonce = next_nonce;
  if (credentials.qop == Qop::none) return out;
  out.qop = credentials.qop;
  out.proof = response(credentials, ha1, {}, body, session_cnonce);  // A2 = ":" uri: no method (RFC 7616 3.5)
  out.cnonce = credentials.cnonce;
  out.nc = credentials.nc;
  return out;
}

Proof check(const Info& info, const Credentials& sent, std::string_view ha1, std::string_view body) {
  if (info.proof.empty()) return Proof::absent;
  // The qop is the request's (RFC 7616 3.5): another one would let a proof of less pass for one of more.
  if (info.qop != sent.qop || info.cnonce != sent.cnonce || !iequals(info.nc, sent.nc)) return Proof::wrong;
  const auto expected = response(sent, ha1, {}, body);
  const auto given = to_lower(info.proof);
  return crypto::equal_constant_time(as_bytes(expected), as_bytes(given)) ? Proof::right : Proof::wrong;
}

}  // namespace beckon::auth
