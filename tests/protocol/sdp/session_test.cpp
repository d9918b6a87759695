#include "protocol/sdp/session.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::sdp;

namespace {

/// With \n for CRLF.
std::string crlf(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  return text;
}

const std::string head = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n";

ErrorCode error_of(const std::string& text, const Limits& limits = {}) {
  const auto session = parse(text, limits);
  return session ? ErrorCode() : session.error();
}

}  // namespace

TEST_CASE("every line of RFC 8866 5 is read, and printed in its order") {
  const std::string text = crlf(R"(v=0
o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
s=Call to John Smith
i=SDP Offer #1
u=http://www.jdoe.example.com/home.html
e=Jane Doe <jane@jdoe.example.com>
p=+1 617 555-6011
c=IN IP4 198.51.100.1
b=X-YZ:128
t=3724394400 3724398000
r=7d 1h 0 25h
t=0 0
z=2882844526 -1h 2898848070 0
a=recvonly
m=audio 49170 RTP/AVP 0 96
i=the voice
c=IN IP4 224.2.1.1/127/3
c=IN IP6 FF15::101/3
b=AS:64
a=rtpmap:96 opus/48000/2
a=sendonly
m=video 49170/2 RTP/AVP 31
)");
  const auto session = parse(text);
  REQUIRE(session.has_value());
  CHECK(session->origin == Origin{"jdoe", "3724394400", "3724394405", "IN", "IP4", "198.51.100.1"});
  CHECK(session->name == "Call to John Smith");
  CHECK(session->information == "SDP Offer #1");
  CHECK(session->uri == "http://www.jdoe.example.com/home.html");
  CHECK(session->emails == std::vector<std::string>{"Jane Doe <jane@jdoe.example.com>"});
  CHECK(session->phones == std::vector<std::string>{"+1 617 555-6011"});
  CHECK(session->bandwidths == std::vector<Bandwidth>{{"X-YZ", 128}});
  CHECK(session->timings == std::vector<Timing>{{3724394400, 3724398000, {"7d 1h 0 25h"}}, {0, 0, {}}});
  CHECK(session->zones == "2882844526 -1h 2898848070 0");
  CHECK(session->attributes == Attributes{{"recvonly", {}}});
  REQUIRE(session->media.size() == 2);
  const Media& audio = session->media[0];
  CHECK(audio.kind == "audio");
  CHECK(audio.port == 49170);
  CHECK(audio.protocol == "RTP/AVP");
  CHECK(audio.formats == std::vector<std::string>{"0", "96"});
  CHECK(audio.information == "the voice");
  CHECK(audio.connections ==
        std::vector<Connection>{{"IN", "IP4", "224.2.1.1", 127, 3}, {"IN", "IP6", "FF15::101", {}, 3}});
  CHECK(audio.attributes == Attributes{{"rtpmap", "96 opus/48000/2"}, {"sendonly", {}}});
  CHECK(session->media[1].ports == 2);
  CHECK(connection_of(*session, audio)->address == "224.2.1.1");
  CHECK(connection_of(*session, session->media[1])->address == "198.51.100.1");
  CHECK(print(*session) == text);
}

TEST_CASE("deviations of real peers from RFC 8866 are read") {
  struct Row {
    std::string text;
    std::string_view printed;
  };
  const Row rows[] = {
      {"v=0\no=- 1 1 IN IP4 h\n", "v=0\no=- 1 1 IN IP4 h\ns=-\nt=0 0\n"},  // RFC 5888, 5763: no s=, no t=
      {"v=0\no=- 1 1 IN IP4 h\ns= \nt=0 0\nc=IN IP4 h\n",
       "v=0\no=- 1 1 IN IP4 h\ns= \nc=IN IP4 h\nt=0 0\n"},  // order
      {head + "m=audio  9 RTP/AVP 0 \na=sendrecv \n\n\n",
       "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 9 RTP/AVP 0\na=sendrecv\n"},
      {head + "k=clear:secret\nm=audio 9 RTP/AVP 0\nk=prompt\n",
       "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 9 RTP/AVP 0\n"},  // 5.12
      {head + "a=x:\na=y: :1\n", "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\na=x:\na=y::1\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto session = parse(row.text);
    REQUIRE(session.has_value());
    CHECK(print(*session) == crlf(std::string(row.printed)));
  }
}

TEST_CASE("an unreadable description is refused with its reason") {
  struct Row {
    std::string text;
    Errc error;
  };
  const Row rows[] = {
      {"", Errc::bad_line},
      {"\n", Errc::bad_line},
      {"o=- 1 1 IN IP4 h\nv=0\n", Errc::misplaced_line},
      {"v=0\nv=0\n", Errc::duplicate_line},
      {"v=1\n", Errc::bad_version},
      {"v=0\ns=-\nt=0 0\n", Errc::missing_origin},
      {"v=0\no=- 1 1 IN IP4\n", Errc::bad_origin},
      {"v=0\no=- 1 1 IN IP4 h x\n", Errc::bad_origin},
      {"v=0\no=- a 1 IN IP4 h\n", Errc::bad_origin},
      {"v=0\no=- 1 -1 IN IP4 h\n", Errc::bad_origin},
      {head + "o=- 1 1 IN IP4 h\n", Errc::duplicate_line},
      {head + "s=again\n", Errc::duplicate_line},
      {head + "\na=x\n", Errc::bad_line},
      {head + "a\n", Errc::bad_line},
      {head + "a x\n", Errc::bad_line},
      {head + std::string("a=x\0y\n", 6), Errc::bad_line},
      {head + "a=x\ry\n", Errc::bad_line},
      {head + "x=1\n", Errc::unknown_type},
      {head + "A=1\n", Errc::unknown_type},
      {head + "a=\n", Errc::bad_attribute},
      {head + "a=:x\n", Errc::bad_attribute},
      {head + "a=x y:z\n", Errc::bad_attribute},
      {head + "c=IN IP4\n", Errc::bad_connection},
      {head + "c=IN IP4 224.0.0.1/256\n", Errc::bad_connection},
      {head + "c=IN IP4 224.0.0.1/1/0\n", Errc::bad_connection},
      {head + "c=IN IP4 224.0.0.1/\n", Errc::bad_connection},
      {head + "c=IN IP4 224.0.0.1/1/2/3\n", Errc::bad_connection},
      {head + "c=IN IP4 224.0.0.1//3\n", Errc::bad_connection},
      {head + "c=IN IP6 FF15::1//3\n", Errc::bad_connection},
      {head + "c=IN IP6 FF15::1/1/2\n", Errc::bad_connection},
      {head + "c=IN IP4 /1\n", Errc::bad_connection},
      {head + "b=AS\n", Errc::bad_bandwidth},
      {head + "b=AS:x\n", Errc::bad_bandwidth},
      {head + "b=:1\n", Errc::bad_bandwidth},
      {"v=0\nt=0\n", Errc::bad_time},
      {"v=0\nt=0 x\n", Errc::bad_time},
      {"v=0\nr=1 2 3\n", Errc::bad_time},
      {head + "m=audio 9 RTP/AVP\n", Errc::bad_media},
      {head + "m=audio 65536 RTP/AVP 0\n", Errc::bad_media},
      {head + "m=audio 9/0 RTP/AVP 0\n", Errc::bad_media},
      {head + "m=audio 9/ RTP/AVP 0\n", Errc::bad_media},
      {head + "m=au:dio 9 RTP/AVP 0\n", Errc::bad_media},
      {head + "m=audio 9 RTP/AVP 0\nt=0 0\n", Errc::misplaced_line},
      {head + "m=audio 9 RTP/AVP 0\ni=a\ni=b\n", Errc::duplicate_line},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(error_of(row.text) == row.error);
    CHECK(row.error != error_of(head));
  }
}

TEST_CASE("limits hold at the limit and one past it") {
  const std::string media = "m=audio 9 RTP/AVP 0 1\n";
  const std::string two = head + media + media;
  CHECK_FALSE(error_of(two, {.size = two.size(), .lines = 6, .media = 2, .formats = 2}));
  CHECK(error_of(two, {.size = two.size() - 1}) == Errc::too_long);
  CHECK(error_of(two, {.lines = 5}) == Errc::too_many_lines);
  CHECK(error_of(two, {.media = 1}) == Errc::too_many_media);
  CHECK(error_of(two, {.formats = 1}) == Errc::too_many_formats);
}

TEST_CASE("every cut of a description is read or refused") {
  const std::string text =
      crlf(head + "m=audio 9 RTP/AVP 0\na=rtpmap:0 PCMU/8000\nc=IN IP4 224.2.1.1/127/3\n");
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto session = parse(text.substr(0, size));
    CAPTURE(size);
    if (session) CHECK(print(*parse(print(*session))) == print(*session));
    CHECK((session.has_value() || size < text.size()));
  }
}

TEST_CASE("a new session is a valid description") {
  CHECK(print(Session{}) == crlf("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nt=0 0\n"));
}
