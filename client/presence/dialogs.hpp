#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "protocol/documents/dialoginfo.hpp"

namespace beckon::client::presence {

/// The dialogs of one user, from a subscription to its package "dialog" (RFC 4235 4.3).
class Dialogs {
 public:
  enum class Taken { yes, stale, gap };

  /// Octets of partial documents that are kept after a full one: a server cannot make the table grow for
  /// ever.
  static constexpr std::size_t partial_max = 16 << 20;

  /// `octets`: the size of the document. `gap`: it was taken, but versions were missed, or what was there
  /// before was dropped as it grew too large; ask for full state.
  Taken take(const documents::DialogInfo& info, std::size_t octets);

  /// Whether the user has a device; absent: the server does not say it.
  std::optional<bool> is_registered() const { return registered_; }
  /// Those there are, and those that ended with the last document.
  boost::json::array json() const;

 private:
  std::map<std::string, documents::Dialog> dialogs_;  ///< By id.
  std::uint32_t version_ = 0;
  std::size_t partial_ = 0;  ///< Octets since the last full document.
  bool known_ = false;
  std::optional<bool> registered_;  ///< By the last full document.
};

}  // namespace beckon::client::presence
