#include "server/groups/words.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::server::groups;

namespace {

sip::Message message(const std::string& type, const std::string& body,
                     const std::string& from = "\"Al\" <sip:a@x>") {
  const std::string text =
      "MESSAGE sip:r@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: " + from +
      ";tag=1\r\nTo: <sip:r@x>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nContent-Type: " + type +
      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  auto read = sip::Message::parse(share(text));
  REQUIRE(read.has_value());
  return *read;
}

std::optional<documents::Cpim> words(const sip::Message& of) {
  return words_of(of, "sip:a@x", "sip:r@x", "fresh", WallTime{});
}

}  // namespace

TEST_CASE("a text gets its author, the room, a date and a name") {
  const auto read = words(message("text/plain;charset=utf-8", "hi"));
  REQUIRE(read.has_value());
  CHECK(read->from.uri == "sip:a@x");
  CHECK(read->from.name == "Al");
  CHECK(read->to[0].uri == "sip:r@x");
  CHECK(read->message_id == "fresh");
  CHECK(read->date_time == "1970-01-01T00:00:00Z");
  CHECK(read->content_type == "text/plain;charset=utf-8");
  CHECK(read->content == "hi");
}

TEST_CASE("message/cpim keeps its name, date and subject; its author is who sent it; it asks for nothing") {
  const auto read = words(message("message/cpim",
                                  "From: Me <im:forged@y>\r\nTo: <im:z@y>\r\ncc: <im:q@y>\r\nDateTime: "
                                  "2026-11-21T04:00:00Z\r\nSubject: food\r\n"
                                  "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m1\r\n"
                                  "imdn.Disposition-Notification: positive-delivery, "
                                  "display\r\n\r\nContent-Type: text/html\r\n\r\n<b>hi</b>"));
  REQUIRE(read.has_value());
  CHECK(read->from.uri == "sip:a@x");
  CHECK(read->from.name == "Me");
  CHECK(read->to.size() == 1);
  CHECK(read->cc.empty());
  CHECK(read->message_id == "m1");
  CHECK(read->date_time == "2026-11-21T04:00:00Z");
  CHECK(read->subject() == "food");
  CHECK_FALSE(read->wanted.any());
  CHECK(read->content == "<b>hi</b>");
}

TEST_CASE("pictures are no words; notifications and typing notices are for nobody") {
  CHECK_FALSE(words(message("image/png", "x")).has_value());
  CHECK_FALSE(
      words(message("message/cpim", "From: <im:a@b>\r\n\r\nContent-Type: image/png\r\n\r\nx")).has_value());
  CHECK(is_for_nobody(message("message/imdn+xml", "<imdn/>")));
  CHECK(is_for_nobody(message("application/im-iscomposing+xml", "<x/>")));
  CHECK(is_for_nobody(
      message("message/cpim", "From: <im:a@b>\r\n\r\nContent-Type: message/imdn+xml\r\n\r\n<x/>")));
  CHECK_FALSE(is_for_nobody(message("text/plain", "x")));
}

TEST_CASE("a text that is coded cannot be shown to everybody: it is no words") {
  CHECK_FALSE(words(message("text/plain\r\nContent-Encoding: deflate", "x")).has_value());
  CHECK(words(message("text/plain\r\nContent-Encoding: identity", "x")).has_value());
  CHECK(is_for_nobody(message("message/imdn+xml\r\nContent-Encoding: deflate", "x")));
}
