#include "protocol/sip/check.hpp"

#include <doctest/doctest.h>

#include "protocol/sip/builder.hpp"

using namespace beckon;
using namespace beckon::sip;

namespace {

const std::string good =
    "MESSAGE sip:bob@example.org SIP/2.0\r\n"
    "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:alice@example.org>;tag=1\r\n"
    "To: <sip:bob@example.org>\r\n"
    "Call-ID: call@a\r\n"
    "CSeq: 1 MESSAGE\r\n"
    "Contact: <sip:alice@a>\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

std::string with(const std::string& from, const std::string& to) {
  std::string text = good;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::optional<Rejected> check_text(const std::string& text) {
  const auto message = Message::parse(share(text));
  REQUIRE(message.has_value());
  return check(*message);
}

}  // namespace

TEST_CASE("a good request passes") { CHECK_FALSE(check_text(good)); }

TEST_CASE("a missing or wrong header of a request gets the status that the RFC names") {
  struct Row {
    const char* from;
    const char* to;
    int status;
    Errc cause;
  };
  for (const Row& row : {
           Row{"Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n", "", 400, Errc::missing_header},
           Row{"From: <sip:alice@example.org>;tag=1\r\n", "", 400, Errc::missing_header},
           Row{"To: <sip:bob@example.org>\r\n", "", 400, Errc::missing_header},
           Row{"Call-ID: call@a\r\n", "", 400, Errc::missing_header},
           Row{"CSeq: 1 MESSAGE\r\n", "", 400, Errc::missing_header},
           Row{"To: ", "t: <sip:c@d>\r\nTo: ", 400, Errc::repeated_header},
           Row{"CSeq: ", "CSeq: 2 MESSAGE\r\nCSeq: ", 400, Errc::repeated_header},
           Row{"Max-Forwards: ", "Max-Forwards: 1\r\nMax-Forwards: ", 400, Errc::repeated_header},
           Row{"SIP/2.0/UDP a;", "SIP/2.0/UDP a;;", 400, Errc::bad_value},
           Row{"<sip:alice@example.org>;tag=1", "\"open <sip:alice@example.org>", 400, Errc::bad_value},
           Row{"<sip:bob@example.org>\r\n", "<sip:bob@example.org\r\n", 400, Errc::bad_value},
           Row{"call@a", "call a", 400, Errc::bad_value},
           Row{"call@a", "", 400, Errc::bad_value},
           Row{"1 MESSAGE", "2147483648 MESSAGE", 400, Errc::bad_value},
           Row{"1 MESSAGE", "1 INVITE", 400, Errc::bad_value},
           Row{"<sip:alice@a>", "sip:alice@a?Route=x", 400, Errc::bad_value},
           Row{": 70", ": 256", 400, Errc::bad_value},
           Row{": 70", ": many", 400, Errc::bad_value},
           Row{"sip:bob@example.org SIP/2.0", " sip:bob@example.org  SIP/2.0", 400, Errc::bad_uri},
           Row{"sip:bob@example.org SIP/2.0", "<sip:bob@example.org> SIP/2.0", 400, Errc::bad_uri},
           Row{"sip:bob@example.org SIP/2.0", "mailto:bob@example.org SIP/2.0", 416, Errc::bad_scheme},
           Row{"sip:bob@example.org SIP/2.0", "sip:bob@example.org SIP/7.0", 505, Errc::bad_version},
       }) {
    CAPTURE(row.to);
    const auto rejected = check_text(with(row.from, row.to));
    REQUIRE(rejected);
    CHECK(rejected->status == row.status);
    CHECK(rejected->cause == row.cause);
    CHECK_FALSE(rejected->reason.empty());
  }
}

TEST_CASE("omissions and spellings of RFC 2543 and of real peers pass") {
  CHECK_FALSE(check_text(with("Max-Forwards: 70\r\n", "")));
  CHECK_FALSE(check_text(with(";tag=1", "")));
  CHECK_FALSE(check_text(with("<sip:bob@example.org>", "sip:bob@example.org")));
  CHECK_FALSE(check_text(with("Content-Length: 0\r\n", "Supported:\r\nAccept:\r\n")));
  CHECK_FALSE(check_text(with("sip:bob@example.org SIP", "im:bob@example.org SIP")));
  CHECK_FALSE(check_text(with("Contact: <sip:alice@a>", "Contact: *")));
}

TEST_CASE("a response is checked for what a client needs") {
  CHECK_FALSE(check_text(with("MESSAGE sip:bob@example.org SIP/2.0", "SIP/2.0 200 Ok")));
  CHECK(check_text("SIP/2.0 200 OK\r\n\r\n"));
}

TEST_CASE("a response is not dropped for a header that only its reader needs (RFC 3261 16.7)") {
  const auto check_response = [](const std::string& from, const std::string& to) {
    std::string text = with("MESSAGE sip:bob@example.org SIP/2.0", "SIP/2.0 200 OK");
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return check_text(text.replace(at, from.size(), to));
  };
  CHECK_FALSE(check_response("<sip:alice@a>", "<sip:PBX#1000@10.0.0.1>"));
  CHECK_FALSE(check_response("<sip:alice@a>", "<sip:a b@>, <sip:alice@a>;expires=100"));
  CHECK_FALSE(check_response("Contact: ", "Expires: 60\r\nExpires: 60\r\nContact: "));
  CHECK_FALSE(check_response("Contact: ", "Content-Type: a/b\r\nContent-Type: a/b\r\nContact: "));
  CHECK_FALSE(check_response("Max-Forwards: 70", "Max-Forwards: many"));
  CHECK(check_response("To: ", "t: <sip:c@d>\r\nTo: "));
  CHECK(check_response("1 MESSAGE", "one MESSAGE"));
}

TEST_CASE(
    "a request to relay is checked for what a proxy uses alone, one to serve for the rest (RFC 3261 16.3)") {
  struct Row {
    const char* from;
    const char* to;
    bool relayed, served;
  };
  for (const Row& row : {
           Row{"<sip:alice@a>", "<sip:PBX#1000@10.0.0.1>", true, false},
           Row{"<sip:alice@a>", "*, <sip:alice@a>", true, false},
           Row{"Contact: ", "Expires: 60\r\nExpires: 60\r\nContact: ", true, false},
           Row{"Contact: ", "Content-Type: a/b\r\nContent-Type: a/b\r\nContact: ", true, false},
           Row{"Contact: ", "Event: a\r\nEvent: a\r\nContact: ", true, false},
           Row{"Contact: ", "Max-Forwards: 7\r\nContact: ", false, false},
           Row{"To: ", "t: <sip:c@d>\r\nTo: ", false, false},
           Row{": 70", ": many", false, true},
           Row{"1 MESSAGE", "1 INVITE", false, true},
       }) {
    CAPTURE(row.to);
    const auto message = Message::parse(share(with(row.from, row.to)));
    REQUIRE(message.has_value());
    Reading reading;
    CHECK(check_to_relay(*message, reading).has_value() != row.relayed);
    CHECK(check_to_serve(*message).has_value() != row.served);
    CHECK(check(*message).has_value() == !(row.relayed && row.served));
  }
}

TEST_CASE("a request that cannot be parsed is answered all the same") {
  const auto refused = [](const std::string& text) {
    const auto shared = share(text);
    const auto message = Message::parse(shared);
    REQUIRE_FALSE(message.has_value());
    return refusal(shared, message.error());
  };
  SUBCASE("broken line, body cut short, version missing: 400 with the request's headers") {
    for (const auto& text :
         {with("Max-Forwards: 70", "broken"), with("Length: 0", "Length: 7"), with("Length: 0", "Length: -1"),
          with(" SIP/2.0\r\n", "\r\n"), with(" SIP/2.0\r\n", " SIP/2.0 \r\n")}) {
      CAPTURE(text);
      const auto answer = refused(text);
      REQUIRE(answer);
      CHECK(answer->status == 400);
      const auto reply =
          Message::parse(share(Builder::reply(answer->head, answer->status, "t", answer->reason).finish()));
      REQUIRE(reply.has_value());
      CHECK(reply->status() == 400);
      CHECK(reply->cseq()->number == 1);
      CHECK(reply->top_via()->branch() == "z9hG4bK1");
    }
  }
  SUBCASE("too long: 414 for the URI, 513 for the rest") {
    CHECK(refused(with("sip:bob", "sip:" + std::string(1024, 'b')))->status == 414);
    CHECK(refused(with("Max-Forwards: 70", "X: " + std::string(9000, 'x')))->status == 513);
    CHECK(refused(good + std::string(65536, 'x'))->status == 513);
  }
  SUBCASE("a request that cannot be answered is not") {
    CHECK_FALSE(refused(with("MESSAGE sip:bob@example.org SIP/2.0", "ACK sip:b SIP/2.0\r\nbroken")));
    CHECK_FALSE(refused(with("MESSAGE sip:bob@example.org SIP/2.0", "SIP/2.0 200 OK\r\nbroken")));
    CHECK_FALSE(refused(with("Via: SIP/2.0/UDP a;branch=z9hG4bK1", "broken")));
    CHECK_FALSE(refused("\x16\x03\x01\x02"));
  }
}
