#include "protocol/base/address.hpp"

#include <doctest/doctest.h>

using namespace beckon;

TEST_CASE("addresses of both families are read and printed") {
  for (const char* text : {"192.0.2.1:5060", "[2001:db8::10]:40000", "127.0.0.1:0"}) {
    CAPTURE(text);
    const auto address = parse_address(text);
    REQUIRE(address);
    CHECK(print(*address) == text);
  }
  for (const char* bad :
       {"", "192.0.2.1", "192.0.2.256:1", "2001:db8::1:5060", "host:5060", "192.0.2.1:65536", "[::1]"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_address(bad));
  }
}

TEST_CASE("loopback, unspecified and multicast addresses are distinguished") {
  CHECK(parse_ip("127.3.2.1")->is_loopback());
  CHECK(parse_ip("::1")->is_loopback());
  CHECK_FALSE(parse_ip("::2")->is_loopback());
  CHECK(parse_ip("0.0.0.0")->is_unspecified());
  using namespace std::string_view_literals;
  CHECK_FALSE(parse_ip("::\0 and more"sv));
  CHECK_FALSE(parse_ip("192.0.2.1\0"sv));
  CHECK(parse_ip("224.0.1.75")->is_multicast());
  CHECK(parse_ip("ff02::1")->is_multicast());
  CHECK(parse_ip("::ffff:127.0.0.1")->is_loopback());
  CHECK(parse_ip("::ffff:0.0.0.0")->is_unspecified());
  CHECK(parse_ip("::ffff:224.0.0.1")->is_multicast());
  CHECK_FALSE(parse_ip("::fffe:224.0.0.1")->is_multicast());
}
