#include "media/rtcp/packet.hpp"

#include <algorithm>
#include <cassert>

namespace beckon::rtcp {
namespace {

enum Type : std::uint8_t {
  sender_report = 200,
  receiver_report = 201,
  description = 202,
  bye = 203,
  app = 204
};

constexpr std::size_t header_size = 4;
constexpr std::size_t sender_info_size = 20;
constexpr std::size_t report_block_size = 24;
constexpr std::size_t count_max = 31;
constexpr std::size_t text_max = 255;
constexpr std::uint8_t version_bits = 2 << 6;
constexpr std::uint8_t padding_bit = 0x20;

/// One packet's frame; `body` is without header and padding.
struct Frame {
  std::uint8_t type = 0;
  std::uint8_t count = 0;
  ByteView body;
};

/// Takes one packet from the front of `rest`.
Result<Frame> take_frame(ByteView& rest) {
  if (rest.size() < header_size) return Errc::too_short;
  if ((rest[0] & 0xc0) != version_bits) return Errc::bad_version;
  const std::size_t size = (std::size_t{read_u16(rest.subspan(2))} + 1) * 4;
  if (size > rest.size()) return Errc::bad_length;
  ByteView body = rest.subspan(header_size, size - header_size);
  const Frame frame{rest[1], static_cast<std::uint8_t>(rest[0] & 0x1f), body};
  const bool padded = (rest[0] & padding_bit) != 0;
  rest = rest.subspan(size);
  if (!padded) return frame;
  // Only the last packet may be padded, by whole words (RFC 3550 6.4.1).
  if (!rest.empty() || body.empty() || body.back() == 0 || body.back() % 4 != 0 ||
      body.back() > body.size()) {
    return Errc::bad_padding;
  }
  return Frame{frame.type, frame.count, body.first(body.size() - body.back())};
}

std::int32_t read_signed24(ByteView bytes) {
  const std::uint32_t value = std::uint32_t{bytes[0]} << 16 | std::uint32_t{bytes[1]} << 8 | bytes[2];
  return static_cast<std::int32_t>(value << 8) >> 8;
}

ReportBlock read_block(ByteView bytes) {
  return {.ssrc = read_u32(bytes),
          .report = {.fraction_lost = bytes[4],
                     .cumulative_lost = read_signed24(bytes.subspan(5)),
                     .highest_sequence = read_u32(bytes.subspan(8)),
                     .jitter = read_u32(bytes.subspan(12))},
          .last_sr = read_u32(bytes.subspan(16)),
          .delay_since_last_sr = read_u32(bytes.subspan(20))};
}

/// Profile-specific extensions after the blocks are not kept.
Result<Packet> read_report(const Frame& frame) {
  const bool is_sender = frame.type == sender_report;
  const std::size_t fixed = 4 + (is_sender ? sender_info_size : 0);
  if (frame.body.size() < fixed + frame.count * report_block_size) return Errc::bad_length;
  Report report{.ssrc = read_u32(frame.body), .sender = {}, .blocks = {}};
  if (is_sender) {
    const ByteView info = frame.body.subspan(4);
    report.sender =
        SenderInfo{std::uint64_t{read_u32(info)} << 32 | read_u32(info.subspan(4)), read_u32(info.subspan(8)),
                   read_u32(info.subspan(12)), read_u32(info.subspan(16))};
  }
  for (std::size_t i = 0; i < frame.count; ++i) {
    report.blocks.push_back(read_block(frame.body.subspan(fixed + i * report_block_size)));
  }
  return Packet(std::move(report));
}

/// Takes one chunk from `body`, which starts on a word and whose size is a multiple of four.
Result<Description::Chunk> take_chunk(ByteView& body) {
  if (body.size() < 4) return Errc::bad_length;
  Description::Chunk chunk{.ssrc = read_u32(body), .items = {}};
  std::size_t at = 4;
  while (at < body.size() && body[at] != 0) {
    if (body.size() - at < 2 || body.size() - at - 2 < body[at + 1]) return Errc::bad_item;
    chunk.items.push_back({body[at], std::string(as_text(body.subspan(at + 2, body[at + 1])))});
    at += 2U + body[at + 1];
  }
  // The list ends with one to four zero octets, up to the next word (RFC 3550 6.5).
  if (at == body.size()) return Errc::bad_item;
  body = body.subspan((at / 4 + 1) * 4);
  return chunk;
}

Result<Packet> read_description(const Frame& frame) {
  Description out;
  ByteView body = frame.body;
  for (std::size_t i = 0; i < frame.count; ++i) {
    auto chunk = take_chunk(body);
    if (!chunk) return chunk.error();
    out.chunks.push_back(std::move(*chunk));
  }
  return Packet(std::move(out));
}

Result<Packet> read_bye(const Frame& frame) {
  if (frame.body.size() < frame.count * 4U) return Errc::bad_length;
  Bye out;
  for (std::size_t i = 0; i < frame.count; ++i) out.ssrcs.push_back(read_u32(frame.body.subspan(i * 4)));
  const ByteView rest = frame.body.subspan(frame.count * 4U);
  if (rest.empty()) return Packet(std::move(out));
  if (rest.size() - 1 < rest[0]) return Errc::bad_item;
  out.reason = as_text(rest.subspan(1, rest[0]));
  return Packet(std::move(out));
}

Result<Packet> read_app(const Frame& frame) {
  if (frame.body.size() < 8) return Errc::bad_length;
  App out{.subtype = frame.count, .ssrc = read_u32(frame.body), .name = {}, .data = {}};
  std::copy_n(frame.body.begin() + 4, out.name.size(), out.name.begin());
  out.data.assign(frame.body.begin() + 8, frame.body.end());
  return Packet(std::move(out));
}

Result<Packet> read_packet(const Frame& frame) {
  switch (frame.type) {
    case sender_report:
    case receiver_report:
      return read_report(frame);
    case description:
      return read_description(frame);
    case bye:
      return read_bye(frame);
    case app:
      return read_app(frame);
    default:
      return Packet(Other{frame.type, frame.count, Bytes(frame.body.begin(), frame.body.end())});
  }
}

/// Appends one packet: the header is written when its length is known.
class Writer {
 public:
  Writer(Bytes& out, std::size_t count, std::uint8_t type) : out_(out), start_(out.size()) {
    assert(count <= count_max);
    append_u8(out_, static_cast<std::uint8_t>(version_bits | count));
    append_u8(out_, type);
    append_u16(out_, 0);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    align();
    const std::size_t words = (out_.size() - start_) / 4 - 1;
    out_[start_ + 2] = static_cast<std::uint8_t>(words >> 8);
    out_[start_ + 3] = static_cast<std::uint8_t>(words);
  }
  void align() { out_.resize(start_ + (out_.size() - start_ + 3) / 4 * 4); }

 private:
  Bytes& out_;
  std::size_t start_;
};

void append_text(Bytes& out, std::string_view text) {
  assert(text.size() <= text_max);
  append_u8(out, static_cast<std::uint8_t>(text.size()));
  append(out, text);
}

void append_block(Bytes& out, const ReportBlock& block) {
  append_u32(out, block.ssrc);
  append_u32(out, std::uint32_t{block.report.fraction_lost} << 24 |
                      (static_cast<std::uint32_t>(block.report.cumulative_lost) & 0xffffff));
  append_u32(out, block.report.highest_sequence);
  append_u32(out, block.report.jitter);
  append_u32(out, block.last_sr);
  append_u32(out, block.delay_since_last_sr);
}

void append_packet(Bytes& out, const Report& report) {
  const Writer writer(out, report.blocks.size(), report.sender ? sender_report : receiver_report);
  append_u32(out, report.ssrc);
  if (report.sender) {
    append_u32(out, static_cast<std::uint32_t>(report.sender->ntp_time >> 32));
    append_u32(out, static_cast<std::uint32_t>(report.sender->ntp_time));
    append_u32(out, report.sender->rtp_time);
    append_u32(out, report.sender->packets);
    append_u32(out, report.sender->octets);
  }
  for (const auto& block : report.blocks) append_block(out, block);
}

void append_packet(Bytes& out, const Description& packet) {
  Writer writer(out, packet.chunks.size(), description);
  for (const auto& chunk : packet.chunks) {
    append_u32(out, chunk.ssrc);
    for (const auto& item : chunk.items) {
      append_u8(out, item.type);
      append_text(out, item.text);
    }
    append_u8(out, 0);
    writer.align();
  }
}

void append_packet(Bytes& out, const Bye& packet) {
  const Writer writer(out, packet.ssrcs.size(), bye);
  for (const auto ssrc : packet.ssrcs) append_u32(out, ssrc);
  if (!packet.reason.empty()) append_text(out, packet.reason);
}

void append_packet(Bytes& out, const App& packet) {
  const Writer writer(out, packet.subtype, app);
  append_u32(out, packet.ssrc);
  append(out, std::string_view(packet.name.data(), packet.name.size()));
  append(out, packet.data);
}

void append_packet(Bytes& out, const Other& packet) {
  const Writer writer(out, packet.count, packet.type);
  append(out, packet.body);
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::too_short:
      return "RTCP packet shorter than its header";
    case Errc::bad_version:
      return "RTCP version is not 2";
    case Errc::bad_length:
      return "RTCP packet length is wrong";
    case Errc::not_compound:
      return "RTCP does not begin with a report";
    case Errc::bad_padding:
      return "RTCP padding is wrong";
    case Errc::bad_item:
      return "RTCP text runs past its packet";
  }
  return "unknown RTCP error";
}

Result<Compound> parse_compound(ByteView datagram) {
  Compound out;
  ByteView rest = datagram;
  do {
    const auto frame = take_frame(rest);
    if (!frame) return frame.error();
    if (out.empty() && frame->type != sender_report && frame->type != receiver_report)
      return Errc::not_compound;
    auto packet = read_packet(*frame);
    if (!packet) return packet.error();
    out.push_back(std::move(*packet));
  } while (!rest.empty());
  return out;
}

Bytes print(const Compound& compound) {
  Bytes out;
  for (const auto& packet : compound) {
    std::visit([&](const auto& one) { append_packet(out, one); }, packet);
  }
  return out;
}

}  // namespace beckon::rtcp
