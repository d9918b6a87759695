#include "media/rtp/telephone_event.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::rtp {

std::optional<TelephoneEvent> parse_telephone_event(ByteView payload) {
  if (payload.size() < 4) return std::nullopt;
  return TelephoneEvent{.event = payload[0],
                        .end = (payload[1] & 0x80) != 0,
                        .volume = static_cast<std::uint8_t>(payload[1] & 0x3f),
                        .duration = static_cast<std::uint16_t>(payload[2] << 8 | payload[3])};
}

void append(Bytes& out, const TelephoneEvent& event) {
  out.push_back(event.event);
  out.push_back(static_cast<std::uint8_t>((event.end ? 0x80 : 0) | (event.volume & 0x3f)));
  out.push_back(static_cast<std::uint8_t>(event.duration >> 8));
  out.push_back(static_cast<std::uint8_t>(event.duration & 0xff));
}

std::optional<std::uint8_t> event_of_digit(char digit) {
  const auto at = dtmf_digits.find(to_upper(digit));
  if (digit == '\0' || at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint8_t>(at);
}

bool EventSender::push(std::string_view text) {
  const bool are_digits =
      std::ranges::all_of(text, [](char each) { return event_of_digit(each).has_value(); });
  if (!are_digits || digits_.size() + text.size() > queue_max) return false;
  for (const char each : text) digits_.push_back(*event_of_digit(each));
  return true;
}

std::optional<EventSender::Packet> EventSender::next(std::uint32_t timestamp, std::uint32_t ticks) {
  if (!is_sending_) {
    if (digits_.empty()) return std::nullopt;
    is_sending_ = true;
    tick_ = 0;
    began_ = timestamp;
  }
  const unsigned tick = tick_++;
  if (tick_ == tone_ticks + end_packets - 1 + pause_ticks) is_sending_ = false;
  if (tick >= tone_ticks + end_packets - 1) {
    if (!is_sending_) digits_.pop_front();
    return std::nullopt;
  }
  // The duration counts to the end of this tick, and stays the same in all the last packets.
  const unsigned lasted = std::min(tick + 1, tone_ticks);
  return Packet{.event = {.event = digits_.front(),
                          .end = tick + 1 >= tone_ticks,
                          .duration = static_cast<std::uint16_t>(lasted * ticks)},
                .timestamp = began_,
                .marker = tick == 0};
}

std::optional<char> EventReceiver::receive(ByteView payload, std::uint32_t timestamp) {
  const auto event = parse_telephone_event(payload);
  if (!event || event->event >= dtmf_digits.size()) return std::nullopt;
  // Late packets of an event before the newest one are old; half the range of timestamps lies behind.
  const bool is_new = !last_ || static_cast<std::int32_t>(timestamp - *last_) > 0;
  if (!is_new) return std::nullopt;
  last_ = timestamp;
  return dtmf_digits[event->event];
}

}  // namespace beckon::rtp
