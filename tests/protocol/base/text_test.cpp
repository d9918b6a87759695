#include "protocol/base/text.hpp"

#include <doctest/doctest.h>

#include "protocol/base/random.hpp"

using namespace beckon;

TEST_CASE("a number is read only if it fills the whole text") {
  CHECK(parse_number<std::uint16_t>("65535") == 65535);
  CHECK_FALSE(parse_number<std::uint16_t>("65536"));
  CHECK_FALSE(parse_number<int>(""));
  CHECK_FALSE(parse_number<int>("12x"));
  CHECK_FALSE(parse_number<int>(" 1"));
}

TEST_CASE("split and cut return trimmed pieces") {
  CHECK(split("a, b ,c", ',') == std::vector<std::string_view>{"a", "b", "c"});
  CHECK(split("", ',').empty());
  CHECK(cut("a=b=c", '=') == std::pair<std::string_view, std::string_view>("a", "b=c"));
  CHECK(cut("abc", '=') == std::pair<std::string_view, std::string_view>("abc", ""));
}

TEST_CASE("base64: the vectors of RFC 4648 10, and what is not canonical is refused") {
  struct Row {
    const char* plain;
    const char* coded;
  };
  for (const Row& row : {Row{"", ""}, Row{"f", "Zg=="}, Row{"fo", "Zm8="}, Row{"foo", "Zm9v"},
                         Row{"foob", "Zm9vYg=="}, Row{"fooba", "Zm9vYmE="}, Row{"foobar", "Zm9vYmFy"}}) {
    CAPTURE(row.plain);
    CHECK(to_base64(as_bytes(row.plain)) == row.coded);
    const auto back = from_base64(row.coded);
    REQUIRE(back);
    CHECK(as_text(*back) == row.plain);
  }
  CHECK(from_base64("Zm9v\n Ymfy").has_value());
  for (const char* bad : {"Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Z!==", "===="}) {
    CAPTURE(bad);
    CHECK_FALSE(from_base64(bad));
  }
}

TEST_CASE("hexadecimal text is written and read, and odd lengths are refused") {
  SeededRandom random(1);
  const Bytes bytes = random.bytes(33);
  CHECK(from_hex(to_hex(bytes)) == bytes);
  CHECK_FALSE(from_hex("abc"));
  CHECK_FALSE(from_hex("zz"));
}

TEST_CASE("UTF-8: surrogates, overlong forms and cut sequences are refused (RFC 3629)") {
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* bad :
       {"\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "\xf0\x80\x80\x80"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("times are read with fractions and offsets and printed in UTC (RFC 3339)") {
  const auto time = parse_time("2026-11-21T04:00:00Z");
  REQUIRE(time);
  CHECK(print_time(*time) == "2026-11-21T04:00:00Z");
  CHECK(parse_time("2026-11-21T05:30:00+01:30") == time);
  CHECK(parse_time("2026-11-21T04:00:00.25Z") == *time + std::chrono::milliseconds(250));
  for (const char* bad : {"", "2026-11-21", "2026-13-21T04:00:00Z", "2026-11-21T24:00:00Z",
                          "2026-11-21T04:00:00", "2026-11-21T04:00:00.Z", "2026-11-21T04:00:00+1:00"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_time(bad));
  }
}

TEST_CASE("the domain of an address-of-record is its host, without the brackets of an IPv6 address") {
  CHECK(domain_of_aor("sip:alice@example.org") == "example.org");
  CHECK(domain_of_aor("sip:example.org") == "example.org");
  CHECK(domain_of_aor("sip:alice@[2001:db8::1]") == "2001:db8::1");
  CHECK(domain_of_aor("sip:[::1]") == "::1");
  CHECK(domain_of_aor("sip:alice@[") == "[");
  CHECK(domain_of_aor("alice").empty());
}
