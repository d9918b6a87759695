#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/auth/credentials.hpp"
#include "protocol/base/address.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/transaction/layer.hpp"
#include "server/config/settings.hpp"
#include "server/shard/bucket.hpp"
#include "server/shard/directory.hpp"
#include "server/shard/parcel.hpp"

namespace beckon::store {
struct Record;
struct Answer;
}  // namespace beckon::store

namespace beckon::server {

/// The sender of a request, as far as it is known.
struct Identity {
  std::string aor{};  ///< Canonical. With credentials the user's own, whatever From says; else From's.
  bool authenticated = false;  ///< By credentials, or as a user of the domain whose server sent the request.
};

/// The beginning of each response of the server's own: Via, From, To with `to_tag`, Call-ID, CSeq, Timestamp
/// and Server are there.
sip::Builder begin_reply(const sip::Message& request, int status, std::string_view to_tag,
                         std::string_view reason = {});

/// The canonical address-of-record that a request is about: To of REGISTER and PUBLISH, else the Request-URI.
/// Empty inside a dialog and for what is sent to the server itself.
std::string resource_of(const sip::Message& request);

/// A request that has its server transaction, at the bucket that owns it. Shared and unchanging, so that a
/// room can keep it until the store has called back. It must be answered exactly once with a final response,
/// however late.
struct Request {
  transaction::TransactionId id = 0;
  Bucket bucket = 0;
  /// With the name of the domain whose server sent it, where its certificate proves that.
  transaction::Hop from{};
  sip::Message message{};
  bool relayed = false;  ///< For a user agent or another server, and not for this server itself.
  /// It follows in a dialog that we let through: it has a To tag, and its top Route is our signed token.
  bool in_dialog = false;
  Identity identity{};
  std::string authentication_info{};  ///< Value of that header for a 2xx; empty for none.
  bool by_proxy = false;              ///< Its credentials stood in Proxy-Authorization.
  std::string to_tag{};  ///< Carries the bucket; goes into every response of ours, and is the local tag of a
                         ///< new dialog.
  Now now{};             ///< When it arrived.
  /// Of `resource_of` it; null where that is empty.
  EntryPtr resource{};

  /// `begin_reply` of it.
  sip::Builder reply(int status, std::string_view reason = {}) const;
};
using RequestPtr = std::shared_ptr<const Request>;

/// Where requests to the sender of `request` go from now on: down its connection. When that is gone, the
/// server of another domain is dialled at its address and the port of its Via (RFC 5923 8.1), under its
/// domain's name.
transaction::Hop way_back(const Request& request);

/// An HTTP request's (or SIP request's) credentials. The caller has checked that their `uri` names the
/// request's resource (`is_covered`).
struct Credentials {
  std::string method{};   ///< "PUT", "REGISTER".
  std::string realm{};    ///< The domain asked for; the user must be of it.
  std::string claimed{};  ///< Canonical AOR the request says it is from; the nonce goes to its bucket.
  /// What Authorization says; auth::Errc::not_digest when there is none.
  Result<auth::Credentials> given = auth::Errc::not_digest;
  std::string agent{};    ///< User-Agent, for those who know MD5 only.
  bool md5_only = false;  ///< `Settings::is_md5_only` where the request came in.
  std::string body{};     ///< For qop=auth-int; else it may be empty.
  IpAddress source{};     ///< Where the request came from.
};

/// What came of them.
struct Verdict {
  enum class Kind {
    accepted,   ///< `identity` is who it is.
    challenge,  ///< Answer 401 (407) with one header for each of `challenges`.
    refused,    ///< Answer 403: credentials were right, their user may not come in (disabled).
    malformed,  ///< Answer 400.
    overload,   ///< Answer 503.
  };
  Kind kind = Kind::challenge;
  Identity identity{};
  std::vector<std::string> challenges{};  ///< Values of WWW-Authenticate, strongest first.
  std::string authentication_info{};  ///< Value of Authentication-Info for a 2xx without body; may be empty.
  bool unseen = false;                ///< The answer was not looked at, as too many were wrong.
};

// What a shard offers its rooms, in small parts: a room asks for those it needs, and a test stands in for
// them. Stores, the bus and the locator are given by themselves. Pure: the same around real sockets and in
// the simulation. All calls and callbacks are on the shard's one thread; nothing calls back before the call
// returned.

/// What every room stands on: settings, time, chance, and what its shard keeps about addresses-of-record.
class Environment {
 public:
  virtual ~Environment() = default;

  virtual const Settings& settings() const = 0;
  virtual TimerQueue& timers() = 0;
  virtual Clock& clock() = 0;
  virtual Random& random() = 0;
  virtual Directory& directory() = 0;

  /// A fresh token that carries the bucket: tags, entity-tags, Call-IDs.
  std::string mint(Bucket bucket);
};

/// Answers to requests of this shard.
class Answers {
 public:
  virtual ~Answers() = default;

  /// Sends a finished response of `request`'s transaction.
  virtual void respond(const Request& request, std::string response) = 0;
  /// The usual short answer: `request.reply(status)` without body.
  void respond(const Request& request, int status, std::string_view reason = {});
};

/// Requests of the server's own, and of those it forwards.
class Sender {
 public:
  virtual ~Sender() = default;

  /// Sends a request, finished but for our Via, in a new client transaction whose branch carries `from`, the
  /// bucket its responses come back to. `from` is a bucket of this shard.
  virtual transaction::TransactionId send(Bucket from, const transaction::Draft& request,
                                          const transaction::Hop& to, transaction::OnOutcome on_outcome) = 0;
  /// The same for a request in one text.
  transaction::TransactionId send(Bucket from, std::string_view request, const transaction::Hop& to,
                                  transaction::OnOutcome on_outcome, std::string_view branch_part = {});
  /// Sends the ACK of a 2xx.
  virtual void send_ack(std::string ack, const transaction::Hop& to) = 0;
  /// CANCELs an INVITE that `send` sent (`transaction::Layer::cancel`).
  virtual void cancel(transaction::TransactionId id, std::string_view reason) = 0;

  /// "host:port" of ours for Contact and Record-Route on that hop.
  virtual std::string sent_by(const transaction::Hop& hop) const = 0;
  /// Value of a Contact of ours for a dialog of `bucket` on that hop:
  /// "<sip:bk07f.s@host:port;transport=tls>". Requests sent to it come back to the bucket. `sips`: the dialog
  /// was made with a SIPS URI, and so is the Contact (RFC 3261 12.1.1).
  std::string contact(Bucket bucket, const transaction::Hop& hop, bool sips = false) const;
  /// "sip:user@host:port" of ours as it is reached on that hop, with its transport parameter.
  std::string own_uri(std::string_view user, const transaction::Hop& hop, bool sips) const;
};

/// The rooms of other buckets.
class Peers {
 public:
  virtual ~Peers() = default;

  /// Hands `value` to room `R` of the shard that owns `at`, as `R::on(T, Bucket, Now)`: asynchronous, in
  /// order between any two shards, also when the owner is this shard. False when that shard's queue is full:
  /// answer the request that caused it with 503.
  template <class R, class T>
  [[nodiscard]] bool post(Bucket at, T value) {
    return deliver(Parcel::to<R>(at, std::move(value)));
  }
  /// The same for the answer to a value that was received here: never refused, as the question was counted.
  template <class R, class T>
  void post_back(Bucket at, T value) {
    deliver_back(Parcel::to<R>(at, std::move(value)));
  }

 protected:
  [[nodiscard]] virtual bool deliver(Parcel parcel) = 0;
  virtual void deliver_back(Parcel parcel) = 0;
};

/// What a room needs that answers requests.
class Services : public Environment, public Answers {
 public:
  /// The option tags of all rooms (`Serves::options`); complete when the rooms are restored.
  virtual const std::vector<std::string>& options() const = 0;
  /// What goes into the batch of `request`'s commit, so that a retransmission after a restart gets `response`
  /// again and the work is not done twice; the shard replays it, rooms need not look. `aor` is the batch's.
  store::Answer answer(const Request& request, std::string_view aor, std::string_view response);
};

/// One row of a live table: column names and texts, in order.
using Row = std::vector<std::pair<std::string, std::string>>;
struct Table {
  std::string name;  ///< As DESIGN 2 and the paper call it: "bindings", "PIT", "PST", "WT", "WST".
  std::vector<Row> rows;
};

/// What a room serves. The shard derives from it which room gets a request, Allow, Allow-Events, Accept and
/// Supported (RFC 3261 11.2), and the refusals 405, 420 and 489.
struct Serves {
  std::vector<sip::Method> methods{};
  std::vector<std::string> events{};         ///< Event packages, for SUBSCRIBE and PUBLISH.
  std::vector<std::string> accepts{};        ///< Media types of bodies.
  std::vector<std::string> codings{};        ///< Content codings that bodies of its methods may have.
  std::vector<std::string> options{};        ///< Option tags that Require may name,
  std::vector<std::string> proxy_options{};  ///< and Proxy-Require of what is relayed.
};

/// What answers requests, or values from other shards. One object per shard.
class Room {
 public:
  virtual ~Room() = default;

  /// Constant from the first message on.
  virtual Serves serves() const { return {}; }
  /// Does it take this request, whose method and event package it serves? The first room that does gets it.
  virtual bool takes(const Request&) const { return true; }
  /// Authenticated, checked (RFC 3261 8.2.2: Require, Max-Forwards, loops), at its bucket. In-dialog requests
  /// too.
  virtual void on_request(const RequestPtr&) {}
  /// A stream connection closed. Every shard is notified of every flow.
  virtual void on_flow_closed(transaction::FlowId, Now) {}
  /// The administrator took a user's access away: nothing of what that user's devices made stays. `removed`:
  /// the user does not exist any more. Every shard is notified of every user.
  virtual void on_user_gone(std::string_view /*aor*/, bool /*removed*/, Now) {}
  /// Other domains, which were admitted until now, are not any more (`Settings::federation`).
  virtual void on_domains_gone(Now) {}
  /// Takes back a record the store kept, of a bucket of this shard; every record is offered to every room.
  /// Before the first request; `restored` ends it.
  virtual void restore(const store::Record&, Now) {}
  virtual void restored(Now) {}
  /// The live tables, for `beckond tables`.
  virtual std::vector<Table> tables(Now) const { return {}; }
};

/// The room that stands between two user agents: it takes every request that is not for the server itself.
class Relay : public Room {
 public:
  /// The bucket in its top Route, if that is a token of ours, sealed for its Call-ID: anybody can write what
  /// looks like one.
  virtual std::optional<Bucket> bucket_of_token(const sip::Message& request) const = 0;
  /// An in-dialog request that proves by its Route that we let the dialog through: needs no credentials.
  virtual bool vouches_for(const sip::Message& request) const = 0;
  /// Was it here before, as it is now (RFC 3261 16.3 step 4, RFC 5393)? Decided before authentication.
  virtual bool is_looping(const sip::Message& request) const = 0;
  /// An ACK for a 2xx.
  virtual void on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) = 0;
  /// A CANCEL for a request that `on_request` was given; it is answered already.
  virtual void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) = 0;
};

}  // namespace beckon::server
