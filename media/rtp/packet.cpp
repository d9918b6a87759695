#include "media/rtp/packet.hpp"

#include <cassert>

namespace beckon::rtp {
namespace {

constexpr std::uint8_t version_bits = 2 << 6;
constexpr std::uint8_t padding_bit = 0x20;
constexpr std::uint8_t extension_bit = 0x10;
constexpr std::uint8_t marker_bit = 0x80;

Header read_header(ByteView bytes) {
  return {.marker = (bytes[1] & marker_bit) != 0,
          .payload_type = static_cast<std::uint8_t>(bytes[1] & 0x7f),
          .sequence = read_u16(bytes.subspan(2)),
          .timestamp = read_u32(bytes.subspan(4)),
          .ssrc = read_u32(bytes.subspan(8))};
}

/// Takes the CSRC list from the front of `rest`.
bool take_csrcs(ByteView& rest, std::size_t count, Packet& packet) {
  if (rest.size() < count * 4) return false;
  for (std::size_t i = 0; i < count; ++i) packet.csrc_list[i] = read_u32(rest.subspan(i * 4));
  packet.csrc_count = count;
  rest = rest.subspan(count * 4);
  return true;
}

/// Takes the header extension from the front of `rest`.
bool take_extension(ByteView& rest, Packet& packet) {
  if (rest.size() < 4) return false;
  const std::size_t size = std::size_t{read_u16(rest.subspan(2))} * 4;
  if (rest.size() - 4 < size) return false;
  packet.extension = Packet::Extension{read_u16(rest), rest.subspan(4, size)};
  rest = rest.subspan(4 + size);
  return true;
}

/// Takes the padding from the end of `rest`.
bool take_padding(ByteView& rest, Packet& packet) {
  if (rest.empty() || rest.back() == 0 || rest.back() > rest.size()) return false;
  packet.padding_size = rest.back();
  rest = rest.first(rest.size() - packet.padding_size);
  return true;
}

}  // namespace

const char* to_string(Errc error) {
  switch (error) {
    case Errc::too_short:
      return "RTP packet shorter than its header";
    case Errc::bad_version:
      return "RTP version is not 2";
    case Errc::bad_csrc:
      return "RTP CSRC list runs past the end";
    case Errc::bad_extension:
      return "RTP header extension runs past the end";
    case Errc::bad_padding:
      return "RTP padding count is wrong";
  }
  return "unknown RTP error";
}

Result<Packet> parse_packet(ByteView datagram) {
  if (datagram.size() < fixed_header_size) return Errc::too_short;
  const std::uint8_t flags = datagram[0];
  if ((flags & 0xc0) != version_bits) return Errc::bad_version;
  Packet packet;
  packet.header = read_header(datagram);
  ByteView rest = datagram.subspan(fixed_header_size);
  if (!take_csrcs(rest, flags & 0x0f, packet)) return Errc::bad_csrc;
  if ((flags & extension_bit) != 0 && !take_extension(rest, packet)) return Errc::bad_extension;
  if ((flags & padding_bit) != 0 && !take_padding(rest, packet)) return Errc::bad_padding;
  packet.payload = rest;
  return packet;
}

void append_packet(Bytes& out, const Packet& packet) {
  assert(packet.header.payload_type < 128 && packet.csrc_count <= max_csrcs);
  const auto flags = version_bits | (packet.padding_size != 0 ? padding_bit : 0) |
                     (packet.extension ? extension_bit : 0) | static_cast<int>(packet.csrc_count);
  append_u8(out, static_cast<std::uint8_t>(flags));
  append_u8(out,
            static_cast<std::uint8_t>((packet.header.marker ? marker_bit : 0) | packet.header.payload_type));
  append_u16(out, packet.header.sequence);
  append_u32(out, packet.header.timestamp);
  append_u32(out, packet.header.ssrc);
  for (const auto csrc : packet.csrcs()) append_u32(out, csrc);
  if (packet.extension) {
    assert(packet.extension->data.size() % 4 == 0 && packet.extension->data.size() / 4 <= 0xffff);
    append_u16(out, packet.extension->profile);
    append_u16(out, static_cast<std::uint16_t>(packet.extension->data.size() / 4));
    append(out, packet.extension->data);
  }
  append(out, packet.payload);
  if (packet.padding_size == 0) return;
  out.insert(out.end(), packet.padding_size - 1U, 0);
  append_u8(out, packet.padding_size);
}

Bytes print(const Packet& packet) {
  Bytes out;
  append_packet(out, packet);
  return out;
}

}  // namespace beckon::rtp
