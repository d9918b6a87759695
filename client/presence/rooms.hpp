#pragma once

#include <boost/json/object.hpp>
#include <cstddef>

#include "protocol/documents/conference.hpp"

namespace beckon::client::presence {

/// A room, from a subscription to its package "conference" (RFC 4575 4.5).
class WatchedRoom {
 public:
  enum class Taken { yes, stale, gap };

  /// Members that are kept: a server cannot make the table grow for ever.
  static constexpr std::size_t members_max = 16384;

  /// `gap`: versions were missed, or there are too many members; ask for full state.
  Taken take(const documents::ConferenceInfo& info);
  /// Event "room" without name and time.
  boost::json::object view() const;

 private:
  documents::ConferenceInfo known_{};
};

}  // namespace beckon::client::presence
