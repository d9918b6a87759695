#include "server/mailbox.hpp"

#include "tests/server/message/office.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

struct Voicemail final : packages::Mailbox {
  documents::MessageSummary summary(const Entry&) const override { return published; }
  void observe(OnChange) override {}
  documents::MessageSummary published{};
};

}  // namespace

TEST_CASE("stored messages are new messages of the user's summary until a device has them (RFC 3842)") {
  Office office;
  auto voicemail = std::make_unique<Voicemail>();
  Voicemail& published = *voicemail;
  Mailboxes mailboxes(std::move(voicemail), office.room());
  unsigned changes = 0;
  mailboxes.observe([&](Entry& user, Now) { changes += user.aor() == bob ? 1 : 0; });
  const EntryPtr user = office.node().shard(0).directory().get(bob);
  CHECK(mailboxes.summary(*user) == documents::MessageSummary{});
  CHECK(office.send("one") == 202);
  CHECK(office.send("two") == 202);
  CHECK(changes == 2);
  const auto two = mailboxes.summary(*user);
  CHECK(two.waiting);
  REQUIRE(two.classes.size() == 1);
  CHECK(two.classes[0].name == "pager-message");
  CHECK(two.classes[0].all == documents::MessageCount{.fresh = 2});
  Ask receipt = office.message("<imdn/>");
  receipt.lines[0] = "Content-Type: message/imdn+xml";
  CHECK(office.ask_as(udp(5070), receipt, "alice").status() == 202);
  CHECK(mailboxes.summary(*user) == two);  // it is for bob's program
  published.published = {.waiting = true,
                         .account = "sip:voice@example.org",
                         .classes = {{.name = "voice-message", .all = {1, 0}}}};
  const auto both = mailboxes.summary(*user);
  CHECK(both.account == "sip:voice@example.org");
  CHECK(both.classes.size() == 2);
  published.published.classes[0] = {.name = "pager-message", .all = {0xffff'fffe, 1}};
  const auto most = mailboxes.summary(*user);
  REQUIRE(most.classes.size() == 1);
  CHECK(most.classes[0].all == documents::MessageCount{0xffff'ffff, 1});  // RFC 3842 3.5
  office.enter_phone();
  for (int i = 0; i < 3; ++i) office.answer(office.delivered(), 200);
  CHECK(changes == 6);
  CHECK(mailboxes.summary(*user) == published.published);
}
