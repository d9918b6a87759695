#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/auth/verifier.hpp"
#include "protocol/crypto/crypto.hpp"
#include "server/shard/damping.hpp"
#include "server/shard/gruu.hpp"
#include "server/shard/services.hpp"
#include "server/users/user.hpp"

namespace beckon::server {

/// The node's secrets, shared by its shards. All are made at start and none outlives the process, but what
/// GRUUs are made with: that is as old as the records of the bindings.
struct ServerKey {
  crypto::Key32 nonces{};
  crypto::Key32 dialogs{};
  KeyedHash tags{0, 0};
  Gruus gruus{crypto::Key32{}};

  /// `kept` is the store's secret; without one GRUUs end with the process, too.
  static ServerKey make(Random& random, const std::optional<crypto::Key32>& kept = {});
};

/// Checks digest credentials (RFC 7616, 8760) against the users: the nonces of one shard's buckets, each with
/// its window of counts. An unknown user is answered as a known one with a wrong password, after the same
/// work; so is who guessed too often (`Damping`), without it.
class Authenticator {
 public:
  using Done = std::function<void(Verdict, Now)>;

  /// All references outlive it.
  Authenticator(const Settings& settings, const ServerKey& key, store::DurableStore& users, Clock& clock,
                Random& random);

  /// The bucket where the credentials are checked: the nonce's; without one of ours that of who is claimed.
  static Bucket home_of(const Credentials& credentials);
  /// Not a challenge's answer that could be read: 400.
  static bool is_malformed(const Credentials& credentials);
  /// Has their nonce been minted by this node, and lately? The same answer at every shard.
  bool is_fresh(const Credentials& credentials, Now now) const;
  /// A challenge, whose nonce is of the claimed user's bucket; at any shard.
  Verdict challenge(const Credentials& credentials, bool stale, Now now);
  /// On the owner of `home_of`. Calls `done` later or at once, on the same thread.
  void check(std::shared_ptr<const Credentials> credentials, Now now, Done done);
  std::size_t nonces() const { return verifier_.nonces_in_use(); }

 private:
  auth::Offer offer_for(const Credentials& credentials) const;
  Verdict judge(const Credentials& credentials, const users::User* user, Now now);
  Verdict accept(const auth::Credentials& given, const users::User& user,
                 const auth::Verifier::Request& request, const auth::NonceFactory::Check& nonce, Now now);
  static void note_failed(const Damping::Guess& guess, std::string_view why);
  void note_wrong(const Damping::Guess& guess, Now now);

  const Settings& settings_;
  store::DurableStore& users_;
  Clock& clock_;
  auth::Verifier verifier_;
  Damping damping_;
};

/// The credentials in that header (there may be several lines, one for each realm) that answer a challenge
/// for `realm`. Errors: what is wrong with a line that may be meant; auth::Errc::not_digest when there is
/// none.
Result<auth::Credentials> find_credentials(const sip::Message& request, sip::HeaderId header,
                                           std::string_view realm);

}  // namespace beckon::server
