#include "protocol/sip/tel.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::sip;

namespace {

TelNumber number(std::string_view text) {
  CAPTURE(text);
  const auto parsed = parse_tel(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_CASE("a global number keeps its digits without separators (RFC 3966 3, 5.1)") {
  const auto global = number("+358-(0)5.55-1234567;isub=12345;ext=9-9;postd=pp22;a");
  CHECK(global.is_global);
  CHECK(global.digits ==
        "3580555"
        "1234567");
  CHECK(global.extension == "9-9");
  CHECK(global.isdn_subaddress == "12345");
  CHECK(global.context.empty());
  CHECK(global.parameters == ";a;postd=pp22");
  CHECK(print(global) == "+35805551234567;ext=9-9;isub=12345;a;postd=pp22");
}

TEST_CASE("a local number has a context (RFC 3966 5.1.5)") {
  const auto local = number("863-1234;phone-context=+1-914-555");
  CHECK_FALSE(local.is_global);
  CHECK(local.digits == "8631234");
  CHECK(local.context == "+1-914-555");
  CHECK(print(local) == "8631234;phone-context=+1-914-555");
  CHECK(number("*67%2300;phone-context=a.example.").digits == "*67#00");
  CHECK(print(number("*67%2300;phone-context=a.example.")) == "*67%2300;phone-context=a.example.");
  CHECK(number("0aF;phone-context=x").digits == "0AF");
}

TEST_CASE("the examples of RFC 3966 6, 5.1.5 and 3 are read, and print what equals them") {
  for (const char* text :
       {"+1-201-555-0123", "7042;phone-context=example.com", "863-1234;phone-context=+1-914-555",
        "+358-555-1234567;phone-context=example.com", "911;phone-context=+1", "+44-20-7946-0123;ext=42",
        "+1-212-555-0101;cic=+1-6789", "1234;isub=a:b/c;phone-context=+7;m-x=1"}) {
    CAPTURE(text);
    if (std::string_view(text).find("1234567;phone-context") != std::string_view::npos) {
      CHECK_FALSE(parse_tel(text).has_value());  // A global number has no context.
      continue;
    }
    const auto read = number(text);
    CHECK(equivalent(read, number(print(read))));
  }
}

TEST_CASE("text that is not a number is refused (RFC 3966 3)") {
  for (const char* text : {"",
                           "+",
                           "+-",
                           "+1x",
                           "1234",
                           "abc",
                           "911;phone-context=",
                           "911;phone-context=1",
                           "911;phone-context=-a",
                           "911;phone-context=a;phone-context=b",
                           "+1;ext=a",
                           "+1;ext=",
                           "+1;",
                           "+1;;a",
                           "+1;isub=",
                           "+1;a_b=c",
                           "+1;a=\"b\"",
                           "+1;ext=1;ext=1",
                           "++1",
                           "+1 2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_tel(text).has_value());
  }
}

TEST_CASE("equal numbers (RFC 3966 4)") {
  struct Row {
    const char* a;
    const char* b;
    bool same;
  };
  for (const Row& row : {
           Row{"tel:+1-201-555-0123", "tel:+1(201)5550.123", true},
           Row{"tel:+12015550123", "TEL:+12015550123", true},
           Row{"tel:+1;ext=4-2", "tel:+1;ext=42", true},
           Row{"tel:+1;ext=42", "tel:+1", false},
           Row{"tel:+1;isub=A1;ext=4", "tel:+1;ext=4;isub=a1", true},
           Row{"tel:+1;a=B;c", "tel:+1;C;A=b", true},
           Row{"tel:+1;a=b", "tel:+1", false},
           Row{"tel:+1;a=b", "tel:+1;a=c", false},
           Row{"tel:+1", "tel:1;phone-context=+1", false},
           Row{"tel:7042;phone-context=Example.com", "tel:7-042;phone-context=example.com.", true},
           Row{"tel:7042;phone-context=example.com", "tel:7042;phone-context=example.org", false},
           Row{"tel:7042;phone-context=+1-914", "tel:7042;phone-context=+1.914", true},
           Row{"tel:af;phone-context=x", "tel:AF;phone-context=x", true},
           Row{"tel:911", "tel:9-11", false},
           Row{"tel:911", "tel:911", true},
       }) {
    CAPTURE(row.a);
    CAPTURE(row.b);
    const auto a = parse_uri(row.a), b = parse_uri(row.b);
    REQUIRE(a.has_value());
    REQUIRE(b.has_value());
    CHECK(equivalent(*a, *b) == row.same);
    CHECK(equivalent(*b, *a) == row.same);
  }
}

TEST_CASE("a SIP URI with user=phone holds a number too (RFC 3261 19.1.6)") {
  CHECK(tel_of(*parse_uri("sip:+1-212-555-1212:1234@gateway.com;user=phone"))->digits == "12125551212");
  CHECK(tel_of(*parse_uri("sip:7042;phone-context=a.b@gateway.com;user=PHONE"))->context == "a.b");
  CHECK(tel_of(*parse_uri("tel:+1"))->digits == "1");
  CHECK_FALSE(tel_of(*parse_uri("sip:+1@gateway.com")));
  CHECK_FALSE(tel_of(*parse_uri("sip:bob@gateway.com;user=phone")));
  CHECK_FALSE(tel_of(*parse_uri("pres:+1@b")));
}
