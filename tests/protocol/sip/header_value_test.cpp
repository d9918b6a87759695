#include "protocol/sip/header_value.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::sip;

namespace {

template <class T>
T read(HeaderId id, std::string_view text) {
  CAPTURE(text);
  const auto value = parse_header(id, text);
  REQUIRE(value.has_value());
  REQUIRE(std::holds_alternative<T>(*value));
  return std::get<T>(*value);
}

using Items = std::vector<Item>;

}  // namespace

TEST_CASE("a list is read to values with their parameters, as written") {
  const auto accept = read<Items>(HeaderId::accept, "application/sdp;level=1 , text/* ; Q=0.5");
  REQUIRE(accept.size() == 2);
  CHECK(accept[0] == Item{"application/sdp", ";level=1"});
  CHECK(accept[1].value == "text/*");
  CHECK(parse_q(*accept[1].parameter("q")) == 500);
  CHECK(read<Items>(HeaderId::supported, "").empty());
  CHECK(read<Items>(HeaderId::privacy, "id ; user") == Items{{"id", {}}, {"user", {}}});
  CHECK(read<Items>(HeaderId::call_info, "<http://a/?b,c>;purpose=icon")[0] ==
        Item{"http://a/?b,c", ";purpose=icon"});
  CHECK(read<Items>(HeaderId::server, "a/1 (b c) d") == Items{{"a/1", {}}, {"(b c)", {}}, {"d", {}}});
  const auto reason = read<Items>(HeaderId::reason, "Q.850;cause=16;text=\"Terminated, \\\"ok\\\"\"");
  CHECK(reason[0].parameter("cause") == "16");
  CHECK(text_of("\"Terminated, \\\"ok\\\"\"") == "Terminated, \"ok\"");
}

TEST_CASE("numbers: seconds are bounded, others must fit (RFC 3261 20.19, RFC 4475 3.1.2.4)") {
  CHECK(read<Number>(HeaderId::expires, "99999999999999").value == 0xffffffff);
  CHECK(read<Number>(HeaderId::max_forwards, "255").value == 255);
  const auto session = read<Number>(HeaderId::session_expires, "1800;refresher=uas");
  CHECK(session.value == 1800);
  CHECK(session.parameter("refresher") == "uas");
  const auto retry = read<RetryAfter>(HeaderId::retry_after, "18000 (at (lunch)) ;duration=3600");
  CHECK(retry == RetryAfter{18000, "at (lunch)", 3600, ";duration=3600"});
  CHECK(read<RAck>(HeaderId::rack, "776656 1 INVITE") == RAck{776656, 1, "INVITE"});
  CHECK(read<Timestamp>(HeaderId::timestamp, "54.2 0.1") == Timestamp{"54.2", "0.1"});
}

TEST_CASE("a warning has code, agent and text (RFC 3261 20.43)") {
  const auto warnings =
      read<std::vector<Warning>>(HeaderId::warning, "399 a:5060 \"x, y\", 301 isi.edu \"no\"");
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0] == Warning{399, "a:5060", "\"x, y\""});
  CHECK(warnings[1].code == 301);
}

TEST_CASE("challenges and credentials are read whatever their scheme (RFC 3261 20.7, 20.44)") {
  const auto digest =
      read<AuthValue>(HeaderId::www_authenticate, "Digest  realm=\"a, b\",nonce=\"n\" , stale=true");
  CHECK(digest.scheme == "Digest");
  CHECK(digest.parameter("REALM") == "\"a, b\"");
  CHECK(digest.parameter("stale") == "true");
  CHECK_FALSE(digest.parameter("qop"));
  CHECK(read<AuthValue>(HeaderId::authorization, "Bearer abc==").token68 == "abc==");
  CHECK(read<AuthValue>(HeaderId::authentication_info, "qop=auth, nc=00000001").parameters.size() == 2);
}

TEST_CASE("a contact says what RFC 3261, 3840, 5626 and 5627 put into it") {
  const auto contacts = read<std::vector<Contact>>(
      HeaderId::contact,
      "<sip:a@h;ob>;q=0.75;expires=99;reg-id=3;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-"
      "000A95A0E128>\""
      ";pub-gruu=\"sip:a@b;gr=urn:uuid:f8\";temp-gruu=\"sip:t\\7@b;gr\";audio;methods=\"INVITE,BYE\"");
  REQUIRE(contacts.size() == 1);
  const auto& contact = contacts[0];
  CHECK(contact.q() == 750);
  CHECK(contact.expires() == 99);
  CHECK(contact.reg_id() == 3);
  CHECK(contact.instance() == "urn:uuid:00000000-0000-1000-8000-000A95A0E128");
  CHECK(contact.is_outbound());
  CHECK(contact.pub_gruu() == "sip:a@b;gr=urn:uuid:f8");
  CHECK(contact.temp_gruu() == "sip:t7@b;gr");
  const auto features = parse_features(contact.address.parameters);
  REQUIRE(features.has_value());
  REQUIRE(features->size() == 3);
  CHECK((*features)[0].tag == "sip.instance");
  CHECK((*features)[0].is_string);
  CHECK((*features)[1] == Feature{"audio", {}, false, false});
  CHECK((*features)[2] == Feature{"methods", "INVITE,BYE", false, false});
  CHECK(parse_features(";duplex=\"!full\"")->front().is_negated);
  const auto star = read<std::vector<Contact>>(HeaderId::contact, "*");
  CHECK(star[0].is_star());
  CHECK_FALSE(star[0].q());
}

TEST_CASE("a date is read and printed in GMT, with the weekday that is right (RFC 3261 20.17)") {
  const auto date = parse_date("Sat, 13 Nov 2010 23:29:00 GMT");
  REQUIRE(date.has_value());
  CHECK(date->time_since_epoch().count() == 1289690940);
  CHECK(print_date(*date) == "Sat, 13 Nov 2010 23:29:00 GMT");
  CHECK(print_date(*parse_date("mon, 01 jan 2040 00:00:00 gmt")) == "Sun, 01 Jan 2040 00:00:00 GMT");
}

TEST_CASE("a qvalue is 0 to 1 with three digits (RFC 3261 25.1)") {
  CHECK(parse_q("1") == 1000);
  CHECK(parse_q("1.000") == 1000);
  CHECK(parse_q("0.") == 0);
  CHECK(parse_q("0.25") == 250);
  for (const char* text : {"", "2", "1.001", "0.0001", ".5", "0,5", "-0", "0.5 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_q(text));
  }
}

TEST_CASE("two values of a header field say the same by the rules of that field (RFC 3261 7.3.1, 20)") {
  struct Row {
    HeaderId id;
    const char* a;
    const char* b;
    bool same;
  };
  for (const Row& row : {
           Row{HeaderId::to, "Bob <sip:bob@B.com>;tag=1", "sip:bob@b.com;tag=1", true},
           Row{HeaderId::to, "<sip:bob@b.com>;tag=1", "<sip:bob@b.com>", false},
           Row{HeaderId::to, "<sip:bob@b.com>;tag=1;x=1", "<sip:bob@b.com>;tag=1", true},
           Row{HeaderId::to, "<sip:bob@b.com>;x=1", "<sip:bob@b.com>;x=2", false},
           Row{HeaderId::to, "<sip:bob@b.com>;x=1;x=2", "<sip:bob@b.com>;x=1;x=2", true},
           Row{HeaderId::call_id, "Ab@c", "ab@c", false},
           Row{HeaderId::sip_if_match, "Ab", "ab", false},
           Row{HeaderId::accept, "Text/Plain;q=1, a/b", "text/plain ;Q=1,a/b", true},
           Row{HeaderId::accept, "a/b;c=\"X\"", "a/b;c=\"x\"", false},
           Row{HeaderId::accept, "a/b;c", "a/b", false},
           Row{HeaderId::accept, "a/b, c/d", "c/d, a/b", false},
           Row{HeaderId::replaces, "A;to-tag=1;from-tag=2", "A;from-tag=2;to-tag=1", true},
           Row{HeaderId::replaces, "A;to-tag=1;from-tag=2", "a;from-tag=2;to-tag=1", false},
           Row{HeaderId::cseq, "1  INVITE", "01 INVITE", true},
           Row{HeaderId::cseq, "1 INVITE", "1 invite", false},
           Row{HeaderId::subject, "Lunch", "lunch", true},
           Row{HeaderId::max_forwards, "070", "70", true},
           Row{HeaderId::max_forwards, "no", "NO", true},
           Row{HeaderId::contact, "*", "*", true},
           Row{HeaderId::contact, "*", "<sip:a@b>", false},
           Row{HeaderId::contact, "<sip:a@b?x=1>", "<sip:a@b?x=2>", false},
           Row{HeaderId::via, "SIP/2.0/udp A;branch=z", "SIP / 2.0 / UDP a;BRANCH=z", true},
           Row{HeaderId::via, "SIP/2.0/UDP a", "SIP/2.0/UDP a:5060", false},
           Row{HeaderId::date, "Sat, 13 Nov 2010 23:29:00 GMT", "sat, 13 nov 2010 23:29:00 gmt", true},
           Row{HeaderId::warning, "307 a \"b\"", "307 a \"c\"", false},
       }) {
    CAPTURE(row.a);
    CAPTURE(row.b);
    CHECK(equivalent_values(row.id, row.a, row.b) == row.same);
    CHECK(equivalent_values(row.id, row.b, row.a) == row.same);
  }
}
