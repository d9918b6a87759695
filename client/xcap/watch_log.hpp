#pragma once

#include <string>
#include <string_view>

#include "client/xcap/requester.hpp"
#include "protocol/documents/watch_log.hpp"

namespace beckon::client::xcap {

/// Reads what the account's watchers are shown, and were shown before, from the server, which makes the
/// document when it is read.
class WatchLog {
 public:
  using Done = Requester::Read<documents::WatchLog>;

  WatchLog(const account::Account& account, std::string_view root, Http& http, Random& random);
  void read(Done done);

 private:
  std::string path_;
  Requester requester_;
};

}  // namespace beckon::client::xcap
