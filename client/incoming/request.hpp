#pragma once

#include <string>
#include <string_view>

#include "client/account/context.hpp"

namespace beckon::client::incoming {

/// A request that came in, with its server transaction. Copies stand for the same request, so that a room can
/// keep one. The room that takes a request answers it with any number of provisional responses and one final
/// response, at once or later. All responses carry the same To tag, which is the local tag of a dialog that
/// the request creates. The agent's Context outlives it.
class Request {
 public:
  Request(const account::Context& context, transaction::TransactionId id, const transaction::Hop& from,
          const sip::Message& message);

  /// Names the server transaction: `Room::on_cancel` and `on_failure` give it again.
  transaction::TransactionId id() const { return id_; }
  const transaction::Hop& from() const { return from_; }
  const sip::Message& message() const { return message_; }
  const std::string& to_tag() const { return to_tag_; }
  /// It came from the account's own server, so the identity it asserts can be believed (RFC 3325 5).
  bool is_from_server() const { return context_->connection.is_server(from_); }

  /// The beginning of a response: Via, From, To with tag, Call-ID, CSeq and Server are there.
  sip::Builder reply(int status, std::string_view reason = {}) const;
  /// Sends a response. One that follows the final response is dropped.
  void respond(sip::Builder reply, Now now) const;
  void respond(int status, Now now) const { respond(reply(status), now); }

 private:
  const account::Context* context_;
  transaction::TransactionId id_;
  transaction::Hop from_;
  sip::Message message_;
  std::string to_tag_;
};

}  // namespace beckon::client::incoming
