#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>

#include "protocol/base/keyed_hash.hpp"
#include "protocol/base/pool_allocator.hpp"
#include "protocol/transaction/answer_log.hpp"
#include "protocol/transaction/context.hpp"
#include "protocol/transaction/invite_server.hpp"
#include "protocol/transaction/non_invite_server.hpp"
#include "protocol/transaction/reply_way.hpp"

namespace beckon::transaction {

/// The server transactions of a layer: those that wait for something, and the answers of those that are
/// completed.
class ServerTable {
 public:
  /// Responses whose sent-by is being looked up at once; one more is given up.
  static constexpr std::size_t max_locating = 100;

  explicit ServerTable(Context& context);

  /// `via` may be null: then it is read here. A new request goes to `on_new`, where given.
  void receive(const Hop& from, const sip::Message& request, const sip::ViaView* via, const OnNew& on_new, Now now);
  void answer(const Hop& from, const sip::Message& request, std::string response, const sip::ViaView* via);
  std::string stateless_tag(const sip::Message& request) const;
  void refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason);
  void respond(TransactionId id, std::string response, Now now);
  void release(TransactionId id);

  std::size_t size() const { return servers_.size() + answers_.size(); }
  void dump(const std::function<void(const Layer::Row&)>& visit) const;

 private:
  using Machine = std::variant<InviteServer, NonInviteServer>;
  struct Server {
    Server(Machine m, ReplyWay w, TimerQueue& timers)
        : machine(std::move(m)), way(std::move(w)), timer(timers) {}
    Machine machine;
    ReplyWay way;     ///< Where responses go.
    std::string via;  ///< The top Via of responses; empty: as the user wrote it.
    std::string key;
    AnswerLog::Hash hash = 0;  ///< Of `key`.
    SharedText request;        ///< Until the first response: for a 100.
    SharedText response;       ///< The last one sent, while it may be resent.
    SharedText to_tag;         ///< Of an INVITE's 2xx, which is not kept itself.
    Timer timer;
    AnswerLog::Hash origin = 0;  ///< `origin_of` its request; 0: no copy on another way is looked for.
  };

  /// A response on its way.
  struct Reply {
    TransactionId id;
    ReplyWay way;
    SharedText text;
    bool is_told;  ///< Its transaction is told when it was in vain.
  };

  void receive(const Hop& from, const sip::Message& request, const sip::ViaView& via, const OnNew& on_new, Now now);
  void open(const Hop& from, const sip::Message& request, const sip::ViaView& via, std::string key,
            AnswerLog::Hash hash, const OnNew& on_new, Now now);
  TransactionId find(AnswerLog::Hash hash, std::string_view key) const;
  TransactionId find_invite(const sip::Message& cancel, const sip::ViaView& via) const;
  bool repeat_answer(AnswerLog::Hash hash, std::string_view key);
  void receive_again(TransactionId id, Now now);
  void receive_ack(const Hop& from, const sip::Message& ack, const std::string& key, Now now);
  void receive_cancel(TransactionId id, const sip::Message& cancel, TransactionId invite_id, Now now);
  AnswerLog::Hash origin_of(const sip::Message& request) const;
  bool is_copy(TransactionId id, Server& server, const sip::Message& request);
  void forget_origin(Server& server);
  void on_transport_error(TransactionId id);
  void on_timer(TransactionId id, Now now);
  void perform(TransactionId id, const ServerActions& actions, std::string response);
  void send_trying(TransactionId id, Server& server);
  void transmit(TransactionId id, Server& server);
  void send(Reply reply);
  void proceed(Reply reply, ReplyWay::Next next);
  void locate(Reply reply);
  void arm(TransactionId id, Server& server);
  void close(TransactionId id);
  void log_answer(const Server& server);
  void watch_answers();
  std::string to_tag_of(const Server& invite);

  Context& context_;
  KeyedHash hash_;
  template <class Key, class Value, template <class...> class Map>
  using Pooled =
      Map<Key, Value, std::hash<Key>, std::equal_to<Key>, PoolAllocator<std::pair<const Key, Value>>>;
  Pooled<TransactionId, Server, std::unordered_map> servers_;
  Pooled<AnswerLog::Hash, TransactionId, std::unordered_multimap> by_key_;  ///< RFC 3261 17.2.3.
  AnswerLog answers_;
  std::size_t locating_ = 0;
  Timer answers_timer_;
  std::unordered_map<AnswerLog::Hash, TransactionId> by_origin_;  ///< RFC 3261 8.2.2.2: those that wait.
};

}  // namespace beckon::transaction
