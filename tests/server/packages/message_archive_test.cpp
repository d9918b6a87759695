#include "server/packages/message_archive.hpp"

#include "protocol/documents/message_archive.hpp"
#include "server/archive/archive.hpp"
#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using documents::MessageState;

namespace {

/// A stage with archives.
class Messages final : public Peers {
 public:
  Messages()
      : stage(Stage::default_settings(), [this](Stage& started, subscription::Packages& packages) {
          archive = std::make_unique<archive::Archive>(started, *this, gruus);
          packages.add<packages::MessageArchive>(*archive);
        }) {}
  ~Messages() override { archive.reset(); }

  void note(const std::string& text, const std::string& with = bob) {
    archive->on(archive::Note{alice,
                              {.with = with,
                               .id = std::to_string(++last_id),
                               .state = MessageState::delivered,
                               .time = stage.clock_.at.wall,
                               .content_type = "text/plain",
                               .text = text}},
                bucket_of(alice), stage.clock_.at);
    stage.settle();
  }
  void read_all() {
    archive->set_displayed(*stage.entry(alice), {}, [](int) {});
    stage.settle();
  }
  documents::MessageArchive take(int status = 200) {
    const auto notified = stage.take(status);
    CHECK(notified.message.header(sip::HeaderId::content_type) == documents::message_archive_type);
    const auto document = documents::parse_message_archive(notified.message.body());
    REQUIRE(document.has_value());
    return *document;
  }

  unsigned last_id = 0;
  const Gruus gruus{crypto::Key32{}};
  std::unique_ptr<archive::Archive> archive;
  Stage stage;

 private:
  bool deliver(Parcel parcel) override {
    parcel.open(archive.get(), stage.clock_.at);
    return true;
  }
  void deliver_back(Parcel parcel) override { parcel.open(archive.get(), stage.clock_.at); }
};

}  // namespace

TEST_CASE("a device is told where the archive stands, then what is new in it and what has changed") {
  Messages messages;
  messages.note("before");
  Device phone(messages.stage, alice, tls(9));
  CHECK(phone.subscribe(alice, "beckon-messages").status() == 200);
  const auto first = messages.take();
  CHECK(first.from == first.to);
  CHECK(first.to != 0);
  CHECK(first.messages.empty());
  messages.note("hi");
  const auto second = messages.take();
  CHECK(second.from == first.to);
  REQUIRE(second.messages.size() == 1);
  CHECK(second.messages.front().text == "hi");
  messages.read_all();
  const auto third = messages.take();
  CHECK(third.from == second.to);
  CHECK(third.messages.size() == 2);
  CHECK(third.messages.front().state == MessageState::displayed);
  CHECK_FALSE(third.messages.front().has_text);
  messages.archive->erase(*messages.stage.entry(alice), {.with = bob}, [](int) {});
  messages.stage.settle();
  CHECK(messages.take().erased.front().with == bob);
  CHECK(messages.stage.notifies.empty());
}

TEST_CASE("an archive is nobody else's business") {
  Messages messages;
  messages.stage.put_rules(rule_for(bob, "allow"));
  CHECK(Device(messages.stage, bob, tls(8)).subscribe(alice, "beckon-messages").status() == 403);
}

TEST_CASE("changes while a NOTIFY is under way come together, those past its length in the next one") {
  Messages messages;
  Device phone(messages.stage, alice, tls(9));
  phone.subscribe(alice, "beckon-messages");
  messages.take();
  messages.note("1");
  const auto held = messages.stage.take(0);
  for (int i = 0; i < 4; ++i) messages.note(std::string(3000, static_cast<char>('a' + i)));
  messages.stage.answer_notify(held, 200);
  const auto first = messages.take(0);
  CHECK(first.messages.size() == 2);
  CHECK_FALSE(first.is_complete);
  CHECK(messages.stage.notifies.empty());  // one is under way at a time
}

TEST_CASE("what did not fit into a NOTIFY follows without another change") {
  Messages messages;
  Device phone(messages.stage, alice, tls(9));
  phone.subscribe(alice, "beckon-messages");
  messages.take();
  messages.note("1");
  const auto held = messages.stage.take(0);
  for (int i = 0; i < 5; ++i) messages.note(std::string(3000, static_cast<char>('a' + i)));
  messages.stage.answer_notify(held, 200);
  std::size_t count = 0, documents = 0;
  for (; !messages.stage.notifies.empty(); ++documents) count += messages.take().messages.size();
  CHECK(count == 5);
  CHECK(documents == 3);
}

TEST_CASE("a device that may have missed changes is told the newest number: it sees that some are missing") {
  Messages messages;
  Device phone(messages.stage, alice, tls(9));
  phone.subscribe(alice, "beckon-messages");
  const auto first = messages.take();
  messages.note("lost");
  messages.stage.take(408);
  messages.stage.wait(30s);
  const auto again = messages.take();
  CHECK(again.from > first.to);
  CHECK(again.from == again.to);
  CHECK(again.messages.empty());
  const auto missed = messages.archive->changes(*messages.stage.entry(alice), first.to, 1 << 20);
  CHECK(missed.messages.size() == 1);
  phone.refresh(3600);
  CHECK(messages.take().to == again.to);
  messages.note("next");
  CHECK(messages.take().from == again.to);
}
