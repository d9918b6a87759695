#include "client/message/content.hpp"

#include <doctest/doctest.h>

#include "protocol/sip/builder.hpp"

using namespace beckon;
using namespace beckon::client::message;
using Kind = Content::Kind;

namespace {

const std::string imdn =
    "<imdn xmlns='urn:ietf:params:xml:ns:imdn'><message-id>1</message-id>"
    "<delivery-notification><status><delivered/></status></delivery-notification></imdn>";
const std::string composing =
    "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'><state>active</state></isComposing>";

auto read(const std::string& type, const std::string& body) {
  auto builder = sip::Builder::request("MESSAGE", "sip:alice@192.0.2.1");
  builder.add(sip::HeaderId::call_id, "c");
  if (type.empty()) return read_content(*sip::Message::parse(share(std::move(builder).finish() + body)));
  return read_content(*sip::Message::parse(share(std::move(builder).finish(type, body))));
}

std::string wrap(const std::string& headers, const std::string& body) {
  return "From: <sip:bob@example.org>\r\n\r\n" + headers + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("a body is known by its type, inside message/cpim or not") {
  struct Row {
    const char* type;
    std::string body;
    Kind kind;
  };
  for (const Row& row :
       {Row{"text/plain", "hi", Kind::text}, Row{"TEXT/HTML; charset=utf-8", "hi", Kind::text},
        Row{"message/imdn+xml", imdn, Kind::notification},
        Row{"application/im-iscomposing+xml", composing, Kind::composing}}) {
    CAPTURE(row.type);
    const auto bare = read(row.type, row.body);
    REQUIRE(bare.has_value());
    CHECK(bare->kind == row.kind);
    CHECK_FALSE(bare->cpim.has_value());
    const auto wrapped = read("Message/CPIM", wrap("Content-Type: " + std::string(row.type), row.body));
    REQUIRE(wrapped.has_value());
    CHECK(wrapped->kind == row.kind);
    CHECK(wrapped->cpim->from.uri == "sip:bob@example.org");
    CHECK(wrapped->text == bare->text);
    CHECK(wrapped->media_type == bare->media_type);
    CHECK(wrapped->notifications == bare->notifications);
  }
}

TEST_CASE("a body in the coding deflate is read as what it is inflated (RFC 1950)") {
  const std::string deflated(
      "\170\332\165\215\061\016\203\100\014\004\277\222\216\012\131\264\226\343\277\130\234\211\054\161"
      "\046\072\033\224\374\076\241\000\321\120\356\354\254\226\254\026\177\174\352\354\361\354\326\346"
      "\150\232\023\276\245\111\015\374\143\364\300\135\351\230\252\106\310\113\173\053\074\020\134\022"
      "\025\235\155\323\366\355\175\111\233\154\224\264\305\231\042\045\327\070\153\055\300\004\007\204"
      "\233\021\354\157\374\003\216\174\067\373",
      106);
  const auto make = [](const std::string& body) {
    auto builder = sip::Builder::request("MESSAGE", "sip:alice@192.0.2.1");
    builder.add(sip::HeaderId::call_id, "c").add(sip::HeaderId::content_encoding, "deflate");
    return *sip::Message::parse(share(std::move(builder).finish("message/imdn+xml", body)));
  };
  const auto content = read_content(make(deflated));
  REQUIRE(content.has_value());
  REQUIRE(content->notifications.size() == 1);
  CHECK(content->notifications.front().message_id == "1");
  const auto refused = read_content(make(imdn));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().status == 400);
}

TEST_CASE("an aggregate carries several notifications (RFC 5438 8.3)") {
  const std::string parts =
      "--x\r\nContent-type: message/imdn+xml\r\n\r\n" + imdn +
      "\r\n--x\r\nContent-type: text/plain\r\n\r\nhi\r\n--x\r\nContent-type: message/imdn+xml\r\n\r\n" +
      imdn + "\r\n--x--\r\n";
  const std::string headers = "Content-type: multipart/mixed; boundary=\"x\"";
  const auto content = read("message/cpim", wrap(headers + "\r\nContent-Disposition: notification", parts));
  REQUIRE(content.has_value());
  CHECK(content->kind == Kind::notification);
  CHECK(content->notifications.size() == 2);
  CHECK(read("message/cpim", wrap(headers, parts)).error().status == 415);
}

TEST_CASE("what cannot be read is refused, and another type with 415") {
  struct Row {
    const char* type;
    std::string body;
    int status;
  };
  for (const Row& row :
       {Row{"image/png", "x", 415}, Row{"text", "x", 415}, Row{"multipart/mixed; boundary=x", "x", 415},
        Row{"text/plain", "\xff", 400}, Row{"message/imdn+xml", "<imdn/>", 400},
        Row{"application/im-iscomposing+xml", "<x/>", 400}, Row{"message/cpim", "no headers", 415},
        Row{"message/cpim", wrap("Content-Type: image/png", "x"), 415},
        Row{"message/cpim", wrap("Content-Type: message/cpim", wrap("Content-Type: text/plain", "x")), 415},
        Row{"message/cpim", wrap("Content-Type: text/plain", "\xff"), 400},
        Row{"message/cpim", "NS: x <urn:x:y>\r\nRequire: x.y\r\n" + wrap("Content-Type: text/plain", "hi"),
            415}}) {
    CAPTURE(row.type);
    CAPTURE(row.body);
    const auto content = read(row.type, row.body);
    REQUIRE(content.has_error());
    CHECK(content.error().status == row.status);
  }
}
