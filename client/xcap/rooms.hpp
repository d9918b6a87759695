#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/xcap/requester.hpp"
#include "protocol/documents/message_archive.hpp"

namespace beckon::client::xcap {

/// What the account does with rooms of the server: beside XCAP, with the same credentials.
class Rooms {
 public:
  /// `status` is HTTP's, or `Requester::status_of` an error.
  using Done = std::function<void(int status, const std::string& reason, Now now)>;
  /// `view` is a room, or the list of them, as the contract has it: event "room" or "rooms" without name and
  /// time; empty unless the status is 200.
  using Shown = Requester::Read<boost::json::object>;
  using Read = Requester::Read<documents::MessageArchive>;
  /// Names and values of the query, besides the room.
  using Query = std::vector<std::pair<std::string, std::string>>;

  /// `account` outlives it. `xcap_root` is the path of the XCAP root, e.g. "/xcap": rooms stand beside it.
  Rooms(const account::Account& account, std::string_view xcap_root, Http& http, Random& random);

  /// The rooms that the account is in.
  void list(Shown done);
  void show(const std::string& room, Shown done);
  void history(const std::string& room, Query query, Read done);
  /// What the server makes of `query` for a room: PUT or DELETE.
  void change(beckon::xcap::Method method, const std::string& room, Query query, Done done);

 private:
  std::string target(Query query) const;

  std::string user_, root_;
  Requester requester_;
};

}  // namespace beckon::client::xcap
