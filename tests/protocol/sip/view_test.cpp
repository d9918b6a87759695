#include "protocol/sip/view.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::sip;

TEST_CASE("a view shows what was written, in the text itself") {
  const std::string text =
      "\"Al\\\"ice\" <SIPS:Alice:pw@EXAMPLE.org:5061;transport=TCP?Subject=x> ;tag=\"1\" ; q=0.5";
  const auto address = view_name_addr(text);
  REQUIRE(address.has_value());
  CHECK(address->display_name == "\"Al\\\"ice\"");
  CHECK(address->uri.scheme == "SIPS");
  CHECK(address->uri.user == "Alice");
  CHECK(address->uri.password == "pw");
  CHECK(address->uri.host == "EXAMPLE.org");
  CHECK(address->uri.port == 5061);
  CHECK(address->uri.parameter("TRANSPORT") == "TCP");
  CHECK(address->uri.headers == "Subject=x");
  CHECK(address->tag == "1");
  CHECK(address->parameter("q") == "0.5");
  CHECK(address->uri.user.data() == text.data() + text.find("Alice"));
}

TEST_CASE("branch and tag are those find_parameter finds") {
  for (const char* parameters : {"", ";tag", ";tag;tag=x", ";tag=x;tag=y", ";TAG = \"\" ;tag=x",
                                 "; tag = a ; b", ";x=\"tag=1\";tag=\"2\""}) {
    CAPTURE(parameters);
    const std::string text = std::string("<sip:a@b>") + parameters;
    const auto address = view_name_addr(text);
    REQUIRE(address.has_value());
    CHECK(address->tag == address->parameter("tag").value_or(""));
  }
  CHECK(view_via("SIP/2.0/UDP h ; branch=1;Branch=2")->branch == "1");
  CHECK(view_via("SIP/2.0/UDP h;rport")->branch == "");
}

TEST_CASE("a view is printed as its owner is") {
  for (const char* text :
       {"<sip:a@b>", "\"A, b\" <sip:a:p@[::1]:5060;lr?x=y>;tag=1", "Al <tel:+123>;x", "<sip:b>;tag=1;q"}) {
    CAPTURE(text);
    std::string out;
    append(out, view_name_addr(text).value());
    CHECK(out == text);
  }
  std::string out;
  append(out, view_via("SIP/2.0/TCP [::1]:5060 ;branch=z9hG4bK1;rport").value());
  CHECK(out == "SIP/2.0/TCP [::1]:5060;branch=z9hG4bK1;rport");
}

TEST_CASE("hosts are names, IPv4 addresses or bracketed IPv6 addresses (RFC 3261 25.1)") {
  for (const char* text :
       {"a", "a.", "a-b.c", "1a.b", "a_b", "1.2.3.4", "999.1.1.1", "[::1]", "a:1", "[::1]:65535"}) {
    CAPTURE(text);
    CHECK(view_host_port(text).has_value());
  }
  for (const char* text :
       {"",     ".",     "a..b",     "-a",        "a-",         "a.-b",   "a-.b",   "1",
        "a.1",  "1.2.3", "1.2.3.4.", "1.2.3.4.5", "1234.1.1.1", "1..2.3", ".1.2.3", "::1",
        "[::1", "[a]",   "[::1]x",   "a:",        "a:65536",    "a:1:2",  "a b",    "a%41"}) {
    CAPTURE(text);
    CHECK_FALSE(view_host_port(text).has_value());
  }
}
