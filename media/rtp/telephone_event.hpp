#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

namespace beckon::rtp {

/// The payload of telephone-event (RFC 4733 2.3).
struct TelephoneEvent {
  std::uint8_t event = 0;  ///< 0 to 15: the digits "0123456789*#ABCD"; others have other meanings.
  bool end = false;
  std::uint8_t volume = 10;    ///< dBm0 without its sign, 0 to 63.
  std::uint16_t duration = 0;  ///< Ticks since the packet's timestamp.
  bool operator==(const TelephoneEvent&) const = default;
};
/// Empty where there are fewer than four octets.
std::optional<TelephoneEvent> parse_telephone_event(ByteView payload);
void append(Bytes& out, const TelephoneEvent& event);

/// "0123456789*#ABCD": the digits of DTMF, in the order of their events.
inline constexpr std::string_view dtmf_digits = "0123456789*#ABCD";
/// The event of a digit, in any case; empty for other characters.
std::optional<std::uint8_t> event_of_digit(char digit);

/// Digits on their way: one packet each 20 ms (RFC 4733 2.5.1). Pure: the owner asks once a tick, and sends
/// no audio in a tick that an event takes.
class EventSender {
 public:
  static constexpr unsigned tone_ticks = 6;  ///< 120 ms: some detectors want 100.
  static constexpr unsigned end_packets =
      3;  ///< "the final packet [...] SHOULD be sent a total of three times".
  static constexpr unsigned pause_ticks = 4;  ///< 80 ms between two digits.
  static constexpr std::size_t queue_max = 64;

  /// Appends the digits of `text`; false if one is none, or there are too many: then none is appended.
  bool push(std::string_view text);
  bool is_idle() const { return digits_.empty() && !is_sending_; }

  struct Packet {
    TelephoneEvent event;
    std::uint32_t timestamp = 0;  ///< Of the event's beginning.
    bool marker = false;
  };
  /// What this tick is for: a packet of an event, or (empty, and `is_idle` is false) the pause after one.
  /// `timestamp` is that of the audio that would be sent now; `ticks` is how far it moves each time.
  std::optional<Packet> next(std::uint32_t timestamp, std::uint32_t ticks);

 private:
  std::deque<std::uint8_t> digits_;
  bool is_sending_ = false;  ///< The first digit's event or the pause after it.
  unsigned tick_ = 0;        ///< Of it.
  std::uint32_t began_ = 0;
};

/// Reports each event once, whatever of its packets arrives (RFC 4733 2.5.2.2).
class EventReceiver {
 public:
  /// The digit that begins with this packet. Empty: one that was reported, or no digit.
  std::optional<char> receive(ByteView payload, std::uint32_t timestamp);

 private:
  std::optional<std::uint32_t> last_;  ///< The timestamp of the newest event.
};

}  // namespace beckon::rtp
