#include "protocol/sdp/attribute.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::sdp;

namespace {

/// Values that read and print back as they are, and values that are refused.
template <class Parse>
void check_all(Parse parse_value, std::initializer_list<std::string> good,
               std::initializer_list<std::string> bad) {
  for (const std::string& value : good) {
    CAPTURE(value);
    const auto read = parse_value(value);
    REQUIRE(read.has_value());
    CHECK(print(*read) == value);
  }
  for (const std::string& value : bad) {
    CAPTURE(value);
    CHECK(parse_value(value).error() == Errc::bad_value);
  }
}

}  // namespace

TEST_CASE("rtpmap (RFC 8866 6.6)") {
  check_all(parse_rtpmap, {"0 PCMU/8000", "111 opus/48000/2", "97 L16/8000/2/x"},
            {"", "0", "128 x/1", "-1 x/1", "0 x", "0 x/0", "0 /8000", "0 x/y", "a x/8000"});
  const auto opus = parse_rtpmap("111  opus/48000/2").value();
  CHECK(opus == Rtpmap{111, "opus", 48000, "2"});
  CHECK(opus.channels() == 2);
  CHECK(parse_rtpmap("0 PCMU/8000")->channels() == 1);
}

TEST_CASE("fmtp (RFC 8866 6.15)") {
  check_all(parse_fmtp, {"111 minptime=10;useinbandfec=1", "101 0-15"}, {"", "111", " "});
  const auto opus = parse_fmtp("111 minptime=10; useinbandfec=1;cbr").value();
  CHECK(opus.format == "111");
  CHECK(opus.parameter("UseInbandFec") == "1");
  CHECK(opus.parameter("cbr") == "");
  CHECK_FALSE(opus.parameter("stereo"));
}

TEST_CASE("ptime and maxptime (RFC 8866 6.4, 6.5)") {
  CHECK(parse_packet_time("20").value() == 20ms);
  CHECK(parse_packet_time(" 2.5 ").value() == 2500us);
  CHECK(parse_packet_time("60000").value() == 60s);
  for (const char* value : {"", "0", "0.0", "-1", "x", "1.x", "1.0001", "60001"}) {
    CAPTURE(value);
    CHECK(parse_packet_time(value).error() == Errc::bad_value);
  }
}

TEST_CASE("the direction is the media's own, else the session's, else both (RFC 8866 6.7)") {
  Session session;
  Media media;
  CHECK(direction_of(session, media) == Direction::sendrecv);
  session.attributes = {{"inactive", {}}};
  CHECK(direction_of(session, media) == Direction::inactive);
  media.attributes = {{"ptime", "20"}, {"recvonly", {}}};
  CHECK(direction_of(session, media) == Direction::recvonly);
}

TEST_CASE("crypto (RFC 4568 9.1, 9.2)") {
  check_all(parse_crypto,
            {"1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
             "2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;inline:"
             "QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 FEC_ORDER=FEC_SRTP",
             "1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj",
             "3 X inline:QUJj|1:4 -KDR=1 UNENCRYPTED_SRTCP", "3 X inline:QUJj|1048576"},
            {"", "1 X", "x X inline:QUJj", "1234567890 X inline:QUJj", "1 X inline:", "1 X inline:***",
             "1 X clear:QUJj", "1 X inline:QUJj|", "1 X inline:QUJj||", "1 X inline:QUJj|1:0",
             "1 X inline:QUJj|1:129", "1 X inline:QUJj|2^20|1:4|9", "1 X inline:QUJj|x:4"});
  const auto crypto = parse_crypto("3 X inline:QUJj|2^20|7:4 -KDR=1").value();
  CHECK(crypto.keys.at(0) == Crypto::Key{{'A', 'B', 'c'}, "2^20", 7, 4});
  CHECK(crypto.parameters == std::vector<std::string>{"-KDR=1"});
}

TEST_CASE("fingerprint (RFC 8122 5) and setup (RFC 4145 4)") {
  check_all(
      parse_fingerprint,
      {"sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB", "x-hash 00:FF"},
      {"", "sha-1", "sha-1 4A:AD", "sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
       "x 4", "x 4A:", "x 4A:GG", "x 4A:-1"});
  CHECK(parse_fingerprint("X 0a:fF").value() == Fingerprint{"x", {0x0a, 0xff}});
  for (const Setup setup : {Setup::active, Setup::passive, Setup::actpass, Setup::holdconn})
    CHECK(parse_setup(to_string(setup)).value() == setup);
  CHECK(parse_setup("ACTPASS").value() == Setup::actpass);
  CHECK(parse_setup("both").error() == Errc::bad_value);
}

TEST_CASE("candidates (RFC 8839 5.1)") {
  check_all(parse_candidate,
            {"1 1 UDP 2130706431 203.0.113.141 8998 typ host",
             "2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
             "a+/ 256 tcp 1 2001:db8::1 9 typ host tcptype active generation 0",
             "1 1 udp 1 x.local 1 typ relay raddr 0.0.0.0 rport 0 foo bar"},
            {"", "1 1 UDP 1 h 1 typ", "1 0 UDP 1 h 1 typ host", "1 257 UDP 1 h 1 typ host",
             "- 1 UDP 1 h 1 typ host", "1 1 UDP 4294967296 h 1 typ host", "1 1 UDP 1 h 65536 typ host",
             "1 1 UDP 1 h 1 type host", "1 1 UDP 1 h 1 typ srflx raddr h rport 65536"});
  const auto candidate = parse_candidate("2 1 UDP 9 h 5 typ srflx raddr r rport 8 x y").value();
  CHECK(candidate.related_address == "r");
  CHECK(candidate.related_port == 8);
  CHECK(candidate.extensions == "x y");
}

TEST_CASE("ICE credentials have the lengths and characters of RFC 8839 5.4") {
  CHECK(is_ice_ufrag("8hhY"));
  CHECK_FALSE(is_ice_ufrag("8hh"));
  CHECK_FALSE(is_ice_ufrag("8h-Y"));
  CHECK(is_ice_password("asd88fgpdd777uzjYhagZg"));
  CHECK_FALSE(is_ice_password("asd88fgpdd777uzjYhagZ"));
  CHECK(is_ice_password(std::string(256, 'a')));
  CHECK_FALSE(is_ice_password(std::string(257, 'a')));
}

TEST_CASE("groups name media by their mid (RFC 5888)") {
  check_all(parse_group, {"BUNDLE audio video", "LS 1 2", "BUNDLE"}, {"", "LS a:b"});
  Session session;
  session.media.resize(2);
  session.media[1].attributes = {{"mid", "video"}};
  CHECK(find_mid(session, "video") == &session.media[1]);
  CHECK(find_mid(session, "audio") == nullptr);
}

TEST_CASE("rtcp (RFC 3605 2.1) and ssrc (RFC 5576 4.1)") {
  check_all(parse_rtcp, {"53020", "53020 IN IP4 126.16.64.4", "53020 IN IP6 2001:db8::1"},
            {"", "x", "65536", "53020 IN", "53020 IN IP4 h x"});
  check_all(parse_ssrc, {"314159 cname:user@example.com", "4294967295 x", "1 msid:a b"},
            {"", "1", "x cname:y", "4294967296 x", "1 :x"});
}
