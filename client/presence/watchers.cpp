#include "client/presence/watchers.hpp"

#include <boost/json/object.hpp>

namespace beckon::client::presence {

using documents::WatcherInfo;

Watchers::Taken Watchers::take(const WatcherInfo& info, std::size_t octets) {
  // A full document may restart the versions: after the server restarts, or in a new subscription (RFC
  // 3857 4.9).
  if (info.state == WatcherInfo::State::full) {
    watchers_.clear();
    permits_.clear();
    known_ = true;
    partial_ = 0;
  } else if (!known_ || info.version > version_ + 1) {
    known_ = false;
    return Taken::gap;
  } else if (info.version <= version_) {
    return Taken::stale;
  } else if (partial_ += octets; partial_ > partial_max) {
    watchers_.clear();
    permits_.clear();
    known_ = false;
    return Taken::gap;
  }
  version_ = info.version;
  merge(info);
  return Taken::yes;
}

void Watchers::merge(const WatcherInfo& info) {
  for (const auto& list : info.lists) {
    for (const auto& watcher : list.watchers) {
      if (watcher.status == documents::WatcherStatus::terminated) {
        watchers_.erase(watcher.id);
      } else {
        watchers_[watcher.id] = watcher;
      }
    }
  }
  for (const auto& permit : info.permits) permits_[permit.aor] = permit.mode;
}

boost::json::array Watchers::watchers_json() const {
  boost::json::array out;
  for (const auto& [id, watcher] : watchers_) {
    out.push_back(boost::json::object{{"aor", watcher.uri},
                                      {"status", documents::to_string(watcher.status)},
                                      {"event", documents::to_string(watcher.event)},
                                      {"id", id}});
  }
  return out;
}

boost::json::array Watchers::permits_json() const {
  boost::json::array out;
  for (const auto& [aor, mode] : permits_) {
    out.push_back(boost::json::object{{"aor", aor}, {"mode", ds1::to_string(mode)}});
  }
  return out;
}

}  // namespace beckon::client::presence
