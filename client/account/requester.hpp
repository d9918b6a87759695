#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "client/account/account.hpp"
#include "protocol/auth/digest.hpp"
#include "protocol/auth/info.hpp"
#include "protocol/base/random.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/transaction/layer.hpp"

namespace beckon::client::account {

/// A member of an object that sends requests. Callbacks refer to that object, so a Requester does not call
/// them after its end.
class Life {
 public:
  Life() = default;
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  std::weak_ptr<const void> watch() const { return token_; }

 private:
  std::shared_ptr<const void> token_ = std::make_shared<char>();
};

/// Sends requests and answers digest challenges (RFC 3261 22, RFC 7616, RFC 8760) of servers and proxies, for
/// each realm of the account. A nonce is used again with the next count until the server replaces it
/// (`nextnonce`), so only the first request costs a second round trip.
///
/// The account's realms are the one named like its domain, and the one that challenged a REGISTER, which the
/// account's own server names. Other realms, of servers that a request is forwarded to, get no digest: it
/// would let them guess the password offline.
class Requester {
 public:
  /// What to report of an end (`Done`): its status, 0 without answer, `control::unproven` after a wrong
  /// proof.
  static int status_of(int status, const sip::Message* response);
  static std::string_view reason_of(int status, const sip::Message* response);

  /// Called once, unless the owner has ended. `response` is null after a timeout or transport error; `status`
  /// is then 408 or 503. It is 502, without response, if a 2xx carried a wrong proof of the password
  /// (Authentication-Info): the rest of that answer is not believed. An answer without proof is believed.
  using Done = std::function<void(int status, const sip::Message* response, Now now)>;

  /// One request. It is made again for each attempt, as the CSeq rises (RFC 3261 22.2).
  struct Request {
    sip::Method method;
    std::string uri;                     ///< The Request-URI, as the digest covers it.
    std::function<sip::Builder()> make;  ///< Everything except Via, Authorization and body.
    std::string content_type{};
    SharedText body{};  ///< Null: none.
    std::weak_ptr<const void> owner;
    /// Of an INVITE: each provisional response, and the transaction of each attempt, for `Layer::cancel`.
    std::function<void(const sip::Message& response, Now now)> on_provisional{};
    std::function<void(transaction::TransactionId id)> on_sent{};
  };

  Requester(const Account& account, transaction::Layer& layer, Random& random);

  void send(Request request, const transaction::Hop& hop, Done done, Now now);

  /// Within a `Done`: why that request did not reach the server, where the network says so; empty otherwise.
  ErrorCode why() const { return why_; }

  /// How many octets the credentials of a request to `uri` will take, as far as is known: what the server
  /// asked for so far, or much before it has asked for any.
  std::size_t credentials_size(std::string_view uri) const;

 private:
  struct Attempt;
  /// The header that carries the answer to a challenge, and the realm in lower case.
  using Place = std::pair<sip::HeaderId, std::string>;
  struct Session {
    auth::Challenge challenge;
    std::string cnonce;  ///< The same as long as the nonce (RFC 7616 3.4.2 for -sess).
    std::uint32_t count = 0;
    std::uint64_t age = 0;  ///< The lower, the longer ago it was challenged.
  };
  /// Realms whose challenges are kept, as requests carry credentials for each of them; and how many one
  /// request answers.
  static constexpr std::size_t sessions_max = 8;
  void start(const std::shared_ptr<Attempt>& attempt, Now now);
  void on_outcome(const std::shared_ptr<Attempt>& attempt, const transaction::Outcome& outcome, Now now);
  bool take_challenges(const sip::Message& response, Attempt& attempt);
  bool is_ours(const std::string& realm, sip::Method method);
  void keep(const Place& place, auth::Challenge challenge);
  void add_credentials(sip::Builder& builder, Attempt& attempt);
  bool take_proofs(const sip::Message& response, const Attempt& attempt);
  auth::Proof take_proof(const auth::Info& info, sip::HeaderId header, std::string_view body,
                         const Attempt& attempt);

  const Account& account_;
  transaction::Layer& layer_;
  Random& random_;
  std::map<Place, Session> sessions_;
  std::uint64_t challenges_ = 0;      ///< How many were kept so far.
  std::size_t credentials_size_ = 0;  ///< Most octets of a request's so far, without its URI.
  ErrorCode why_;                     ///< Of the outcome that is handled.
  std::string registrar_realm_;       ///< The realm that challenged the last REGISTER, in lower case.
  Life life_;                         ///< Outcomes after the end are dropped.
};

}  // namespace beckon::client::account
