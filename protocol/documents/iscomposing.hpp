#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"

/// Whether the peer is composing a message now (RFC 3994).
namespace beckon::documents {

inline constexpr std::string_view is_composing_type = "application/im-iscomposing+xml";

struct IsComposing {
  bool active = false;
  std::string last_active{};   ///< RFC 3339, as written; empty: not said.
  std::string content_type{};  ///< Of what is composed: "text/plain", "audio"; empty: not said.
  /// After so many seconds without news the composer is idle.
  std::optional<std::uint32_t> refresh_seconds{};
  bool operator==(const IsComposing&) const = default;
};

/// A state that we do not know is "idle" (RFC 3994 3.5); extensions are left out, and a refresh interval that
/// is no positive number. Errors: those of xml::parse, Errc::wrong_root, Errc::bad_structure: no state.
Result<IsComposing> parse_is_composing(std::string_view body, const xml::Limits& limits = {});
std::string print(const IsComposing& composing);

}  // namespace beckon::documents
