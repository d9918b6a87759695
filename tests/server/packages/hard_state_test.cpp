#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

/// Stands in for documents that come over XCAP.
struct Shelf final : presence::HardState {
  void put(Stage& stage, const std::string& text) {
    document.reset();
    if (!text.empty()) {
      reading = presence::read_document(text, {}, 100, false);
      document.reset(static_cast<presence::Document*>(reading.state.release()));
    }
    stage.presentities->hard_state_changed(*stage.entry(alice), stage.clock_.at);
  }
  const presence::Document* hard_state(const Entry& presentity) const override {
    return presentity.aor() == alice ? document.get() : nullptr;
  }
  publication::Reading reading;
  std::unique_ptr<presence::Document> document;
};

}  // namespace

TEST_CASE("hard state is shown while there is no soft state (RFC 3903 3, RFC 4827)") {
  Shelf shelf;
  Stage stage(allow_all());
  stage.presentities->set_hard_state(shelf);
  Device watcher(stage, bob, udp(5070)), laptop(stage, alice, tls(3));
  watcher.subscribe(alice, "presence", {"Expires: 80000"});
  CHECK(shown(stage.take()) == "closed");
  shelf.put(stage, pidf("on vacation", "hard"));
  CHECK(shown(stage.take()) == "open on vacation");
  laptop.publish(pidf("here"), {"Expires: 600"});
  CHECK(shown(stage.take()) == "open here");
  shelf.put(stage, pidf("on vacation still", "hard"));
  CHECK(shown(stage.take()) == "open here");
  stage.wait(601s);
  CHECK(shown(stage.take()) == "open on vacation still");
  laptop.etag.clear();
  laptop.register_(3600, "urn:uuid:1");
  CHECK(shown(stage.take()) == "open");
  laptop.register_(0, "urn:uuid:1");
  CHECK(shown(stage.take()) == "open on vacation still");
  shelf.put(stage, "");
  CHECK(shown(stage.take()) == "closed");
}

TEST_CASE("hard state is written over XCAP, outlives the process, and is no change of rules (RFC 4827)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "closed");
  CHECK(stage.put_hard_state(pidf("on vacation", "hard")) == 201);
  CHECK(shown(stage.take()) == "open on vacation");
  const auto decisions = stage.presentities->watches().decisions();
  CHECK(stage.put_hard_state(pidf("on vacation still", "hard")) == 200);
  CHECK(shown(stage.take()) == "open on vacation still");
  CHECK(stage.presentities->watches().decisions() == decisions);
  stage.put_rules(rule_for(carol, "block"));
  CHECK(stage.notifies.empty());
  stage.restart();
  stage.wait(1s);
  CHECK(shown(stage.take()) == "open on vacation still");
  stage.presentities->on_user_gone(alice, false, stage.clock_.at);
  stage.documents->on_user_gone(alice, true, stage.clock_.at);
  stage.settle();
  CHECK(shown(stage.take()) == "closed");
}

TEST_CASE("hard state that promises what no server can keep, or is too much, is refused (DESIGN 1.4, 7)") {
  Settings settings = allow_all();
  settings.elements_per_presentity = 2;
  Stage stage(std::move(settings));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "closed");
  const std::string open = pidf("here", "hard");
  const auto with = [&](const std::string& element, const char* before) {
    std::string text = open;
    return text.insert(text.find(before), element);
  };
  CHECK(stage.put_hard_state(with("<d:direct xmlns:d='urn:beckon:params:xml:ns:direct:1'/>", "</status>")) ==
        409);
  CHECK(stage.put_hard_state(with("<note>1</note><note>2</note>", "</presence>")) == 409);
  CHECK(stage.put_hard_state("<presence xmlns='urn:ietf:params:xml:ns:pidf'/>") == 409);
  CHECK(stage.put_hard_state(with("<tuple id='other'/>", "</presence>")) == 409);
  CHECK(stage.notifies.empty());
  CHECK(stage.put_hard_state(with("<note>1</note>", "</presence>")) == 201);
  CHECK(shown(stage.take()) == "open here");
}
