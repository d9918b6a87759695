#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/sip/error.hpp"
#include "protocol/sip/uri.hpp"

/// Header values read without owning anything: views into the text they were read from, which outlives them.
/// The rules of reading stand here; the types of uri.hpp and header.hpp are made of these.
namespace beckon::sip {

/// host [ ":" port ] (RFC 3261 25.1).
struct HostPortView {
  std::string_view host;              ///< As written, without brackets.
  std::optional<std::uint16_t> port;  ///< Absent means the transport's default port.
};
/// Errors: Errc::bad_uri, bad_port.
Result<HostPortView> view_host_port(std::string_view text);

/// A SIP or SIPS URI, or any other scheme with its text in `user`. All as written.
struct UriView {
  std::string_view scheme;
  std::string_view user;  ///< Empty where there is none.
  std::string_view password;
  std::string_view host;  ///< Without brackets.
  std::optional<std::uint16_t> port;
  std::string_view parameters;  ///< Starting with ';'.
  std::string_view headers;     ///< Without the '?'.

  std::optional<std::string_view> parameter(std::string_view name) const {
    return find_parameter(parameters, name);
  }
};
/// As `parse_uri`.
Result<UriView> view_uri(std::string_view text);
/// The parts of `uri`, which outlives them.
UriView view(const Uri& uri);
Uri own(const UriView& uri);
std::string canonical_aor(const UriView& uri);
void append(std::string& out, const UriView& uri);

/// A branch that is unique begins so (RFC 3261 8.1.1.7); others are of RFC 2543.
inline constexpr std::string_view magic_cookie = "z9hG4bK";

/// One Via hop (RFC 3261 20.42), as written.
struct ViaView {
  std::string_view transport;
  std::string_view host;  ///< Without brackets.
  std::optional<std::uint16_t> port;
  std::string_view parameters;              ///< All, starting with ';'.
  std::string_view branch;                  ///< Empty for RFC 2543 peers.
  std::optional<std::string_view> rport{};  ///< Without a value it is empty, and follows its name.
  bool received = false;                    ///< Is there such a parameter?
  std::string_view text{};                  ///< All of it, where it was read from one.
};
/// As `parse_via`.
Result<ViaView> view_via(std::string_view value);
void append(std::string& out, const ViaView& via);

/// name-addr or addr-spec with header parameters: From, To, Contact, Route... (RFC 3261 20.10).
struct NameAddrView {
  std::string_view display_name;  ///< As written: quotes and escapes too.
  UriView uri;
  std::string_view parameters;  ///< The header's, not the URI's, starting with ';'.
  std::string_view tag;         ///< Empty where there is none.

  std::optional<std::string_view> parameter(std::string_view name) const {
    return find_parameter(parameters, name);
  }
};
/// As `parse_name_addr`.
Result<NameAddrView> view_name_addr(std::string_view value);
/// Always with angle brackets.
void append(std::string& out, const NameAddrView& address);

struct CSeqView {
  std::uint32_t number = 0;
  std::string_view method;
};
/// As `parse_cseq`.
Result<CSeqView> view_cseq(std::string_view value);
void append(std::string& out, const CSeqView& cseq);

}  // namespace beckon::sip
