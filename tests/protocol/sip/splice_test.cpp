#include <doctest/doctest.h>

#include "protocol/sip/builder.hpp"

using namespace beckon;
using namespace beckon::sip;

namespace {

const std::string head =
    "INVITE sip:bob@example.org SIP/2.0\r\n"
    "v: SIP/2.0/UDP a;branch=z9hG4bK1 , SIP/2.0/UDP b\r\n"
    "Via: SIP/2.0/UDP c\r\n"
    "x-FIRST :  kept   as it is \r\n"
    "Route: <sip:p1;lr>\r\n"
    "Route: <sip:p2;lr>,<sip:p3;lr>\r\n"
    "Max-Forwards: 70\r\n"
    "l: 3\r\n";

Message read(std::string text) {
  auto message = Message::parse(share(std::move(text)));
  REQUIRE(message.has_value());
  return *message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("without edits the message is unchanged, octet by octet") {
  const std::string text = head + "\r\na\0b";
  const Message message = read(head + std::string("\r\na\0b", 5));
  CHECK(Splice(message).finish() == message.text());
}

TEST_CASE("lines that end with LF alone are sent with CRLF") {
  const Message request =
      read("BYE sip:bob@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP a\nRoute: <sip:p;lr>\r\nX: 1\nl: 0\n\n");
  CHECK(Splice(request).drop_first(HeaderId::route).prepend(HeaderId::via, "SIP/2.0/UDP us").finish() ==
        "BYE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP us\r\nVia: SIP/2.0/UDP a\r\nX: 1\r\nl: 0\r\n\r\n");
  const Message response = read("SIP/2.0 200 OK\nVia: SIP/2.0/UDP us\nVia: SIP/2.0/UDP a\nl: 0\n\n");
  CHECK(Splice(response).drop_first(HeaderId::via).finish() ==
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nl: 0\r\n\r\n");
}

TEST_CASE("each edit changes its lines only") {
  const Message message = read(head + "\r\nabc");
  const std::string text(message.text());
  CHECK(Splice(message).request_uri("sip:bob@192.0.2.1").finish() ==
        replaced(text, "sip:bob@example.org", "sip:bob@192.0.2.1"));
  CHECK(Splice(message).drop_first(HeaderId::via).finish() ==
        replaced(text, "v: SIP/2.0/UDP a;branch=z9hG4bK1 , SIP/2.0/UDP b\r\n", "v: SIP/2.0/UDP b\r\n"));
  CHECK(Splice(message).drop_first(HeaderId::route).finish() == replaced(text, "Route: <sip:p1;lr>\r\n", ""));
  CHECK(Splice(message).drop(HeaderId::route).finish() ==
        replaced(text, "Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>,<sip:p3;lr>\r\n", ""));
  CHECK(Splice(message).replace(HeaderId::max_forwards, "69").finish() ==
        replaced(text, "Max-Forwards: 70", "Max-Forwards: 69"));
  CHECK(Splice(message).replace(HeaderId::route, "<sip:x;lr>").finish() ==
        replaced(text, "Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>,<sip:p3;lr>\r\n", "Route: <sip:x;lr>\r\n"));
  CHECK(Splice(message).replace(HeaderId::expires, "5").finish() ==
        replaced(text, "l: 3\r\n", "l: 3\r\nExpires: 5\r\n"));
  CHECK(Splice(message).replace_first(HeaderId::via, "SIP/2.0/UDP a;received=1.2.3.4").finish() ==
        replaced(text, "a;branch=z9hG4bK1 , ", "a;received=1.2.3.4, "));
  CHECK(Splice(message).prepend(HeaderId::via, "two").prepend(HeaderId::via, "one").finish() ==
        replaced(text, "v: ", "Via: one\r\nVia: two\r\nv: "));
}

TEST_CASE("edits of several headers go together; a later edit of one header replaces the earlier") {
  const Message message = read(head + "\r\nabc");
  const Message out = read(Splice(message)
                               .replace(HeaderId::max_forwards, "1")
                               .replace(HeaderId::max_forwards, "69")
                               .drop_first(HeaderId::route)
                               .prepend(HeaderId::via, "SIP/2.0/TCP me")
                               .finish());
  CHECK(out.values(HeaderId::via).size() == 4);
  CHECK(out.top_via()->transport == "TCP");
  CHECK(out.values(HeaderId::route).size() == 2);
  CHECK(out.number(HeaderId::max_forwards) == 69);
  CHECK(out.body() == "abc");
}

TEST_CASE("a message without Content-Length gets one, so that it can go on over a stream") {
  const Message message = read("SIP/2.0 200 Ok\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\n\r\nbody");
  CHECK(Splice(message).drop_first(HeaderId::via).finish() ==
        "SIP/2.0 200 Ok\r\nVia: SIP/2.0/UDP b\r\nContent-Length: 4\r\n\r\nbody");
}
