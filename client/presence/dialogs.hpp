#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "protocol/documents/dialoginfo.hpp"

namespace beckon::client::presence {

/// The dialogs of one user, from a subscription to its package "dialog" (RFC 4235 4.3).
class Dialogs {
 public:
  enum class Taken { yes, stale, gap };

  /// `gap`: it was taken, but versions were missed; ask for full state.
  Taken take(const documents::DialogInfo& info);

  /// Those there are, and those that ended with the last document.
  boost::json::array json() const;

 private:
  std::map<std::string, documents::Dialog> dialogs_;  ///< By id.
  std::uint32_t version_ = 0;
  bool known_ = false;
};

}  // namespace beckon::client::presence
