#include "media/rtp/statistics.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::rtp;

TEST_CASE("a wrapping counter unwraps over both edges, also out of order") {
  SequenceUnwrapper sequences;
  CHECK(sequences.unwrap(65534) == 65534);
  CHECK(sequences.unwrap(1) == 65537);
  CHECK(sequences.unwrap(65535) == 65535);
  CHECK(sequences.unwrap(0) == 65536);
  SequenceUnwrapper early;
  CHECK(early.unwrap(0) == 0);
  CHECK(early.unwrap(65535) == -1);
}

TEST_CASE("loss is expected less received, fractions count from the last report (RFC 3550 A.3)") {
  ReceiverStatistics statistics(8000);
  CHECK(statistics.expected() == 0);
  CHECK(statistics.report().fraction_lost == 0);
  // 65534..65535, 0..7, where 2 and 3 are lost.
  std::uint16_t sequence = 65534;
  for (int i = 0; i < 10; ++i, ++sequence) {
    if (sequence != 2 && sequence != 3) statistics.on_packet(sequence, 0, Time{});
  }
  CHECK(statistics.expected() == 10);
  CHECK(statistics.received() == 8);
  CHECK(statistics.lost() == 2);
  const auto first = statistics.report();
  CHECK(first.fraction_lost == 2 * 256 / 10);
  CHECK(first.cumulative_lost == 2);
  CHECK(first.highest_sequence == 0x10007);
  SUBCASE("nothing lost since: the fraction is zero, the sum stays") {
    statistics.on_packet(8, 0, Time{});
    const auto second = statistics.report();
    CHECK(second.fraction_lost == 0);
    CHECK(second.cumulative_lost == 2);
  }
  SUBCASE("duplicates make the sum fall below zero, never the fraction") {
    for (int i = 0; i < 5; ++i) statistics.on_packet(7, 0, Time{});
    const auto second = statistics.report();
    CHECK(second.fraction_lost == 0);
    CHECK(second.cumulative_lost == -3);
  }
  SUBCASE("a late packet undoes its loss") {
    statistics.on_packet(3, 0, Time{});
    CHECK(statistics.lost() == 1);
  }
}

TEST_CASE("jitter is the smoothed difference of transit times, in ticks (RFC 3550 6.4.1, A.8)") {
  ReceiverStatistics even(8000);
  for (int i = 0; i < 50; ++i) {
    even.on_packet(static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160, Time{} + i * 20ms);
  }
  CHECK(even.report().jitter == 0);

  // Every second packet comes 10 ms (80 ticks) late: |D| is always 80, and J goes there.
  ReceiverStatistics uneven(8000);
  for (int i = 0; i < 200; ++i) {
    uneven.on_packet(static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 160,
                     Time{} + i * 20ms + (i % 2) * 10ms);
  }
  CHECK(uneven.report().jitter >= 78);
  CHECK(uneven.report().jitter <= 80);
}

TEST_CASE("jitter survives a wrapping timestamp") {
  ReceiverStatistics statistics(48000);
  std::uint32_t timestamp = 0xffffffffU - 3 * 960;
  for (int i = 0; i < 10; ++i, timestamp += 960) {
    statistics.on_packet(static_cast<std::uint16_t>(i), timestamp, Time{} + 500h + i * 20ms);
  }
  CHECK(statistics.report().jitter == 0);
}
