#include "server/archive/content.hpp"

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

const std::string cpim_head =
    "From: <sip:alice@example.org>\r\nTo: <sip:bob@example.org>\r\nNS: imdn <urn:ietf:params:imdn>\r\n";

std::string notification(const std::string& kind, const std::string& status) {
  return cpim_head +
         "imdn.Message-ID: n1\r\n\r\nContent-type: message/imdn+xml\r\nContent-Disposition: "
         "notification\r\n\r\n"
         "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>m1</message-id><" +
         kind + "><status><" + status + "/></status></" + kind + "></imdn>";
}

}  // namespace

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
  CHECK(content.disposition == documents::MessageState::displayed);
  CHECK(content.id == "m1");
}

TEST_CASE("a disposition notification says how far a message has come (RFC 5438 7)") {
  using State = documents::MessageState;
  struct Row {
    const char *kind, *status;
    std::optional<State> state;
  };
  for (const Row& row :
       {Row{"delivery-notification", "delivered", State::delivered},
        Row{"delivery-notification", "failed", State::failed}, Row{"delivery-notification", "forbidden", {}},
        Row{"display-notification", "displayed", State::displayed},
        Row{"processing-notification", "stored", State::stored},
        Row{"processing-notification", "processed", {}}}) {
    CAPTURE(row.status);
    const auto content = content_of("message/cpim", notification(row.kind, row.status));
    CHECK_FALSE(content.is_text);
    CHECK(content.disposition == row.state);
    CHECK(content.id == "m1");
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
