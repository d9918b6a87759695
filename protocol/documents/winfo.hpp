#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/ds1/ticket.hpp"
#include "protocol/xml/document.hpp"

/// Watcher information documents (RFC 3858) with the permits of direct sessions (DIRECT_SESSIONS 3.7).
namespace beckon::documents {

inline constexpr std::string_view winfo_type = "application/watcherinfo+xml";

/// State of a subscription and the event that led there (RFC 3857 4.7.1, RFC 3858 4).
enum class WatcherStatus { pending, active, waiting, terminated };
enum class WatcherEvent {
  subscribe,
  approved,
  deactivated,
  probation,
  rejected,
  timeout,
  giveup,
  noresource
};
const char* to_string(WatcherStatus status);
const char* to_string(WatcherEvent event);

struct Watcher {
  std::string id;   ///< Unique in the presentity's documents, stable while the subscription lives.
  std::string uri;  ///< The watcher.
  WatcherStatus status = WatcherStatus::pending;
  WatcherEvent event = WatcherEvent::subscribe;
  std::string display_name;
  std::optional<std::uint64_t> expiration_seconds;
  std::optional<std::uint64_t> subscribed_seconds;  ///< duration-subscribed
  bool operator==(const Watcher&) const = default;
};

struct WatcherList {
  std::string resource;
  std::string package = "presence";
  std::vector<Watcher> watchers;
  std::vector<xml::Fragment> extensions;
  bool operator==(const WatcherList&) const = default;
};

/// The mode an AOR is permitted now.
struct Permit {
  std::string aor;
  ds1::Mode mode = ds1::Mode::off;
  bool operator==(const Permit&) const = default;
};

struct WatcherInfo {
  enum class State { full, partial };
  std::uint32_t version = 0;
  State state = State::full;
  std::vector<WatcherList> lists;
  std::vector<Permit> permits;
  std::vector<xml::Fragment> extensions;
  bool operator==(const WatcherInfo&) const = default;
};

/// Errors: those of xml::parse, Errc::wrong_root, Errc::missing_attribute, Errc::bad_value (version, state).
/// A watcher without id, or with a status or event we do not know, is left out.
Result<WatcherInfo> parse_winfo(std::string_view body, const xml::Limits& limits = {});
std::string print(const WatcherInfo& info);

}  // namespace beckon::documents
