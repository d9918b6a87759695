#include "tests/server/subscription/echo.hpp"

#include <algorithm>

#include "tests/server/packages/stage.hpp"
#include "tests/support/log_lines.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

struct EchoStage {
  Echo* echo = nullptr;
  bool is_served = true;  ///< From the next start on.
  Stage stage{Stage::default_settings(), [this](Stage&, subscription::Packages& packages) {
                if (is_served) echo = &packages.add<Echo>();
              }};
  void count() { echo->count(*stage.entry(alice), stage.clock_.at); }
};

}  // namespace

TEST_CASE("a new event package is one file and one line: subscribe, notify, refresh, end (RFC 6665 4.2)") {
  EchoStage it;
  Stage& stage = it.stage;
  Device watcher(stage, bob, udp(5070));
  const auto accepted = watcher.subscribe(alice, "echo");
  CHECK(accepted.status() == 200);
  CHECK(accepted.lists(HeaderId::allow_events, "echo"));
  CHECK(accepted.lists(HeaderId::allow_events, "presence.winfo"));
  const Notified first = stage.take();
  CHECK(first.state() == "active");
  CHECK(first.message.header(HeaderId::event) == "echo");
  CHECK(first.message.header(HeaderId::content_type) == "text/plain");
  CHECK(first.message.body() == "0");
  it.count();
  CHECK(stage.take().message.body() == "1");
  CHECK(watcher.refresh(600).status() == 200);
  CHECK(stage.take().message.body() == "1");
  CHECK(stage.table("echo").rows.size() == 1);
  CHECK(watcher.refresh(0).status() == 200);
  CHECK(stage.take().state() == "terminated;timeout");
  it.count();
  CHECK(stage.notifies.empty());
  stage.settle();
  CHECK(stage.size() == 0);
  CHECK(stage.memory.records.empty());
}

TEST_CASE("a watcher that sees nothing of a change is not notified") {
  EchoStage it;
  Stage& stage = it.stage;
  Device(stage, bob, udp(5070)).subscribe(alice, "echo");
  stage.take();
  it.echo->concerns_anybody = false;
  it.count();
  stage.wait(60s);
  CHECK(stage.notifies.empty());
  it.echo->concerns_anybody = true;
  it.count();
  CHECK(stage.take().message.body() == "2");
}

TEST_CASE("its subscriptions come back after a restart like any other") {
  EchoStage it;
  Stage& stage = it.stage;
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "echo;id=x");
  const Notified before = stage.take();
  stage.restart();
  stage.wait(5s);
  const Notified after = stage.take();
  CHECK(after.message.header(HeaderId::event) == "echo;id=x");
  CHECK(after.message.call_id() == before.message.call_id());
  CHECK(after.message.cseq()->number > before.message.cseq()->number);
  it.count();
  CHECK(stage.take().message.body() == "1");
}

TEST_CASE(
    "subscriptions of a package that is served no longer are skipped, logged once, and stay in the store") {
  EchoStage it;
  Stage& stage = it.stage;
  for (const auto& who : {bob, carol}) Device(stage, who, udp(5070)).subscribe(alice, "echo");
  stage.drain();
  it.is_served = false;
  stage.restart();
  stage.wait(6s);
  CHECK(stage.notifies.empty());
  CHECK(stage.size() == 0);
  CHECK(stage.memory.records.size() == 2);
  const std::string log = beckon::test::lines_of([&] { stage.directory().report_skipped(); });
  CHECK(std::ranges::count(log, '\n') == 1);
  CHECK(log.find("2 stored records of kind subscription are of event package echo") != std::string::npos);
  it.is_served = true;
  stage.restart();
  stage.wait(6s);
  CHECK(stage.drain("echo").size() == 2);
}

TEST_CASE("its decisions change the state of its subscriptions (RFC 6665 4.1.3)") {
  using subscription::Permission;
  EchoStage it;
  Stage& stage = it.stage;
  Device watcher(stage, bob, udp(5070));
  it.echo->permission = Permission::pending;
  watcher.subscribe(alice, "echo");
  CHECK(stage.take().state() == "pending");
  it.count();
  CHECK(stage.notifies.empty());
  it.echo->decide(*stage.entry(alice), Permission::active, stage.clock_.at);
  const Notified active = stage.take();
  CHECK(active.state() == "active");
  CHECK(active.message.body() == "1");
  it.echo->decide(*stage.entry(alice), Permission::refused, stage.clock_.at);
  CHECK(stage.take().state() == "terminated;rejected");
  CHECK(watcher.subscribe(alice, "echo").status() == 403);
  stage.settle();
  CHECK(stage.size() == 0);
}

TEST_CASE(
    "a SUBSCRIBE for another event in the dialog of a subscription is refused with 403 and leaves the "
    "subscription as it is (RFC 6665 4.5.2)") {
  for (const char* other : {"Event: presence", "Event: echo;id=y", "Event: echo"}) {
    CAPTURE(other);
    EchoStage it;
    Device watcher(it.stage, bob, udp(5070));
    const auto answer = watcher.subscribe(alice, "echo;id=x");
    it.stage.take();
    const auto id =
        watcher.send("SUBSCRIBE", std::string(answer.header(HeaderId::to)), {other, "Expires: 0"});
    CHECK(it.stage.answer(id).status() == 403);
    CHECK(it.stage.answer(id).reason() == "Dialog Sharing Not Supported");
    CHECK(it.stage.notifies.empty());
    CHECK(watcher.refresh(600).status() == 200);
    CHECK(it.stage.take().state() == "active");
  }
}
