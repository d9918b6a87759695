#include "server/archive/content.hpp"

#include "protocol/documents/imdn.hpp"
#include "tests/server/archive/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using archive::Content;
using archive::read_content;

namespace {

Content content_of(const std::string& type, const std::string& body) {
  ArchiveTown town;
  return read_content(town.request(alice, bob, body, type).message, 1000);
}

/// "m1 displayed, m2 failed"
std::string told(const Content& content) {
  std::string all;
  for (const Content::Disposition& each : content.dispositions)
    all += (all.empty() ? "" : ", ") + each.id + ' ' + std::string(to_string(each.state));
  return all;
}

const std::string cpim_head =
    "From: <sip:alice@example.org>\r\nTo: <sip:bob@example.org>\r\nNS: imdn <urn:ietf:params:imdn>\r\n";

std::string notification(const std::string& kind, const std::string& status) {
  return cpim_head +
         "imdn.Message-ID: n1\r\n\r\nContent-type: message/imdn+xml\r\nContent-Disposition: "
         "notification\r\n\r\n"
         "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>m1</message-id><" +
         kind + "><status><" + status + "/></status></" + kind + "></imdn>";
}

/// "<imdn ...><message-id>call</message-id><display-notification>...<displayed/>", deflated.
constexpr std::string_view deflated(
    "\170\332\155\315\061\012\200\100\014\004\300\257\210\275\244\017\061\177\011\336\051\201\273\050"
    "\046\202\376\136\055\024\013\333\331\135\226\264\046\153\366\132\314\373\166\133\015\065\307\210"
    "\213\254\122\035\057\106\163\274\053\055\123\315\356\062\345\116\023\017\122\012\301\007\050\251"
    "\057\105\216\316\346\320\121\007\011\235\215\311\103\142\363\067\315\011\230\340\101\370\337\300"
    "\175\307\047\333\324\070\213",
    103);

}  // namespace

TEST_CASE(
    "a notification that comes deflated is read, as linphone sends it; what cannot be inflated is not") {
  ArchiveTown town;
  auto read = [&](std::string_view coding, std::string_view body) {
    const auto plain = town.request(alice, bob, std::string(body), "message/imdn+xml").message;
    const std::string text = sip::Splice(plain).prepend(sip::HeaderId::content_encoding, coding).finish();
    return read_content(*sip::Message::parse(share(std::string(text)), {.message = 1 << 20}), 1000);
  };
  CHECK(told(read("deflate", deflated)) == "call displayed");
  CHECK(told(read("gzip", deflated)) == "");
  CHECK(told(read("deflate", deflated.substr(1))) == "");
}

TEST_CASE("a notification names a message by its id, and one without Message-ID by its Call-ID, too") {
  CHECK(archive::is_named("a", "a"));
  CHECK(archive::is_named("call@x:1", "call@x"));
  CHECK(archive::is_named("call@x:4294967295", "call@x"));
  CHECK_FALSE(archive::is_named("call@x:1:2", "call@x"));
  CHECK_FALSE(archive::is_named("call@x:", "call@x"));
  CHECK_FALSE(archive::is_named("ab", "a"));
  CHECK_FALSE(archive::is_named(":1", ""));
  CHECK_FALSE(archive::is_named("a", "ab"));
}

TEST_CASE("a text is kept with its type; other content is not") {
  const auto plain = content_of("text/plain;charset=UTF-8", "hi");
  CHECK(plain.is_text);
  CHECK(plain.type == "text/plain");
  CHECK(plain.text == "hi");
  CHECK(plain.id == "call-1:1");
  CHECK(content_of("text/html", "<b>hi</b>").type == "text/html");
  CHECK_FALSE(content_of("application/im-iscomposing+xml", "<x/>").is_text);
  CHECK_FALSE(content_of("image/png", "x").is_text);
}

TEST_CASE("a text that is no UTF-8 is left out, and its message is kept") {
  const auto content = content_of("text/plain;charset=ISO-8859-1", "caf\xe9");
  CHECK(content.is_text);
  CHECK(content.text.empty());
  CHECK(content.is_cut);
}

TEST_CASE("message/cpim is kept as what it carries, by its own Message-ID (RFC 3862, RFC 5438 6.3)") {
  const auto content =
      content_of("message/cpim", cpim_head + "imdn.Message-ID: m1\r\n\r\nContent-type: text/plain\r\n\r\nhi");
  CHECK(content.is_text);
  CHECK(content.text == "hi");
  CHECK(content.id == "m1");
  CHECK(content_of("message/cpim", cpim_head + "\r\nContent-type: text/plain\r\n\r\nhi").id == "call-1:1");
  CHECK_FALSE(content_of("message/cpim", "rubbish").is_text);
}

TEST_CASE("a disposition notification without message/cpim counts, too, as some devices send it so") {
  const auto content = content_of("message/imdn+xml",
                                  "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>m1</message-id>"
                                  "<display-notification><status><displayed/></status></display-notification>"
                                  "</imdn>");
  CHECK(told(content) == "m1 displayed");
}

TEST_CASE("a disposition notification says how far a message has come (RFC 5438 7)") {
  struct Row {
    const char *kind, *status, *told;
  };
  for (const Row& row :
       {Row{"delivery-notification", "delivered", "m1 delivered"},
        Row{"delivery-notification", "failed", "m1 failed"}, Row{"delivery-notification", "forbidden", ""},
        Row{"display-notification", "displayed", "m1 displayed"},
        Row{"processing-notification", "stored", "m1 stored"},
        Row{"processing-notification", "processed", ""}}) {
    CAPTURE(row.status);
    const auto content = content_of("message/cpim", notification(row.kind, row.status));
    CHECK_FALSE(content.is_text);
    CHECK(told(content) == row.told);
  }
}

TEST_CASE("several notifications in one are read each (RFC 5438 8.3), alone and in message/cpim") {
  const auto part = [](const std::string& id, const std::string& kind, const std::string& status) {
    return "--b\r\nContent-type: message/imdn+xml\r\n\r\n<imdn "
           "xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>" +
           id + "</message-id><" + kind + "><status><" + status + "/></status></" + kind + "></imdn>\r\n";
  };
  const std::string type = "multipart/mixed;boundary=b";
  const std::string both = part("m1", "delivery-notification", "delivered") +
                           part("m2", "display-notification", "displayed") + "--b--\r\n";
  CHECK(told(content_of(type, both)) == "m1 delivered, m2 displayed");
  CHECK(told(content_of("message/cpim", cpim_head + "\r\nContent-type: " + type +
                                            "\r\nContent-Disposition: notification\r\n\r\n" + both)) ==
        "m1 delivered, m2 displayed");
  SUBCASE("what is no notification beside them makes it none: no message is both (9)") {
    CHECK(told(content_of(type, "--b\r\n\r\nhello\r\n" + both)) == "");
  }
  SUBCASE("one that cannot be read is left out") {
    CHECK(told(content_of(type, "--b\r\nContent-type: message/imdn+xml\r\n\r\n<imdn/>\r\n" + both)) ==
          "m1 delivered, m2 displayed");
  }
  SUBCASE("too many are none") {
    std::string many;
    for (std::size_t i = 0; i <= documents::imdns_max; ++i)
      many += part("m", "display-notification", "displayed");
    CHECK(told(content_of(type, many + "--b--\r\n")) == "");
  }
}

TEST_CASE("a notification marks the message in both archives, and is no message itself") {
  ArchiveTown town(World::default_settings(), 2);
  town.note(alice, bob, cpim_head + "imdn.Message-ID: m1\r\n\r\nContent-type: text/plain\r\n\r\nhi",
            MessageState::delivered, "message/cpim");
  town.note(carol, alice, notification("display-notification", "displayed"), MessageState::delivered,
            "message/cpim");
  CHECK(town.lines(alice) == Lines{"< hi (delivered)"});  // it was not sent to carol
  town.note(bob, alice, notification("display-notification", "displayed"), MessageState::delivered,
            "message/cpim");
  CHECK(town.lines(alice) == Lines{"< hi (displayed)"});
  CHECK(town.lines(bob) == Lines{"> hi (displayed)"});
}
