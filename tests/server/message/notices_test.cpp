#include "protocol/documents/imdn.hpp"
#include "tests/server/message/office.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// What alice sends when she wants to be told everything.
std::string wrapped(const std::string& text, const std::string& id) {
  return "From: <sip:alice@example.org>\r\nTo: <sip:bob@example.org>\r\nNS: imdn <urn:ietf:params:imdn>\r\n"
         "imdn.Message-ID: " +
         id +
         "\r\nimdn.Disposition-Notification: positive-delivery, negative-delivery, processing, "
         "display\r\n\r\n"
         "Content-Type: text/plain\r\n\r\n" +
         text;
}

int send_wrapped(Office& office, const std::string& text, const std::string& id,
                 std::vector<std::string> lines = {}) {
  Ask ask = office.message(wrapped(text, id), std::move(lines));
  ask.lines[0] = "Content-Type: message/cpim";
  return office.ask_as(udp(5070), ask, "alice").status();
}

/// alice's phone, where notifications arrive.
void enter_alice(Office& office) { office.enter(alice, udp(5070), "sip:alice@192.0.2.9:5070"); }

/// What alice is told next; the message that it is about.
documents::Imdn told(Office& office) {
  const auto got = office.delivered();
  CHECK(got.to.remote == udp(5070).remote);
  CHECK(got.message.header(HeaderId::from).starts_with("<sip:bob@example.org>;tag="));
  CHECK(got.message.header(HeaderId::content_type) == "message/cpim");
  office.answer(got, 200);
  const auto outer = documents::parse_cpim(got.message.body());
  REQUIRE(outer.has_value());
  CHECK_FALSE(outer->wanted.any());
  const auto imdn = documents::parse_imdn(outer->content);
  REQUIRE(imdn.has_value());
  return *imdn;
}

}  // namespace

TEST_CASE("a sender that asked for it is told that its message is stored, and that it ended (RFC 5438 8)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Office office(shards);
    enter_alice(office);
    CHECK(send_wrapped(office, "hi", "id1", {"Expires: 60"}) == 202);
    auto imdn = told(office);
    CHECK(imdn.message_id == "id1");
    CHECK(imdn.status == documents::Imdn::Status::stored);
    CHECK(office.is_quiet());
    office.wait(60s);
    imdn = told(office);
    CHECK(imdn.message_id == "id1");
    CHECK(imdn.status == documents::Imdn::Status::failed);
    CHECK(office.is_quiet());
    CHECK(office.records() == 0);
  }
}

TEST_CASE("a user who refuses a stored message makes it fail; a device that takes it does not") {
  Office office;
  enter_alice(office);
  CHECK(send_wrapped(office, "hi", "id1") == 202);
  told(office);
  office.enter_phone();
  const auto got = office.delivered();
  SUBCASE("603") {
    office.answer(got, 603);
    CHECK(told(office).status == documents::Imdn::Status::failed);
  }
  SUBCASE("200: whether it was delivered is the device's to say") { office.answer(got, 200); }
  CHECK(office.is_quiet());
}

TEST_CASE("notifications wait for a sender who is away, and make no further ones") {
  Office office;
  CHECK(send_wrapped(office, "hi", "id1", {"Expires: 60"}) == 202);
  office.wait(61s);
  CHECK(office.records() == 2);  // stored, failed
  enter_alice(office);
  CHECK(told(office).status == documents::Imdn::Status::stored);
  CHECK(told(office).status == documents::Imdn::Status::failed);
  CHECK(office.is_quiet());
  CHECK(office.records() == 0);
}

TEST_CASE("who asks for nothing is told nothing, and nothing is said of what its user deletes") {
  Office office;
  enter_alice(office);
  CHECK(office.send("plain", {"Expires: 60"}) == 202);
  CHECK(office.is_quiet());
  office.wait(61s);
  CHECK(office.is_quiet());
}

TEST_CASE(
    "a device that answers 415 to message/cpim gets the text alone, once more and from then on (RFC 3862)") {
  Office office;
  enter_alice(office);
  CHECK(send_wrapped(office, "one", "id1") == 202);
  CHECK(send_wrapped(office, "two", "id2") == 202);
  told(office);
  told(office);
  office.enter_phone();
  const auto first = office.delivered();
  CHECK(first.message.header(HeaderId::content_type) == "message/cpim");
  office.answer(first, 415);
  const auto again = office.delivered();
  CHECK(again.message.header(HeaderId::content_type) == "text/plain");
  CHECK(again.message.body() == "one");
  SUBCASE("it takes that") {
    office.answer(again, 200);
    const auto second = office.delivered();
    CHECK(second.message.header(HeaderId::content_type) == "text/plain");
    CHECK(second.message.body() == "two");
    office.answer(second, 200);
  }
  SUBCASE("nor does it take that: refused") {
    office.answer(again, 415);
    const auto second = office.delivered();
    CHECK(second.message.body() == "two");
    office.answer(second, 415);
  }
  CHECK(office.is_quiet());
}

TEST_CASE("after a 415 a notification is not sent again and again") {
  Office office;
  enter_alice(office);
  CHECK(send_wrapped(office, "one", "id1") == 202);
  const auto notification = office.delivered();
  office.answer(notification, 415);
  CHECK(office.is_quiet());
  enter_alice(office);
  office.wait(1h);
  CHECK(office.is_quiet());
}
