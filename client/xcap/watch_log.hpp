#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "client/xcap/requester.hpp"
#include "protocol/documents/watch_log.hpp"

namespace beckon::client::xcap {

/// Reads what the account's watchers are shown, and were shown before, from the server, which makes the
/// document when it is read.
class WatchLog {
 public:
  /// `status` is HTTP's, or `Requester::status_of` an error. `log` is empty unless it is 200.
  using Done =
      std::function<void(int status, const std::string& reason, const documents::WatchLog& log, Now now)>;

  WatchLog(const account::Account& account, std::string_view root, Http& http, Random& random);
  void read(Done done);

 private:
  std::string path_;
  Requester requester_;
};

}  // namespace beckon::client::xcap
