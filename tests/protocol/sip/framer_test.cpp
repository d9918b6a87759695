#include "protocol/sip/framer.hpp"

#include <doctest/doctest.h>

#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::sip;

namespace {

using Kind = Framer::Item::Kind;

const std::string stream =
    "OPTIONS sip:a@b SIP/2.0\r\nSubject: one\r\nContent-Length: 4\r\n\r\nb\r\n\r"
    "SIP/2.0 200 OK\r\nSubject: two\r\n\r\n"
    "\r\n\r\n"
    "MESSAGE sip:a@b SIP/2.0\r\nSubject: a\r\n fold\r\nl:\r\n 2\r\n\r\n\r\n"
    "\r\n"
    "MESSAGE sip:a@b SIP/2.0\nl: 3\n\nxyz"
    "\r\n\r\n\r\n";

/// One letter per item: m with the message's text, i for ping, o for pong; ! for an error.
std::string drain(Framer& framer) {
  std::string out;
  while (true) {
    const auto item = framer.next();
    if (!item) return out + "!";
    if (!*item) return out;
    switch ((*item)->kind) {
      case Kind::ping:
        out += "i|";
        break;
      case Kind::pong:
        out += "o|";
        break;
      case Kind::message:
        out.append("m").append((*item)->message->text()).append("|");
        break;
    }
  }
}

std::string read_in_pieces(const std::vector<std::string_view>& pieces) {
  Framer framer;
  std::string out;
  for (const auto piece : pieces) {
    framer.push(piece);
    out += drain(framer);
  }
  return out;
}

ErrorCode error_of(Framer& framer) {
  const auto item = framer.next();
  REQUIRE_FALSE(item.has_value());
  return item.error();
}

}  // namespace

TEST_CASE("messages, pings and pongs come out in order (RFC 3261 18.3, RFC 5626 4.4.1)") {
  CHECK(read_in_pieces({stream}) ==
        "mOPTIONS sip:a@b SIP/2.0\r\nSubject: one\r\nContent-Length: 4\r\n\r\nb\r\n\r|"
        "mSIP/2.0 200 OK\r\nSubject: two\r\n\r\n|"
        "o|i|"
        "mMESSAGE sip:a@b SIP/2.0\r\nSubject: a   fold\r\nl:   2\r\n\r\n\r\n|"
        "o|"
        "mMESSAGE sip:a@b SIP/2.0\nl: 3\n\nxyz|"
        "o|i|o|");
}

TEST_CASE("every split of a stream gives the same items") {
  const std::string_view all = stream;
  const auto whole = read_in_pieces({all});
  for (std::size_t first = 0; first <= all.size(); ++first) {
    CAPTURE(first);
    CHECK(read_in_pieces({all.substr(0, first), all.substr(first)}) == whole);
  }
  for (std::size_t first = 0; first <= all.size(); first += 3) {
    for (std::size_t second = first; second <= all.size(); second += 2) {
      CAPTURE(first);
      CAPTURE(second);
      REQUIRE(read_in_pieces({all.substr(0, first), all.substr(first, second - first), all.substr(second)}) ==
              whole);
    }
  }
  std::vector<std::string_view> octets;
  for (std::size_t i = 0; i < all.size(); ++i) octets.push_back(all.substr(i, 1));
  CHECK(read_in_pieces(octets) == whole);
}

TEST_CASE("every cut of a message waits for the rest") {
  const std::string_view message = "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 4\r\n\r\nbody";
  for (std::size_t size = 0; size < message.size(); ++size) {
    CAPTURE(size);
    CHECK(read_in_pieces({message.substr(0, size)}) == "");
  }
}

TEST_CASE("what a large message took is freed, also where the next one has begun") {
  const std::string large =
      "MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 500000\r\n\r\n" + std::string(500000, 'x');
  const std::string small = "MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n";
  Framer framer;
  std::string sent = large + small.substr(0, 1);
  for (int i = 0; i < 10; ++i) {
    framer.push(sent);
    auto item = framer.next();
    while (item && *item) item = framer.next();
    REQUIRE(item.has_value());
    CHECK(framer.held() == 1);
    CHECK(framer.capacity() < 10000);
    sent = small.substr(1) + small.substr(0, 1);
  }
}

TEST_CASE("an error ends the stream and keeps what it is about") {
  Framer framer;
  SUBCASE("Content-Length is no number") {
    framer.push("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n");
    CHECK(error_of(framer) == Errc::bad_length);
    CHECK(framer.refused()->starts_with("OPTIONS"));
  }
  SUBCASE("two Content-Lengths differ (RFC 4475 3.3.9)") {
    framer.push("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 1\r\nl: 2\r\n\r\nxx");
    CHECK(error_of(framer) == Errc::bad_length);
  }
  SUBCASE("a header line is broken; what follows is not read") {
    framer.push("OPTIONS sip:a@b SIP/2.0\r\nbroken\r\n\r\nOPTIONS sip:a@b SIP/2.0\r\n\r\n");
    CHECK(error_of(framer) == Errc::bad_header);
    CHECK(*framer.refused() == "OPTIONS sip:a@b SIP/2.0\r\nbroken\r\n\r\n");
  }
  SUBCASE("another protocol") {
    framer.push("GET / HTTP/1.1\r\n\r\n");
    CHECK(error_of(framer) == Errc::bad_start_line);
  }
  const auto again = framer.next();
  CHECK(again.has_error());
  framer.push("OPTIONS sip:a@b SIP/2.0\r\n\r\n");
  CHECK(framer.next().has_error());
}

TEST_CASE("limits: a message of the most octets passes, a longer one ends the stream") {
  const std::string message = "OPTIONS sip:a@b SIP/2.0\r\nl: 10\r\n\r\n0123456789";
  Framer fits({.message = message.size()});
  fits.push(message);
  CHECK(drain(fits).size() == message.size() + 2);
  Framer body_too_long({.message = message.size() - 1});
  body_too_long.push(message);
  CHECK(error_of(body_too_long) == Errc::too_long);
  Framer endless_head({.message = 100});
  for (int i = 0; i < 12; ++i) endless_head.push("12345678");
  CHECK(drain(endless_head) == "");
  endless_head.push("12345678");
  CHECK(error_of(endless_head) == Errc::too_long);
  Framer huge;
  huge.push("OPTIONS sip:a@b SIP/2.0\r\nl: 18446744073709551615\r\n\r\n");
  CHECK(error_of(huge) == Errc::too_long);
}
