#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <variant>

#include "protocol/base/keyed_hash.hpp"
#include "protocol/transaction/answer_log.hpp"
#include "protocol/transaction/context.hpp"
#include "protocol/transaction/invite_server.hpp"
#include "protocol/transaction/non_invite_server.hpp"
#include "protocol/transaction/response_route.hpp"
#include "protocol/transaction/slot_table.hpp"

namespace beckon::transaction {

/// The server transactions of a layer: those that wait for something, and the answers of those that are
/// completed.
class ServerTable {
 public:
  /// Responses at once whose sent-by is being resolved; a further one is given up.
  static constexpr std::size_t max_locating = 100;

  explicit ServerTable(Context& context);

  /// `via` may be null: then it is read here.
  void receive(const Hop& from, const sip::Message& request, const sip::ViaView* via, const OnNew& on_new,
               Now now);
  void answer(const Hop& from, const sip::Message& request, std::string_view response,
              const sip::ViaView* via);
  std::string stateless_tag(const sip::Message& request) const;
  void refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason);
  void respond(TransactionId id, std::string_view response, Now now);
  void release(TransactionId id);

  std::size_t size() const { return servers_.size() + answers_.size(); }
  /// Responses sent again for copies of their requests.
  std::uint64_t resent() const { return resent_; }
  void dump(const std::function<void(const Layer::Row&)>& visit) const;

 private:
  using Machine = std::variant<InviteServer, NonInviteServer>;
  using Key = KeyedHash::Wide;
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const { return key.low; }
  };
  struct Server {
    Server(TransactionId number, Machine its_machine, ResponseRoute its_route, TimerQueue& timers)
        : id(number), machine(std::move(its_machine)), route(std::move(its_route)), timer(timers) {}
    const TransactionId id;
    Machine machine;
    ResponseRoute route;
    std::string via;             ///< The top Via of responses; empty: as the user wrote it.
    Key key;                     ///< The hash of what matches its request (RFC 3261 17.2.3).
    std::uint64_t identity = 0;  ///< `identity_of` its request.
    bool is_authorised = false;  ///< Its request carries credentials.
    bool is_accepted = false;    ///< An INVITE that was answered 2xx.
    SharedText request;          ///< Until the first response: for a 100.
    SharedText response;         ///< The last one sent, while it may be sent again.
    SharedText to_tag;           ///< Of an INVITE's 2xx, which is not kept itself.
    Timer timer;
    FlowId flow = 0;  ///< The connection that its request came on first; 0: none.
    std::uint64_t origin =
        0;  ///< `origin_of` its request; 0: it is not looked for copies that took another path.
  };

  /// A response on its way.
  struct Reply {
    TransactionId id;
    ResponseRoute route;
    SharedText text;
    bool reports;  ///< A failure is reported to its transaction.
  };

  /// A request, and what of it is read once.
  struct Incoming {
    const Hop& from;
    const sip::Message& request;
    const sip::ViaView& via;
    std::uint64_t call;  ///< `call_of` the request.
  };

  void receive(const Hop& from, const sip::Message& request, const sip::ViaView& via, const OnNew& on_new,
               Now now);
  void open(const Incoming& in, const Key& key, const OnNew& on_new, Now now);
  Key key_of(const sip::Message& request, const sip::ViaView& via, std::string_view method,
             std::uint64_t call = 0);
  Server* find(const Key& key) const;
  std::uint64_t mix(std::uint64_t hash, std::string_view part) const;
  std::uint64_t call_of(const sip::Message& request) const;
  std::uint64_t identity_of(const Incoming& in) const;
  bool is_over(const Incoming& copy, FlowId first, std::uint64_t identity) const;
  bool accept_copy(Server& server, const Incoming& copy);
  bool repeat_answer(const Key& key, const Incoming& copy, Time now);
  void receive_ack(const Hop& from, const sip::Message& ack, const Key& key, Now now);
  void receive_cancel(TransactionId id, const sip::Message& cancel, const Server& invite, Now now);
  std::uint64_t origin_of(const Incoming& in) const;
  bool is_merged(Server& server, const Incoming& in);
  void forget_origin(Server& server);
  void on_transport_error(TransactionId id);
  void on_timer(TransactionId id, Now now);
  void perform(Server& server, const ServerActions& actions, std::string_view response);
  void send_trying(Server& server);
  void transmit(Server& server);
  void send(Reply reply);
  void proceed(Reply reply, ResponseRoute::Next next);
  void locate(Reply reply);
  void arm(Server& server);
  void close(Server& server);
  void log_answer(const Server& server);
  void watch_answers();
  std::string to_tag_of(const Server& invite);

  Context& context_;
  KeyedHash hash_;
  SlotTable<Server> servers_;
  std::size_t accepted_ = 0;  ///< Those of them that are: they wait for nobody (RFC 6026 7.1).
  boost::unordered_flat_map<Key, Server*, KeyHash> by_key_;
  boost::unordered_flat_map<std::uint64_t, TransactionId> by_origin_;  ///< RFC 3261 8.2.2.2: those that wait.
  AnswerLog answers_;
  Timer answers_timer_;
  std::size_t locating_ = 0;
  std::uint64_t resent_ = 0;
  std::string key_text_;  ///< What a key is the hash of, kept for its memory.
};

}  // namespace beckon::transaction
