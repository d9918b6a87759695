#include <array>
#include <cstddef>

#include "protocol/base/text.hpp"
#include "protocol/sip/header.hpp"

namespace beckon::sip {

namespace {

/// In the order of HeaderId.
constexpr auto names = std::to_array<std::string_view>({
    "",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Alert-Info",
    "Allow",
    "Allow-Events",
    "Authentication-Info",
    "Authorization",
    "Call-ID",
    "Call-Info",
    "Contact",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Type",
    "CSeq",
    "Date",
    "Error-Info",
    "Event",
    "Expires",
    "From",
    "In-Reply-To",
    "Max-Breadth",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Organization",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Path",
    "Priority",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "Reason",
    "Record-Route",
    "Refer-To",
    "Referred-By",
    "Replaces",
    "Reply-To",
    "Require",
    "Retry-After",
    "Route",
    "RSeq",
    "Server",
    "Service-Route",
    "Session-Expires",
    "SIP-ETag",
    "SIP-If-Match",
    "Subject",
    "Subscription-State",
    "Supported",
    "Suppress-If-Match",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
    "Warning",
    "WWW-Authenticate",
    "Direct-Session",
});
constexpr std::size_t known = names.size();
static_assert(known == static_cast<std::size_t>(HeaderId::direct_session) + 1);

/// A hash without collisions over `names`: length and three letters, with multipliers found below.
constexpr std::size_t slots = 1024;

struct Hash {
  unsigned first = 0, middle = 0, last = 0;

  constexpr std::size_t operator()(std::string_view name) const {
    const auto letter = [&](std::size_t at) { return static_cast<unsigned char>(to_lower(name[at])); };
    const std::size_t size = name.size();
    return (size * 37 + letter(0) * first + letter(size / 2) * middle + letter(size - 1) * last) % slots;
  }
};

constexpr bool is_perfect(Hash hash) {
  std::array<bool, slots> taken{};
  for (std::size_t i = 1; i < known; ++i) {
    bool& slot = taken[hash(names[i])];
    if (slot) return false;
    slot = true;
  }
  return true;
}

constexpr Hash find_hash() {
  for (unsigned seed = 1; seed < 2000; ++seed) {
    const Hash hash{seed * 7 % 509 + 1, seed * 31 % 521 + 1, seed * 97 % 503 + 1};
    if (is_perfect(hash)) return hash;
  }
  return {};
}

constexpr Hash hash = find_hash();
static_assert(hash.first != 0, "widen the search");

constexpr auto table = [] {
  std::array<HeaderId, slots> out{};
  for (std::size_t i = 1; i < known; ++i) out[hash(names[i])] = static_cast<HeaderId>(i);
  return out;
}();

/// RFC 3261 7.3.3 and the IANA registry: a, u (RFC 6665), o (RFC 6665), r (RFC 3515), b (RFC 3892), x (RFC
/// 4028).
HeaderId compact_name(char c) {
  switch (to_lower(c)) {
    case 'b':
      return HeaderId::referred_by;
    case 'c':
      return HeaderId::content_type;
    case 'e':
      return HeaderId::content_encoding;
    case 'f':
      return HeaderId::from;
    case 'i':
      return HeaderId::call_id;
    case 'k':
      return HeaderId::supported;
    case 'l':
      return HeaderId::content_length;
    case 'm':
      return HeaderId::contact;
    case 'o':
      return HeaderId::event;
    case 'r':
      return HeaderId::refer_to;
    case 's':
      return HeaderId::subject;
    case 't':
      return HeaderId::to;
    case 'u':
      return HeaderId::allow_events;
    case 'v':
      return HeaderId::via;
    case 'x':
      return HeaderId::session_expires;
    default:
      return HeaderId::other;
  }
}

}  // namespace

HeaderId parse_header_name(std::string_view name) {
  if (name.size() < 2) return name.empty() ? HeaderId::other : compact_name(name.front());
  const HeaderId id = table[hash(name)];
  const auto usual = names[static_cast<std::size_t>(id)];
  return name == usual || iequals(name, usual) ? id : HeaderId::other;
}

std::string_view to_string(HeaderId id) { return names[static_cast<std::size_t>(id)]; }

}  // namespace beckon::sip
