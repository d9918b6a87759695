#include "server/message/imdn.hpp"

#include <doctest/doctest.h>

#include "protocol/documents/imdn.hpp"

using namespace beckon;
using namespace beckon::server::message;
using sip::HeaderId;

namespace {

sip::Message message(const std::string& type, const std::string& body) {
  return sip::Message::parse(
             share("MESSAGE sip:bob@example.org SIP/2.0\r\nFrom: <sip:alice@example.org>;tag=a\r\nTo: "
                   "<sip:bob@example.org>\r\nCall-ID: m\r\nCSeq: 7 MESSAGE\r\nContent-Type: " +
                   type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body))
      .value();
}

std::string cpim(const std::string& headers,
                 const std::string& content = "Content-Type: text/plain\r\n\r\nhi") {
  return "From: <sip:alice@example.org>\r\nTo: <sip:bob@example.org>\r\nNS: imdn <urn:ietf:params:imdn>\r\n" +
         headers + "\r\n" + content;
}

const std::string asks =
    "DateTime: 2026-11-21T04:00:00Z\r\nimdn.Message-ID: 34jk324j\r\nimdn.Disposition-Notification: "
    "processing, "
    "negative-delivery\r\n";

}  // namespace

TEST_CASE(
    "what a sender wants to be told stands in message/cpim (RFC 5438 6.2); who asks for nothing wants "
    "nothing") {
  const auto wanted = wanted_of(message("Message/CPIM;x=y", cpim(asks)));
  REQUIRE(wanted.has_value());
  CHECK(wanted->message_id == "34jk324j");
  CHECK(wanted->date_time == "2026-11-21T04:00:00Z");
  CHECK(is_wanted(*wanted, Fate::stored));
  CHECK(is_wanted(*wanted, Fate::failed));
  const auto display = wanted_of(
      message("message/cpim",
              cpim("imdn.Message-ID: 1\r\nimdn.Disposition-Notification: positive-delivery, display\r\n")));
  REQUIRE(display.has_value());
  CHECK_FALSE(is_wanted(*display, Fate::stored));
  CHECK_FALSE(is_wanted(*display, Fate::failed));
  CHECK_FALSE(wanted_of(message("text/plain", cpim(asks))).has_value());
  CHECK_FALSE(wanted_of(message("message/cpim", "hi")).has_value());
  CHECK_FALSE(wanted_of(message("message/cpim", cpim("imdn.Message-ID: 1\r\n"))).has_value());
  CHECK_FALSE(
      wanted_of(message("message/cpim", cpim("imdn.Disposition-Notification: processing\r\n"))).has_value());
}

TEST_CASE("a notification asks for none, whatever it says (RFC 5438 7.2.1)") {
  for (const std::string content :
       {"Content-Type: message/imdn+xml\r\n\r\n<imdn/>",
        "Content-Type: text/plain\r\nContent-Disposition: notification\r\n\r\nhi"}) {
    CAPTURE(content);
    CHECK_FALSE(wanted_of(message("message/cpim", cpim(asks, content))).has_value());
  }
  const auto wanted = wanted_of(message("message/cpim", cpim(asks))).value();
  const WallTime now{std::chrono::milliseconds(1795233600000)};
  const std::string body =
      print_notification(wanted, Fate::stored, "sip:alice@example.org", "sip:bob@example.org", "id1", now);
  CHECK_FALSE(wanted_of(message("message/cpim", body)).has_value());
}

TEST_CASE(
    "a notification says what became of which message, from its recipient to its sender (RFC 5438 8.1, "
    "8.2)") {
  const auto wanted = wanted_of(message("message/cpim", cpim(asks))).value();
  const WallTime now{std::chrono::milliseconds(1795233600000)};
  for (const Fate fate : {Fate::stored, Fate::failed}) {
    const auto outer = documents::parse_cpim(
        print_notification(wanted, fate, "sip:alice@example.org", "sip:bob@example.org", "id1", now));
    REQUIRE(outer.has_value());
    CHECK(outer->from.uri == "sip:bob@example.org");
    CHECK(outer->to.front().uri == "sip:alice@example.org");
    CHECK(outer->message_id == "id1");
    CHECK(outer->content_type == "message/imdn+xml");
    CHECK(outer->content_disposition == "notification");
    const auto imdn = documents::parse_imdn(outer->content);
    REQUIRE(imdn.has_value());
    CHECK(imdn->message_id == "34jk324j");
    CHECK(imdn->date_time == "2026-11-21T04:00:00Z");
    CHECK(imdn->recipient == "sip:bob@example.org");
    CHECK(imdn->kind ==
          (fate == Fate::stored ? documents::Imdn::Kind::processing : documents::Imdn::Kind::delivery));
    CHECK(imdn->status ==
          (fate == Fate::stored ? documents::Imdn::Status::stored : documents::Imdn::Status::failed));
  }
}

TEST_CASE("a text is taken out of message/cpim; what is no text is not") {
  const auto plain = unwrapped(
      message("message/cpim", cpim(asks, "Content-Type: text/plain; charset=utf-8\r\n\r\nShall we?")));
  REQUIRE(plain.has_value());
  CHECK(plain->header(HeaderId::content_type) == "text/plain; charset=utf-8");
  CHECK(plain->body() == "Shall we?");
  CHECK(plain->call_id() == "m");
  CHECK(plain->from_tag() == "a");
  CHECK(plain->cseq()->number == 7);
  CHECK_FALSE(
      unwrapped(message("message/cpim", cpim(asks, "Content-Type: text/html\r\n\r\n<p>"))).has_value());
  CHECK_FALSE(unwrapped(message("message/cpim", cpim(asks, "Content-Type: message/imdn+xml\r\n\r\n<imdn/>")))
                  .has_value());
  CHECK_FALSE(unwrapped(message("text/plain", "hi")).has_value());
}

TEST_CASE(
    "where message/cpim has another author than From, as in a room, the text alone begins with the author") {
  const auto text_from = [](const std::string& from) {
    const auto plain =
        unwrapped(message("message/cpim", "From: " + from + "\r\n\r\nContent-Type: text/plain\r\n\r\nhi"));
    REQUIRE(plain.has_value());
    return std::string(plain->body());
  };
  CHECK(text_from("<sip:bob@example.org>") == "bob@example.org: hi");
  CHECK(text_from("Bob <sip:BOB@Example.org:5060>") == "Bob <BOB@example.org>: hi");
  // A name that says it is another's is shown as a name.
  CHECK(text_from("\"Alice <alice@example.org>: send money\" <sip:bob@example.org>") ==
        "Alice alice@example.org send money <bob@example.org>: hi");
  CHECK(text_from("Alice <sip:alice@example.org>") == "hi");
  CHECK(text_from("<im:bob@example.org>") == "hi");
}
