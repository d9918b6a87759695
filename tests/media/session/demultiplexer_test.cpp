#include "media/session/demultiplexer.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::session;

TEST_CASE("each first octet belongs to one protocol, and the rest is dropped (RFC 7983 7, figure 3)") {
  struct Range {
    int first, last;
    Kind kind;
    const char* what;
  };
  constexpr Range ranges[] = {
      {0, 3, Kind::stun, "STUN"},
      {4, 15, Kind::unknown, "unassigned"},
      {16, 19, Kind::unknown, "ZRTP"},
      {20, 63, Kind::dtls, "DTLS"},
      {64, 79, Kind::unknown, "TURN channel"},
      {80, 127, Kind::unknown, "unassigned"},
      {128, 191, Kind::rtp, "RTP and RTCP"},
      {192, 255, Kind::unknown, "unassigned"},
  };
  int covered = 0;
  for (const Range& range : ranges) {
    CAPTURE(range.what);
    for (int first = range.first; first <= range.last; ++first, ++covered) {
      CAPTURE(first);
      CHECK(classify(Bytes{static_cast<std::uint8_t>(first), 0, 0, 0}) == range.kind);
    }
  }
  CHECK(covered == 256);
}

TEST_CASE("the second octet separates RTP from RTCP on one port (RFC 5761 4)") {
  struct Row {
    int second;
    Kind kind;
    const char* what;
  };
  constexpr Row rows[] = {
      {0, Kind::rtp, "PCMU"},
      {111, Kind::rtp, "a dynamic payload type"},
      {0x80 | 0, Kind::rtp, "PCMU with marker"},
      {0x80 | 63, Kind::rtp, "the last payload type before RTCP's, with marker"},
      {0x80 | 96, Kind::rtp, "the first dynamic payload type, with marker"},
      {0x80 | 127, Kind::rtp, "the last payload type, with marker"},
      {192, Kind::rtcp, "the first RTCP packet type (RFC 2032 FIR)"},
      {200, Kind::rtcp, "SR"},
      {201, Kind::rtcp, "RR"},
      {206, Kind::rtcp, "PSFB"},
      {223, Kind::rtcp, "the last packet type of the range"},
      {224, Kind::rtp, "beyond it"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    for (const int first : {0x80, 0x90, 0xa0, 0xbf})
      CHECK(classify(Bytes{static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(row.second)}) ==
            row.kind);
  }
}

TEST_CASE("a datagram too short to be sorted is dropped") {
  CHECK(classify(Bytes{}) == Kind::unknown);
  CHECK(classify(Bytes{0x80}) == Kind::unknown);
  CHECK(classify(Bytes{1}) == Kind::stun);
}
