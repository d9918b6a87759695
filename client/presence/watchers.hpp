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

  /// `gap`: versions were missed; ask for full state.
  Taken take(const documents::WatcherInfo& info);

  boost::json::array watchers_json() const;
  boost::json::array permits_json() const;

 private:
  void merge(const documents::WatcherInfo& info);

  std::map<std::string, documents::Watcher> watchers_;  ///< By id.
  std::map<std::string, ds1::Mode> permits_;            ///< By AOR.
  std::uint32_t version_ = 0;
  bool known_ = false;
};

}  // namespace beckon::client::presence
