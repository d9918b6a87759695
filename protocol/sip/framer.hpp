#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/sip/message.hpp"

namespace beckon::sip {

/// Cuts a byte stream (TCP, TLS) into messages by Content-Length (RFC 3261 18.3). Holds at most one
/// message of `limits.message` octets and what was pushed since `next` last gave nullopt: after every
/// `push` call `next` until it does.
/// COMPAT: RFC 3261 20.14 demands a Content-Length on streams; without one the body is empty.
class Framer {
 public:
  explicit Framer(Limits limits = {.message = 1 << 20}) : limits_(limits) {}

  struct Item {
    /// CRLF between messages, for keep-alive (RFC 5626 4.4.1). The first one is a `pong`, a second one right
    /// after it makes the pair a `ping`: a server answers ping with CRLF and ignores pong; a client takes
    /// pong for the answer to its ping.
    enum class Kind { message, ping, pong } kind;
    std::optional<Message> message;
  };
  void push(std::string_view octets);
  /// The next item; nullopt when more octets are needed. An error ends the stream: it is repeated at every
  /// call. Answer what `refusal(text, error)` says of `refused()`, then close the connection.
  Result<std::optional<Item>> next();
  /// Octets of a message whose end was not pushed yet; 0 between messages. Valid right after `next` gave
  /// nullopt.
  std::size_t held() const { return buffer_.size() - begin_; }
  /// Octets of memory it has for them.
  std::size_t capacity() const { return buffer_.capacity(); }

  /// The octets the error is about; null before one.
  const SharedText& refused() const { return refused_; }

 private:
  Result<std::optional<Item>> next_message();
  void empty_buffer();
  void compact();
  std::optional<Item> next_line_end();
  Errc fail(Errc why);

  Limits limits_;
  std::string buffer_;
  std::size_t begin_ = 0;        ///< Where in `buffer_` what is not yet given out begins.
  std::size_t scanned_ = 0;      ///< Behind `begin_`: octets known to hold no blank line.
  std::size_t head_ = 0;         ///< Size of the head of the message in progress; 0 before its end is seen.
  std::size_t body_ = 0;         ///< Its Content-Length.
  bool after_line_end_ = false;  ///< The last item was a pong.
  std::optional<Errc> failed_;
  SharedText refused_;
};

}  // namespace beckon::sip
