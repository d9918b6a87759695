#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/xcap/node_selector.hpp"

namespace beckon::server::packages {

/// What a subscriber to changes of its XCAP resources follows: one entry of its list (RFC 5875 4.4).
struct XcapResource {
  enum class Kind : std::uint8_t { collection, document, element, attribute };
  Kind kind = Kind::document;
  std::string sel;                        ///< As the entry names it, relative to the XCAP root.
  std::string key{};                      ///< Of the document; of a collection: empty.
  std::vector<std::string> path{};        ///< Of a collection: "resource-lists", "users"...
  beckon::xcap::NodeSelector selector{};  ///< Of an element or attribute.
};

/// Key of the capabilities (RFC 4825 12), which everybody may read. Keys of a user's own documents are those
/// of `xcap::Documents`.
inline constexpr std::string_view capabilities_key = "global/xcap-caps/index";

/// `uri` is relative to the XCAP root, or absolute. Absent: it names nothing that `owner`, a canonical AOR,
/// may follow: another user's, what the server makes for `owner`, namespaces, what is no XCAP URI.
std::optional<XcapResource> read_xcap_resource(std::string_view uri, const std::string& owner);

/// How a document is named as a member of a collection; empty: it is none.
std::string name_in(const XcapResource& collection, std::string_view key, const std::string& owner);

}  // namespace beckon::server::packages
