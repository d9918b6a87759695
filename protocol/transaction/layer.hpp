#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/keyed_hash.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/sip/view.hpp"
#include "protocol/transaction/reply_way.hpp"
#include "protocol/transaction/times.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

/// Names a server or client transaction; unique in a layer, never used twice. 0 names none.
using TransactionId = std::uint64_t;

/// What became of a request we sent.
struct Outcome {
  enum class Kind { provisional, final, timeout, transport_error };
  Kind kind;
  const sip::Message* response = nullptr;  ///< provisional and final; valid during the call.
  /// The status to act on: the response's; 408 for a timeout, 503 for a transport error (RFC 3261 8.1.3.1).
  int status = 0;
  /// transport_error: a MESSAGE too long for a datagram, and nobody took a connection (RFC 3428 8).
  bool too_long = false;
};
/// Called for every provisional and exactly once for the end (an INVITE's further 2xx go to
/// User::on_response).
using OnOutcome = std::function<void(const Outcome&, Now now)>;

/// Called with the server transaction that a new request opened.
using OnNew = std::function<void(TransactionId id)>;

/// Where the sent-by of a Via leads, the best first.
using OnFound = std::function<void(std::vector<Hop> hops)>;

/// Why an answer of ours was in vain.
enum class Failure {
  no_ack,  ///< An INVITE was refused and nobody acknowledged it for 64*T1 (timer H, RFC 3261 17.2.1).
  transport_error,  ///< An answer to an INVITE, or a 100, could not be sent (RFC 3261 17.2.4); copies of the
                    ///< request get it again.
};
std::string_view to_string(Failure value);

/// Who uses the layer: the server's shard, or the user agent.
class User {
 public:
  virtual ~User() = default;
  /// A new request that opened server transaction `id`; it must be answered with `respond`.
  virtual void on_request(TransactionId id, const Hop& from, const sip::Message& request, Now now) = 0;
  /// An ACK for a 2xx (no transaction; RFC 3261 13.2.2.4).
  virtual void on_ack(const Hop& from, const sip::Message& ack, Now now) = 0;
  /// A CANCEL that matched INVITE transaction `id`; the layer has answered it 200.
  virtual void on_cancel(TransactionId id, const sip::Message& cancel, Now now) = 0;
  /// A 2xx to INVITE behind the end of its request: a copy, or from another fork (RFC 3261 13.2.2.4, RFC
  /// 6026). Other responses that match nothing are dropped.
  virtual void on_response(const Hop& from, const sip::Message& response, Now now) = 0;
  /// What became of the answer to request `id`. Nothing has to be done; a dialog it was meant to end is over.
  virtual void on_failure(TransactionId /*id*/, Failure, Now) {}
};

/// All transactions of one shard or user agent: matching (RFC 3261 17.1.3, 17.2.3), the four machines,
/// their timers. Pure: bytes leave through Transport, time comes in through Now and the TimerQueue.
class Layer {
 public:
  struct Config {
    Times times;
    /// Server transactions that wait at once (for an answer, or an INVITE's for its end); past them a request
    /// is answered 503 with Retry-After, without state.
    std::size_t max_server_transactions = 65536;
    /// Octets of the texts of the answers kept for copies of their requests over UDP, for 64*T1 (timer J).
    /// Past it the oldest are dropped early and a late copy is a new request: refusing new ones instead would
    /// let anybody shut the server with a few thousand requests a second.
    std::size_t max_answer_octets = std::size_t{256} << 20;
    /// A longer request, with our Via, does not go into a datagram when a stream can be had: "If a request is
    /// [...] larger than 1300 bytes and the path MTU is unknown, the request MUST be sent using [...] TCP"
    /// (RFC 3261 18.1.1). Octets.
    std::size_t max_datagram = 1300;
    /// Finds where a response goes that did not reach its client the way the request came (RFC 3263 5):
    /// `found` is called later, exactly once (only so many responses wait for it at a time), with the hops
    /// to try in this order; none: there are none. Empty: such a response is given up.
    std::function<void(const SentBy& sent_by, OnFound found)> locate{};
    /// What `stateless_tag` is made with: the same in all layers of one node. Unset: a key of its own.
    std::optional<KeyedHash> tags{};
  };
  Layer(Config config, Transport& transport, TimerQueue& timers, Clock& clock, Random& random, User& user);
  ~Layer();

  /// A message from the network. `received` and `rport` are added to the Via by the layer's own replies
  /// (RFC 3261 18.2.1, RFC 3581). `via` is its top Via, where the caller has read it already. A new request goes
  /// to `on_new`, where given, instead of the user: the caller knows what it read, and may move from `message`.
  void receive(const Hop& from, const sip::Message& message, Now now, const sip::ViaView* via = nullptr,
               const OnNew& on_new = {});

  /// Answers a request without a transaction, as the stateless do (RFC 3261 8.2.7), with a finished text that
  /// has `stateless_tag` for its To: each copy gets the same answer, sent where one in a transaction would be
  /// first (18.2.2). An ACK gets none. `via` as for `receive`.
  void answer(const Hop& from, const sip::Message& request, std::string response,
              const sip::ViaView* via = nullptr);
  std::string stateless_tag(const sip::Message& request) const;
  /// The same for a refusal. A 503 says when to come back.
  void refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason = {});
  /// Sends a response in server transaction `id` (a finished text, with the Via lines of the request). When
  /// it cannot be sent back the way the request came it goes on as `ReplyWay` has it. Unknown or ended ids
  /// are ignored.
  void respond(TransactionId id, std::string response, Now now);

  /// Forgets server transaction `id`, which was not answered: its request is answered without state
  /// (`answer`).
  void release(TransactionId id);

  /// Sends a request; `request` is finished but for our own Via, which is put on top here. `branch_part`
  /// follows what makes its branch unique (RFC 5393 4.2.1), `branch_prefix` stands before it. ACK for a 2xx:
  /// use `send_ack`.
  ///
  /// What is too long for a datagram (`Config::max_datagram`) goes over TCP to the same address, and over UDP
  /// when that fails before any answer: "if the attempt to establish the connection [...] results in a TCP
  /// reset, the element SHOULD retry the request, using UDP" (RFC 3261 18.1.1). A MESSAGE does not: there the
  /// failure is its end (RFC 3428 8). Who refused TCP is not asked again for `tcp_pause`.
  ///
  /// An INVITE that was answered 1xx waits for its end until its user says `cancel`: a proxy when timer C
  /// fires (16.8), a caller when he hangs up. From then on it has 64*T1 (9.1).
  TransactionId send(std::string request, const Hop& to, OnOutcome on_outcome, Now now,
                     std::string_view branch_part = {}, std::string_view branch_prefix = {});
  void send_ack(std::string ack, const Hop& to, Now now);
  /// CANCELs a pending INVITE we sent (RFC 3261 9.1); waits for a provisional response first.
  void cancel(TransactionId id, std::string_view reason_header, Now now);

  /// Ends client transactions that wait on a closed flow with a transport error.
  void on_flow_closed(FlowId flow, Now now);

  /// Server and client transactions that live.
  std::size_t size() const;

  /// One line of the live table.
  struct Row {
    TransactionId id;  ///< 0 for a completed server transaction: nothing can be done with it.
    bool server;
    std::string_view machine;  ///< "INVITE" or "non-INVITE".
    std::string_view state;
    std::string_view key;  ///< Branch, sent-by, method.
    Hop peer;
    std::optional<Time> deadline;
  };
  /// Views are valid during the call.
  void dump(const std::function<void(const Row&)>& visit) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beckon::transaction
