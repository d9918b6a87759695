#pragma once

#include <cstdint>
#include <optional>

#include "protocol/base/address.hpp"
#include "protocol/crypto/crypto.hpp"

/// What a presence element and a HELLO say alike about media, addresses and identities
/// (DIRECT_SESSIONS 2, 5). The numbers are those on the wire.
namespace beckon::ds1 {

enum class MediaKind : std::uint8_t { audio = 1, video = 2 };
const char* to_string(MediaKind kind);

/// Always from its owner's point of view.
enum class Direction : std::uint8_t { sendrecv = 1, sendonly = 2, recvonly = 3 };
const char* to_string(Direction direction);
constexpr bool sends(Direction direction) { return direction != Direction::recvonly; }
constexpr bool receives(Direction direction) { return direction != Direction::sendonly; }
/// The same stream seen from the other end.
Direction flip(Direction direction);
/// What both allow; nullopt if no direction is left.
std::optional<Direction> intersect(Direction a, Direction b);

/// One UDP address that receives everything (2, <cand>).
struct Candidate {
  enum class Type : std::uint8_t { host, srflx };
  Type type = Type::host;
  std::uint32_t priority = 0;  ///< RFC 8445 5.1.2: larger first.
  Address address;
  bool operator==(const Candidate&) const = default;
};
const char* to_string(Candidate::Type type);

/// An identity's word for a device key: item IDENT (5), element <ident> (2).
struct Ident {
  crypto::Key32 key{};
  crypto::Key32 fingerprint{};  ///< Zeros: no certificate.
  crypto::Signature signature{};
  bool operator==(const Ident&) const = default;
};

}  // namespace beckon::ds1
