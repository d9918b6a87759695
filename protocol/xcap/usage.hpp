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
  std::string_view ns;   ///< Default document namespace.
  bool is_made = false;  ///< The server makes the document "index" when it is read; nobody writes it.
};

/// The usage of `documents::WatchLog`.
inline constexpr std::string_view watch_log_auid = "beckon.watch-log";

/// What we know: pres-rules (RFC 5025 9), org.openmobilealliance.pres-rules, which OMA clients use for
/// the same document, and one of our own, which the server makes.
std::span<const Usage> usages();
const Usage* find_usage(std::string_view auid);

/// Checks the document of a PUT. Nullopt: it may be stored. `content_type` is the request's.
std::optional<Problem> validate(const Usage& usage, std::string_view content_type, std::string_view body);

/// The server capabilities document (RFC 4825 12), at xcap-caps/global/index.
std::string print_capabilities();
inline constexpr std::string_view caps_auid = "xcap-caps";
inline constexpr std::string_view caps_type = "application/xcap-caps+xml";

}  // namespace beckon::xcap
