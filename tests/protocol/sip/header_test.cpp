#include "protocol/sip/header.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"
#include "protocol/sip/value_list.hpp"

using namespace beckon;
using namespace beckon::sip;

TEST_CASE("every header name is known in any case, and no other") {
  for (int i = 1; i <= static_cast<int>(HeaderId::direct_session); ++i) {
    const auto id = static_cast<HeaderId>(i);
    const std::string name(to_string(id));
    CAPTURE(name);
    CHECK(parse_header_name(name) == id);
    CHECK(parse_header_name(to_lower(name)) == id);
    CHECK(parse_header_name(to_upper(name)) == id);
    CHECK(parse_header_name(name + "x") == HeaderId::other);
  }
  CHECK(parse_header_name("") == HeaderId::other);
  CHECK(parse_header_name("X-Mood") == HeaderId::other);
  CHECK(parse_header_name("z") == HeaderId::other);
}

TEST_CASE("any octet of a name changed, but for its case, makes it another name") {
  for (int i = 1; i <= static_cast<int>(HeaderId::direct_session); ++i) {
    const std::string name(to_string(static_cast<HeaderId>(i)));
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string other = name;
        other[at] = static_cast<char>(octet);
        if (iequals(other, name) != (parse_header_name(other) == static_cast<HeaderId>(i))) {
          CAPTURE(name);
          CAPTURE(octet);
          FAIL_CHECK("taken for the other");
        }
      }
    }
  }
}

TEST_CASE("compact forms (RFC 3261 7.3.3, RFC 3515, 3892, 4028, 6665)") {
  struct Row {
    const char* name;
    HeaderId id;
  };
  for (const Row& row :
       {Row{"i", HeaderId::call_id}, Row{"m", HeaderId::contact}, Row{"e", HeaderId::content_encoding},
        Row{"l", HeaderId::content_length}, Row{"c", HeaderId::content_type}, Row{"f", HeaderId::from},
        Row{"s", HeaderId::subject}, Row{"k", HeaderId::supported}, Row{"t", HeaderId::to},
        Row{"v", HeaderId::via}, Row{"V", HeaderId::via}, Row{"o", HeaderId::event},
        Row{"u", HeaderId::allow_events}, Row{"r", HeaderId::refer_to}, Row{"b", HeaderId::referred_by},
        Row{"x", HeaderId::session_expires}}) {
    CAPTURE(row.name);
    CHECK(parse_header_name(row.name) == row.id);
  }
}

TEST_CASE("Via is read with all the blanks the grammar allows (RFC 3261 20.42)") {
  const auto via =
      parse_via(" SIP  / 2.0  / tcp     Spindle.example.com : 5070 ;  branch  =   z9hG4bK9ikj8 ; rport");
  REQUIRE(via.has_value());
  CHECK(via->transport == "TCP");
  CHECK(via->host == "spindle.example.com");
  CHECK(via->port == 5070);
  CHECK(via->branch() == "z9hG4bK9ikj8");
  const auto v6 = parse_via("SIP/2.0/UDP [2001:DB8::9:1]:6050;received=[2001:db8::9:255];branch=z9hG4bKas3");
  REQUIRE(v6.has_value());
  CHECK(v6->host == "2001:db8::9:1");
  CHECK(v6->port == 6050);
  CHECK(print(*v6) == "SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=z9hG4bKas3");
  CHECK(parse_via("SIP/2.0/UDP h;received=2001:db8::1")->parameters == ";received=2001:db8::1");
}

TEST_CASE("a broken Via is refused") {
  for (const char* text :
       {"", "SIP/2.0/UDP", "SIP/2.0 UDP host", "SIP/3.0/UDP host", "HTTP/2.0/UDP host", "SIP/2.0/U DP host",
        "SIP/2.0/UDP ", "SIP/2.0/UDP host:", "SIP/2.0/UDP host:99999", "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP [x]:1", "SIP/2.0/UDP host;;", "SIP/2.0/UDP host;branch=", "SIP/2.0/UDP host;a=\"x",
        "SIP/2.0/UDP ho st", "SIP/2.0/UDP ;branch=x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_via(text).has_value());
  }
}

TEST_CASE("a name-addr keeps name, URI and header parameters apart (RFC 3261 20.10)") {
  const auto quoted =
      parse_name_addr("\"A. \\\"Bell\\\" <x>, sr\" <sip:bell@example.org;lr>;tag=17; +x=\"a;b\"");
  REQUIRE(quoted.has_value());
  CHECK(quoted->display_name == "A. \"Bell\" <x>, sr");
  CHECK(quoted->uri.parameters == ";lr");
  CHECK(quoted->tag() == "17");
  CHECK(quoted->parameter("+X") == "a;b");

  SUBCASE("tokens need no quotes and no blank in front of the bracket (RFC 4475 3.1.1.6)") {
    const auto tokens = parse_name_addr("caller one<sip:caller@example.com>;tag=323");
    REQUIRE(tokens.has_value());
    CHECK(tokens->display_name == "caller one");
    CHECK(tokens->tag() == "323");
  }
  SUBCASE("without brackets parameters are the header's") {
    const auto bare = parse_name_addr("sip:alice@example.org;tag=88;transport=tcp");
    REQUIRE(bare.has_value());
    CHECK(bare->uri.parameters.empty());
    CHECK(bare->tag() == "88");
    CHECK(bare->parameter("transport") == "tcp");
  }
  SUBCASE("UTF-8, quoted or not, is kept") {
    CHECK(parse_name_addr("\"J\xC3\xA4s\" <sip:j@example.org>")->display_name == "J\xC3\xA4s");
    CHECK(parse_name_addr("J\xC3\xA4s <sip:j@example.org>")->display_name == "J\xC3\xA4s");
  }
}

TEST_CASE("a broken name-addr is refused") {
  for (const char* text :
       {"", "<>", "<sip:a@b", "sip:a@b>", "\"Mr. J. User <sip:j.user@example.com>", "< sip:a@b>",
        "<sip:a@b >", "Bell, Alexander <sip:a@b>", "<sip:a@b> x", "<sip:a@b>;;",
        "<sip:a@b>;tag=", "<sip:a@b>;tag=a b", "<sip:a@b>;=x", "sip:a@b?Route=%3Csip:x%3E", "sip:a@b,sip:c@d",
        "\"a\" b <sip:a@b>", "a\"b\" <sip:a@b>"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_name_addr(text).has_value());
  }
}

TEST_CASE("a printed name-addr is read back the same") {
  for (const char* name : {"", "Alice", "Alice Smith", "say \"hi\" \\o/", "a,b;c<d>", "\xC3\xA4"}) {
    CAPTURE(name);
    NameAddr address;
    address.display_name = name;
    address.uri = *parse_uri("sip:a@b;lr");
    address.parameters = ";tag=1";
    const auto again = parse_name_addr(print(address));
    REQUIRE(again.has_value());
    CHECK(again->display_name == name);
    CHECK(print(again->uri) == "sip:a@b;lr");
    CHECK(again->tag() == "1");
  }
}

TEST_CASE("a line end in a display name cannot leave its line") {
  NameAddr address;
  address.display_name = "a\r\nVia: x";
  address.uri = *parse_uri("sip:a@b");
  CHECK(print(address) == "\"a  Via: x\" <sip:a@b>");
}

TEST_CASE("CSeq is a number below 2^31 and a method (RFC 3261 8.1.1.5)") {
  const auto cseq = parse_cseq("0009 \t INVITE");
  REQUIRE(cseq.has_value());
  CHECK(cseq->number == 9);
  CHECK(cseq->method == "INVITE");
  CHECK(parse_cseq("2147483647 ACK").has_value());
  for (const char* text : {"2147483648 ACK", "36893488147419103232 REGISTER", "1", "INVITE", "-1 INVITE",
                           "1 IN VITE", "1 INVITE;", "1INVITE", ""}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cseq(text).has_value());
  }
}

TEST_CASE("Event has a package and perhaps an id (RFC 6665 8.2.1)") {
  const auto event = parse_event("presence.winfo ; id=7;x");
  REQUIRE(event.has_value());
  CHECK(event->package == "presence.winfo");
  CHECK(event->id == "7");
  CHECK_FALSE(parse_event("pres ence").has_value());
  CHECK_FALSE(parse_event("").has_value());
}

TEST_CASE("Subscription-State (RFC 6665 8.2.3)") {
  const auto state =
      parse_subscription_state("Terminated;reason=rejected;retry-after=10;expires=99999999999");
  REQUIRE(state.has_value());
  CHECK(state->state == "terminated");
  CHECK(state->reason == "rejected");
  CHECK(state->retry_after == 10);
  CHECK(state->expires == 0xffffffff);
  CHECK(print(SubscriptionState{"active", "", 60, {}}) == "active;expires=60");
  CHECK(print(SubscriptionState{"terminated", "timeout", {}, 5}) ==
        "terminated;reason=timeout;retry-after=5");
  CHECK_FALSE(parse_subscription_state(";x").has_value());
}

TEST_CASE("max-rate, min-rate and adaptive-min-rate of Event and Subscription-State (RFC 6446 9.2)") {
  const auto event = parse_event("presence;max-rate=0.05;Min-Rate=1;adaptive-min-rate=99.9999999999");
  REQUIRE(event.has_value());
  CHECK(event->rates == Rates{500'000'000, Rates::per_second, 999'999'999'999});
  CHECK(print(event->rates) == ";max-rate=0.05;min-rate=1;adaptive-min-rate=99.9999999999");
  const auto state = parse_subscription_state("active;expires=60;max-rate=0.0000000001");
  REQUIRE(state.has_value());
  CHECK(state->rates == Rates{1, 0, 0});
  CHECK(print(*state) == "active;expires=60;max-rate=0.0000000001");

  SUBCASE("a value that is none is as good as absent; zero is none (RFC 6446 5.1)") {
    for (const char* text :
         {"0", "00.0", "", ".5", "5.", "100", "1.00000000001", "-1", "+1", "1e3", "0x1", "1.2.3"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_rate(text).has_value());
      CHECK(find_rates(";max-rate=" + std::string(text)).empty());
    }
  }
  SUBCASE("what is printed reads back") {
    for (const std::uint64_t rate : {1ULL, 10ULL, 9'999'999'999ULL, 10'000'000'000ULL, 990'000'000'000ULL})
      CHECK(parse_rate(print_rate(rate)) == rate);
  }
}

TEST_CASE("delta-seconds stop at 2^32-1 and are digits only") {
  CHECK(parse_delta_seconds("3600") == 3600);
  CHECK(parse_delta_seconds("4294967296") == 0xffffffff);
  CHECK(parse_delta_seconds("100000000000000000000000000") == 0xffffffff);
  for (const char* text : {"", "-1", "1.5", "1 0", "+1", "0x1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_delta_seconds(text));
  }
}

TEST_CASE("media types are compared in lower case without parameters") {
  CHECK(media_type("Application/PIDF+xml;charset=\"utf-8\"") == "application/pidf+xml");
  CHECK(media_type("text / plain") == "text/plain");
  CHECK(media_type("text") == "");
  CHECK(media_type("text/") == "");
  CHECK(media_type("a b/c") == "");
}

TEST_CASE("values are split at commas outside quotes and brackets") {
  CHECK(split_values("a, \"b,c\" <sip:d,e@f>;x=\"g,\\\",\" ,h") ==
        std::vector<std::string_view>{"a", "\"b,c\" <sip:d,e@f>;x=\"g,\\\",\"", "h"});
  CHECK(split_values("").empty());
  CHECK(split_values(" , ,").empty());
}

TEST_CASE("a list of values is written with commas between them") {
  std::string list;
  for (const char* value : {"a", "\"b,c\" <sip:d,e@f>", "g"}) append_value(list, value);
  CHECK(list == "a, \"b,c\" <sip:d,e@f>, g");
  CHECK(split_values(list).size() == 3);
}
