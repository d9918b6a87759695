#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/auth/challenge.hpp"
#include "protocol/auth/credentials.hpp"
#include "protocol/auth/nonce.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"

namespace beckon::auth {

/// What credentials are worth.
enum class Verdict {
  ok,     ///< The user knows the password, and these credentials were not used before.
  stale,  ///< He knows it, but the nonce is too old, not ours or used up: challenge with stale=true.
  wrong,  ///< Wrong password or unknown user; the two look and last the same.
  bad,    ///< The request contradicts itself: answer 400.
};
const char* to_string(Verdict verdict);

/// How long a nonce lives: two usual registration refreshes of a phone behind a NAT.
inline constexpr Duration default_nonce_lifetime = 10min;

/// The checking side of Digest for one realm-independent key: one per shard, which owns the nonces with
/// its prefixes. One thread.
class Verifier {
 public:
  struct Config {
    crypto::Key32 key{};  ///< Random; a server's shards may share it.
    Duration nonce_lifetime = default_nonce_lifetime;
    std::size_t nonces = NonceWindow::default_capacity;
  };
  Verifier(const Config& config, Random& random);

  /// Values of WWW-Authenticate, the strongest algorithm first (RFC 8760 2.4): SHA-512-256, SHA-256, MD5,
  /// with one nonce.
  std::vector<std::string> challenges(std::string_view realm, std::string_view nonce_prefix, bool stale,
                                      Time now);
  std::string make_nonce(std::string_view realm, std::string_view nonce_prefix, Time now);

  /// What `verify` is told besides the credentials.
  struct Request {
    std::string_view method;
    std::string_view body;
    std::string_view ha1;  ///< Hex, for the credentials' user name, realm and algorithm; empty: no such user.
  };
  /// The caller has looked up the user by `credentials.username` and checked that `credentials.realm` is his.
  Verdict verify(const Credentials& credentials, const Request& request, Time now);

  std::size_t nonces_in_use() const { return window_.size(); }

 private:
  NonceFactory factory_;
  NonceWindow window_;
  Random& random_;
};

}  // namespace beckon::auth
