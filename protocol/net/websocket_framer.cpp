#include "protocol/net/websocket_framer.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::net {
namespace {

constexpr std::size_t control_limit = 125;  // octets; RFC 6455 5.5
constexpr std::uint8_t final_bit = 0x80, reserved_bits = 0x70, opcode_bits = 0x0F;
constexpr std::uint8_t mask_bit = 0x80, length_bits = 0x7F;
constexpr std::uint8_t length_16 = 126, length_64 = 127;  // the length stands in the next 2 or 8 octets
constexpr std::size_t mask_octets = 4;

bool is_control(WebSocketOpcode opcode) { return static_cast<std::uint8_t>(opcode) >= 0x8; }

bool is_known(WebSocketOpcode opcode) {
  switch (opcode) {
    case WebSocketOpcode::continuation:
    case WebSocketOpcode::text:
    case WebSocketOpcode::binary:
    case WebSocketOpcode::close:
    case WebSocketOpcode::ping:
    case WebSocketOpcode::pong:
      return true;
  }
  return false;
}

std::uint64_t read_number(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char c : octets) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void put_number(std::string& out, std::uint64_t value, std::size_t octets) {
  for (std::size_t i = octets; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

// What a close frame may carry (RFC 6455 5.5.1, 7.4): nothing, or a code that may be sent and a text.
bool is_close(std::string_view payload) {
  if (payload.empty()) return true;
  if (payload.size() < 2) return false;
  const auto code = read_number(payload.substr(0, 2));
  const bool sent_by_protocol = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
  return (sent_by_protocol || (code >= 3000 && code <= 4999)) && is_utf8(payload.substr(2));
}

}  // namespace

WebSocketClose close_code(const ErrorCode& reason) {
  if (reason == Errc::bad_frame) return WebSocketClose::protocol_error;
  if (reason == Errc::not_utf8) return WebSocketClose::not_utf8;
  if (reason == Errc::too_large) return WebSocketClose::too_large;
  return WebSocketClose::going_away;
}

Errc WebSocketFramer::fail(Errc why) {
  failed_ = why;
  buffer_.clear();
  message_.clear();
  return why;
}

Result<std::optional<WebSocketFramer::Item>> WebSocketFramer::next() {
  if (failed_) return failed_;
  for (;;) {
    if (!frame_) {
      const auto read = read_head();
      if (!read) return read.error();
      if (!*read) break;
    }
    take_payload();
    if (frame_->taken < frame_->size) break;
    auto item = end_frame();
    if (!item || *item) return item;
  }
  buffer_.erase(0, begin_);
  begin_ = 0;
  return std::optional<Item>();
}

// False: the head is not whole yet.
Result<bool> WebSocketFramer::read_head() {
  const std::string_view octets = std::string_view(buffer_).substr(begin_);
  if (octets.size() < 2) return false;
  const auto first = static_cast<std::uint8_t>(octets[0]);
  const auto second = static_cast<std::uint8_t>(octets[1]);
  // Clients mask every frame (5.1); no extension was agreed that gives the reserved bits a meaning (5.2).
  if ((first & reserved_bits) != 0 || (second & mask_bit) == 0) return fail(Errc::bad_frame);
  const auto length = static_cast<std::uint8_t>(second & length_bits);
  const std::size_t length_octets = length == length_16 ? 2 : length == length_64 ? 8 : 0;
  Frame frame{.opcode = static_cast<WebSocketOpcode>(first & opcode_bits),
              .final = (first & final_bit) != 0,
              .mask = {},
              .size = length,
              .taken = 0};
  const std::size_t size = 2 + length_octets + mask_octets;
  if (octets.size() >= 2 + length_octets) {
    if (length_octets != 0) frame.size = read_number(octets.substr(2, length_octets));
    if (const auto problem = problem_of(frame, length_octets)) return fail(*problem);
  }
  if (octets.size() < size) return false;
  std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(2 + length_octets), mask_octets,
              frame.mask.begin());
  begin_ += size;
  frame_ = frame;
  return true;
}

std::optional<Errc> WebSocketFramer::problem_of(const Frame& frame, std::size_t length_octets) const {
  if (!is_known(frame.opcode)) return Errc::bad_frame;
  // The shortest form of a length is the only one (5.2).
  if (length_octets == 2 && frame.size < length_16) return Errc::bad_frame;
  if (length_octets == 8 && frame.size <= 0xFFFF) return Errc::bad_frame;
  if (is_control(frame.opcode)) {
    if (!frame.final || frame.size > control_limit) return Errc::bad_frame;
    return std::nullopt;
  }
  if ((frame.opcode == WebSocketOpcode::continuation) != message_kind_.has_value()) return Errc::bad_frame;
  if (frame.size > limit_ - message_.size()) return Errc::too_large;
  return std::nullopt;
}

void WebSocketFramer::take_payload() {
  std::string& to = is_control(frame_->opcode) ? control_ : message_;
  const std::size_t size = std::min<std::uint64_t>(frame_->size - frame_->taken, buffer_.size() - begin_);
  const std::size_t at = to.size();
  to.append(buffer_, begin_, size);
  for (std::size_t i = 0; i < size; ++i)
    to[at + i] = static_cast<char>(to[at + i] ^ frame_->mask[(frame_->taken + i) % mask_octets]);
  begin_ += size;
  frame_->taken += size;
}

// Nothing when a message goes on in the next frame.
Result<std::optional<WebSocketFramer::Item>> WebSocketFramer::end_frame() {
  const Frame frame = *std::exchange(frame_, std::nullopt);
  if (is_control(frame.opcode)) {
    Item item{.kind = frame.opcode, .octets = std::exchange(control_, {})};
    if (item.kind != WebSocketOpcode::close) return std::optional(std::move(item));
    if (!is_close(item.octets)) return fail(Errc::bad_frame);
    item.octets.erase(0, 2);
    return std::optional(std::move(item));
  }
  if (!message_kind_) message_kind_ = frame.opcode;
  if (!frame.final) return std::optional<Item>();
  Item item{.kind = *std::exchange(message_kind_, std::nullopt), .octets = std::exchange(message_, {})};
  if (item.kind == WebSocketOpcode::text && !is_utf8(item.octets)) return fail(Errc::not_utf8);
  return std::optional(std::move(item));
}

SharedText print_frame(WebSocketOpcode opcode, std::string_view payload) {
  return print_frame_head(opcode, payload.size(), payload);
}

SharedText print_frame_head(WebSocketOpcode opcode, std::size_t whole, std::string_view payload) {
  std::string head;
  head += static_cast<char>(final_bit | static_cast<std::uint8_t>(opcode));
  if (whole < length_16) {
    put_number(head, whole, 1);
  } else if (whole <= 0xFFFF) {
    put_number(head, length_16, 1);
    put_number(head, whole, 2);
  } else {
    put_number(head, length_64, 1);
    put_number(head, whole, 8);
  }
  const auto size = head.size() + payload.size();
  return SharedText::make(size, [&](char* out) {
    std::ranges::copy(payload, std::ranges::copy(head, out).out);
    return size;
  });
}

SharedText print_close(WebSocketClose code) {
  std::string payload;
  put_number(payload, static_cast<std::uint16_t>(code), 2);
  return print_frame(WebSocketOpcode::close, payload);
}

}  // namespace beckon::net
