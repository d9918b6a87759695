#include "client/message/receipts.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client::message;
using documents::Imdn;

namespace {

const std::string alice = "sip:alice@example.org", bob = "sip:bob@example.org",
                  carol = "sip:carol@example.org";
const WallTime now = *parse_time("2026-11-21T04:00:00Z");

Imdn says(Imdn::Kind kind, Imdn::Status status, const std::string& id = "1") {
  return {.message_id = id, .kind = kind, .status = status};
}

}  // namespace

TEST_CASE(
    "a receipt of the recipient is news once; what others say, or of other messages, is shown as it comes") {
  Receipts receipts;
  receipts.on_sent("1", bob, "one");
  const Imdn delivered = says(Imdn::Kind::delivery, Imdn::Status::delivered);
  CHECK(receipts.is_news(bob, delivered));
  CHECK_FALSE(receipts.is_news(bob, delivered));
  CHECK(receipts.is_news(bob, says(Imdn::Kind::display, Imdn::Status::displayed)));
  CHECK(receipts.is_news(bob, says(Imdn::Kind::display, Imdn::Status::error)));
  CHECK(receipts.is_news(bob, says(Imdn::Kind::delivery, Imdn::Status::error)));
  for (int copy = 0; copy < 2; ++copy) {
    CHECK(receipts.is_news(carol, delivered));
    CHECK(receipts.is_news(bob, says(Imdn::Kind::delivery, Imdn::Status::delivered, "2")));
  }
  REQUIRE(receipts.recipient_of("1") != nullptr);
  CHECK(*receipts.recipient_of("1") == bob);
  CHECK(receipts.recipient_of("2") == nullptr);
  CHECK(receipts.name_of("1") == "one");
  CHECK(receipts.name_of("2") == "2");
}

TEST_CASE("a copy is told from a new message, as long as it is among the newest") {
  Receipts receipts;
  CHECK(receipts.on_received("bob 1"));
  CHECK_FALSE(receipts.on_received("bob 1"));
  for (std::size_t i = 0; i < Receipts::messages_max; ++i) receipts.on_received("carol " + std::to_string(i));
  CHECK(receipts.on_received("bob 1"));
}

TEST_CASE("a display is told once") {
  Receipts receipts;
  receipts.owe_display({.to = bob, .message_id = "1"});
  CHECK_FALSE(receipts.take_display(bob, "2").has_value());
  const auto owed = receipts.take_display(bob, "1");
  REQUIRE(owed.has_value());
  CHECK(owed->to == bob);
  CHECK_FALSE(receipts.take_display(bob, "1").has_value());
}

TEST_CASE("the displays of one sender, or of all, are told by age") {
  Receipts receipts;
  for (const char* id : {"1", "2", "3"})
    receipts.owe_display({.to = id[0] == '2' ? carol : bob, .message_id = id});
  const auto ids = [&](const std::string& from) {
    std::string out;
    for (const auto& owed : receipts.take_displays(from)) out += owed.message_id;
    return out;
  };
  CHECK(ids(carol) == "2");
  CHECK(ids("") == "13");
  CHECK(ids("").empty());
}

TEST_CASE("a notification is written as RFC 5438 7.2.1 says") {
  SeededRandom random{1};
  const Owed owed{.to = alice,
                  .message_id = "1",
                  .date_time = "2026-11-21T03:00:00Z",
                  .recipient = bob,
                  .record_route = {{"", "sip:one.example.org"}, {"", "sip:two.example.org"}}};
  const auto make = [&](const Owed& each, NotificationForm form) {
    return make_notification(each, Imdn::Kind::delivery, Imdn::Status::delivered, bob, form, random, now);
  };
  const auto full = make(owed, NotificationForm::full);
  CHECK(full.content_type == "message/cpim");
  const auto cpim = documents::parse_cpim(full.body).value();
  CHECK(cpim.from.uri == bob);
  CHECK(cpim.to.at(0).uri == alice);
  CHECK_FALSE(cpim.message_id.empty());
  CHECK(cpim.message_id != "1");
  CHECK(cpim.date_time == "2026-11-21T04:00:00Z");
  CHECK_FALSE(cpim.wanted.any());
  CHECK(cpim.route == owed.record_route);
  CHECK(cpim.record_route.empty());
  CHECK(cpim.content_type == "message/imdn+xml");
  CHECK(cpim.content_disposition == "notification");
  const auto imdn = documents::parse_imdn(cpim.content).value();
  CHECK(imdn.message_id == "1");
  CHECK(imdn.date_time == "2026-11-21T03:00:00Z");
  CHECK(imdn.recipient == bob);
  SUBCASE("a shorter one leaves out the recipient, unless the message had another one originally (11.1.4)") {
    const auto read = [](const Notification& each) {
      return documents::parse_imdn(documents::parse_cpim(each.body)->content).value();
    };
    const auto brief = make(owed, NotificationForm::brief);
    CHECK(brief.body.size() < full.body.size());
    CHECK(read(brief).recipient.empty());
    Owed listed = owed;
    listed.original_to = "sip:list@example.org";
    CHECK(read(make(listed, NotificationForm::brief)).original_recipient == "sip:list@example.org");
    const auto bare = make(owed, NotificationForm::bare);
    CHECK(bare.content_type == "message/imdn+xml");
    CHECK(bare.body.size() < brief.body.size());
    CHECK(documents::parse_imdn(bare.body)->message_id == "1");
  }
}
