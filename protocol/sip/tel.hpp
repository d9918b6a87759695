#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/sip/uri.hpp"

namespace beckon::sip {

/// A telephone number: what follows "tel:" (RFC 3966 3), or in the user part of a SIP URI with
/// user=phone (RFC 3261 19.1.6). Texts are as written, but for `digits`.
struct TelNumber {
  bool is_global = false;  ///< E.164: began with '+'.
  std::string
      digits;  ///< Without '+' and visual separators; a local one may hold A-F (upper case), '*', '#'.
  std::string extension;
  std::string isdn_subaddress;
  std::string context;     ///< phone-context of a local number: a domain name, or "+" and digits.
  std::string parameters;  ///< The others, starting with ';'.
};

/// Reads a number without "tel:". Errors: bad_uri, also for a local number without phone-context and for a
/// parameter that stands twice. COMPAT: any order of the parameters.
Result<TelNumber> parse_tel(std::string_view text);
/// The parameters in the order RFC 3966 3 demands: ext, isub, phone-context, others by name.
std::string print(const TelNumber& number);

/// Equal by RFC 3966 4: separators, case and the order of parameters do not count, each parameter does.
bool equivalent(const TelNumber& a, const TelNumber& b);

/// The number a URI names: of a tel URI, or of a SIP URI with user=phone; nullopt for another or a malformed
/// one.
std::optional<TelNumber> tel_of(const Uri& uri);

}  // namespace beckon::sip
