#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using documents::DialogInfo;
using documents::DialogState;

namespace {

/// A dialog as a phone publishes it.
std::string call(const std::string& id, const std::string& state, const std::string& call_id = "call-1",
                 const std::string& inside = {}) {
  return "<dialog id='" + id + "'" + (call_id.empty() ? "" : " call-id='" + call_id + "'") +
         " local-tag='1' direction='recipient'>" + inside + state +
         "<remote><identity display='Carol'>sip:carol@example.org</identity></remote></dialog>";
}

std::string state(const std::string& word, const std::string& attributes = {}) {
  return "<state" + (attributes.empty() ? "" : " " + attributes) + ">" + word + "</state>";
}

std::string dialog_info(const std::string& dialogs) {
  return "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='0' state='full' entity='" + alice +
         "'>" + dialogs + "</dialog-info>";
}

int publish(Device& device, const std::string& dialogs, std::vector<std::string> lines = {}) {
  return device
      .publish(dialog_info(dialogs), std::move(lines), "dialog", std::string(documents::dialoginfo_type))
      .status();
}
int unpublish(Device& device) { return device.publish({}, {"Expires: 0"}, "dialog").status(); }

/// "partial 3: early confirmed"
std::string line_of(const DialogInfo& info) {
  CHECK(info.entity == alice);
  std::string line = (info.state == DialogInfo::State::full ? "full " : "partial ");
  line += std::to_string(info.version) + ':';
  for (const auto& each : info.dialogs) line += std::string(" ") + documents::to_string(each.state);
  return line;
}

/// The next document of the only subscription, after the pace.
DialogInfo next(Stage& stage) {
  stage.wait(1s);
  const auto info = stage.take().dialoginfo();
  CHECK(stage.notifies.empty());
  return info;
}
bool is_silent(Stage& stage) {
  stage.wait(2s);
  return stage.notifies.empty();
}

}  // namespace

TEST_CASE("a user sees her calls ring, begin and end; first all, then what changed (RFC 4235 3.3, 4.1)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  CHECK(watcher.subscribe(alice, "dialog").status() == 200);
  const auto first = stage.take();
  CHECK(first.message.header(sip::HeaderId::content_type) == "application/dialog-info+xml");
  CHECK(line_of(first.dialoginfo()) == "full 0:");

  CHECK(publish(phone, call("a", state("early"), "call-1",
                            "<local><session-description type='application/sdp'>v=0</session-description>"
                            "</local>")) == 200);
  const auto ringing = next(stage);
  CHECK(line_of(ringing) == "partial 1: early");
  const auto& shown = ringing.dialogs.at(0);
  CHECK(shown.call_id == "call-1");
  CHECK(shown.local_tag == "1");
  CHECK(shown.direction == documents::DialogDirection::recipient);
  CHECK(shown.remote->identity == documents::DialogIdentity{"sip:carol@example.org", "Carol"});
  CHECK_FALSE(shown.local->session);  // nobody asked for it (RFC 4235 3.3)

  publish(phone, call("a", state("confirmed", "code='200'")));
  const auto talking = next(stage);
  CHECK(line_of(talking) == "partial 2: confirmed");
  CHECK(talking.dialogs.at(0).id == shown.id);
  CHECK(talking.dialogs.at(0).code == 200);

  publish(phone, call("a", state("terminated", "event='remote-bye'")));
  const auto ended = next(stage);
  CHECK(line_of(ended) == "partial 3: terminated");
  CHECK(ended.dialogs.at(0).id == shown.id);
  CHECK(ended.dialogs.at(0).event == documents::DialogEvent::remote_bye);

  publish(phone, "");
  CHECK(is_silent(stage));  // the end was shown
  watcher.refresh(3600);
  CHECK(line_of(next(stage)) == "full 4:");
}

TEST_CASE("devices share one document, and their ids differ whatever they chose, over a restart too") {
  Stage stage;
  Device desk(stage, alice, udp(5070)), mobile(stage, alice, udp(5071)), watcher(stage, alice, udp(5072));
  publish(desk, call("1", state("confirmed"), "call-1"));
  publish(mobile, call("1", state("early"), "call-2"));
  watcher.subscribe(alice, "dialog");
  const auto before = stage.take().dialoginfo();
  CHECK(line_of(before) == "full 0: confirmed early");
  CHECK(before.dialogs.at(0).id != before.dialogs.at(1).id);
  stage.restart();
  stage.wait(5s);
  const auto after = stage.take().dialoginfo();
  CHECK(after.version > before.version);
  CHECK(after.dialogs == before.dialogs);
  CHECK(after.state == DialogInfo::State::full);

  publish(desk, "");
  CHECK(next(stage).dialogs == std::vector{[&] {
          auto gone = before.dialogs.at(0);
          gone.state = DialogState::terminated;
          return gone;
        }()});
}

TEST_CASE("a dialog that is no longer published is shown as terminated, once") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  publish(phone, call("a", state("confirmed", "code='200'")), {"Expires: 60"});
  watcher.subscribe(alice, "dialog");
  CHECK(line_of(stage.take().dialoginfo()) == "full 0: confirmed");
  SUBCASE("it has left the document") { publish(phone, ""); }
  SUBCASE("the publication is removed") { CHECK(unpublish(phone) == 200); }
  SUBCASE("the publication runs out") { stage.wait(61s); }
  const auto ended = next(stage);
  CHECK(line_of(ended) == "partial 1: terminated");
  CHECK_FALSE(ended.dialogs.at(0).event);
  CHECK_FALSE(ended.dialogs.at(0).code);
  CHECK(is_silent(stage));
  Device other(stage, alice, tls(8));
  other.subscribe(alice, "dialog");
  CHECK(line_of(stage.take().dialoginfo()) == "full 0:");
}

TEST_CASE("a subscription to one dialog, or to those of one INVITE, hears of no others (RFC 4235 3.2)") {
  Stage stage;
  Device phone(stage, alice, udp(5070)), one(stage, alice, tls(1)), set(stage, alice, tls(2)),
      other(stage, alice, tls(3)), all(stage, alice, tls(4)), bad(stage, alice, tls(5));
  CHECK(one.subscribe(alice, "dialog;call-id=\"call-1\";to-tag=1;from-tag=2;id=7").status() == 200);
  CHECK(set.subscribe(alice, "dialog;call-id=call-1;to-tag=1").status() == 200);
  CHECK(other.subscribe(alice, "dialog;call-id=call-2;to-tag=1;from-tag=2").status() == 200);
  CHECK(all.subscribe(alice, "dialog").status() == 200);
  for (const char* few :
       {";call-id=call-1", ";to-tag=1;from-tag=2", ";from-tag=2", ";call-id=call-1;from-tag=2"})
    CHECK(bad.subscribe(alice, std::string("dialog") + few).status() == 400);
  for (const auto& first : stage.drain()) CHECK(line_of(first.dialoginfo()) == "full 0:");
  const auto with_tags = [](std::string text) {
    return text.replace(text.find("local-tag"), 0, "remote-tag='2' ");
  };

  const auto hear = [&] {
    stage.wait(5s);
    std::map<transaction::FlowId, std::string> heard;
    for (const auto& each : stage.drain()) heard[each.to.flow] = line_of(each.dialoginfo());
    return heard;
  };
  using Heard = std::map<transaction::FlowId, std::string>;
  publish(phone, with_tags(call("a", state("early"), "call-1")));
  CHECK(hear() == Heard{{1, "partial 1: early"}, {2, "partial 1: early"}, {4, "partial 1: early"}});
  stage.restart();
  CHECK(hear().empty());  // connections are gone
  for (Device* each : {&one, &set, &other, &all}) CHECK(each->refresh(3600).status() == 200);
  const auto again = hear();
  CHECK(again.at(1).ends_with(": early"));
  CHECK(again.at(3).starts_with("full "));
  CHECK(again.at(3).ends_with(":"));
  publish(phone, with_tags(call("b", state("trying"), "call-2")));
  const auto last = hear();
  CHECK(last.at(1).ends_with(": terminated"));
  CHECK(last.at(3).ends_with(": trying"));
  CHECK(last.at(4).ends_with(": terminated trying"));
}

TEST_CASE("a dialog never goes back to an earlier state (RFC 4235 3.7.1)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  publish(phone, call("a", state("confirmed")));
  watcher.subscribe(alice, "dialog");
  const std::string id = stage.take().dialoginfo().dialogs.at(0).id;
  publish(phone, call("a", state("early")));
  CHECK(is_silent(stage));
  publish(phone, call("a", state("terminated")));
  CHECK(line_of(next(stage)) == "partial 1: terminated");
  publish(phone, call("a", state("early")));
  CHECK(is_silent(stage));
  SUBCASE("an id that a device takes again for another call is another dialog") {
    publish(phone, call("a", state("trying"), "call-2"));
    const auto other = next(stage);
    CHECK(line_of(other) == "partial 2: trying");
    CHECK(other.dialogs.at(0).id != id);
  }
  SUBCASE("the device does not say that the call before has ended") {
    publish(phone, call("a", state("confirmed"), "call-2"));
    next(stage);
    publish(phone, call("a", state("early"), "call-3"));
    const auto both = next(stage);
    CHECK(line_of(both) == "partial 3: terminated early");
    CHECK(both.dialogs.at(0).id != both.dialogs.at(1).id);
  }
}

TEST_CASE("a device that never tells a Call-ID, and has one id for all calls, is shown call by call") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  watcher.subscribe(alice, "dialog");
  stage.take();
  std::vector<std::string> ids;
  for (const char* word : {"early", "terminated", "trying", "terminated"}) {
    publish(phone, call("line1", state(word), ""));
    const auto info = next(stage);
    REQUIRE(info.dialogs.size() == 1);
    CHECK(documents::to_string(info.dialogs[0].state) == std::string(word));
    ids.push_back(info.dialogs[0].id);
  }
  CHECK(ids[0] == ids[1]);
  CHECK(ids[1] != ids[2]);
  CHECK(ids[2] == ids[3]);
}

TEST_CASE("a dialog whose Call-ID is published later stays the same (RFC 4235 6.2)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  watcher.subscribe(alice, "dialog");
  stage.take();
  publish(phone, call("a", state("trying"), ""));
  const auto first = next(stage);
  publish(phone, call("a", state("early"), "call-1"));
  const auto second = next(stage);
  CHECK(line_of(second) == "partial 2: early");
  CHECK(second.dialogs.at(0).id == first.dialogs.at(0).id);
}

TEST_CASE("two publications of one device with the same dialog are one dialog, in the later state") {
  Stage stage;
  Device phone(stage, alice, udp(5070)), watcher(stage, alice, tls(9));
  phone.register_(3600, "urn:uuid:1");
  publish(phone, call("a", state("confirmed")));
  phone.etag.clear();
  publish(phone, call("a", state("early")));
  watcher.subscribe(alice, "dialog");
  CHECK(line_of(stage.take().dialoginfo()) == "full 0: confirmed");
}

TEST_CASE("another user sees that there are dialogs and their states, not with whom (RFC 4235 3.6)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device phone(stage, alice, udp(5070)), watcher(stage, bob, tls(8));
  publish(phone, call("a", state("early", "code='180'")));
  CHECK(watcher.subscribe(alice, "dialog").status() == 200);
  const auto shown = stage.take();
  CHECK(line_of(shown.dialoginfo()) == "full 0: early");
  const auto seen = shown.dialoginfo().dialogs.at(0);
  CHECK(seen == documents::Dialog{.id = seen.id, .state = DialogState::early});
  CHECK(shown.message.body().find("call-1") == std::string_view::npos);

  publish(phone, call("a", state("early", "code='183'")));
  CHECK(is_silent(stage));  // of this change it sees nothing
  publish(phone, call("a", state("confirmed")));
  CHECK(line_of(next(stage)) == "partial 1: confirmed");
  publish(phone, "");
  CHECK(line_of(next(stage)) == "partial 2: terminated");
}

TEST_CASE("the presence rules say who may watch (RFC 4235 3.6)") {
  Settings settings = Stage::default_settings();
  settings.dialog_watchers = {carol};
  Stage stage(settings);
  Device phone(stage, alice, udp(5070)), watcher(stage, bob, tls(8));
  publish(phone, call("a", state("confirmed")));
  SUBCASE("whom a rule blocks is refused") {
    stage.put_rules(rule_for(bob, "block"));
    CHECK(watcher.subscribe(alice, "dialog").status() == 403);
  }
  SUBCASE("whom no rule knows waits, and sees nothing until then") {
    CHECK(watcher.subscribe(alice, "dialog").status() == 200);
    const auto pending = stage.take();
    CHECK(pending.state() == "pending");
    CHECK(pending.message.body().empty());
    publish(phone, call("b", state("early")));
    CHECK(is_silent(stage));
    stage.put_rules(rule_for(bob, "allow"));
    const auto active = stage.take();
    CHECK(active.state() == "active");
    CHECK(line_of(active.dialoginfo()) == "full 1: early");
    SUBCASE("a rule that is taken back ends it") {
      stage.put_rules(rule_for(bob, "block"));
      CHECK(stage.take().state() == "terminated;rejected");
    }
    SUBCASE("a rule that blocks politely shows no dialog any more") {
      stage.put_rules(rule_for(bob, "polite-block"));
      CHECK(line_of(next(stage)) == "full 2:");
      publish(phone, "");
      CHECK(is_silent(stage));
    }
  }
  SUBCASE("whom a rule blocks politely sees no dialog, and no sign of any") {
    stage.put_rules(rule_for(bob, "polite-block"));
    CHECK(watcher.subscribe(alice, "dialog").status() == 200);
    CHECK(line_of(stage.take().dialoginfo()) == "full 0:");
    publish(phone, "");
    publish(phone, call("b", state("early")));
    CHECK(is_silent(stage));
  }
  SUBCASE("whom the configuration names sees everything, whatever the rules say") {
    stage.put_rules(rule_for(carol, "block"));
    Device desk(stage, carol, tls(7));
    CHECK(desk.subscribe(alice, "dialog").status() == 200);
    CHECK(stage.take().dialoginfo().dialogs.at(0).call_id == "call-1");
    stage.put_rules(rule_for(carol, "polite-block"));
    CHECK(is_silent(stage));
  }
}

TEST_CASE("changes within a second, or while a NOTIFY is in flight, come in one document (RFC 4235 3.10)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  watcher.subscribe(alice, "dialog");
  stage.take();
  publish(phone, call("a", state("trying")));
  publish(phone, call("a", state("early")) + call("b", state("early"), "call-2"));
  publish(phone, call("b", state("early"), "call-2"));
  CHECK(stage.notifies.empty());
  CHECK(line_of(next(stage)) == "partial 1: terminated early");
}

TEST_CASE("a document that was lost is made good by a full one (RFC 4235 4.3)") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  watcher.subscribe(alice, "dialog");
  stage.take();
  stage.wait(1s);
  publish(phone, call("a", state("early")));
  stage.take(408);
  stage.wait(30s);
  CHECK(line_of(stage.take().dialoginfo()) == "full 2: early");
}

TEST_CASE("a watcher that missed many ends gets full state instead of all of them") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  watcher.subscribe(alice, "dialog");
  const auto first = stage.take(0);
  for (int i = 0; i < 70; ++i) publish(phone, call("a", state("early"), "call-" + std::to_string(i)));
  stage.answer_notify(first, 200);
  CHECK(line_of(next(stage)) == "full 1: early");
}

TEST_CASE("the duration of a call goes on, and is not said after a restart, when it is not known") {
  Stage stage;
  Device watcher(stage, alice, udp(5072)), phone(stage, alice, udp(5070));
  publish(phone, call("a", state("confirmed"), "call-1", "<duration>10</duration>"));
  stage.wait(20s);
  watcher.subscribe(alice, "dialog");
  CHECK(stage.take().dialoginfo().dialogs.at(0).duration_seconds == 30);
  publish(phone, call("a", state("confirmed"), "call-1", "<duration>31</duration>"));
  CHECK(is_silent(stage));
  stage.restart();
  stage.wait(5s);
  CHECK_FALSE(stage.take().dialoginfo().dialogs.at(0).duration_seconds);
}

TEST_CASE("who asks once gets full state") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  publish(phone, call("a", state("terminated")) + call("b", state("early"), "call-2"));
  watcher.subscribe(alice, "dialog", {"Expires: 0"});
  const auto only = stage.take();
  CHECK(only.state() == "terminated;timeout");
  CHECK(line_of(only.dialoginfo()) == "full 0: early");
}

TEST_CASE("what is no dialog information, or is too much, is refused (RFC 3903 6)") {
  Settings settings = Stage::default_settings();
  settings.elements_per_presentity = 2;
  Stage stage(settings);
  Device phone(stage, alice, udp(5070)), other(stage, alice, udp(5071));
  CHECK(phone.publish("<x/>", {}, "dialog", "application/dialog-info+xml").status() == 400);
  CHECK(phone.publish(pidf("here"), {}, "dialog").status() == 415);
  CHECK(publish(phone, call("a", state("early")) + call("b", state("early")) + call("c", state("early"))) ==
        403);
  CHECK(publish(phone, call("a", state("early")) + call("b", state("early"))) == 200);
  CHECK(publish(other, call("a", state("early"))) == 403);
}

TEST_CASE("dialog.winfo shows who watches the dialogs (RFC 3857 4.1)") {
  Stage stage;
  Device owner(stage, alice, tls(9)), watcher(stage, bob, tls(8));
  owner.subscribe(alice, "dialog.winfo");
  CHECK(stage.take().winfo().lists.at(0).package == "dialog");
  stage.wait(10s);
  watcher.subscribe(alice, "dialog");
  const auto all = stage.drain("dialog.winfo");
  REQUIRE(all.size() == 1);
  const auto info = all[0].winfo();
  const auto& entry = info.lists.at(0).watchers.at(0);
  CHECK(entry.uri == bob);
  CHECK(entry.status == documents::WatcherStatus::pending);
}

TEST_CASE("nothing is kept of a user whom nobody watches any more") {
  Stage stage;
  Device watcher(stage, alice, tls(9)), phone(stage, alice, udp(5070));
  publish(phone, call("a", state("early")));
  watcher.subscribe(alice, "dialog");
  stage.take();
  watcher.refresh(0);
  CHECK(line_of(stage.take().dialoginfo()) == "full 1: early");
  CHECK(stage.presentities->watches().size() == 0);
  CHECK(stage.subscriptions->size() == 0);
}
