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

/// A member of whoever sends requests: what a Requester calls back refers to its owner, so it calls nothing
/// when the owner is gone.
class Life {
 public:
  Life() = default;
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  std::weak_ptr<const void> watch() const { return token_; }

 private:
  std::shared_ptr<const void> token_ = std::make_shared<char>();
};

/// Sends requests and answers the server's digest challenges (RFC 3261 22, RFC 7616, RFC 8760), those of
/// servers and proxies and of each realm that is ours. A nonce once given is used again with the next count,
/// or gives way to the `nextnonce` of an answer, so only the first request costs a second round.
///
/// Ours is the realm named like the account's domain, and what a REGISTER was asked for: that one the
/// account's own server names. A realm of others, behind our server, gets no digest of the password to guess
/// at.
class Requester {
 public:
  /// What to tell of an end (`Done`): its status, 0 when nobody answered, `control::unproven` when the proof
  /// was wrong.
  static int told(int status, const sip::Message* response);
  static std::string_view told_reason(int status, const sip::Message* response);

  /// Called once, unless the owner is gone. `response` is null after a timeout or transport error; `status`
  /// is then 408 or 503. It is 502, without response, when a 2xx carried a proof of the password
  /// (Authentication-Info) that is wrong: what else it says is not believed. An answer without proof is.
  using Done = std::function<void(int status, const sip::Message* response, Now now)>;

  /// One request, made anew for each attempt (the CSeq rises with each, RFC 3261 22.2).
  struct Request {
    sip::Method method;
    std::string uri;                     ///< The Request-URI, as the digest covers it.
    std::function<sip::Builder()> make;  ///< Everything but Via, Authorization and body.
    std::string content_type{};
    SharedText body{};  ///< Null: none.
    std::weak_ptr<const void> owner;
  };

  Requester(const Account& account, transaction::Layer& layer, Random& random);

  void send(Request request, const transaction::Hop& hop, Done done, Now now);

 private:
  struct Attempt;
  /// The header that carries the answer to a challenge, and the realm in lower case.
  using Place = std::pair<sip::HeaderId, std::string>;
  struct Session {
    auth::Challenge challenge;
    std::string cnonce;  ///< The same as long as the nonce (RFC 7616 3.4.2 for -sess).
    std::uint32_t count = 0;
  };
  void start(const std::shared_ptr<Attempt>& attempt, Now now);
  void on_outcome(const std::shared_ptr<Attempt>& attempt, const transaction::Outcome& outcome, Now now);
  bool take_challenges(const sip::Message& response, Attempt& attempt);
  bool is_ours(const std::string& realm, sip::Method method);
  void add_credentials(sip::Builder& builder, Attempt& attempt);
  bool take_proofs(const sip::Message& response, const Attempt& attempt);
  auth::Proof take_proof(const auth::Info& info, sip::HeaderId header, std::string_view body,
                         const Attempt& attempt);

  const Account& account_;
  transaction::Layer& layer_;
  Random& random_;
  std::map<Place, Session> sessions_;
  std::string registrar_realm_;  ///< What a REGISTER was asked for last, in lower case.
  Life life_;                    ///< Late outcomes find nobody.
};

}  // namespace beckon::client::account
