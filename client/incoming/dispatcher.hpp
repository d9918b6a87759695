#pragma once

#include <string>
#include <vector>

#include "client/incoming/room.hpp"

namespace beckon::client::incoming {

/// Hands each request that comes in to its room, and answers those that no room takes: OPTIONS, methods and
/// event packages that are not served, extensions that are not supported, bodies that are encoded. It is the
/// user of the agent's transaction layer.
class Dispatcher final : public transaction::User {
 public:
  explicit Dispatcher(const account::Context& context) : context_(context) {}

  /// Before the first request; `room` outlives the dispatcher's last call.
  void add(Room& room) { rooms_.push_back(&room); }

  // transaction::User
  void on_request(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& message,
                  Now now) override;
  void on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  void on_response(const transaction::Hop& from, const sip::Message& response, Now now) override;
  void on_failure(transaction::TransactionId id, transaction::Failure why, Now now) override;

 private:
  Room* find(sip::Method method, std::string_view package) const;
  Room* find_serving(sip::Method method) const;
  void refuse(const Request& request, Now now) const;
  void report_refused_call(const sip::Message& invite, Now now) const;
  std::string allow() const;

  const account::Context& context_;
  std::vector<Room*> rooms_;  ///< In the order they are asked.
};

}  // namespace beckon::client::incoming
