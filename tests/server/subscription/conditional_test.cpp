#include "tests/server/packages/stage.hpp"
#include "tests/server/subscription/echo.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

// RFC 5839. Figures are those of the RFC, message by message; where it prints 202 we answer 200, as RFC 6665
// 8.3.1 has it.

namespace {

using Lines = std::vector<std::string>;

struct Condition {
  Echo* echo = nullptr;
  Stage stage{[] {
                Settings settings = Stage::default_settings();
                settings.watcher_policy = WatcherPolicy::allow;
                return settings;
              }(),
              [this](Stage&, subscription::Packages& packages) { echo = &packages.add<Echo>(); }};
  Device watcher{stage, bob, udp(5070)};
  void count() { echo->count(*stage.entry(alice), stage.clock_.at); }
};

std::string tag_of(const Notified& notified) {
  return std::string(notified.message.header(HeaderId::sip_etag));
}
Lines if_not(const std::string& tag) { return {"Suppress-If-Match: " + tag}; }
/// A NOTIFY whose body is suppressed (6.2).
bool is_bare(const Notified& notified) {
  return notified.message.body().empty() && !notified.message.has(HeaderId::content_type) &&
         notified.message.header(HeaderId::content_length) == "0";
}

}  // namespace

TEST_CASE(
    "figure 1: a refresh and an unsubscribe with the newest entity-tag are 204, and no NOTIFY follows") {
  Condition it;
  CHECK(it.watcher.subscribe(alice, "echo").status() == 200);  // 1, 2
  const Notified first = it.stage.take();                      // 3, 4
  CHECK_FALSE(tag_of(first).empty());
  it.stage.wait(500s);
  const auto refreshed = it.watcher.refresh(900, if_not(tag_of(first)));  // 5
  CHECK(refreshed.status() == 204);                                       // 6
  CHECK(refreshed.reason() == "No Notification");
  CHECK(refreshed.header(HeaderId::expires) == "900");
  CHECK(it.stage.notifies.empty());
  it.stage.wait(600s);  // past the first lifetime
  it.count();
  const Notified second = it.stage.take();  // 7, 8
  CHECK(second.message.body() == "1");
  CHECK(tag_of(second) != tag_of(first));
  CHECK(it.watcher.refresh(0, if_not(tag_of(second))).status() == 204);  // 9, 10
  it.stage.settle();
  CHECK(it.stage.notifies.empty());
  CHECK(it.stage.size() == 0);
  CHECK(it.stage.memory.records.empty());
}

TEST_CASE("figure 3: a poll that names the newest entity-tag gets a NOTIFY without body") {
  Condition it;
  CHECK(it.watcher.subscribe(alice, "echo", {"Expires: 0"}).status() == 200);  // 1, 2
  const Notified first = it.stage.take();                                      // 3, 4
  CHECK(first.state() == "terminated;timeout");
  CHECK(first.message.body() == "0");
  CHECK(it.watcher.subscribe(alice, "echo", {"Expires: 0", "Suppress-If-Match: " + tag_of(first)}).status() ==
        200);                               // 5, 6
  const Notified second = it.stage.take();  // 7, 8
  CHECK(second.state() == "terminated;timeout");
  CHECK(is_bare(second));
  CHECK(tag_of(second) == tag_of(first));
}

TEST_CASE(
    "figure 4: a subscription is resumed in a new dialog without a body, and with one if the tag is old") {
  Condition it;
  it.watcher.subscribe(alice, "echo");
  const std::string tag = tag_of(it.stage.take());
  it.watcher.refresh(0, if_not(tag));
  SUBCASE("nothing has changed") {
    CHECK(it.watcher.subscribe(alice, "echo", if_not(tag)).status() == 200);  // 1, 2
    const Notified first = it.stage.take();                                   // 3, 4
    CHECK(first.state() == "active");
    CHECK(is_bare(first));
    CHECK(tag_of(first) == tag);
    it.count();
    CHECK(it.stage.take().message.body() == "1");
  }
  SUBCASE("after a restart of the server: the tag says what the watcher sees") {
    const unsigned counted = it.echo->counters[alice];
    it.stage.restart();
    it.echo->counters[alice] = counted;
    it.watcher.subscribe(alice, "echo", if_not(tag));
    CHECK(is_bare(it.stage.take()));
  }
  SUBCASE("the state is another one") {
    it.count();
    it.watcher.subscribe(alice, "echo", if_not(tag));
    const Notified first = it.stage.take();
    CHECK(first.message.body() == "1");
    CHECK(tag_of(first) != tag);
  }
}

TEST_CASE("a refresh that names an old entity-tag is answered as any other (5.2)") {
  Condition it;
  it.watcher.subscribe(alice, "echo");
  const std::string tag = tag_of(it.stage.take());
  it.count();
  it.stage.take();
  for (const std::string& other : {tag, std::string(8000, 't')}) {
    CHECK(it.watcher.refresh(600, if_not(other)).status() == 200);
    CHECK(it.stage.take().message.body() == "1");
  }
}

TEST_CASE(
    "as long as the condition holds later NOTIFYs are suppressed; once it has failed it is over (6.3)") {
  Condition it;
  it.watcher.subscribe(alice, "echo");
  const std::string tag = tag_of(it.stage.take());
  CHECK(it.watcher.refresh(600, if_not(tag)).status() == 204);
  it.stage.subscriptions->changed(*it.echo, *it.stage.entry(alice), it.stage.clock_.at);
  CHECK(it.stage.notifies.empty());  // the same state once more
  it.count();
  CHECK(it.stage.take().message.body() == "1");
  // The watcher has another state now, so the one it named is news again.
  it.echo->counters[alice] = 0;
  it.stage.subscriptions->changed(*it.echo, *it.stage.entry(alice), it.stage.clock_.at);
  const Notified back = it.stage.take();
  CHECK(back.message.body() == "0");
  CHECK(tag_of(back) == tag);
}

TEST_CASE(
    "a SUBSCRIBE that crosses a NOTIFY names what the watcher no longer has: its condition does not hold") {
  Condition it;
  it.watcher.subscribe(alice, "echo");
  const std::string tag = tag_of(it.stage.take());
  it.count();
  const Notified second = it.stage.take(0);  // while the SUBSCRIBE is under way
  it.echo->counters[alice] = 0;
  it.stage.subscriptions->changed(*it.echo, *it.stage.entry(alice), it.stage.clock_.at);
  CHECK(it.watcher.refresh(600, if_not(tag)).status() == 200);
  it.stage.answer_notify(second, 200);
  const Notified third = it.stage.take();
  CHECK(third.message.body() == "0");
  CHECK(it.watcher.refresh(600, if_not(tag)).status() == 204);
}

TEST_CASE("a state of the subscription that the watcher was not told goes out, without the body (6.2)") {
  using subscription::Permission;
  Condition it;
  SUBCASE("pending becomes active") {
    it.echo->permission = Permission::pending;
    it.watcher.subscribe(alice, "echo", if_not("*"));
    CHECK(it.stage.take().state() == "pending");
    it.echo->decide(*it.stage.entry(alice), Permission::active, it.stage.clock_.at);
    const Notified active = it.stage.take();
    CHECK(active.state() == "active");
    CHECK(is_bare(active));
  }
  SUBCASE("the NOTIFY that said it was lost: the refresh is 200") {
    it.watcher.subscribe(alice, "echo");
    const std::string tag = tag_of(it.stage.take(408));
    CHECK(it.watcher.refresh(600, if_not(tag)).status() == 200);
    const Notified again = it.stage.take();
    CHECK(is_bare(again));
    CHECK(tag_of(again) == tag);
    CHECK(it.watcher.refresh(600, if_not(tag)).status() == 204);
  }
}

TEST_CASE("'*' holds whatever the state is: the subscription is silent until a SUBSCRIBE without it (5.2)") {
  Condition it;
  it.watcher.subscribe(alice, "echo");
  it.stage.take();
  CHECK(it.watcher.refresh(600, if_not("*")).status() == 204);
  it.count();
  CHECK(it.stage.notifies.empty());
  SUBCASE("a SUBSCRIBE without it brings the state") {
    CHECK(it.watcher.refresh(600).status() == 200);
    CHECK(it.stage.take().message.body() == "1");
    it.count();
    CHECK(it.stage.take().message.body() == "2");
  }
  SUBCASE("over a restart of the server: the subscription says that it is there, without body") {
    it.stage.restart();
    it.stage.wait(6s);
    CHECK(is_bare(it.stage.take()));
    it.count();
    CHECK(it.stage.notifies.empty());
  }
  SUBCASE("its end is still told") {
    it.echo->decide(*it.stage.entry(alice), subscription::Permission::refused, it.stage.clock_.at);
    CHECK(it.stage.take().state() == "terminated;rejected");
  }
}

TEST_CASE("watchers that see the same have the same entity-tag, others another (4)") {
  Stage stage;
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070)), other(stage, carol, udp(5071));
  laptop.publish(pidf("here"));
  stage.put_rules(rule_for(bob, "allow"));
  watcher.subscribe(alice);
  const Notified shown = stage.take();
  other.subscribe(alice);
  const Notified hidden = stage.take();
  CHECK(hidden.state() == "pending");
  CHECK(tag_of(hidden).empty());
  CHECK(watcher.refresh(600, if_not(tag_of(shown))).status() == 204);
  Device(stage, bob, udp(5072)).subscribe(alice);
  CHECK(tag_of(stage.take()) == tag_of(shown));
  stage.put_rules(rule_for(bob, "polite-block"));
  stage.wait(1s);
  for (const Notified& polite : stage.drain("presence")) CHECK(tag_of(polite) != tag_of(shown));
}

TEST_CASE("a package whose documents tell changes has no entity-tags; '*' silences it all the same (4)") {
  Condition it;
  it.watcher.subscribe(bob, "presence.winfo");
  CHECK(tag_of(it.stage.take()).empty());
  CHECK(it.watcher.refresh(600, if_not("abc")).status() == 200);
  it.stage.take();
  CHECK(it.watcher.refresh(600, if_not("*")).status() == 204);
  Device(it.stage, carol, udp(5071)).subscribe(bob);
  it.stage.wait(10s);
  CHECK(it.stage.drain("presence.winfo").empty());
  CHECK(it.watcher.refresh(600).status() == 200);
  const Notified full = it.stage.take();
  CHECK(full.winfo().state == documents::WatcherInfo::State::full);
  CHECK(full.winfo().lists.at(0).watchers.size() == 1);
}

TEST_CASE(
    "registrations have entity-tags, of the whole state and not of the times that only pass (RFC 5839 4)") {
  using documents::RegistrationInfo;
  Condition it;
  Device device(it.stage, bob, tls(7)), phone(it.stage, bob, tls(8));
  phone.register_(3600, "urn:uuid:1");
  device.subscribe(bob, "reg");
  const Notified first = it.stage.take();
  it.stage.wait(100s);
  CHECK(device.refresh(600, if_not(tag_of(first))).status() == 204);
  it.stage.wait(10s);
  phone.register_(3600, "urn:uuid:1");
  const Notified refreshed = it.stage.take();
  CHECK(refreshed.reginfo().state == RegistrationInfo::State::partial);
  CHECK(refreshed.reginfo().version == 1);
  CHECK(tag_of(refreshed) != tag_of(first));
  SUBCASE("a refresh that is 204 leaves the versions as they are") {
    CHECK(device.refresh(600, if_not(tag_of(refreshed))).status() == 204);
    it.stage.wait(10s);
    phone.register_(0, "urn:uuid:1");
    const auto ended = it.stage.take().reginfo();
    CHECK(ended.state == RegistrationInfo::State::partial);
    CHECK(ended.version == 2);
  }
  SUBCASE("resumed in a new dialog there is no body, and the first document has no change to build upon") {
    Device(it.stage, bob, tls(9)).subscribe(bob, "reg", if_not(tag_of(refreshed)));
    CHECK(is_bare(it.stage.take()));
    it.stage.wait(10s);
    phone.register_(0, "urn:uuid:1");
    const auto notified = it.stage.drain("reg");
    REQUIRE(notified.size() == 2);
    CHECK(notified[0].reginfo().state == RegistrationInfo::State::partial);
    CHECK(notified[1].reginfo().state == RegistrationInfo::State::full);
    CHECK(tag_of(notified[0]) == tag_of(notified[1]));
  }
  SUBCASE("over a restart the tag is the same") {
    it.stage.restart();
    device.move(tls(10));
    CHECK(device.refresh(600).status() == 200);
    CHECK(tag_of(it.stage.take()) == tag_of(refreshed));
  }
}

TEST_CASE("what waits for a user has an entity-tag (RFC 5839, RFC 3842)") {
  Condition it;
  Device phone(it.stage, bob, tls(7)), voicemail(it.stage, bob, udp(5071));
  phone.subscribe(bob, "message-summary");
  const Notified none = it.stage.take();
  CHECK(phone.refresh(600, if_not(tag_of(none))).status() == 204);
  voicemail.publish("Messages-Waiting: yes\r\nVoice-Message: 2/8\r\n", {}, "message-summary",
                    std::string(documents::message_summary_type));
  it.stage.wait(1s);
  const Notified some = it.stage.take();
  CHECK(tag_of(some) != tag_of(none));
  Device(it.stage, bob, tls(9)).subscribe(bob, "message-summary", if_not(tag_of(some)));
  CHECK(is_bare(it.stage.take()));
}

TEST_CASE("calls have entity-tags, of their state and not of how long they last (RFC 5839 4, RFC 4235)") {
  using documents::DialogInfo;
  Condition it;
  Device console(it.stage, bob, tls(7)), phone(it.stage, bob, tls(8));
  const auto publish = [&](const std::string& state) {
    phone.publish(
        "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' entity='" + bob +
            "'><dialog id='a' call-id='1'><state>" + state +
            "</state><duration>5</duration></dialog></dialog-info>",
        {}, "dialog", std::string(documents::dialoginfo_type));
    it.stage.wait(1s);
  };
  console.subscribe(bob, "dialog");
  const Notified idle = it.stage.take();
  CHECK(console.refresh(600, if_not(tag_of(idle))).status() == 204);
  publish("confirmed");
  const Notified talking = it.stage.take();
  CHECK(talking.dialoginfo().state == DialogInfo::State::partial);
  CHECK(tag_of(talking) != tag_of(idle));
  it.stage.wait(100s);
  SUBCASE("a refresh that is 204 leaves the versions as they are") {
    CHECK(console.refresh(600, if_not(tag_of(talking))).status() == 204);
    publish("terminated");
    const Notified ended = it.stage.take();
    CHECK(ended.dialoginfo().state == DialogInfo::State::partial);
    CHECK(ended.dialoginfo().version == 2);
    CHECK(tag_of(ended) == tag_of(idle));
  }
  SUBCASE("resumed in a new dialog there is no body, and the first document has no change to build upon") {
    console.refresh(0);
    it.stage.take();
    Device(it.stage, bob, tls(9)).subscribe(bob, "dialog", if_not(tag_of(talking)));
    CHECK(is_bare(it.stage.take()));
    publish("terminated");
    const Notified ended = it.stage.take();
    CHECK(ended.dialoginfo().state == DialogInfo::State::full);
    CHECK(ended.dialoginfo().dialogs.empty());
  }
}
