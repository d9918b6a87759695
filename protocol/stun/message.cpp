#include "protocol/stun/message.hpp"

#include <algorithm>
#include <cassert>

#include "protocol/crypto/crypto.hpp"

namespace beckon::stun {
namespace {

constexpr std::size_t attribute_header_size = 4;
constexpr std::size_t fingerprint_size = 8;  ///< With its header.
constexpr std::uint32_t fingerprint_mask = 0x5354554e;
constexpr std::uint8_t family_v4 = 1;
constexpr std::uint8_t family_v6 = 2;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320U : value >> 1;
    table[i] = value;
  }
  return table;
}
constexpr auto crc_table = make_crc_table();

/// The CRC-32 of ITU V.42 that RFC 8489 14.7 asks for.
std::uint32_t crc32(ByteView bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const auto octet : bytes) crc = crc_table[(crc ^ octet) & 0xff] ^ crc >> 8;
  return ~crc;
}

std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }

void write_length(Bytes& message, std::size_t length) {
  message[2] = static_cast<std::uint8_t>(length >> 8);
  message[3] = static_cast<std::uint8_t>(length);
}

std::uint16_t message_type(Class message_class, std::uint16_t method) {
  const auto bits = static_cast<unsigned>(message_class);
  const unsigned type =
      (method & 0x0f) | (method & 0x70U) << 1 | (method & 0xf80U) << 2 | (bits & 1) << 4 | (bits & 2) << 7;
  return static_cast<std::uint16_t>(type);
}

/// Not to be refused: what this codec reads, and what may be ignored.
bool is_understood(std::uint16_t type) {
  switch (type) {
    case attribute::username:
    case attribute::message_integrity:
    case attribute::error_code:
    case attribute::unknown_attributes:
    case attribute::message_integrity_sha256:
    case attribute::xor_mapped_address:
      return true;
    default:
      return type >= 0x8000;
  }
}

/// The first 16 octets after the type: what addresses are mixed with (RFC 8489 14.2).
std::array<std::uint8_t, 16> address_mask(ByteView message) {
  std::array<std::uint8_t, 16> mask{};
  std::copy_n(message.begin() + 4, mask.size(), mask.begin());
  return mask;
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::too_short:
      return "STUN message shorter than its header";
    case Errc::not_stun:
      return "not a STUN message";
    case Errc::bad_length:
      return "STUN length is wrong";
    case Errc::bad_attribute:
      return "STUN attribute runs past the end or has a wrong form";
  }
  return "unknown STUN error";
}

Attribute Message::read_attribute(ByteView bytes, std::size_t offset) {
  const ByteView rest = bytes.subspan(offset);
  return {read_u16(rest), rest.subspan(attribute_header_size, read_u16(rest.subspan(2))), offset};
}

Result<Message> parse_message(ByteView datagram) {
  if (datagram.size() < header_size) return Errc::too_short;
  const std::uint16_t type = read_u16(datagram);
  if ((type & 0xc000) != 0 || read_u32(datagram.subspan(4)) != magic_cookie) return Errc::not_stun;
  const std::size_t length = read_u16(datagram.subspan(2));
  if (length % 4 != 0 || length != datagram.size() - header_size) return Errc::bad_length;
  for (std::size_t offset = header_size; offset < datagram.size();) {
    // The rest is a multiple of four and not empty, so an attribute's header is always there.
    const std::size_t size = attribute_header_size + padded(read_u16(datagram.subspan(offset + 2)));
    if (size > datagram.size() - offset) return Errc::bad_attribute;
    offset += size;
  }
  Message message;
  message.bytes_ = datagram;
  message.class_ = static_cast<Class>((type >> 4 & 1) | (type >> 7 & 2));
  message.method_ = static_cast<std::uint16_t>((type & 0x0f) | (type >> 1 & 0x70) | (type >> 2 & 0xf80));
  return message;
}

TransactionId Message::transaction() const {
  TransactionId id{};
  std::copy_n(bytes_.begin() + 8, id.size(), id.begin());
  return id;
}

std::optional<Attribute> Message::find(std::uint16_t type) const {
  std::optional<Attribute> found;
  bool sealed = false;
  each([&](const Attribute& candidate) {
    if (candidate.type == type && (!sealed || type == attribute::fingerprint)) found = candidate;
    if (candidate.type == attribute::message_integrity_sha256) sealed = true;
    return !found;
  });
  return found;
}

std::vector<std::uint16_t> Message::unknown_required() const {
  std::vector<std::uint16_t> unknown;
  each([&](const Attribute& candidate) {
    if (!is_understood(candidate.type)) unknown.push_back(candidate.type);
    return unknown.size() < unknown_listed_max;
  });
  return unknown;
}

std::optional<Address> Message::xor_mapped_address() const {
  const auto found = find(attribute::xor_mapped_address);
  if (!found || found->value.size() < 4) return std::nullopt;
  const ByteView value = found->value;
  const bool is_v4 = value[1] == family_v4 && value.size() == 8;
  if (!is_v4 && !(value[1] == family_v6 && value.size() == 20)) return std::nullopt;
  Address address;
  address.ip.family = is_v4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
  address.port = static_cast<std::uint16_t>(read_u16(value.subspan(2)) ^ (magic_cookie >> 16));
  const auto mask = address_mask(bytes_);
  for (std::size_t i = 4; i < value.size(); ++i) address.ip.octets[i - 4] = value[i] ^ mask[i - 4];
  return address;
}

std::optional<ErrorCode> Message::error_code() const {
  const auto found = find(attribute::error_code);
  if (!found || found->value.size() < 4) return std::nullopt;
  const int hundreds = found->value[2] & 0x07;
  const int rest = found->value[3];
  if (hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  return ErrorCode{hundreds * 100 + rest, as_text(found->value.subspan(4))};
}

bool Message::has_good_fingerprint() const {
  const auto found = find(attribute::fingerprint);
  if (!found || found->value.size() != 4 || found->offset + fingerprint_size != bytes_.size()) return false;
  return (crc32(bytes_.first(found->offset)) ^ fingerprint_mask) == read_u32(found->value);
}

bool Message::has_good_hmac(std::uint16_t type, ByteView key) const {
  const bool sha256 = type == attribute::message_integrity_sha256;
  const auto found = find(type);
  // COMPAT: RFC 8489 14.6 allows a truncated HMAC where the usage says so; none of ours does.
  if (!found || found->value.size() != (sha256 ? 32U : 20U)) return false;
  Bytes covered(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(found->offset));
  write_length(covered, found->offset - header_size + attribute_header_size + found->value.size());
  const Bytes mac = crypto::hmac(sha256 ? crypto::Hash::sha256 : crypto::Hash::sha1, key, covered);
  return crypto::equal_constant_time(mac, found->value);
}

bool Message::has_good_integrity(ByteView key) const {
  return has_good_hmac(attribute::message_integrity_sha256, key);
}

bool Message::has_good_sha1_integrity(ByteView key) const {
  return has_good_hmac(attribute::message_integrity, key);
}

Writer::Writer(Class message_class, std::uint16_t method, const TransactionId& transaction) {
  append_u16(bytes_, message_type(message_class, method));
  append_u16(bytes_, 0);
  append_u32(bytes_, magic_cookie);
  append(bytes_, transaction);
}

void Writer::set_length(std::size_t octets_to_come) {
  write_length(bytes_, bytes_.size() - header_size + octets_to_come);
}

Writer& Writer::add(std::uint16_t type, ByteView value) {
  assert(bytes_.size() + attribute_header_size + padded(value.size()) <= 0xffff);
  append_u16(bytes_, type);
  append_u16(bytes_, static_cast<std::uint16_t>(value.size()));
  append(bytes_, value);
  bytes_.resize(
      padded(bytes_.size()));  // every attribute starts on a multiple of four, as the header ends on one
  set_length(0);
  return *this;
}

Writer& Writer::add_xor_mapped_address(const Address& address) {
  Bytes value;
  append_u8(value, 0);
  append_u8(value, address.ip.family == IpAddress::Family::v4 ? family_v4 : family_v6);
  append_u16(value, static_cast<std::uint16_t>(address.port ^ (magic_cookie >> 16)));
  const auto mask = address_mask(bytes_);
  const ByteView ip = address.ip.bytes();
  for (std::size_t i = 0; i < ip.size(); ++i) append_u8(value, ip[i] ^ mask[i]);
  return add(attribute::xor_mapped_address, value);
}

Writer& Writer::add_error_code(int code, std::string_view reason) {
  assert(code >= 300 && code <= 699);
  Bytes value{0, 0, static_cast<std::uint8_t>(code / 100), static_cast<std::uint8_t>(code % 100)};
  append(value, reason);
  return add(attribute::error_code, value);
}

Writer& Writer::add_integrity(ByteView key) {
  set_length(attribute_header_size + 32);
  const Bytes mac = crypto::hmac(crypto::Hash::sha256, key, bytes_);
  return add(attribute::message_integrity_sha256, mac);
}

Writer& Writer::add_sha1_integrity(ByteView key) {
  set_length(attribute_header_size + 20);
  const Bytes mac = crypto::hmac(crypto::Hash::sha1, key, bytes_);
  return add(attribute::message_integrity, mac);
}

Writer& Writer::add_fingerprint() {
  set_length(fingerprint_size);
  Bytes value;
  append_u32(value, crc32(bytes_) ^ fingerprint_mask);
  return add(attribute::fingerprint, value);
}

std::optional<Bytes> make_binding_response(ByteView datagram, const Address& from,
                                           std::string_view software) {
  const auto request = parse_message(datagram);
  if (!request || request->message_class() != Class::request || request->method() != binding)
    return std::nullopt;
  if (request->find(attribute::fingerprint) && !request->has_good_fingerprint()) return std::nullopt;
  const auto unknown = request->unknown_required();
  Writer response(unknown.empty() ? Class::success : Class::error, binding, request->transaction());
  if (unknown.empty()) {
    response.add_xor_mapped_address(from);
  } else {
    Bytes types;
    for (const auto type : unknown) append_u16(types, type);
    response.add_error_code(420, "Unknown Attribute").add(attribute::unknown_attributes, types);
  }
  if (!software.empty()) response.add(attribute::software, as_bytes(software.substr(0, 64)));
  if (request->find(attribute::fingerprint)) response.add_fingerprint();
  return response.bytes();
}

}  // namespace beckon::stun
