#pragma once

#include <boost/json/array.hpp>
#include <string>

#include "client/xcap/requester.hpp"

namespace beckon::client::xcap {

/// Reads which messages wait for the account on the server: beside XCAP, with the same credentials.
class Inbox {
 public:
  /// Each message is an object with `id`, `from`, `date`, and what else of the contract's event "inbox" the
  /// server says.
  using Done = Requester::Read<boost::json::array>;

  Inbox(const account::Account& account, Http& http, Random& random);
  void read(Done done);

 private:
  std::string path_;
  Requester requester_;
};

}  // namespace beckon::client::xcap
