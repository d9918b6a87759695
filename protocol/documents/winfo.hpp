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
#include "protocol/xml/writer.hpp"

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

/// The same, of texts that somebody else keeps.
struct WatcherView {
  std::string_view id;
  std::string_view uri;
  WatcherStatus status = WatcherStatus::pending;
  WatcherEvent event = WatcherEvent::subscribe;
  std::string_view display_name;
  std::optional<std::uint64_t> expiration_seconds;
  std::optional<std::uint64_t> subscribed_seconds;
};
WatcherView view_of(const Watcher& watcher);

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

/// Prints a document piece by piece, for one of 10 000 watchers: no second copy of them is made. What is
/// called, and in which order: `begin_list`, `watcher`s, `end_list`, once for each list; then `permit`s.
class WinfoWriter {
 public:
  /// `has_permits`: permits follow. `expected_size`: octets that the document will have, about.
  WinfoWriter(std::uint32_t version, WatcherInfo::State state, bool has_permits,
              std::size_t expected_size = 0);
  void begin_list(std::string_view resource, std::string_view package);
  void watcher(const WatcherView& watcher);
  void end_list() { writer_.close(); }
  void permit(std::string_view aor, ds1::Mode mode);
  /// XML that is finished already.
  void raw(std::string_view xml) { writer_.raw(xml); }
  std::string finish() { return writer_.finish(); }

 private:
  xml::Writer writer_;
};

}  // namespace beckon::documents
