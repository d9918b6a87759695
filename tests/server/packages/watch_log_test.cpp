#include "protocol/documents/watch_log.hpp"

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using Line = documents::WatchLog::Line;

namespace {

beckon::xcap::Response ask(Stage& stage, beckon::xcap::Method method = beckon::xcap::Method::get,
                           const std::string& who = alice, const std::string& name = "index") {
  beckon::xcap::Request request;
  request.method = method;
  request.target = "/xcap/beckon.watch-log/users/" + alice + '/' + name;
  beckon::xcap::Response answer;
  stage.documents->handle(request, {who, true},
                          [&](beckon::xcap::Response response) { answer = std::move(response); });
  stage.settle();
  return answer;
}

std::vector<Line> lines(Stage& stage) {
  const auto response = ask(stage);
  REQUIRE(response.status == 200);
  CHECK(response.content_type == documents::watch_log_type);
  const auto log = documents::parse_watch_log(response.body);
  REQUIRE(log.has_value());
  CHECK(log->entity == alice);
  return log->lines;
}

/// "sip:bob@example.org all open, note" and whether it is over.
std::vector<std::string> words(Stage& stage) {
  std::vector<std::string> all;
  for (const Line& line : lines(stage))
    all.push_back(line.watcher.substr(4, 3) + ' ' + line.view + ": " + line.shown +
                  (line.until.empty() ? "" : " (over)"));
  return all;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("the owner reads what each watcher was shown, and nobody else does") {
  Stage stage;
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  CHECK(words(stage).empty());
  watcher.subscribe(alice);
  stage.drain();
  CHECK(words(stage) == Words{"bob pending: nothing"});
  stage.wait(1s);
  stage.put_rules(rule_for(bob, "allow"));
  stage.drain();
  CHECK(words(stage) == Words{"bob pending: nothing (over)", "bob all: closed"});
  stage.wait(1s);
  laptop.publish(pidf("lunch"));
  stage.drain();
  stage.wait(1s);
  stage.put_rules(rule_for(bob, "polite-block"));
  stage.drain();
  CHECK(words(stage) == Words{"bob pending: nothing (over)", "bob all: closed (over)",
                              "bob all: open, note (over)", "bob polite-block: closed"});
  for (const Line& line : lines(stage)) CHECK(line.from < (line.until.empty() ? "9" : line.until));

  CHECK(ask(stage, beckon::xcap::Method::get, bob).status == 403);
  CHECK(ask(stage, beckon::xcap::Method::get, alice, "other").status == 404);
  const auto refused = ask(stage, beckon::xcap::Method::put);
  CHECK(refused.status == 405);
  CHECK(beckon::xcap::find_header(refused.headers, "Allow") == "GET, HEAD");
  CHECK(ask(stage, beckon::xcap::Method::head).body == ask(stage, beckon::xcap::Method::get).body);
}

TEST_CASE("what does not change is one line: refreshes of publication and subscription add none") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  laptop.publish(pidf("lunch"));
  watcher.subscribe(alice);
  stage.drain();
  const auto before = lines(stage);
  REQUIRE(before.size() == 1);
  stage.wait(5s);
  laptop.publish("");
  laptop.publish(pidf("lunch"));
  watcher.refresh(600);
  stage.drain();
  CHECK(lines(stage) == before);
  laptop.publish(pidf("dinner"));
  stage.drain();
  CHECK(lines(stage).size() == 2);
}

TEST_CASE("what a watcher was shown is remembered when it has left; a fetch leaves a line, too") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  laptop.publish(pidf("lunch"));
  watcher.subscribe(alice, "presence", {"Expires: 0"});
  stage.drain();
  CHECK(words(stage) == Words{"bob all: open, note (over)"});
  stage.wait(1s);
  watcher.subscribe(alice);
  stage.drain();
  watcher.refresh(0);
  stage.drain();
  CHECK(words(stage) == Words{"bob all: open, note (over)", "bob all: open, note (over)"});
  SUBCASE("in memory only: a restart forgets it") {
    stage.restart();
    CHECK(words(stage).empty());
  }
}

TEST_CASE("a watcher that is told by an entity-tag alone what it sees is in the log, too (RFC 5839)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  laptop.publish(pidf("lunch"));
  watcher.subscribe(alice);
  const std::string tag(stage.take().message.header(sip::HeaderId::sip_etag));
  watcher.refresh(0);
  stage.drain();
  stage.wait(1s);
  watcher.subscribe(alice, "presence", {"Suppress-If-Match: " + tag});
  CHECK(stage.take().message.body().empty());
  CHECK(words(stage) == Words{"bob all: open, note (over)", "bob all: open, note"});
  stage.wait(1s);
  watcher.subscribe(alice, "presence", {"Suppress-If-Match: *"});
  CHECK(stage.take().message.body().empty());
  CHECK(words(stage).size() == 2);  // it was told nothing
}

TEST_CASE("a line of the log is short, whatever a device publishes") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  std::string activities = "<r:busy/>";
  for (int i = 0; i < 100; ++i) activities += "<r:" + std::string(150, 'a') + std::to_string(i) + "/>";
  std::string body = pidf("lunch");
  body.insert(body.find("</presence>"),
              "<dm:person xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
              "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" id=\"p\"><r:activities>" +
                  activities + "</r:activities></dm:person>");
  laptop.publish(body);
  watcher.subscribe(alice);
  stage.drain();
  REQUIRE(lines(stage).size() == 1);
  const std::string shown = lines(stage).front().shown;
  CHECK(shown.starts_with("open, busy, "));
  CHECK(shown.ends_with(", note"));
  CHECK(shown.size() < 300);
}

TEST_CASE("the log of a presentity is bounded; what watchers are shown now is always in it") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  stage.drain();
  for (std::size_t i = 0; i < presence::Ledger::lines_max + 10; ++i) {
    stage.wait(1s);
    laptop.publish(pidf(std::to_string(i)));
    stage.drain();
  }
  const auto all = lines(stage);
  CHECK(all.size() == presence::Ledger::lines_max + 1);
  CHECK(all.back().until.empty());
  CHECK(std::ranges::is_sorted(all, {}, &Line::from));
}
