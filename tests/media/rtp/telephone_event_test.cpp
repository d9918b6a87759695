#include "media/rtp/telephone_event.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::rtp;

TEST_CASE("the payload of an event (RFC 4733 2.3)") {
  Bytes octets;
  append(octets, TelephoneEvent{.event = 11, .end = true, .volume = 10, .duration = 0x0320});
  CHECK(octets == Bytes{11, 0x8a, 0x03, 0x20});
  CHECK(parse_telephone_event(octets) == TelephoneEvent{11, true, 10, 0x0320});
  for (std::size_t size = 0; size < 4; ++size)
    CHECK_FALSE(parse_telephone_event(ByteView(octets).first(size)));
}

TEST_CASE("digits are 0 to 9, star, hash and A to D, in any case") {
  CHECK(event_of_digit('0') == 0);
  CHECK(event_of_digit('*') == 10);
  CHECK(event_of_digit('#') == 11);
  CHECK(event_of_digit('d') == 15);
  for (const char each : {'E', ' ', '\0', '+'}) CHECK_FALSE(event_of_digit(each));
}

TEST_CASE("an event is sent every tick, its end three times, with one timestamp (RFC 4733 2.5.1)") {
  EventSender sender;
  REQUIRE(sender.push("5#"));
  std::uint32_t timestamp = 1000;
  std::vector<EventSender::Packet> packets;
  unsigned pauses = 0;
  while (!sender.is_idle()) {
    if (const auto packet = sender.next(timestamp, 160))
      packets.push_back(*packet);
    else
      ++pauses;
    timestamp += 160;
  }
  const unsigned each = EventSender::tone_ticks + EventSender::end_packets - 1;
  REQUIRE(packets.size() == 2 * each);
  CHECK(pauses == 2 * EventSender::pause_ticks);
  CHECK(packets[0].marker);
  CHECK_FALSE(packets[1].marker);
  CHECK(packets[0].event.duration == 160);
  CHECK(packets[1].event.duration == 320);
  for (unsigned i = 0; i < each; ++i) {
    CAPTURE(i);
    CHECK(packets[i].event.event == 5);
    CHECK(packets[i].timestamp == 1000);
    CHECK(packets[i].event.end == (i + 1 >= EventSender::tone_ticks));
    if (packets[i].event.end) CHECK(packets[i].event.duration == EventSender::tone_ticks * 160);
  }
  CHECK(packets[each].event.event == 11);
  CHECK(packets[each].marker);
  CHECK(packets[each].timestamp == 1000 + (each + EventSender::pause_ticks) * 160);
  CHECK_FALSE(sender.next(timestamp, 160));
}

TEST_CASE("what is no digit, and too many digits, are refused whole") {
  EventSender sender;
  CHECK_FALSE(sender.push("12x"));
  CHECK(sender.is_idle());
  CHECK(sender.push(std::string(EventSender::queue_max, '1')));
  CHECK_FALSE(sender.push("1"));
}

TEST_CASE("a receiver reports each event once, whichever packets are lost or late") {
  EventReceiver receiver;
  const auto packet = [](std::uint8_t event, bool end) {
    Bytes out;
    append(out, TelephoneEvent{.event = event, .end = end});
    return out;
  };
  CHECK(receiver.receive(packet(1, false), 0xffffff00) == '1');
  CHECK_FALSE(receiver.receive(packet(1, true), 0xffffff00));
  CHECK(receiver.receive(packet(1, true), 0x100) == '1');  // only its end arrived; the timestamp wrapped
  CHECK_FALSE(receiver.receive(packet(1, true), 0xffffff00));
  CHECK_FALSE(receiver.receive(packet(16, false), 0x900));  // hook flash: no digit
  CHECK_FALSE(receiver.receive({}, 0x900));
}
