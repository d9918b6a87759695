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
  stale,  ///< The password is right, but the nonce is too old, not ours or used up: challenge with
          ///< stale=true.
  wrong,  ///< Wrong password or unknown user; the two look and last the same.
  bad,    ///< The request contradicts itself: answer 400.
};
const char* to_string(Verdict verdict);

/// How long a nonce lives: two usual registration refreshes of a phone behind a NAT.
inline constexpr Duration default_nonce_lifetime = 10min;

/// What a server's challenges ask for.
struct Offer {
  bool sha512_256 = true;
  bool sha256 = true;
  bool md5 = true;
  bool qop_auth = true;
  bool qop_auth_int = false;
  bool userhash = false;  ///< The client may hide the user's name (RFC 7616 3.4.4).
};
/// May credentials be as these are? A weaker algorithm or protection than any offered is refused. COMPAT:
/// without qop (RFC 2069, 2617) where "auth" is offered.
bool is_accepted(const Offer& offer, const Credentials& credentials);

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
  std::vector<std::string> challenges(const Offer& offer, std::string_view realm,
                                      std::string_view nonce_prefix, bool stale, Time now);
  std::string make_nonce(std::string_view realm, std::string_view nonce_prefix, Time now);

  /// What `verify` needs besides the credentials.
  struct Request {
    std::string_view method;
    std::string_view body;
    std::string_view ha1;  ///< Hex, for the credentials' user name, realm and algorithm; empty: no such user.
    std::size_t owner = 0;  ///< Hash of the user's name: a nonce has one user.
  };
  /// What their nonce is; the calls below want it, so that its check is made once.
  NonceFactory::Check look(const Credentials& credentials, Time now) const;
  /// The caller has looked up the user by `credentials.username` and checked that `credentials.realm` is
  /// right.
  Verdict verify(const Credentials& credentials, const NonceFactory::Check& nonce, const Request& request,
                 Time now);
  Verdict verify(const Credentials& credentials, const Request& request, Time now);

  /// For `make_info` of credentials that `verify` accepted: the cnonce their session began with. COMPAT: a
  /// client that makes a -sess response with each request's own cnonce is answered likewise.
  std::string session_cnonce(const Credentials& credentials, const NonceFactory::Check& nonce,
                             const Request& request) const;

  /// Has `owner` used the nonce with the right password, and no client with a wrong one since?
  bool is_known(const Credentials& credentials, const NonceFactory::Check& nonce, std::size_t owner) const;
  /// Is the nonce of accepted credentials to be followed by a new one soon?
  bool is_old(const NonceFactory::Check& nonce, Time now) const;

  std::size_t nonces_in_use() const { return window_.size(); }

 private:
  bool is_right(const Credentials& credentials, const Request& request,
                std::string_view session_cnonce) const;

  NonceFactory factory_;
  NonceWindow window_;
  Random& random_;
};

}  // namespace beckon::auth
