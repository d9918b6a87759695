#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/transaction/branch.hpp"
#include "protocol/transaction/context.hpp"
#include "protocol/transaction/invite_client.hpp"
#include "protocol/transaction/non_invite_client.hpp"
#include "protocol/transaction/slot_table.hpp"

namespace beckon::transaction {

/// The client transactions of a layer. A response names its transaction by the branch we minted (branch.hpp).
class ClientTable {
 public:
  /// Transactions that a closed flow ends at once; the others follow one timer after another, so that a
  /// connection that many requests wait on stops its thread for no longer than any event.
  static constexpr unsigned lost_per_turn = 128;

  explicit ClientTable(Context& context)
      : context_(context), clients_(mark, context.config.max_client_transactions), closing_(context.timers) {}

  TransactionId send(const Draft& draft, const Hop& to, OnOutcome on_outcome, Time now);
  void send_ack(const Draft& ack, const Hop& to, Time now);
  void cancel(TransactionId id, std::string_view reason, Now now);
  /// `via` may be null: then it is read here.
  void receive(const Hop& from, const sip::Message& response, const sip::ViaView* via, Now now);
  bool retire(const QuickResponse& response, Now now, const Callback<void()>& before);
  void on_flow_opened(const Hop& flow);
  void on_flow_closed(FlowId flow, Now now);

  std::size_t size() const { return clients_.size(); }
  /// Requests sent again.
  std::uint64_t resent() const { return resent_; }
  void dump(const std::function<void(const Layer::Row&)>& visit) const;

 private:
  using Machine = std::variant<InviteClient, NonInviteClient>;
  struct Client {
    Client(TransactionId number, Machine its_machine, const Hop& to, TimerQueue& timers)
        : id(number), machine(std::move(its_machine)), hop(to), timer(timers) {}
    bool is_invite() const { return std::holds_alternative<InviteClient>(machine); }

    const TransactionId id;
    BranchToken token;  ///< Of its branch; a CANCEL has that of the INVITE.
    Machine machine;
    Hop hop;
    std::string method;
    /// With our Via. Kept while it may be sent again, and for an INVITE's ACK and CANCEL.
    Outgoing request;
    SharedText ack;  ///< For the final response of an INVITE, once there is one.
    OnOutcome on_outcome;
    std::string cancel_reason;
    Timer timer;
    Client *flow_previous = nullptr, *flow_next = nullptr;  ///< The ring of those that wait on one flow.
    unsigned calls = 0;                                     ///< Calls of `on_outcome` under way.
    bool closed = false;                                    ///< Goes when the last call returns.
    bool ended = false;                                     ///< The end was reported to the user.
    bool cancelled = false;                                 ///< The user called `cancel`.
    bool stream_only = false;   ///< A MESSAGE that went over TCP for its size: it is not retried.
    bool is_lost = false;       ///< Its connection has closed, and another one may bring its response.
    bool switched = false;      ///< Went over TCP for its size, and no response has come yet.
    bool status_only = false;   ///< `Draft::status_only`,
    bool each_success = false;  ///< `Draft::each_success`.
  };
  /// The response that fed the machine, if one did.
  struct Input {
    const Hop* from = nullptr;
    const sip::Message* response = nullptr;
    int status = 0;
    ErrorCode error{};  ///< Of the transport.
  };

  BranchToken mint(TransactionId id);
  void write_via(const Hop& to, std::string_view branch);
  /// The head with our Via; `to` becomes TCP (true) for a request that is too long for a datagram.
  bool write_head(const Draft& draft, std::string_view branch, Hop& to, Time now, SharedText& head);
  void write_branch(const BranchToken& token, std::string_view tag, std::string_view part);
  bool has_no_tcp(const Address& remote, Time now);
  void note_no_tcp(const Address& remote, Time now);
  TransactionId refuse(OnOutcome on_outcome);
  Machine make_machine(bool invite, bool reliable, Time now) const;
  Client* find(std::string_view branch, std::string_view method) const;
  void fall_back(Client& client, Now now);
  void transmit(const Client& client, Outgoing text);
  void end_lost(Now now);
  void on_connection_lost(Client& client, Now now);
  bool follow(Client& client, const Hop& from, const sip::ViaView& via);
  void on_timer(TransactionId id, Now now);
  void on_transport_error(TransactionId id, Now now, ErrorCode why = {});
  void perform(Client& client, const ClientActions& actions, const Input& input, Now now);
  void report_again(Client& client, const Input& input, Now now);
  void end_call(Client& client);
  void perform_ack(Client& client, const sip::Message* response);
  void perform_cancel(const Client& client, Now now);
  void arm(Client& client);
  void close(Client& client);
  void join_flow(Client& client);
  void leave_flow(Client& client);

  /// Set in the numbers of client transactions; a server transaction's have it not.
  static constexpr TransactionId mark = TransactionId{1} << 63;

  Context& context_;
  SlotTable<Client> clients_;
  boost::unordered_flat_map<std::uint64_t, TransactionId>
      cancels_;                                         ///< CANCELs, by the secret of the INVITE's token.
  boost::unordered_flat_map<FlowId, Client*> by_flow_;  ///< Those that wait on a named flow.
  std::deque<FlowId> closed_;                           ///< Flows whose transactions have still to end.
  Timer closing_;
  /// Peers that did not accept a connection, and until when this is assumed.
  std::map<Address, Time> no_tcp_;
  std::string branch_, via_;  ///< What is being written, kept for their memory.
  std::uint64_t resent_ = 0;
  bool is_full_ = false;  ///< The last request found no place: logged once.
};

}  // namespace beckon::transaction
