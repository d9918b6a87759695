#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/crypto/crypto.hpp"
#include "protocol/sip/view.hpp"

/// Globally routable user agent URIs (RFC 5627): the registrar makes them, the shard finds their bucket, the
/// proxy their device. None is kept in a table.
namespace beckon::server {

/// Whom a URI in a served domain is for: all devices of a user, or one.
struct Callee {
  std::string aor{};  ///< Canonical.
  /// Of a public GRUU: the instance ID, without angle brackets.
  std::string instance{};
  /// Of a temporary GRUU: the epoch of its device (`registrar::Binding::epoch`).
  std::uint32_t epoch = 0;
  bool is_device() const { return !instance.empty() || epoch != 0; }
};

/// "sip:alice@example.org;gr=urn:uuid:…" (RFC 5627 appendix A.1). It needs no memory, so it is valid as long
/// as its user is (5.3). Empty for an instance ID that is no URN.
std::string public_gruu(std::string_view aor, std::string_view instance);

/// What a temporary GRUU is made of. `cseq` and `reg_id` are those of the REGISTER that it answers: with
/// them no two are equal.
struct TemporaryGruu {
  std::string_view aor{};
  std::uint32_t epoch = 0;
  std::uint32_t cseq = 0;
  std::uint32_t reg_id = 0;
};

/// Makes and reads temporary GRUUs: "sip:tgruu.…@example.org;gr". The user part is the user, the epoch and
/// the REGISTER's numbers, sealed with a key of the server: who has not got the key can neither make one nor
/// tell whether two are of one user (RFC 5627 5.1). Immutable, so that shards share one.
class Gruus {
 public:
  explicit Gruus(const crypto::Key32& secret);
  ~Gruus();
  Gruus(const Gruus&) = default;
  Gruus& operator=(const Gruus&) = default;

  /// Empty for a user name of more than 255 octets. Names up to 35 octets give texts of one length, so that
  /// the length tells nothing.
  std::string temporary(const TemporaryGruu& gruu) const;
  /// Whom a URI is for; the caller has checked that its domain is served. Nothing where it has a `gr` that is
  /// none of ours.
  std::optional<Callee> read(const sip::UriView& uri) const;

 private:
  std::optional<Callee> open(const sip::UriView& uri) const;
  Bytes nonce_of(std::string_view domain, ByteView plain) const;

  crypto::Key32 nonces_{};
  crypto::Key16 texts_{};
};

/// May it be a temporary GRUU? A look at the first octets, for paths where few are.
bool may_be_temporary(const sip::UriView& uri);

}  // namespace beckon::server
