#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/documents/winfo.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::presence {

/// One watcher of one presentity (RFC 3857 4.7): what WT keeps.
struct WatcherEntry {
  std::string id;
  std::string aor;
  std::string display_name;
  documents::WatcherStatus status = documents::WatcherStatus::pending;
  documents::WatcherEvent event = documents::WatcherEvent::subscribe;
  WallTime since{};
  Time expires{};  ///< Of the subscription; of a waiting one: when it is given up.

  /// As it stands in a document now.
  documents::Watcher print(Now now) const;
};

/// WT, the watcher information table of a shard: the state machine of RFC 3857 4.7.1 for each watcher.
/// Every change is told once; a terminated watcher is told and forgotten.
class Watchers {
 public:
  using OnChange = std::function<void(const std::string& presentity, const WatcherEntry& watcher, Now now)>;

  /// How long somebody who asked and got no decision is kept in mind (`waiting`), after which he is given up.
  static constexpr Duration waiting_time = std::chrono::hours(24);

  Watchers(TimerQueue& timers, Clock& clock, OnChange on_change);

  /// A subscription began; `entry.status` is pending or active. Ends a `waiting` of the same AOR.
  void subscribed(const std::string& presentity, WatcherEntry entry, Now now);
  /// It was refreshed: told to nobody, its expiry is in the next document.
  void refreshed(const std::string& presentity, const std::string& id, Time expires);
  /// pending -> active (approved), active -> pending (a rule was taken back).
  void decided(const std::string& presentity, const std::string& id, documents::WatcherStatus status,
               Now now);
  /// Its subscription ended. A pending one that ran out turns `waiting`.
  void ended(const std::string& presentity, const std::string& id, std::string_view reason, Now now);
  /// `aor` was decided about while nobody subscribed: a `waiting` of his ends.
  void settled(const std::string& presentity, std::string_view aor, bool allowed, Now now);

  /// In order of their ids.
  std::vector<const WatcherEntry*> of(std::string_view presentity) const;
  Table table(Now now) const;
  std::size_t size() const;

 private:
  using List = std::map<std::string, WatcherEntry>;  ///< By id.

  WatcherEntry* find(const std::string& presentity, const std::string& id);
  void terminate(const std::string& presentity, const std::string& id, documents::WatcherEvent event,
                 Now now);
  void give_up(Now now);
  void arm();

  Clock& clock_;
  OnChange on_change_;
  std::map<std::string, List, std::less<>> lists_;               ///< By presentity.
  std::map<std::pair<Time, std::string>, std::string> waiting_;  ///< (end, watcher id) -> presentity
  Timer timer_;
};

}  // namespace beckon::server::presence
