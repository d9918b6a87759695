#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "media/rtp/statistics.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

/// RTCP compound packets (RFC 3550 6): reading and writing, no clock, no statistics.
namespace beckon::rtcp {

/// Why octets are not a compound packet. Drop the datagram.
enum class Errc {
  too_short = 1,  ///< Shorter than a header of 4 octets, here or after the last whole packet.
  bad_version,    ///< Version is not 2.
  bad_length,     ///< A packet's length runs past the end, or is too small for what its header announces.
  not_compound,   ///< The first packet is neither SR nor RR (RFC 3550 6.1).
  bad_padding,    ///< Padding on another packet than the last, or a wrong count.
  bad_item,       ///< An SDES item or BYE reason runs past its packet.
};
const char* to_string(Errc value);

/// What one report block says about a source (RFC 3550 6.4.1).
struct ReportBlock {
  std::uint32_t ssrc = 0;
  rtp::ReceptionReport report;
  std::uint32_t last_sr = 0;              ///< Middle 32 bits of the last SR's NTP time; 0: none came.
  std::uint32_t delay_since_last_sr = 0;  ///< In 1/65536 s.
};

/// What a sender reports of itself (RFC 3550 6.4.1).
struct SenderInfo {
  std::uint64_t ntp_time = 0;  ///< Seconds in the upper 32 bits, fraction below.
  std::uint32_t rtp_time = 0;  ///< The same instant in the stream's ticks.
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;  ///< Of payload.
};

/// SR if `sender` is present, else RR.
struct Report {
  std::uint32_t ssrc = 0;
  std::optional<SenderInfo> sender;
  std::vector<ReportBlock> blocks;  ///< At most 31.
};

/// SDES (RFC 3550 6.5).
struct Description {
  struct Item {
    std::uint8_t type = 0;  ///< 1..255
    std::string text;       ///< At most 255 octets.
  };
  struct Chunk {
    std::uint32_t ssrc = 0;
    std::vector<Item> items;
  };
  std::vector<Chunk> chunks;  ///< At most 31.
};
inline constexpr std::uint8_t item_cname = 1;

/// BYE (RFC 3550 6.6).
struct Bye {
  std::vector<std::uint32_t> ssrcs;  ///< At most 31.
  std::string reason;                ///< Empty: none was given. At most 255 octets.
};

/// APP (RFC 3550 6.7).
struct App {
  std::uint8_t subtype = 0;  ///< 0..31
  std::uint32_t ssrc = 0;
  std::array<char, 4> name{};
  Bytes data;  ///< A multiple of 4 octets.
};

/// Any other packet, such as feedback (RFC 4585) or XR (RFC 3611), as it came.
struct Other {
  std::uint8_t type = 0;
  std::uint8_t count = 0;  ///< The five bits after the padding bit.
  Bytes body;              ///< Without the header; a multiple of 4 octets.
};

using Packet = std::variant<Report, Description, Bye, App, Other>;
using Compound = std::vector<Packet>;

/// Reads a datagram that is RTCP (`session::classify`).
Result<Compound> parse_compound(ByteView datagram);
Bytes print(const Compound& compound);

}  // namespace beckon::rtcp

BECKON_ERROR_ENUM(beckon::rtcp, Errc, "beckon.rtcp")
