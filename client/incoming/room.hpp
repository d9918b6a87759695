#pragma once

#include <string_view>
#include <vector>

#include "client/incoming/request.hpp"

namespace beckon::client::incoming {

/// What a room serves, fixed for its life.
struct Services {
  std::vector<sip::Method> methods;  ///< Each of them is in Allow.
  std::vector<std::string_view>
      packages{};  ///< Event packages of its NOTIFY, SUBSCRIBE and PUBLISH requests.
  std::vector<std::string_view> option_tags{};  ///< Extensions that a request to it may require.
  bool inflates = false;  ///< It reads bodies in the coding deflate, which reach it as they are.
};

/// What takes requests that come in. The dispatcher hands a request to the first room that serves its method
/// and event package.
class Room {
 public:
  virtual ~Room() = default;

  virtual const Services& services() const = 0;
  /// A new request, checked (RFC 3261 8.2.1, 8.2.2.3). In-dialog requests too: the room knows its dialogs.
  /// `request` lives as long as the call; the room keeps a copy to answer later.
  virtual void on_request(const Request& request, Now now) = 0;

  // What belongs to INVITE goes to the room that serves it.
  /// An ACK for a 2xx (RFC 3261 13.2.2.4).
  virtual void on_ack(const sip::Message& /*ack*/, Now) {}
  /// The caller cancels INVITE `id`; the CANCEL is answered already, the INVITE is not (RFC 3261 9.2).
  virtual void on_cancel(transaction::TransactionId /*id*/, const sip::Message& /*cancel*/, Now) {}
  /// A 2xx to an INVITE that the room sent, after its transaction ended: a retransmission, or from another
  /// fork.
  virtual void on_response(const sip::Message& /*response*/, Now) {}
  /// The final response of INVITE `id` was in vain.
  virtual void on_failure(transaction::TransactionId /*id*/, transaction::Failure, Now) {}
};

}  // namespace beckon::client::incoming
