#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <map>
#include <string>

#include "protocol/documents/winfo.hpp"

namespace beckon::client::presence {

/// Who watches us, from our presence.winfo subscription (RFC 3857, 3858), and what each may start directly
/// (DIRECT_SESSIONS 3.7). Versions decide: a partial document that does not follow the last one is not taken.
class Watchers {
 public:
  enum class Taken { yes, stale, gap };

  /// `gap`: versions were missed; ask for full state.
  Taken take(const documents::WatcherInfo& info);

  const std::map<std::string, documents::Watcher>& all() const { return watchers_; }  ///< By id.
  const std::map<std::string, ds1::Mode>& permits() const { return permits_; }        ///< By AOR.
  std::uint32_t version() const { return version_; }
  bool is_current() const { return known_; }

  boost::json::array watchers_json() const;
  boost::json::array permits_json() const;

 private:
  void merge(const documents::WatcherInfo& info);

  std::map<std::string, documents::Watcher> watchers_;
  std::map<std::string, ds1::Mode> permits_;
  std::uint32_t version_ = 0;
  bool known_ = false;
};

}  // namespace beckon::client::presence
