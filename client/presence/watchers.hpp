#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <map>
#include <string>

#include "protocol/documents/winfo.hpp"

namespace beckon::client::presence {

/// The own watchers, from the presence.winfo subscription (RFC 3857, 3858), and the direct sessions that each
/// may start (DIRECT_SESSIONS 3.7). A partial document is taken only if its version follows the last one.
class Watchers {
 public:
  enum class Taken { yes, stale, gap };

  /// Octets of partial documents that are taken after a full one: a server cannot make the list grow for
  /// ever.
  static constexpr std::size_t partial_max = 16 << 20;

  /// `octets`: the size of the document. `gap`: versions were missed, or the list was dropped as it grew too
  /// long; ask for full state.
  Taken take(const documents::WatcherInfo& info, std::size_t octets);

  boost::json::array watchers_json() const;
  boost::json::array permits_json() const;

 private:
  void merge(const documents::WatcherInfo& info);

  std::map<std::string, documents::Watcher> watchers_;  ///< By id.
  std::map<std::string, ds1::Mode> permits_;            ///< By AOR.
  std::uint32_t version_ = 0;
  std::size_t partial_ = 0;  ///< Octets since the last full document.
  bool known_ = false;
};

}  // namespace beckon::client::presence
