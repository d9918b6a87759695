#include "server/web.hpp"

#include <optional>

#include "server/xcap/documents.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

const std::string target = "/xcap/pres-rules/users/sip:alice@example.org/index";
const std::string rules =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ruleset xmlns=\"urn:ietf:params:xml:ns:common-policy\"/>";

/// Asks over HTTP and answers a challenge.
class Browser {
 public:
  /// Gives each shard the rooms for it; asks the first.
  explicit Browser(World& world) : world_(world) {
    const auto services = std::make_shared<server::xcap::ServiceIndex>();
    for (unsigned i = 0; i < world.node().size(); ++i) {
      Shard& shard = world.node().shard(i);
      auto& web = shard.add<Web>(shard, shard.add<server::xcap::Documents>(shard, shard.users(), services));
      web.serve("/history", [](const std::string& user, const beckon::xcap::UserTarget& asked,
                               beckon::xcap::Method, const Web::Done& done) {
        beckon::xcap::Response response;
        response.body = user + ' ' + std::string(asked.find("limit").value_or("none"));
        done(response);
      });
    }
  }

  http::HttpResponse ask(http::HttpRequest request) {
    std::optional<http::HttpResponse> answer;
    auto& web = world_.node().shard(0).room<Web>();
    web.handle(std::move(request), [&](http::HttpResponse response) { answer = std::move(response); });
    world_.run();
    REQUIRE(answer.has_value());
    return *answer;
  }

  http::HttpResponse ask_as(http::HttpRequest request, const std::string& user, const std::string& password) {
    const auto challenge = ask(request);
    if (challenge.status != 401) return challenge;
    std::vector<std::string> offered;
    for (const auto& [name, value] : challenge.headers) {
      if (name == "WWW-Authenticate") offered.push_back(value);
    }
    const auto chosen = auth::choose(std::span<const std::string>(offered));
    REQUIRE(chosen.has_value());
    request.headers.emplace_back("Authorization", auth::answer(*chosen, {.user = user,
                                                                         .password = password,
                                                                         .method = request.method,
                                                                         .uri = request.target,
                                                                         .body = request.body,
                                                                         .cnonce = "0a4f113b"}));
    return ask(std::move(request));
  }

 private:
  World& world_;
};

http::HttpRequest get(const std::string& path) {
  return {.method = "GET", .target = path, .headers = {}, .body = {}, .peer = {}, .secure = true};
}

}  // namespace

TEST_CASE(
    "only a user has access to its documents: digest as over SIP, whatever shard owns its bucket (RFC 4825 "
    "8)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    World world(World::default_settings(), shards);
    world.add_user("alice@example.org");
    world.add_user("bob@example.org");
    Browser browser(world);
    CHECK(browser.ask(get(target)).status == 401);
    CHECK(browser.ask_as(get(target), "alice", "wrong").status == 401);
    CHECK(browser.ask_as(get(target), "alice", "secret").status == 404);
    http::HttpRequest put = get(target);
    put.method = "PUT";
    put.headers = {{"Content-Type", "application/auth-policy+xml"}};
    put.body = rules;
    CHECK(browser.ask_as(put, "bob", "secret").status == 403);
    CHECK(browser.ask_as(put, "alice", "secret").status == 201);
    const auto found = browser.ask_as(get(target), "alice", "secret");
    CHECK(found.status == 200);
    CHECK(found.body == rules);
  }
}

TEST_CASE("a domain that is not served, and a path outside all trees, are 404 without a challenge") {
  World world;
  Browser browser(world);
  CHECK(browser.ask(get("/xcap/pres-rules/users/sip:alice@example.net/index")).status == 404);
  CHECK(browser.ask(get("/elsewhere")).status == 404);
}

TEST_CASE(
    "what else is a user's alone stands below a root of its own: 401, 403, and the user with the query") {
  World world(World::default_settings(), 2);
  world.add_user("alice@example.org");
  world.add_user("bob@example.org");
  Browser browser(world);
  const std::string mine = "/history/users/sip:alice@example.org?limit=7";
  CHECK(browser.ask(get(mine)).status == 401);
  CHECK(browser.ask_as(get(mine), "alice", "wrong").status == 401);
  CHECK(browser.ask_as(get(mine), "bob", "secret").status == 403);
  CHECK(browser.ask_as(get("/history/users/sip:nobody@example.org"), "bob", "secret").status == 403);
  const auto answer = browser.ask_as(get(mine), "alice", "secret");
  CHECK(answer.status == 200);
  CHECK(answer.body == "sip:alice@example.org 7");
  CHECK(browser.ask_as(get("/history/users/alice%40example.org"), "alice", "secret").body ==
        "sip:alice@example.org none");
  for (const char* nothing : {"/history", "/history/users/", "/history/users/sip:alice@example.org/more",
                              "/history/users/sip:alice@example.net", "/historyusers/sip:alice@example.org"})
    CHECK(browser.ask(get(nothing)).status == 404);
}
