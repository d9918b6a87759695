#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "protocol/transaction/context.hpp"
#include "protocol/transaction/invite_client.hpp"
#include "protocol/transaction/non_invite_client.hpp"

namespace beckon::transaction {

/// The client transactions of a layer.
class ClientTable {
 public:
  explicit ClientTable(Context& context) : context_(context) {}
  ~ClientTable();

  TransactionId send(std::string request, const Hop& to, OnOutcome on_outcome, Time now);
  void send_ack(std::string ack, const Hop& to);
  void cancel(TransactionId id, std::string_view reason, Now now);
  void abandon(TransactionId id);
  void receive(const Hop& from, const sip::Message& response, Now now);
  void on_flow_closed(FlowId flow, Now now);

  std::size_t size() const { return clients_.size(); }
  void dump(const std::function<void(const Layer::Row&)>& visit) const;

 private:
  using Machine = std::variant<InviteClient, NonInviteClient>;
  struct Client {
    Client(Machine m, const Hop& to) : machine(std::move(m)), hop(to) {}
    Machine machine;
    Hop hop;
    std::string key;
    /// With our Via. Kept while it may be sent again, and for an INVITE's ACK and CANCEL.
    SharedText request;
    SharedText ack;  ///< For the final response of an INVITE, once there is one.
    OnOutcome on_outcome;
    std::string cancel_reason;
    TimerId timer = 0;
    bool ended = false;  ///< The user was told the end.
  };
  /// What comes with the response that fed the machine, if one did.
  struct Input {
    const Hop* from = nullptr;
    const sip::Message* response = nullptr;
  };

  std::string mint_via(const Hop& to, std::string& branch);
  TransactionId open(std::string key, bool invite, SharedText request, const Hop& to, OnOutcome on_outcome,
                     Time now);
  void transmit(TransactionId id, const Client& client, SharedText text);
  void on_timer(TransactionId id, Now now);
  void on_transport_error(TransactionId id, Now now);
  void perform(TransactionId id, const ClientActions& actions, const Input& input, Now now);
  void perform_ack(TransactionId id, Client& client, const sip::Message* response);
  void perform_cancel(const Client& client, Now now);
  void arm(TransactionId id, Client& client);
  void close(TransactionId id, Client& client);

  Context& context_;
  std::unordered_map<TransactionId, Client> clients_;
  std::unordered_map<std::string, TransactionId> by_key_;  ///< Branch and method (RFC 3261 17.1.3).
  std::set<std::pair<FlowId, TransactionId>> by_flow_;     ///< Those sent on a named flow and not ended.
};

}  // namespace beckon::transaction
