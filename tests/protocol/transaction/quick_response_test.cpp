#include "protocol/transaction/quick_response.hpp"

#include <doctest/doctest.h>

#include <string>

#include "protocol/sip/message.hpp"

using namespace beckon;
using namespace beckon::transaction;

namespace {

std::string with_line_ends(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  return text;
}

}  // namespace

TEST_CASE("a usual 2xx is identified by status, top branch and method, as the whole parser reads them") {
  for (const char* text : {
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.9:5070;rport=5060;branch=z9hG4bKone;received=192.0.2.9\n"
           "From: <sip:a@example.org>;tag=a\nTo: <sip:b@example.org>;tag=b\nCall-ID: c\nCSeq: 5 NOTIFY\n"
           "Content-Length: 0\n\n",
           "SIP/2.0 202 Accepted\nCall-ID: v\nCSeq: 17   NOTIFY\nVIA : SIP/2.0/TCP h;branch=z9hG4bKone\n\n",
           "SIP/2.0 200 \ncseq:1 NOTIFY\nvia:SIP/2.0/UDP h ;x=y;branch=z9hG4bKone\nVary: no header of "
           "ours\n\n",
       }) {
    CAPTURE(text);
    const auto whole = with_line_ends(text);
    const auto message = sip::Message::parse(share(whole));
    REQUIRE(message.has_value());
    const auto quick = quick_response(whole);
    if (!quick) {
      CHECK(whole.find("VIA :") !=
            std::string::npos);  // a blank before the colon is left to the whole parser
      continue;
    }
    CHECK(quick->status == message->status());
    CHECK(quick->branch == message->top_via()->branch());
    CHECK(quick->method == message->cseq()->method);
  }
}

TEST_CASE("everything else is left to the whole parser") {
  for (const char* text : {
           "",
           "SIP/2.0 200",
           "SIP/2.0 200 OK\n\n",
           // Not a success.
           "SIP/2.0 100 Trying\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 481 Gone\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 2000 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 2x0 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n\n",
           "NOTIFY sip:a SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n\n",
           // Via: missing, compact, folded, more than one (RFC 3261 8.1.3.3), quoted, without a branch.
           "SIP/2.0 200 OK\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 200 OK\nv: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\n ;x=y\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone, SIP/2.0/UDP i\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;x=\";branch=z9hG4bKone\"\nCSeq: 5 NOTIFY\n\n",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h\nCSeq: 5 NOTIFY\n\n",
           // CSeq: missing, folded, not a number, without a method.
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\n\n",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5\n NOTIFY\n\n",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: five NOTIFY\n\n",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5\n\n",
           // With a body, or cut off.
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n\nbody",
           "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\n",
       }) {
    CAPTURE(text);
    CHECK_FALSE(quick_response(with_line_ends(text)));
  }
}

TEST_CASE("every cut of a response is refused or reads the same") {
  const auto whole = with_line_ends(
      "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=z9hG4bKone\nCSeq: 5 NOTIFY\nContent-Length: 0\n\n");
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(quick_response(whole.substr(0, size)));
  CHECK(quick_response(whole));
}
