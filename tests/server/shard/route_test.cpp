#include "server/shard/route.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;

namespace {

struct Row {
  const char* text;
  std::optional<Bucket> bucket;
};

std::string with_head(const std::string& start) {
  return start + "\r\nFrom: <sip:bob@example.org>;tag=1\r\nCall-ID: c\r\nContent-Length: 0\r\n";
}

std::optional<Place> place_of_text(const sip::Message& message, bool has_token) {
  sip::Reading reading;
  if (const auto via = sip::view_via(message.first(sip::HeaderId::via))) reading.via = *via;
  if (const auto to = sip::view_name_addr(message.header(sip::HeaderId::to))) reading.to = *to;
  if (const auto uri = sip::view_uri(message.request_uri_text())) reading.uri = *uri;
  const auto top = sip::view_name_addr(message.first(sip::HeaderId::route));
  const auto token = has_token && top ? bucket_in(top->uri.user) : std::nullopt;
  return place_of(message, reading, token, Gruus(crypto::Key32{}));
}

}  // namespace

TEST_CASE("a message goes to the bucket in what we minted, else to its address-of-record (DESIGN 1.2)") {
  const Bucket alice = bucket_of("sip:alice@example.org");
  const Row rows[] = {
      {"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKabcdefghijklmnopbk123.~abc\r\nTo: "
       "<sip:x@y>;tag=2\r\nCSeq: 1 "
       "NOTIFY",
       0x123},
      {"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKother\r\nTo: <sip:x@y>;tag=2\r\nCSeq: 1 NOTIFY",
       std::nullopt},
      {"SUBSCRIBE sip:bk001.s@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: "
       "<sip:alice@example.org>;tag=bk0ff.1"
       "\r\nCSeq: 1 SUBSCRIBE",
       0x0ff},
      {"BYE sip:alice@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nRoute: "
       "<sip:bk0aa.r@h;lr>\r\n"
       "To: <sip:alice@example.org>;tag=2\r\nCSeq: 1 BYE",
       0x0aa},
      {"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: "
       "<sip:alice@EXAMPLE.org:5060>\r\n"
       "CSeq: 1 REGISTER",
       alice},
      {"PUBLISH sip:esc1@example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: "
       "<sip:alice@example.org>\r\n"
       "CSeq: 1 PUBLISH",
       alice},
      {"SUBSCRIBE sip:bk001.s@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: "
       "<sip:bob@example.org>;tag=x\r\n"
       "CSeq: 1 SUBSCRIBE",
       0x001},
      {"MESSAGE sips:alice@example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: "
       "<sip:bob@example.org>\r\n"
       "CSeq: 1 MESSAGE",
       alice},
      {"ACK sip:alice@example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: "
       "<sip:bob@example.org>;tag=bk0ff.1"  // of another node, whose refusal went back through us
       "\r\nCSeq: 1 ACK",
       alice},
      {"CANCEL sip:alice@example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: "
       "<sip:bob@example.org>\r\n"
       "CSeq: 1 CANCEL",
       alice},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto message = sip::Message::parse(share(with_head(row.text) + "\r\n"));
    REQUIRE(message.has_value());
    const auto place = place_of_text(*message, true);
    CHECK((place ? std::optional(place->bucket) : std::nullopt) == row.bucket);
  }
}

TEST_CASE("a Route leads to its bucket if its token is signed, and what is in its dialog; a call wholly") {
  struct {
    const char* method;
    const char* tag;
    bool has_token;
    bool follows;
  } rows[] = {{"BYE", ";tag=2", true, true},    {"BYE", ";tag=2", false, false},
              {"MESSAGE", "", true, false},     {"INVITE", "", true, true},
              {"CANCEL", "", true, true},       {"ACK", ";tag=2", true, true},
              {"MESSAGE", ";tag=2", true, true}};
  for (const auto& row : rows) {
    CAPTURE(row.method);
    const std::string method = row.method;
    const auto message =
        sip::Message::parse(share(with_head(method +
                                            " sip:alice@example.org SIP/2.0\r\nVia: SIP/2.0/UDP "
                                            "h;branch=z9hG4bK1\r\nRoute: <sip:bk0aa.r@h;lr>\r\nTo: "
                                            "<sip:alice@example.org>" +
                                            row.tag + "\r\nCSeq: 1 " + method) +
                                  "\r\n"));
    REQUIRE(message.has_value());
    const auto place = place_of_text(*message, row.has_token);
    REQUIRE(place.has_value());
    CHECK((place->bucket == 0x0aa) == row.follows);
    const bool is_resource = !row.follows && std::string_view(row.tag).empty();
    CHECK(place->resource == (is_resource ? "sip:alice@example.org" : ""));
  }
}
