#include "protocol/documents/imdn.hpp"

#include <doctest/doctest.h>

#include "protocol/documents/cpim.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

std::string imdn_of(const std::string& inner) {
  return "<imdn xmlns='urn:ietf:params:xml:ns:imdn'>" + inner + "</imdn>";
}

std::string notification(const std::string& kind, const std::string& status) {
  return imdn_of("<message-id>1</message-id><" + kind + "><status>" + status + "</status></" + kind + ">");
}

}  // namespace

TEST_CASE("the delivery notification of RFC 5438 7.2.1.1 is read and printed") {
  const auto imdn = parse_imdn(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">\n"
      " <message-id>34jk324j</message-id>\n <datetime>2008-04-04T12:16:49-05:00</datetime>\n"
      " <recipient-uri>im:bob@example.com</recipient-uri>\n"
      " <original-recipient-uri\n   >im:bob@example.com</original-recipient-uri>\n"
      " <delivery-notification>\n  <status>\n   <delivered/>\n  </status>\n "
      "</delivery-notification>\n</imdn>");
  REQUIRE(imdn.has_value());
  const Imdn expected{.message_id = "34jk324j",
                      .date_time = "2008-04-04T12:16:49-05:00",
                      .recipient = "im:bob@example.com",
                      .original_recipient = "im:bob@example.com",
                      .kind = Imdn::Kind::delivery,
                      .status = Imdn::Status::delivered};
  CHECK(*imdn == expected);
  CHECK(parse_imdn(print(*imdn)).value() == expected);
}

TEST_CASE("each kind of notification has its own statuses (RFC 5438 11.1.7)") {
  struct Row {
    const char* kind;
    const char* status;
    bool taken;
  };
  for (const Row& row : {Row{"delivery", "delivered", true}, Row{"delivery", "failed", true},
                         Row{"delivery", "forbidden", true}, Row{"delivery", "error", true},
                         Row{"delivery", "displayed", false}, Row{"delivery", "stored", false},
                         Row{"display", "displayed", true}, Row{"display", "forbidden", true},
                         Row{"display", "error", true}, Row{"display", "delivered", false},
                         Row{"processing", "processed", true}, Row{"processing", "stored", true},
                         Row{"processing", "forbidden", true}, Row{"processing", "error", true},
                         Row{"processing", "failed", false}, Row{"delivery", "juggled", false}}) {
    CAPTURE(row.kind);
    CAPTURE(row.status);
    const auto imdn = parse_imdn(
        notification(row.kind + std::string("-notification"), "<" + std::string(row.status) + "/>"));
    CHECK(imdn.has_value() == row.taken);
    if (imdn) {
      CHECK(to_string(imdn->kind) == std::string(row.kind));
      CHECK(to_string(imdn->status) == std::string(row.status));
      CHECK(parse_imdn(print(*imdn)).value() == *imdn);
    } else {
      CHECK(imdn.error() == documents::Errc::bad_value);
    }
  }
}

TEST_CASE("COMPAT: linphone's notification has no recipient, and a reason of its own beside the status") {
  const auto imdn = parse_imdn(
      "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\" "
      "xmlns:linphoneimdn=\"http://www.linphone.org/xsds/imdn.xsd\">"
      "<message-id>hirKwhJFFP</message-id><datetime>2026-11-21T04:01:47Z</datetime>"
      "<delivery-notification><status><error/></status></delivery-notification>"
      "<linphoneimdn:reason code=\"415\">Unsupported</linphoneimdn:reason></imdn>");
  REQUIRE(imdn.has_value());
  CHECK(imdn->message_id == "hirKwhJFFP");
  CHECK(imdn->status == Imdn::Status::error);
  CHECK(imdn->extensions.size() == 1);
  CHECK(parse_imdn(print(*imdn)).value() == *imdn);
}

TEST_CASE("the order of elements, a missing time and extensions of the status do not matter") {
  const auto imdn = parse_imdn(imdn_of(
      "<display-notification><status><x:read xmlns:x='urn:x'/><displayed/></status></display-notification>"
      "<subject>lunch</subject><message-id> 7 </message-id>"));
  REQUIRE(imdn.has_value());
  CHECK(imdn->message_id == "7");
  CHECK(imdn->subject == "lunch");
  CHECK(imdn->kind == Imdn::Kind::display);
  CHECK(imdn->status == Imdn::Status::displayed);
}

TEST_CASE("both recipients are printed or none, and a subject only with them (RFC 5438 11.1.9)") {
  Imdn imdn{.message_id = "1", .subject = "s"};
  CHECK(print(imdn).find("recipient-uri") == std::string::npos);
  CHECK(print(imdn).find("subject") == std::string::npos);
  imdn.recipient = "sip:b@c";
  CHECK(print(imdn).find("<original-recipient-uri>sip:b@c</original-recipient-uri><subject>s</subject>") !=
        std::string::npos);
  imdn.original_recipient = "sip:list@c";
  CHECK(parse_imdn(print(imdn)).value() == imdn);
}

TEST_CASE("what is no notification is refused") {
  CHECK(parse_imdn("<imdn/>").error() == documents::Errc::wrong_root);
  CHECK(parse_imdn(imdn_of("")).error() == documents::Errc::bad_structure);
  CHECK(parse_imdn(imdn_of("<message-id>1</message-id>")).error() == documents::Errc::bad_structure);
  CHECK(parse_imdn(imdn_of("<message-id/><delivery-notification><status><delivered/></status>"
                           "</delivery-notification>"))
            .error() == documents::Errc::bad_structure);
  CHECK(parse_imdn(imdn_of("<message-id>1</message-id><delivery-notification/>")).error() ==
        documents::Errc::bad_value);
  CHECK(parse_imdn(imdn_of("<message-id>" + std::string(cpim_message_id_max + 1, 'x') +
                           "</message-id><delivery-notification><status><delivered/></status>"
                           "</delivery-notification>"))
            .error() == documents::Errc::bad_value);
  CHECK(parse_imdn("").has_error());
}
