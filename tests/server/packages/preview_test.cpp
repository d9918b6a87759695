#include "server/presence/preview.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

beckon::xcap::Response ask(Stage& stage, const std::string& query,
                           beckon::xcap::Method method = beckon::xcap::Method::get) {
  presence::Preview preview(stage, stage.presentities->watches(), *stage.documents);
  const std::string path = std::string(presence::view_root) + "/users/" + alice + query;
  const auto target = beckon::xcap::parse_user_target(path, presence::view_root);
  REQUIRE(target.has_value());
  beckon::xcap::Response answer;
  preview.handle(alice, *target, method,
                 [&](beckon::xcap::Response response) { answer = std::move(response); });
  return answer;
}

boost::json::object view(Stage& stage, const std::string& query) {
  const auto answer = ask(stage, query);
  REQUIRE(answer.status == 200);
  return boost::json::parse(answer.body).as_object();
}

std::string text(const boost::json::object& view, std::string_view name) {
  const auto* const member = view.if_contains(name);
  return member ? std::string(member->as_string()) : "";
}

}  // namespace

TEST_CASE("what a watcher would see is what it sees when the rule is there (RFC 5025 3.2.1)") {
  Stage stage;
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  laptop.publish(pidf("lunch"));
  watcher.subscribe(alice);
  stage.drain();
  struct Row {
    std::string rule, permission;
    bool is_shown;
  };
  for (const Row& row : {Row{"allow", "allow", true}, Row{"polite-block", "polite-block", true},
                         Row{"block", "block", false}, Row{"confirm", "confirm", false}}) {
    CAPTURE(row.rule);
    const auto before = view(stage, "?as=bob@example.org&if=" + row.rule);
    CHECK(text(before, "permission") == row.permission);
    CHECK(text(before, "by") == "rules");
    CHECK(before.contains("document") == row.is_shown);
    stage.put_rules(rule_for(bob, row.rule));
    stage.settle();
    std::string seen;
    while (!stage.notifies.empty()) seen = stage.take().message.body();
    const auto after = view(stage, "?as=bob@example.org");
    CHECK(text(after, "permission") == row.permission);
    CHECK(text(after, "document") == text(before, "document"));
    if (row.rule == "allow") CHECK(seen == text(before, "document"));
  }
}

TEST_CASE("a preview says what decides; nothing is changed by it") {
  Stage stage;
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("lunch"));
  CHECK(text(view(stage, "?as=sip:alice@example.org"), "by") == "own");
  CHECK(text(view(stage, "?as=bob@example.org"), "by") == "default-policy");
  CHECK(text(view(stage, "?as=bob@example.org"), "permission") == "confirm");
  CHECK(text(view(stage, "?as=dan@elsewhere.example&if=allow"), "by") == "foreign-domain");
  stage.put_rules(rule_for(bob, "allow"));
  const auto allowed = view(stage, "?as=bob@example.org");
  CHECK(allowed.at("rules").as_array().size() == 1);
  CHECK(text(view(stage, "?as=bob@example.org&if=forget"), "by") == "default-policy");
  CHECK(view(stage, "?as=bob@example.org") == allowed);
}

TEST_CASE("a question that cannot be read is 400, another method 405") {
  Stage stage;
  for (const char* bad : {"", "?as=", "?as=bob@example.org&if=maybe", "?as=bob@example.org&of=x"}) {
    CAPTURE(bad);
    CHECK(ask(stage, bad).status == 400);
  }
  CHECK(ask(stage, "?as=bob@example.org", beckon::xcap::Method::put).status == 405);
}
