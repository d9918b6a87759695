#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

/// STUN messages (RFC 8489): reading, writing, integrity. No transactions, no sockets.
namespace beckon::stun {

/// Why octets are no STUN message, or an attribute cannot be read. Drop the datagram.
enum class Errc {
  too_short = 1,  ///< Shorter than the header of 20 octets.
  not_stun,       ///< The first two bits are not zero, or the magic cookie is another (RFC 3489 and others).
  bad_length,     ///< The length field is no multiple of four, or does not fill the datagram.
  bad_attribute,  ///< An attribute runs past the end, or its value has a wrong form.
};
const char* to_string(Errc value);

enum class Class : std::uint8_t { request = 0, indication = 1, success = 2, error = 3 };

inline constexpr std::uint16_t binding = 1;  ///< The only method we use (RFC 8489 3).
inline constexpr std::size_t header_size = 20;
inline constexpr std::uint32_t magic_cookie = 0x2112a442;
inline constexpr std::size_t unknown_listed_max = 8;  ///< Keeps an error answer small.

using TransactionId = std::array<std::uint8_t, 12>;

/// Attribute types. Below 0x8000: a receiver that does not know one must refuse the request.
namespace attribute {
inline constexpr std::uint16_t username = 0x0006;
inline constexpr std::uint16_t message_integrity = 0x0008;  ///< HMAC-SHA1 of RFC 5389 peers.
inline constexpr std::uint16_t error_code = 0x0009;
inline constexpr std::uint16_t unknown_attributes = 0x000a;
inline constexpr std::uint16_t message_integrity_sha256 = 0x001c;
inline constexpr std::uint16_t xor_mapped_address = 0x0020;
inline constexpr std::uint16_t priority = 0x0024;  ///< ICE (RFC 8445 16.1), as the next ones
inline constexpr std::uint16_t use_candidate = 0x0025;
inline constexpr std::uint16_t ice_controlled = 0x8029;
inline constexpr std::uint16_t ice_controlling = 0x802a;
inline constexpr std::uint16_t software = 0x8022;
inline constexpr std::uint16_t fingerprint = 0x8028;
inline constexpr std::uint16_t direct_hello = 0xcb01;  ///< DIRECT_SESSIONS 5
inline constexpr std::uint16_t direct_state = 0xcb02;  ///< DIRECT_SESSIONS 5
}  // namespace attribute

struct Attribute {
  std::uint16_t type = 0;
  ByteView value;          ///< Without padding.
  std::size_t offset = 0;  ///< Of the attribute's header in the message.
};

/// What ERROR-CODE says (RFC 8489 14.8).
struct ErrorCode {
  int code = 0;  ///< 300..699
  std::string_view reason;
};

/// One message, looking into the datagram it was parsed from, which must outlive it. Behind
/// MESSAGE-INTEGRITY-SHA256 only FINGERPRINT is seen, as no other attribute is covered (RFC 8489 14.6).
class Message {
 public:
  Class message_class() const { return class_; }
  std::uint16_t method() const { return method_; }
  TransactionId transaction() const;
  ByteView bytes() const { return bytes_; }

  /// Calls `visit(const Attribute&)` for each attribute in order; stops when it returns false.
  template <class Visit>
  void each(Visit&& visit) const;
  /// The first attribute of the type.
  std::optional<Attribute> find(std::uint16_t type) const;
  /// Attributes of 0x0000..0x7fff that this codec does not know (RFC 8489 6.3.1), at most
  /// `unknown_listed_max` of them.
  std::vector<std::uint16_t> unknown_required() const;

  std::optional<Address> xor_mapped_address() const;
  std::optional<ErrorCode> error_code() const;

  /// FINGERPRINT is there, is last, and right (RFC 8489 14.7).
  bool has_good_fingerprint() const;
  /// MESSAGE-INTEGRITY-SHA256 is there, of full length, and made with `key` (RFC 8489 14.6).
  bool has_good_integrity(ByteView key) const;
  /// MESSAGE-INTEGRITY of RFC 5389 peers, made with `key` (RFC 8489 14.5).
  bool has_good_sha1_integrity(ByteView key) const;

 private:
  friend Result<Message> parse_message(ByteView datagram);
  static Attribute read_attribute(ByteView bytes, std::size_t offset);
  bool has_good_hmac(std::uint16_t type, ByteView key) const;

  ByteView bytes_;
  Class class_ = Class::request;
  std::uint16_t method_ = 0;
};

/// Reads a whole datagram as one message; every attribute is checked to lie inside it.
Result<Message> parse_message(ByteView datagram);

/// Writes one message, attribute by attribute in the order of the calls. Integrity covers what stands
/// before it; the fingerprint must come last.
class Writer {
 public:
  Writer(Class message_class, std::uint16_t method, const TransactionId& transaction);
  Writer& add(std::uint16_t type, ByteView value);
  Writer& add_xor_mapped_address(const Address& address);
  Writer& add_error_code(int code, std::string_view reason);
  Writer& add_integrity(ByteView key);
  /// MESSAGE-INTEGRITY with SHA-1, as checks of ICE have it (RFC 8489 14.5, RFC 8445 7.1).
  Writer& add_sha1_integrity(ByteView key);
  Writer& add_fingerprint();
  const Bytes& bytes() const { return bytes_; }

 private:
  void set_length(std::size_t octets_to_come);
  Bytes bytes_;
};

/// The answer of a plain STUN server (RFC 8489 6.3) to a datagram from `from`: its mapped address for a
/// Binding request, 420 for one with an attribute we must but do not understand, nothing for anything
/// else. `software` may be empty. The answer is at most 128 octets longer than a bare request.
std::optional<Bytes> make_binding_response(ByteView datagram, const Address& from, std::string_view software);

template <class Visit>
void Message::each(Visit&& visit) const {
  for (std::size_t offset = header_size; offset < bytes_.size();) {
    const Attribute found = read_attribute(bytes_, offset);
    if (!visit(found)) return;
    offset += 4 + (found.value.size() + 3) / 4 * 4;
  }
}

}  // namespace beckon::stun

BECKON_ERROR_ENUM(beckon::stun, Errc, "beckon.stun")
