#pragma once

#include <map>
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

  TransactionId send(std::string request, const Hop& to, OnOutcome on_outcome, Time now,
                     std::string_view branch_part, std::string_view branch_prefix);
  void send_ack(std::string ack, const Hop& to, Time now);
  void cancel(TransactionId id, std::string_view reason, Now now);
  void receive(const Hop& from, const sip::Message& response, Now now);
  void on_flow_closed(FlowId flow, Now now);

  std::size_t size() const { return clients_.size(); }
  void dump(const std::function<void(const Layer::Row&)>& visit) const;

 private:
  using Machine = std::variant<InviteClient, NonInviteClient>;
  struct Client {
    Client(Machine m, const Hop& to, TimerQueue& timers) : machine(std::move(m)), hop(to), timer(timers) {}
    Machine machine;
    Hop hop;
    std::string key;
    /// With our Via. Kept while it may be sent again, and for an INVITE's ACK and CANCEL.
    SharedText request;
    SharedText ack;  ///< For the final response of an INVITE, once there is one.
    OnOutcome on_outcome;
    std::string cancel_reason;
    Timer timer;
    bool ended = false;        ///< The user was told the end.
    bool cancelled = false;    ///< The user wants to CANCEL.
    bool stream_only = false;  ///< A MESSAGE that went over TCP for its size: it has no other way.
    bool switched = false;     ///< Went over TCP for its size, and nothing came back yet.
  };
  /// What comes with the response that fed the machine, if one did.
  struct Input {
    const Hop* from = nullptr;
    const sip::Message* response = nullptr;
  };

  std::string mint_branch(std::string_view prefix, std::string_view part);
  std::string make_via(const Hop& to, std::string_view branch) const;
  /// Puts our Via on top; for a request that is too long for a datagram `to` becomes TCP (true).
  bool push_own_via(std::string& request, Hop& to, std::string_view branch, Time now);
  bool has_no_tcp(const Address& remote, Time now);
  void note_no_tcp(const Address& remote, Time now);
  Machine make_machine(bool invite, bool reliable, Time now) const;
  void fall_back(TransactionId id, Client& client, Now now);
  struct Opening {
    std::string key;
    bool invite = false;
    bool switched = false;
    bool stream_only = false;
    SharedText request;
    Hop hop;
    OnOutcome on_outcome;
  };
  TransactionId open(Opening opening, Time now);
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
  std::map<Address, Time> no_tcp_;  ///< Who did not take a connection, and until when this is believed.
};

}  // namespace beckon::transaction
