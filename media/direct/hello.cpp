#include "media/direct/hello.hpp"

#include <algorithm>
#include <cassert>

#include "protocol/base/text.hpp"

namespace beckon::direct {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t fixed_size = 72;  ///< Up to the ticket.
constexpr std::size_t mac_size = 16;
constexpr std::size_t seal_size = 16;
constexpr std::size_t ident_size = 128;
constexpr std::uint8_t first_mandatory = 0x80;

enum Item : std::uint8_t {
  tag = 1,
  media = 2,
  eph = 3,
  want = 4,
  contact = 5,
  ident = 6,
  subject = 7,
  call = 8,
};

template <class Array>
Array read_array(ByteView bytes) {
  Array out{};
  std::copy_n(bytes.begin(), out.size(), out.begin());
  return out;
}

void append_item(Bytes& out, Item type, ByteView value) {
  assert(value.size() <= 255);
  append_u8(out, type);
  append_u8(out, static_cast<std::uint8_t>(value.size()));
  append(out, value);
}

void append_line(Bytes& out, const HelloBody::Line& line) {
  Bytes value{static_cast<std::uint8_t>(line.kind), static_cast<std::uint8_t>(line.dir), line.payload_type,
              0};
  append_u32(value, line.ssrc);
  append_item(out, media, value);
}

void append_ident(Bytes& out, const Ident& value) {
  Bytes bytes;
  append(bytes, value.key);
  append(bytes, value.fingerprint);
  append(bytes, value.signature);
  append_item(out, ident, bytes);
}

bool read_line(HelloBody& body, ByteView value) {
  if (value.size() != 8 || value[0] < 1 || value[0] > 2 || value[1] < 1 || value[1] > 3 || value[2] > 127)
    return false;
  const HelloBody::Line line{static_cast<MediaKind>(value[0]), static_cast<Direction>(value[1]), value[2],
                             read_u32(value.subspan(4))};
  const bool again = std::any_of(body.media.begin(), body.media.end(), [&](const HelloBody::Line& other) {
    return other.kind == line.kind || other.ssrc == line.ssrc || other.payload_type == line.payload_type;
  });
  if (again) return false;
  body.media.push_back(line);
  return true;
}

bool read_text(std::string& out, ByteView value, std::size_t most) {
  if (value.size() > most || !is_utf8(as_text(value))) return false;
  out = as_text(value);
  return true;
}

bool read_ident(HelloBody& body, ByteView value) {
  if (value.size() != ident_size) return false;
  body.ident = Ident{read_array<crypto::Key32>(value), read_array<crypto::Key32>(value.subspan(32)),
                     read_array<crypto::Signature>(value.subspan(64))};
  return true;
}

template <class Array>
bool read_fixed(Array& out, ByteView value) {
  if (value.size() != out.size()) return false;
  out = read_array<Array>(value);
  return true;
}

/// Reads one item of a known type; unknown types below 0x80 are skipped.
bool read_item(HelloBody& body, std::uint8_t type, ByteView value) {
  switch (type) {
    case tag:
      return read_fixed(body.tag, value);
    case media:
      return read_line(body, value);
    case eph:
      return read_fixed(body.ephemeral, value);
    case want:
      if (value.size() != 1) return false;
      body.want = value[0] == 2 ? ds1::Mode::automatic : ds1::Mode::ask;
      return true;
    case contact:
      return read_text(body.contact, value, contact_max);
    case ident:
      return read_ident(body, value);
    case subject:
      return read_text(body.subject, value, subject_max);
    case call:
      return read_fixed(body.attempt, value);
    default:
      return true;
  }
}

Bytes info_of(const ds1::Epoch& epoch) {
  Bytes info;
  append(info, "beckon-ds1");
  append(info, epoch);
  return info;
}

std::array<std::uint8_t, mac_size> mac_of(ByteView covered, const crypto::Key32& psk) {
  auto key = hello_mac_key(psk);
  const Bytes mac = crypto::hmac(crypto::Hash::sha256, key, covered);
  crypto::wipe(key);
  return read_array<std::array<std::uint8_t, mac_size>>(mac);
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::no_candidate:
      return "no address to call";
    case Errc::no_media:
      return "no media to call with";
    case Errc::no_permission:
      return "no permission to call directly";
    case Errc::too_soon:
      return "the last attempt was less than 2 s ago";
    case Errc::unknown_call:
      return "no such call";
    case Errc::malformed:
      return "HELLO is malformed";
    case Errc::unknown_version:
      return "HELLO of an unknown version";
    case Errc::bad_mac:
      return "HELLO was made without the key of its ticket";
    case Errc::not_opened:
      return "HELLO does not open";
    case Errc::bad_body:
      return "HELLO body is malformed";
  }
  return "unknown direct session error";
}

Bytes print_body(const HelloBody& body) {
  assert(!body.media.empty() && body.media.size() <= lines_max);
  Bytes out;
  append_item(out, tag, body.tag);
  for (const auto& line : body.media) append_line(out, line);
  append_item(out, eph, body.ephemeral);
  append_item(out, want, Bytes{static_cast<std::uint8_t>(body.want)});
  if (!body.contact.empty()) append_item(out, contact, as_bytes(body.contact));
  if (body.ident) append_ident(out, *body.ident);
  if (!body.subject.empty()) append_item(out, subject, as_bytes(body.subject));
  append_item(out, call, body.attempt);
  return out;
}

Result<HelloBody> parse_body(ByteView bytes) {
  HelloBody body;
  std::array<bool, 256> seen{};
  for (ByteView rest = bytes; !rest.empty();) {
    if (rest.size() < 2 || rest.size() - 2 < rest[1]) return Errc::bad_body;
    const std::uint8_t type = rest[0];
    if (!read_item(body, type, rest.subspan(2, rest[1]))) return Errc::bad_body;
    if (seen[type] && type >= tag && type <= call && type != media) return Errc::bad_body;
    seen[type] = true;
    body.demands_unknown = body.demands_unknown || type >= first_mandatory;
    rest = rest.subspan(2U + rest[1]);
  }
  if (!seen[tag] || !seen[media] || !seen[eph] || !seen[call]) return Errc::bad_body;
  return body;
}

Result<HelloView> parse_hello(ByteView attribute) {
  if (attribute.empty()) return Errc::malformed;
  if (attribute[0] != version) return Errc::unknown_version;
  if (attribute.size() < fixed_size) return Errc::malformed;
  const std::size_t ticket_size = read_u16(attribute.subspan(2));
  if (ticket_size < ticket_min || ticket_size > ticket_max) return Errc::malformed;
  if (attribute.size() < fixed_size + ticket_size + seal_size + mac_size) return Errc::malformed;
  const std::size_t body_start = fixed_size + ticket_size;
  HelloView view;
  view.epoch = read_array<ds1::Epoch>(attribute.subspan(4));
  view.enc = read_array<crypto::Key32>(attribute.subspan(8));
  view.cdk = read_array<crypto::Key32>(attribute.subspan(40));
  view.ticket = attribute.subspan(fixed_size, ticket_size);
  view.aad = attribute.first(body_start);
  view.covered = attribute.first(attribute.size() - mac_size);
  view.sealed = view.covered.subspan(body_start);
  view.mac = read_array<std::array<std::uint8_t, mac_size>>(attribute.last(mac_size));
  return view;
}

Result<SealedHello> seal_hello(const HelloTarget& target, const crypto::KeyPair& device,
                               const crypto::KeyPair& enc, const HelloBody& body) {
  const auto& [ticket, psk] = target.grant;
  assert(ticket.size() >= ticket_min && ticket.size() <= ticket_max);
  const Bytes info = info_of(target.epoch);
  const auto context = hpke::setup_sender(enc, target.device_key, device, {info, psk, ticket});
  if (!context) return context.error();
  Bytes out{version, 0};
  append_u16(out, static_cast<std::uint16_t>(ticket.size()));
  append(out, target.epoch);
  append(out, enc.pub);
  append(out, mask_device_key(device.pub, psk, enc.pub));
  append(out, ticket);
  append(out, context->seal(0, out, print_body(body)));
  append(out, mac_of(out, psk));
  return SealedHello{std::move(out), derive_hello_keys(*context)};
}

bool has_good_mac(const HelloView& hello, const crypto::Key32& psk) {
  return crypto::equal_constant_time(mac_of(hello.covered, psk), hello.mac);
}

Result<OpenedHello> open_hello(const HelloView& hello, const crypto::Key32& psk,
                               const crypto::KeyPair& device) {
  const crypto::Key32 caller = mask_device_key(hello.cdk, psk, hello.enc);
  if (caller == device.pub) return Errc::not_opened;
  const Bytes info = info_of(hello.epoch);
  const auto context = hpke::setup_receiver(hello.enc, device, caller, {info, psk, hello.ticket});
  if (!context) return context.error();
  const auto plain = context->open(0, hello.aad, hello.sealed);
  if (!plain) return Errc::not_opened;
  auto body = parse_body(*plain);
  if (!body) return body.error();
  return OpenedHello{caller, std::move(*body), derive_hello_keys(*context)};
}

}  // namespace beckon::direct
