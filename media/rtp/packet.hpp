#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

namespace beckon::rtp {

/// Why octets are not an RTP packet. Drop the datagram.
enum class Errc {
  too_short = 1,  ///< Shorter than the fixed header of 12 octets.
  bad_version,    ///< Version is not 2.
  bad_csrc,       ///< The CSRC list runs past the end.
  bad_extension,  ///< The header extension runs past the end.
  bad_padding,    ///< Padding is announced, but its count is 0 or larger than what is left.
};
const char* to_string(Errc error);

/// The fixed header without lengths and flags that follow from the rest (RFC 3550 5.1).
struct Header {
  bool marker = false;
  std::uint8_t payload_type = 0;  ///< 0..127
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  bool operator==(const Header&) const = default;
};

inline constexpr std::size_t fixed_header_size = 12;
inline constexpr std::size_t max_csrcs = 15;

/// One packet. It has views into the datagram it was parsed from, which must outlive it.
struct Packet {
  /// Header extension (RFC 3550 5.3.1); `data` is a whole number of 32-bit words.
  struct Extension {
    std::uint16_t profile = 0;
    ByteView data;
  };

  Header header;
  std::array<std::uint32_t, max_csrcs> csrc_list{};
  std::size_t csrc_count = 0;
  std::optional<Extension> extension;
  ByteView payload;               ///< Without padding.
  std::uint8_t padding_size = 0;  ///< Octets of padding that followed the payload, the count included.

  std::span<const std::uint32_t> csrcs() const { return {csrc_list.data(), csrc_count}; }
};

/// Reads one packet that is RTP (`session::classify`; RFC 3550 5.1).
Result<Packet> parse_packet(ByteView datagram);

/// Appends header, CSRCs, extension, payload and padding to `out`. The extension's data must be whole
/// words, the payload type below 128.
void append_packet(Bytes& out, const Packet& packet);
Bytes print(const Packet& packet);

}  // namespace beckon::rtp

BECKON_ERROR_ENUM(beckon::rtp, Errc, "beckon.rtp")
