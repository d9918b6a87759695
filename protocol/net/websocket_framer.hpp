#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/base/shared_text.hpp"
#include "protocol/net/error.hpp"

namespace beckon::net {

/// Frame kinds (RFC 6455 11.8).
enum class WebSocketOpcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

/// Why a WebSocket is closed, as the peer is told (RFC 6455 7.4.1).
enum class WebSocketClose : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  not_utf8 = 1007,
  too_large = 1009,
};
WebSocketClose close_code(const ErrorCode& reason);

/// Cuts what a WebSocket client sends into whole messages and control frames (RFC 6455 5). Server side: every
/// frame must be masked. Holds at most one message of `limit` octets and what was pushed since `next` last
/// gave nothing: call `next` until it does after every `push`.
class WebSocketFramer {
 public:
  explicit WebSocketFramer(std::size_t limit = std::size_t{1} << 20) : limit_(limit) {}

  struct Item {
    WebSocketOpcode kind;  ///< `text` and `binary` are whole messages, put together again; never
                           ///< `continuation`.
    std::string octets;    ///< Unmasked. Of `close`: the reason, behind the code.
  };
  void push(std::string_view octets) { buffer_.append(octets); }
  /// The next item; nothing when more octets are needed. An error ends the stream and is repeated:
  /// Errc::bad_frame, not_utf8, too_large.
  Result<std::optional<Item>> next();
  /// Has a message or frame begun whose end has not been pushed?
  bool is_begun() const { return frame_ || message_kind_ || buffer_.size() > begin_; }
  /// Octets held of it.
  std::size_t held() const { return buffer_.size() - begin_ + message_.size() + control_.size(); }

 private:
  struct Frame {
    WebSocketOpcode opcode;
    bool final;
    std::array<char, 4> mask;
    std::uint64_t size, taken;
  };
  Result<bool> read_head();
  std::optional<Errc> problem_of(const Frame& frame, std::size_t length_octets) const;
  void take_payload();
  Result<std::optional<Item>> end_frame();
  Errc fail(Errc why);

  std::size_t limit_;
  std::string buffer_;
  std::size_t begin_ = 0;  ///< Where in `buffer_` what was not looked at begins.
  std::optional<Frame> frame_;
  std::optional<WebSocketOpcode> message_kind_;  ///< Of the fragmented message in progress.
  std::string message_;
  std::string control_;
  ErrorCode failed_;
};

/// One whole unmasked frame, as servers write them (RFC 6455 5.1).
SharedText print_frame(WebSocketOpcode opcode, std::string_view payload);
/// Its beginning: the payload is `whole` octets long, and `payload` the first of them.
SharedText print_frame_head(WebSocketOpcode opcode, std::size_t whole, std::string_view payload);
SharedText print_close(WebSocketClose code);

}  // namespace beckon::net
