#include "protocol/sip/builder.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::sip;

namespace {

Message read(std::string text) {
  auto message = Message::parse(share(std::move(text)));
  REQUIRE(message.has_value());
  return *message;
}

const std::string request_text =
    "INVITE sip:bob@example.org SIP/2.0\r\n"
    "v: SIP/2.0/UDP a;branch=z9hG4bK1 , SIP/2.0/UDP b\r\n"
    "Via: SIP/2.0/UDP c\r\n"
    "f: <sip:alice@example.org>;tag=1\r\n"
    "t: sip:bob@example.org\r\n"
    "i: call\r\n"
    "CSeq: 1 INVITE\r\n"
    "Timestamp: 54\r\n"
    "l: 0\r\n"
    "\r\n";

}  // namespace

TEST_CASE("a request is written front to back, with its body's length") {
  const auto text = Builder::request("MESSAGE", "sip:bob@example.org")
                        .add(HeaderId::max_forwards, 70)
                        .add("X-Mood", "fine")
                        .finish("text/plain", "hello");
  CHECK(text ==
        "MESSAGE sip:bob@example.org SIP/2.0\r\nMax-Forwards: 70\r\nX-Mood: fine\r\nContent-Type: "
        "text/plain\r\n"
        "Content-Length: 5\r\n\r\nhello");
  CHECK(read(text).body() == "hello");
}

TEST_CASE("a reply copies what RFC 3261 8.2.6.2 names and adds the tag once") {
  const Message request = read(request_text);
  CHECK(Builder::reply(request, 200, "t1").finish() ==
        "SIP/2.0 200 OK\r\n"
        "Via: SIP/2.0/UDP a;branch=z9hG4bK1 , SIP/2.0/UDP b\r\n"
        "Via: SIP/2.0/UDP c\r\n"
        "From: <sip:alice@example.org>;tag=1\r\n"
        "To: sip:bob@example.org;tag=t1\r\n"
        "Call-ID: call\r\n"
        "CSeq: 1 INVITE\r\n"
        "Content-Length: 0\r\n\r\n");
  CHECK(read(Builder::reply(request, 100, "").finish()).header(HeaderId::timestamp) == "54");
  CHECK(read(Builder::reply(request, 100, "").finish()).to_tag() == "");
  CHECK(read(Builder::reply(request, 486, "t", "Gone fishing").finish()).reason() == "Gone fishing");
  const Message tagged = read(Builder::reply(request, 200, "t1").finish());
  CHECK(read(Builder::reply(tagged, 200, "t2").finish()).to_tag() == "t1");
}

TEST_CASE("no value can forge a line") {
  const auto text = Builder::request("MESSAGE", "sip:a@b\r\nX: 1")
                        .add(HeaderId::subject, std::string_view("a\r\nVia: b\nc\0d", 13))
                        .finish();
  const Message message = read(text);
  CHECK(message.headers().size() == 2);
  CHECK(message.header(HeaderId::subject) == "a  Via: b c d");
}

TEST_CASE("all lines of a header are copied, unknown ones by their name") {
  const Message request = read(
      "SUBSCRIBE sip:a SIP/2.0\r\nRecord-Route: <sip:p1;lr>\r\nrecord-route: <sip:p2;lr>, "
      "<sip:p3;lr>\r\nX-A: 1\r\n\r\n");
  const Message reply = read(
      Builder::response(200).copy(request, HeaderId::record_route).copy(request, HeaderId::other).finish());
  CHECK(reply.routes(HeaderId::record_route)->size() == 3);
  CHECK(reply.header("X-A") == "1");
}

TEST_CASE("a line is copied whole only where it is written as ours are; no other layout forges one") {
  struct Row {
    std::string line, copied;
  };
  for (const Row& row :
       {Row{"Via: a\r\n", "Via: a\r\n"}, Row{"Via:  a\n", "Via: a\r\n"}, Row{"Via:a  \n", "Via: a\r\n"},
        Row{"Via:\ta\r\n", "Via: a\r\n"}, Row{"Via:a \r\n", "Via: a\r\n"}, Row{"VIA: a\r\n", "Via: a\r\n"},
        Row{"v: a\r\n", "Via: a\r\n"}, Row{std::string("Via: a\0b\r\n", 10), "Via: a b\r\n"},
        Row{std::string("Via:\0b \r\n", 9), "Via:  b\r\n"}, Row{"Via: a\r\n b\r\n", "Via: a   b\r\n"}}) {
    CAPTURE(row.line);
    const Message message = read("OPTIONS sip:a SIP/2.0\n" + row.line + "From: x\n\n");
    CHECK(Builder::response(200).copy(message, HeaderId::via).finish() ==
          "SIP/2.0 200 OK\r\n" + row.copied + "Content-Length: 0\r\n\r\n");
  }
}

TEST_CASE("status codes have the phrases of their RFCs, unknown ones that of their class") {
  CHECK(default_reason(200) == "OK");
  CHECK(default_reason(412) == "Conditional Request Failed");
  CHECK(default_reason(423) == "Interval Too Brief");
  CHECK(default_reason(489) == "Bad Event");
  CHECK(default_reason(499) == "Bad Request");
  CHECK(default_reason(699) == "Decline");
}
