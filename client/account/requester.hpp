#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "client/account/account.hpp"
#include "protocol/auth/digest.hpp"
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

/// Sends requests and answers the server's digest challenges (RFC 3261 22, RFC 7616, RFC 8760). A nonce
/// once given is used again with the next count, so only the first request costs a second round.
class Requester {
 public:
  /// Called once, unless the owner is gone. `response` is null after a timeout or transport error; `status`
  /// is then 408 or 503.
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
  struct Session {
    auth::Challenge challenge;
    std::uint32_t count = 0;
  };
  void start(const std::shared_ptr<Attempt>& attempt, Now now);
  void on_outcome(const std::shared_ptr<Attempt>& attempt, const transaction::Outcome& outcome, Now now);
  bool take_challenges(const sip::Message& response, Attempt& attempt);
  void add_credentials(sip::Builder& builder, const Request& request);

  const Account& account_;
  transaction::Layer& layer_;
  Random& random_;
  std::map<sip::HeaderId, Session> sessions_;  ///< By the header that carries the answer.
  Life life_;                                  ///< Late outcomes find nobody.
};

}  // namespace beckon::client::account
