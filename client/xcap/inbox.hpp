#pragma once

#include <boost/json/array.hpp>
#include <functional>
#include <string>

#include "client/xcap/requester.hpp"

namespace beckon::client::xcap {

/// Reads which messages wait for the account on the server: beside XCAP, with the same credentials.
class Inbox {
 public:
  /// `status` is HTTP's, or `Requester::status_of` an error. `messages` is empty unless it is 200; each is an
  /// object with `id`, `from`, `date`, and what else of the contract's event "inbox" the server says.
  using Done =
      std::function<void(int status, const std::string& reason, boost::json::array messages, Now now)>;

  Inbox(const account::Account& account, Http& http, Random& random);
  void read(Done done);

 private:
  std::string path_;
  Requester requester_;
};

}  // namespace beckon::client::xcap
