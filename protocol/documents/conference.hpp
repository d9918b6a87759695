#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"

/// Conference information documents (RFC 4575): who is in a room, and what it is about. Sidebars, media, host
/// information and how somebody joined are kept as they stand and printed behind what we know.
namespace beckon::documents {

inline constexpr std::string_view conference_type = "application/conference-info+xml";

/// How much of an element a document has (RFC 4575 5.1).
enum class ConferencePart : std::uint8_t { full, partial, deleted };
const char* to_string(ConferencePart value);

/// RFC 4575 5.7.3.
enum class EndpointStatus : std::uint8_t {
  pending,
  dialing_out,
  dialing_in,
  alerting,
  on_hold,
  connected,
  muted_via_focus,
  disconnecting,
  disconnected
};
const char* to_string(EndpointStatus value);

struct ConferenceEndpoint {
  std::string entity{};
  ConferencePart part = ConferencePart::full;
  std::string display_text{};
  std::optional<EndpointStatus> status{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const ConferenceEndpoint&) const = default;
};

struct ConferenceUser {
  std::string entity{};  ///< Unique in the conference.
  ConferencePart part = ConferencePart::full;
  std::string display_text{};
  std::vector<std::string> roles{};
  std::vector<ConferenceEndpoint> endpoints{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const ConferenceUser&) const = default;
};

struct ConferenceDescription {
  std::string display_text{}, subject{}, free_text{};
  std::optional<std::uint64_t> maximum_user_count{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const ConferenceDescription&) const = default;
};

struct ConferenceState {
  std::optional<std::uint64_t> user_count{};
  std::optional<bool> active{}, locked{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const ConferenceState&) const = default;
};

struct ConferenceUsers {
  ConferencePart part = ConferencePart::full;
  std::vector<ConferenceUser> users{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const ConferenceUsers&) const = default;
};

struct ConferenceInfo {
  std::string entity{};  ///< The conference's URI.
  ConferencePart part = ConferencePart::full;
  std::optional<std::uint32_t> version{};
  std::optional<ConferenceDescription> description{};
  std::optional<ConferenceState> state{};
  std::optional<ConferenceUsers> users{};
  std::vector<xml::Fragment> extensions{};
  bool operator==(const ConferenceInfo&) const = default;
};

/// Errors: those of xml::parse, Errc::wrong_root, Errc::missing_attribute (entity), Errc::bad_value (version,
/// state). A user or endpoint without entity, or in a part we do not know, is left out, and so is a status.
Result<ConferenceInfo> parse_conference(std::string_view body, const xml::Limits& limits = {});
std::string print(const ConferenceInfo& info);

/// `known` after the document `news`, of which it has the entity (RFC 4575 4.5 and 5.1): full elements take
/// the place of what was known, partial ones are merged, deleted ones go. False: a document is missing in
/// between, and the subscription has to be refreshed.
bool merge(ConferenceInfo& known, const ConferenceInfo& news);

}  // namespace beckon::documents
