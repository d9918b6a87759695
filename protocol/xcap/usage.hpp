#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"

namespace beckon::xcap {

/// One application usage (RFC 4825 5): a kind of document users keep on the server.
struct Usage {
  std::string_view auid;
  std::string_view canonical;  ///< Where aliases meet: both names reach one document.
  std::string_view content_type;
  std::string_view ns;     ///< Default document namespace.
  bool is_made = false;    ///< The server makes the document "index" when it is read; nobody writes it.
  bool is_single = false;  ///< A user has one document, "index".
};

/// The usage of `documents::WatchLog`.
inline constexpr std::string_view watch_log_auid = "beckon.watch-log";

/// Presence documents that show a user while no device says anything (RFC 4827).
inline constexpr std::string_view hard_state_auid = "pidf-manipulation";

/// What we know: pres-rules (RFC 5025 9), org.openmobilealliance.pres-rules, which OMA clients use for
/// the same document, pidf-manipulation (RFC 4827), and one of our own, which the server makes.
std::span<const Usage> usages();
const Usage* find_usage(std::string_view auid);

/// Checks the document of a PUT. Nullopt: it may be stored. `content_type` is the request's.
std::optional<Problem> validate(const Usage& usage, std::string_view content_type, std::string_view body);

/// The server capabilities document (RFC 4825 12), at xcap-caps/global/index.
std::string print_capabilities();
inline constexpr std::string_view caps_auid = "xcap-caps";
inline constexpr std::string_view caps_type = "application/xcap-caps+xml";

}  // namespace beckon::xcap
