#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/documents/error.hpp"
#include "protocol/xml/document.hpp"

/// What a presentity's watchers were shown, and when: a document of our own, which the presentity alone may
/// read.
namespace beckon::documents {

inline constexpr std::string_view watch_log_type = "application/vnd.beckon.watch-log+xml";

struct WatchLog {
  struct Line {
    std::string watcher{};  ///< AOR.
    std::string view{};     ///< How much the watcher may see: "all", "filtered", "polite-block", "pending".
    std::string shown{};    ///< In words: "open, note, direct offer".
    std::string from{};     ///< RFC 3339, with milliseconds.
    std::string until{};    ///< The same; empty: the watcher is shown it now.
    bool operator==(const Line&) const = default;
  };
  std::string entity{};
  std::vector<Line> lines{};  ///< By rising `from`.
  bool operator==(const WatchLog&) const = default;
};

/// Errors: those of xml::parse, Errc::wrong_root. A line without watcher is left out.
Result<WatchLog> parse_watch_log(std::string_view body, const xml::Limits& limits = {});
std::string print(const WatchLog& log);

}  // namespace beckon::documents
