#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/callback.hpp"
#include "protocol/base/keyed_hash.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/sip/view.hpp"
#include "protocol/transaction/quick_response.hpp"
#include "protocol/transaction/response_route.hpp"
#include "protocol/transaction/times.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

/// Names a server or client transaction; unique in a layer, never used twice. 0 names none.
using TransactionId = std::uint64_t;

/// What became of a request we sent.
struct Outcome {
  enum class Kind { provisional, final, timeout, transport_error };
  Kind kind;
  /// provisional and final; valid during the call. May be null for a success when `Draft::status_only` was
  /// set.
  const sip::Message* response = nullptr;
  /// The status to act on: the response's; 408 for a timeout, 503 for a transport error (RFC 3261 8.1.3.1).
  int status = 0;
  /// transport_error: a MESSAGE too long for a datagram, and the peer accepted no connection (RFC 3428 8).
  bool too_long = false;
  /// transport_error: why; empty where the cause is our own.
  ErrorCode error{};
  /// Where `response` came from: not always where the request was sent.
  const Hop* from = nullptr;
  /// A further 2xx to an INVITE, after the end (`Draft::each_success`).
  bool again = false;
};
/// Called for every provisional response and exactly once for the end. Further 2xx to an INVITE follow where
/// `Draft::each_success` is set; else they go to User::on_response. 32 octets of captures fit inside.
using OnOutcome = Callback<void(const Outcome&, Now now), 32>;

/// A request in parts, which together make a finished request but for our own Via. They are copied once, when
/// the request is sent; what several requests have in common need not be copied before. Views are valid
/// during the call.
struct Draft {
  std::string_view line;  ///< The request line with its line end.
  std::span<const std::string_view>
      headers;        ///< Whole header lines, in any number of pieces, and the empty line.
  SharedText body{};  ///< Not copied: many requests may share it. Null: none.
  /// Both follow what makes the branch unique (`branch_tail`): the tag says where responses belong, as a
  /// server's bucket; the part is for RFC 5393 4.2.1.
  std::string_view branch_tag{}, branch_part{};
  /// The user does not look at the response of a success: it may be recognised without being parsed
  /// (`Layer::retire`).
  bool status_only = false;
  /// Of an INVITE: each 2xx that follows the first one is an outcome, too. Until the transaction is over (RFC
  /// 6026 7.2) it keeps the callback.
  bool each_success = false;
};

/// {the request line with its line end, the rest}: parts of a finished request for a Draft.
std::pair<std::string_view, std::string_view> cut_request_line(std::string_view request);

/// Called with the server transaction that a new request opened.
using OnNew = std::function<void(TransactionId id)>;

/// Where the sent-by of a Via leads, the best first.
using OnFound = std::function<void(std::vector<Hop> hops)>;

/// Why a response of ours did not serve.
enum class Failure {
  no_ack,  ///< An INVITE was refused and the ACK did not come within 64*T1 (timer H, RFC 3261 17.2.1).
  transport_error,  ///< A response to an INVITE, or a 100, could not be sent (RFC 3261 17.2.4); it is sent
                    ///< again for copies of the request.
};
std::string_view to_string(Failure value);

/// The user of the layer: the server's shard, or the user agent.
class User {
 public:
  virtual ~User() = default;
  /// A new request that opened server transaction `id`. The user answers it with `respond`.
  virtual void on_request(TransactionId id, const Hop& from, const sip::Message& request, Now now) = 0;
  /// An ACK for a 2xx (no transaction; RFC 3261 13.2.2.4).
  virtual void on_ack(const Hop& from, const sip::Message& ack, Now now) = 0;
  /// A CANCEL that matched INVITE transaction `id`; the layer has answered it with 200.
  virtual void on_cancel(TransactionId id, const sip::Message& cancel, Now now) = 0;
  /// A 2xx to INVITE after the end of its request: a copy, or from another fork (RFC 3261 13.2.2.4, RFC
  /// 6026). Other responses that match no transaction are dropped.
  virtual void on_response(const Hop& from, const sip::Message& response, Now now) = 0;
  /// The response to request `id` did not serve. The user need not act; a dialog that the response was to end
  /// is over.
  virtual void on_failure(TransactionId /*id*/, Failure, Now) {}
};

/// All transactions of one shard or user agent: matching (RFC 3261 17.1.3, 17.2.3), the four machines, their
/// timers. Pure: messages leave through Transport, time comes in through Now and the TimerQueue.
class Layer {
 public:
  struct Config {
    Times times;
    /// Server transactions at once that wait for a response, or of an INVITE for the end. A further request
    /// is answered with 503 and Retry-After, without state. INVITEs that were answered 2xx stay for 64*T1,
    /// and do not count; there are at most four times as many.
    std::size_t max_server_transactions = 65536;
    /// Client transactions at once, at most 2^25. A further request ends with a transport error.
    std::size_t max_client_transactions = std::size_t{1} << 25;
    /// Octets of the responses kept for copies of their requests, for 64*T1 (timer J): over UDP, and on a
    /// stream those to requests with credentials. Past it the oldest are dropped early, and a late copy is a
    /// new request: if new requests were refused instead, anybody could shut the server with a few thousand
    /// requests a second.
    std::size_t max_answer_octets = std::size_t{256} << 20;
    /// A longer request, with our Via, does not go into a datagram when a stream can be had: "If a request is
    /// [...] larger than 1300 bytes and the path MTU is unknown, the request MUST be sent using [...] TCP"
    /// (RFC 3261 18.1.1). Octets.
    std::size_t max_datagram = 1300;
    /// Finds where to send a response that did not reach its client at the source of the request (RFC 3263
    /// 5). `found` is called later, exactly once, with the hops to try in this order; none if there are none.
    /// A bounded number of responses waits for it. Empty: such a response is given up.
    std::function<void(const SentBy& sent_by, OnFound found)> locate{};
    /// Did what a request of that method brought about end with its connection, which has closed? Then a copy
    /// on another connection is a new request, and gets no answer of the first. Empty: it never does.
    std::function<bool(sip::Method method, FlowId connection)> is_over{};
    /// Peers can make connections to us. An INVITE that was answered 1xx and whose connection closes then
    /// waits 10*T1 for a response over another one (RFC 3261 18.2.2); else, and without a 1xx, that is its
    /// end.
    bool is_reachable = false;
    /// Over TLS the peer may use the connection for requests of its own to us (RFC 5923 8.1): for those who
    /// show a certificate.
    bool alias = false;
    /// The key of `stateless_tag`: the same in all layers of one node. Unset: a key of its own.
    std::optional<KeyedHash> tags{};
  };
  Layer(Config config, Transport& transport, TimerQueue& timers, Clock& clock, Random& random, User& user);
  ~Layer();

  /// A message from the network. The layer adds `received` and `rport` to the Via of all its responses (RFC
  /// 3261 18.2.1, RFC 3581). `via` is the top Via, if the caller has read it already.
  /// A new request goes to `on_new`, if given, instead of the user: the caller knows what it read, and may
  /// move from `message`.
  void receive(const Hop& from, const sip::Message& message, Now now, const sip::ViaView* via = nullptr,
               const OnNew& on_new = {});

  /// Ends the transaction of a successful response that was not parsed, if its user set `Draft::status_only`.
  /// False: the response has to go through `receive`. `before` is called where it need not, before anything
  /// follows from the response.
  bool retire(const QuickResponse& response, Now now, const Callback<void()>& before = {});

  /// Answers a request without a transaction (RFC 3261 8.2.7), with a finished text whose To tag is
  /// `stateless_tag`: each copy gets the same answer, sent to the source of the request (18.2.2). An ACK gets
  /// none. `via` as for `receive`.
  void answer(const Hop& from, const sip::Message& request, std::string_view response,
              const sip::ViaView* via = nullptr);
  std::string stateless_tag(const sip::Message& request) const;
  /// The same for a refusal. A 503 says when to come back.
  void refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason = {});
  /// Sends a response in server transaction `id` (a finished text, with the Via lines of the request). If it
  /// cannot be sent to the source of the request it is tried elsewhere, see `ResponseRoute`. Unknown or ended
  /// ids are ignored.
  void respond(TransactionId id, std::string_view response, Now now);

  /// Forgets server transaction `id`, which was not answered: its request is answered without state
  /// (`answer`).
  void release(TransactionId id);

  /// Sends a request and puts our own Via on top. An ACK for a 2xx is sent with `send_ack`.
  ///
  /// A request too long for a datagram (`Config::max_datagram`) goes over TCP to the same address, and over
  /// UDP when that fails before any response: "if the attempt to establish the connection [...] results in a
  /// TCP reset, the element SHOULD retry the request, using UDP" (RFC 3261 18.1.1). A MESSAGE is not retried:
  /// the failure is its end (RFC 3428 8). A peer that refused TCP is not tried over TCP again for ten
  /// minutes.
  ///
  /// An INVITE that was answered 1xx waits until its user calls `cancel`: a proxy when timer C fires (16.8),
  /// a caller that hangs up. From then on it ends within 64*T1 (9.1).
  ///
  /// Past `Config::max_client_transactions` the request is not sent, ends with a transport error, and 0 names
  /// its transaction.
  TransactionId send(const Draft& draft, const Hop& to, OnOutcome on_outcome, Now now);
  /// The same for a request in one text.
  TransactionId send(std::string_view request, const Hop& to, OnOutcome on_outcome, Now now,
                     std::string_view branch_part = {});
  void send_ack(std::string_view ack, const Hop& to, Now now);
  /// CANCELs a pending INVITE we sent (RFC 3261 9.1), after a provisional response.
  void cancel(TransactionId id, std::string_view reason_header, Now now);

  /// A connection was made: requests that were sent to its address and named no flow wait for their response
  /// on it from now on. Only for users with few transactions: it looks at each.
  void on_flow_opened(const Hop& flow);
  /// Ends client transactions that wait for a response on a closed flow with a transport error, but for those
  /// that `Config::is_reachable` speaks of.
  void on_flow_closed(FlowId flow, Now now);

  /// Live server and client transactions.
  std::size_t size() const;

  /// Messages sent again since the start: requests that got no response in time, and responses to copies of
  /// their requests.
  struct Resent {
    std::uint64_t requests = 0, responses = 0;
  };
  Resent resent() const;

  /// One row of the live table.
  struct Row {
    TransactionId id;  ///< 0 for a completed server transaction, which takes no calls.
    bool server;
    std::string_view machine;  ///< "INVITE" or "non-INVITE".
    std::string_view state;
    std::string_view key;  ///< Branch, sent-by (of a server transaction) and method, as far as they are kept.
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
