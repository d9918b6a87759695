#include "server/xcap/documents.hpp"

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using beckon::xcap::Method;
using beckon::xcap::Response;

namespace {

const std::string index_document = "/xcap/pres-rules/users/sip:alice@example.org/index";
const std::string rules = rule_for(bob, "allow");
const std::string other_rules = rule_for(bob, "block");

struct Wish {
  Method method = Method::get;
  std::string target = index_document;
  std::string body = {};
  beckon::xcap::Headers headers = {{"Content-Type", "application/auth-policy+xml"}};
};

/// Hands a request in; the answer once it is there.
std::shared_ptr<std::optional<Response>> hand(Stage& stage, const Wish& wish,
                                              const std::string& who = alice) {
  auto answer = std::make_shared<std::optional<Response>>();
  beckon::xcap::Request request;
  request.method = wish.method;
  request.target = wish.target;
  request.headers = wish.headers;
  request.body = wish.body;
  stage.documents->handle(std::move(request), {who, true},
                          [answer](Response response) { *answer = response; });
  return answer;
}

Response ask(Stage& stage, const Wish& wish, const std::string& who = alice) {
  const auto answer = hand(stage, wish, who);
  stage.settle();
  REQUIRE(answer->has_value());
  return **answer;
}

Wish with(std::string name, std::string value, Wish wish) {
  wish.headers.emplace_back(std::move(name), std::move(value));
  return wish;
}

const Wish put{Method::put, index_document, rules};

Settings limited() {
  Settings settings = Stage::default_settings();
  settings.documents_per_user = 3;
  settings.services_per_document = 2;
  return settings;
}

}  // namespace

TEST_CASE("a document is created, read, replaced and deleted (RFC 4825 7)") {
  Stage stage;
  CHECK(ask(stage, {}).status == 404);
  const Response created = ask(stage, put);
  CHECK(created.status == 201);
  CHECK_FALSE(created.etag.empty());
  const Response read = ask(stage, {});
  CHECK(read.status == 200);
  CHECK(read.body == rules);
  CHECK(read.etag == created.etag);
  CHECK(read.content_type == "application/auth-policy+xml");
  const Response same = ask(stage, put);
  CHECK(same.status == 200);
  CHECK(same.etag == created.etag);
  const Response replaced = ask(stage, {Method::put, index_document, other_rules});
  CHECK(replaced.status == 200);
  CHECK(replaced.etag != created.etag);
  CHECK(ask(stage, {Method::del}).status == 200);
  CHECK(ask(stage, {Method::del}).status == 404);
  CHECK(stage.memory.records.empty());
}

TEST_CASE(
    "a PUT is answered only after the store has the document, which cannot be read before (DESIGN 1.4)") {
  Stage stage;
  const auto answer = hand(stage, put);
  stage.wait(0ms);
  CHECK_FALSE(answer->has_value());
  CHECK(stage.documents->rules(alice) == nullptr);
  stage.settle();
  CHECK(answer->value().status == 201);
  CHECK(stage.documents->rules(alice) != nullptr);
}

TEST_CASE("only the owner has access to its tree: 403 for everybody else, whether it exists or not") {
  Stage stage;
  ask(stage, put);
  for (const Method method : {Method::get, Method::head, Method::put, Method::del}) {
    CAPTURE(beckon::xcap::to_string(method));
    CHECK(ask(stage, {method, index_document, rules}, bob).status == 403);
    CHECK(ask(stage, {method, "/xcap/pres-rules/users/sip:nobody@example.org/index", rules}, bob).status ==
          403);
  }
  CHECK(ask(stage, {}).body == rules);
}

TEST_CASE("both names of a usage and both spellings of a user reach one document") {
  Stage stage;
  ask(stage, put);
  for (const char* target : {"/xcap/org.openmobilealliance.pres-rules/users/sip:alice@example.org/index",
                             "/xcap/pres-rules/users/alice@example.org/index",
                             "/xcap/pres-rules/users/sip%3Aalice%40example.org/index"}) {
    CAPTURE(target);
    CHECK(ask(stage, {Method::get, target}).body == rules);
    CHECK(server::xcap::owner_of(target) == alice);
  }
}

TEST_CASE("conditions are checked against what is there (RFC 4825 7.11)") {
  Stage stage;
  const std::string etag = ask(stage, put).etag;
  CHECK(ask(stage, with("If-Match", "\"other\"", put)).status == 412);
  CHECK(ask(stage, with("If-None-Match", "*", put)).status == 412);
  CHECK(ask(stage, with("If-None-Match", '"' + etag + '"', {})).status == 304);
  CHECK(ask(stage, with("If-Match", '"' + etag + '"', put)).status == 200);
}

TEST_CASE("of two PUTs on the same entity-tag at once one wins, the other is 412") {
  Stage stage;
  const std::string etag = ask(stage, put).etag;
  const auto first =
      hand(stage, with("If-Match", '"' + etag + '"', {Method::put, index_document, other_rules}));
  const auto second = hand(stage, with("If-Match", '"' + etag + '"', put));
  stage.wait(10ms);
  CHECK(first->value().status == 200);
  CHECK(second->value().status == 412);
}

TEST_CASE("an invalid document is refused with the error document of RFC 4825 11 and changes nothing") {
  Stage stage;
  ask(stage, put);
  struct {
    const char* what;
    Wish wish;
    unsigned status;
  } const rows[] = {
      {"not well-formed", {Method::put, index_document, "<ruleset"}, 409},
      {"another format", {Method::put, index_document, "<other/>"}, 409},
      {"wrong type", {Method::put, index_document, rules, {{"Content-Type", "text/plain"}}}, 415},
      {"a part that is not there", {Method::get, index_document + "/~~/ruleset"}, 404},
      {"an unbound prefix", {Method::get, index_document + "/~~/cr:ruleset"}, 400},
      {"unknown usage", {Method::get, "/xcap/unheard-of/users/sip:alice@example.org/index"}, 404},
      {"another method", {Method::other}, 405},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const Response response = ask(stage, row.wish);
    CHECK(response.status == row.status);
    if (row.status == 409) CHECK(response.content_type == "application/xcap-error+xml");
  }
  CHECK(ask(stage, {}).body == rules);
}

TEST_CASE("the documents of a user are bounded (DESIGN 7)") {
  Stage stage(limited());
  const auto name = [](std::size_t i) {
    return "/xcap/pres-rules/users/sip:alice@example.org/d" + std::to_string(i);
  };
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(ask(stage, {Method::put, name(i), rules}).status == 201);
  const Response refused = ask(stage, {Method::put, name(3), rules});
  CHECK(refused.status == 409);
  CHECK(refused.body.find("no more than 3 documents of a user") != std::string::npos);
  CHECK(ask(stage, {Method::put, name(0), other_rules}).status == 200);
  CHECK(ask(stage, {Method::del, name(0)}).status == 200);
  CHECK(ask(stage, {Method::put, name(3), rules}).status == 201);
}

TEST_CASE("more changes at once than the queue holds are answered 503") {
  Stage stage;
  std::vector<std::shared_ptr<std::optional<Response>>> answers;
  for (std::size_t i = 0; i < store::Sequence::backlog_max + 2; ++i)
    answers.push_back(hand(stage, {Method::put, index_document, i % 2 == 0 ? rules : other_rules}));
  CHECK(answers.back()->value().status == 503);
  stage.wait(1s);
  for (std::size_t i = 0; i + 1 < answers.size(); ++i) CHECK(answers[i]->value().status < 300);
}

TEST_CASE("rules of all documents count together (RFC 5025 9)") {
  Stage stage;
  ask(stage, put);
  ask(stage, {Method::put, "/xcap/pres-rules/users/sip:alice@example.org/more", rule_for(carol, "block")});
  REQUIRE(stage.documents->rules(alice) != nullptr);
  CHECK(stage.documents->rules(alice)->rules().size() == 2);
}

TEST_CASE("rules are read once for each version, which changes with each change of a document") {
  Stage stage;
  const auto version = [&] {
    const EntryPtr entry = stage.directory().get(alice);
    return stage.documents->rules_version(*entry);
  };
  CHECK(version() == 0);
  ask(stage, put);
  const auto first = version();
  CHECK(first != 0);
  const auto* rules_before = stage.documents->rules(alice);
  CHECK(stage.documents->rules(alice) == rules_before);
  ask(stage, {});
  CHECK(version() == first);
  ask(stage, put);
  CHECK(version() == first);  // nothing has changed
  ask(stage, {Method::put, index_document, other_rules});
  const auto second = version();
  CHECK(second > first);
  ask(stage, {Method::del});
  CHECK(version() == 0);
  CHECK(stage.documents->rules(alice) == nullptr);
  ask(stage, put);
  CHECK(version() > second);
}

TEST_CASE("a stored document that cannot be read is skipped and kept; the others come back") {
  Stage stage;
  ask(stage, put);
  stage.memory.records[{alice, store::Kind::document, "pres-rules/broken"}] = "{}";
  stage.restart();
  CHECK(ask(stage, {}).body == rules);
  CHECK(stage.memory.records.size() == 2);
}

TEST_CASE("a full disk: a PUT is 500, and the document is as before") {
  Stage stage;
  const std::string etag = ask(stage, put).etag;
  stage.memory.broken = store::Errc::io;
  CHECK(ask(stage, {Method::put, index_document, other_rules}).status == 500);
  CHECK(ask(stage, {Method::del}).status == 500);
  stage.memory.broken = {};
  CHECK(ask(stage, {}).etag == etag);
}

TEST_CASE("a PUT that another node's changes overtake again and again is 503: it may succeed later") {
  Stage stage;
  stage.memory.broken = store::Errc::conflict;
  CHECK(ask(stage, put).status == 503);
}

TEST_CASE("documents survive a restart with their entity-tags") {
  Stage stage;
  const std::string etag = ask(stage, put).etag;
  stage.restart();
  CHECK(ask(stage, {}).etag == etag);
  CHECK(ask(stage, {}).body == rules);
}

TEST_CASE(
    "parts of a document are changed by themselves; rules that come so act as well (RFC 4825 7.4, 7.8)") {
  Stage stage;
  ask(stage, put);
  const std::string query = "?xmlns(cr=urn:ietf:params:xml:ns:common-policy)";
  const std::string rule = index_document + "/~~/cr:ruleset/cr:rule%5B@id=%22more%22%5D" + query;
  const Response added = ask(stage, {Method::put,
                                     rule,
                                     "<rule xmlns='urn:ietf:params:xml:ns:common-policy' id='more'/>",
                                     {{"Content-Type", "application/xcap-el+xml"}}});
  CHECK(added.status == 201);
  CHECK(stage.documents->rules(alice)->rules().size() == 2);
  CHECK(ask(stage, {}).etag == added.etag);
  const Response removed = ask(stage, {Method::del, rule});
  CHECK(removed.status == 200);
  CHECK(removed.etag == ask(stage, {}).etag);
  CHECK(removed.etag != added.etag);
  CHECK(ask(stage, {}).body == rules);
}

TEST_CASE("lists are no rules: they change no version of them") {
  Stage stage;
  ask(stage, put);
  const auto version = stage.documents->rules_version(*stage.directory().get(alice));
  const Wish lists{Method::put,
                   "/xcap/resource-lists/users/sip:alice@example.org/index",
                   "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>",
                   {{"Content-Type", "application/resource-lists+xml"}}};
  CHECK(ask(stage, lists).status == 201);
  CHECK(stage.documents->rules_version(*stage.directory().get(alice)) == version);
  CHECK(stage.documents->find(*stage.directory().get(alice), "resource-lists", "index")->text == lists.body);
}

namespace {

Wish services_of(const std::string& user, const std::vector<std::string>& uris,
                 const std::string& name = "index") {
  std::string text = "<rls-services xmlns='urn:ietf:params:xml:ns:rls-services'>";
  for (const std::string& uri : uris) text += "<service uri='" + uri + "'><list/></service>";
  return {Method::put,
          "/xcap/rls-services/users/" + user + "/" + name,
          text + "</rls-services>",
          {{"Content-Type", "application/rls-services+xml"}}};
}

std::string index_of(Stage& stage, bool is_trusted = true) {
  beckon::xcap::Request request;
  request.target = "/xcap/rls-services/global/index";
  const Response response = server::xcap::handle_global(request, stage.documents->services(), is_trusted);
  if (response.status != 200) return std::to_string(response.status);
  std::string uris;
  const auto document = xml::parse(response.body);
  REQUIRE(document.has_value());
  for (const auto& service : document->root().children())
    uris += std::string(*service.attribute("uri")) + ' ';
  return uris;
}

}  // namespace

TEST_CASE("the URI of a service is nobody else's: 409 with one that is free (RFC 4826 4.4.5, RFC 4825 11)") {
  Stage stage;
  CHECK(ask(stage, services_of(alice, {"sip:friends@example.org"})).status == 201);
  const auto proposed = [&](const Response& response) {
    CHECK(response.status == 409);
    const auto document = xml::parse(response.body);
    REQUIRE(document.has_value());
    const auto ns = document->root().ns();
    const auto* failure = document->root().child(ns, "uniqueness-failure");
    REQUIRE(failure != nullptr);
    const auto* exists = failure->child(ns, "exists");
    REQUIRE(exists != nullptr);
    CHECK(exists->attribute("field") == "rls-services/service%5B1%5D/@uri");
    return std::string(exists->child(ns, "alt-value")->text());
  };
  const std::string other = proposed(ask(stage, services_of(bob, {"sip:friends@example.org"}), bob));
  CHECK(ask(stage, services_of(bob, {other}), bob).status == 201);
  proposed(ask(stage, services_of(bob, {carol}), bob));                                  // a user
  proposed(ask(stage, services_of(alice, {"sip:friends@example.org"}, "more"), alice));  // another document
  CHECK(ask(stage, services_of(alice, {"sip:friends@example.org", "sip:foes@example.org"})).status == 200);
  CHECK(ask(stage, services_of(alice, {"sip:friends@example.com"})).status == 409);
  CHECK(stage.documents->services().find("sip:friends@example.org")->owner == alice);
}

TEST_CASE("a URI is free again when its service is gone, or was never stored; restarts change nothing") {
  Stage stage;
  const Wish wish = services_of(alice, {"sip:friends@example.org"});
  stage.memory.broken = store::Errc::io;
  CHECK(ask(stage, wish).status == 500);
  stage.memory.broken = {};
  CHECK_FALSE(stage.documents->services().has("sip:friends@example.org"));
  CHECK(ask(stage, wish).status == 201);
  stage.restart();
  CHECK(ask(stage, services_of(bob, {"sip:friends@example.org"}), bob).status == 409);
  CHECK(ask(stage, {Method::del, wish.target}).status == 200);
  CHECK(ask(stage, services_of(bob, {"sip:friends@example.org"}), bob).status == 201);
  stage.documents->on_user_gone(bob, true, stage.clock_.at);
  stage.settle();
  CHECK(ask(stage, wish).status == 201);
}

TEST_CASE(
    "the global index has the services of all users, for peers of the trust domain (RFC 4826 4.4.7, 4.4.9)") {
  Stage stage;
  CHECK(index_of(stage).empty());
  ask(stage, services_of(alice, {"sip:friends@example.org"}));
  ask(stage, services_of(bob, {"sip:all@example.org"}), bob);
  ask(stage, services_of(bob, {"sip:hidden@example.org"}, "more"), bob);
  CHECK(index_of(stage) == "sip:all@example.org sip:friends@example.org ");
  CHECK(index_of(stage, false) == "403");
  ask(stage, services_of(bob, {}), bob);
  CHECK(index_of(stage) == "sip:friends@example.org ");
}

TEST_CASE("a document has a limited number of services") {
  Stage stage(limited());
  std::vector<std::string> uris{"sip:s1@example.org", "sip:s2@example.org"};
  CHECK(ask(stage, services_of(alice, uris)).status == 201);
  uris.push_back("sip:more@example.org");
  const Response refused = ask(stage, services_of(alice, uris));
  CHECK(refused.status == 409);
  CHECK(refused.body.find("no more than 2 services of a document") != std::string::npos);
}

TEST_CASE("what a user writes who is removed meanwhile is not kept for whoever has the name next") {
  for (const bool has_services : {true, false}) {
    CAPTURE(has_services);
    Stage stage;
    const Wish wish = has_services ? services_of(alice, {"sip:friends@example.org"}) : put;
    const auto answer = hand(stage, wish);
    CHECK_FALSE(answer->has_value());
    stage.documents->on_user_gone(alice, true, stage.clock_.at);
    stage.settle();
    REQUIRE(answer->has_value());
    CHECK(ask(stage, {Method::get, wish.target}).status == 404);
    CHECK_FALSE(stage.documents->services().has("sip:friends@example.org"));
    CHECK(ask(stage, wish).status == 201);
  }
}

TEST_CASE("services whose document another node removed are free") {
  Stage stage;
  ask(stage, services_of(alice, {"sip:friends@example.org"}));
  CHECK(stage.documents->services().has("sip:friends@example.org"));
  const EntryPtr entry = stage.entry(alice);
  stage.documents->reload(*entry, {.records = {}, .durable = true}, stage.clock_.at);
  CHECK_FALSE(stage.documents->services().has("sip:friends@example.org"));
}

TEST_CASE("a document has a limited size: 413 for a whole one, and 409 for a part that would be too much") {
  Settings settings = Stage::default_settings();
  settings.document_octets = static_cast<std::uint32_t>(rules.size() + 10);
  Stage stage(settings);
  CHECK(ask(stage, put).status == 201);
  CHECK(ask(stage, {Method::put, index_document, rules + std::string(10, ' ')}).status == 200);
  CHECK(ask(stage, {Method::put, index_document, rules + std::string(11, ' ')}).status == 413);
  const Response refused = ask(
      stage, {Method::put,
              index_document +
                  "/~~/cr:ruleset/cr:rule%5B@id=%22b%22%5D?xmlns(cr=urn:ietf:params:xml:ns:common-policy)",
              "<cr:rule id=\"b\"/>",
              {{"Content-Type", "application/xcap-el+xml"}}});
  CHECK(refused.status == 409);
  CHECK(refused.body.find("octets") != std::string::npos);
}

TEST_CASE("the directory lists what the user has, and is read in parts as any document") {
  Stage stage;
  const std::string etag = ask(stage, put).etag;
  const std::string directory =
      "/xcap/org.openmobilealliance.xcap-directory/users/sip:alice@example.org/directory.xml";
  const Response whole = ask(stage, {Method::get, directory, "", {{"Host", "x.example.org:5443"}}});
  CHECK(whole.status == 200);
  CHECK(whole.content_type == "application/vnd.oma.xcap-directory+xml");
  CHECK_FALSE(whole.etag.empty());
  const Response entry =
      ask(stage, {Method::get,
                  directory + "/~~/xcap-directory/folder%5B@auid=%22pres-rules%22%5D/entry",
                  "",
                  {{"Host", "x.example.org:5443"}}});
  CHECK(entry.body == "<entry uri=\"https://x.example.org:5443" + index_document + "\" etag=\"" + etag +
                          "\" size=\"" + std::to_string(rules.size()) + "\"/>");
  CHECK(ask(stage, {Method::put, directory, "<a/>"}).status == 405);
  CHECK(ask(stage, {Method::get, directory + "x"}).status == 404);
}

TEST_CASE("a target in no user's tree is answered without a shard: capabilities, 404, 400 (RFC 4825 12)") {
  const auto global = [](const std::string& target, Method method = Method::get) {
    beckon::xcap::Request request;
    request.method = method;
    request.target = target;
    return server::xcap::handle_global(request, {}, false);
  };
  const Response caps = global("/xcap/xcap-caps/global/index");
  CHECK(caps.status == 200);
  CHECK(caps.content_type == "application/xcap-caps+xml");
  CHECK(caps.body.find("pres-rules") != std::string::npos);
  CHECK_FALSE(caps.etag.empty());
  CHECK(global("/xcap/xcap-caps/global/index/~~/xcap-caps/auids/auid%5B1%5D").body ==
        "<auid>xcap-caps</auid>");
  CHECK(global("/xcap/rls-services/global/index").status == 403);
  CHECK(global("/xcap/resource-lists/global/index").status == 404);
  CHECK(global("/xcap/xcap-caps/global/index", Method::put).status == 405);
  CHECK(global("/elsewhere").status == 404);
  CHECK(global("/xcap/pres-rules/users/%zz/index").status == 400);
  CHECK_FALSE(server::xcap::owner_of("/xcap/xcap-caps/global/index").has_value());
}
