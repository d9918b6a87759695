#include "server/lists/definition.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace beckon;
using namespace beckon::server::lists;

namespace {

const std::string alice = "sip:alice@example.org";
const std::string friends = "sip:friends@example.org";

std::string services(const std::string& inside) {
  return R"(<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" )"
         R"(xmlns:rl="urn:ietf:params:xml:ns:resource-lists">)" +
         inside + "</rls-services>";
}
std::string lists(const std::string& inside) {
  return R"(<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">)" + inside + "</resource-lists>";
}

/// What alice's documents say of her list of friends.
struct Documents {
  std::map<std::string, std::string> texts;
  std::size_t most = 500;

  Definition define(std::string_view package = "presence", const std::string& uri = friends) const {
    const Source source{.owner = alice,
                        .find =
                            [this](std::string_view usage, std::string_view document) {
                              const auto found = texts.find(std::string(usage) + '/' + std::string(document));
                              return found == texts.end() ? std::string_view()
                                                          : std::string_view(found->second);
                            },
                        .root = "/xcap",
                        .members_max = most};
    return server::lists::define(source, uri, package);
  }
};

std::vector<std::string> uris(const Definition& definition) {
  std::vector<std::string> all;
  for (const auto& member : definition.members) all.push_back(member.uri);
  return all;
}
using Uris = std::vector<std::string>;

}  // namespace

TEST_CASE("a list in the service itself: flat, each URI once, with its names (RFC 4826 4.5)") {
  Documents documents;
  CHECK(documents.define().status == 404);
  documents.texts["rls-services/index"] = services(
      R"(<service uri="sip:friends@EXAMPLE.org"><list><rl:display-name>Friends</rl:display-name>)"
      R"(<rl:entry uri="sip:bob@example.org"><rl:display-name xml:lang="en">Bob</rl:display-name></rl:entry>)"
      R"(<rl:list><rl:entry uri="sip:carol@example.org"/><rl:entry uri="sip:bob@example.org"/></rl:list>)"
      R"(<rl:entry uri="mailto:x@y"/><rl:entry uri="pres:dave@example.org"/></list>)"
      R"(<packages><package>presence</package></packages></service>)"
      R"(<service uri="sip:carol@example.org"><list/></service>)");
  const Definition made = documents.define();
  CHECK(made.status == 200);
  CHECK(made.names == std::vector<documents::DisplayName>{{"Friends", ""}});
  CHECK(uris(made) == Uris{"sip:bob@example.org", "sip:carol@example.org", "pres:dave@example.org"});
  CHECK(made.members[0].names == std::vector<documents::DisplayName>{{"Bob", "en"}});
  CHECK_FALSE(made.members[0].is_list);
  CHECK(made.members[1].is_list);
  CHECK(aor_of("pres:dave@example.org") == "sip:dave@example.org");
  CHECK(documents.define("dialog").status == 489);
  CHECK(documents.define("presence", "sip:foes@example.org").status == 404);
  const Definition empty = documents.define("dialog", "sip:carol@example.org");
  CHECK(empty.status == 200);
  CHECK(empty.members.empty());
  documents.most = 2;
  CHECK(uris(documents.define()) == Uris{"sip:bob@example.org", "sip:carol@example.org"});
}

TEST_CASE("references lead into the owner's own documents, nowhere else, and not in circles (RFC 4826 4.5)") {
  Documents documents;
  const std::string own = "http://xcap.example.org/xcap/resource-lists/users/sip:alice@example.org/index/~~/";
  const auto service_with = [&](const std::string& reference) {
    documents.texts["rls-services/index"] = services("<service uri=\"" + friends + "\"><resource-list>" +
                                                     reference + "</resource-list></service>");
  };
  documents.texts["resource-lists/index"] = lists(
      R"(<list name="close"><entry uri="sip:bob@example.org"/><list name="inner"><entry uri="sip:eve@x.org"/></list></list>)"
      R"(<list name="all"><display-name>All</display-name>)"
      R"(<external anchor=")" +
      own + R"(resource-lists/list%5b@name=%22close%22%5d"/>)" + R"(<external anchor=")" + own +
      R"(resource-lists/list%5b@name=%22all%22%5d"/>)" +
      R"(<entry-ref ref="resource-lists/users/sip:alice@example.org/index/~~/resource-lists/list%5b1%5d/list/)"
      R"(entry%5b@uri=%22sip:eve@x.org%22%5d"/>)"
      R"(<entry-ref ref="resource-lists/users/sip:bob@example.org/index/~~/resource-lists/list/entry"/>)"
      R"(<external anchor="http://elsewhere.example.net/lists/1"/><entry uri="sip:carol@example.org"/></list>)");
  service_with(own + "resource-lists/list%5b@name=%22all%22%5d");
  const Definition made = documents.define();
  CHECK(made.status == 200);
  CHECK(made.names == std::vector<documents::DisplayName>{{"All", ""}});
  CHECK(uris(made) == Uris{"sip:bob@example.org", "sip:eve@x.org", "sip:carol@example.org"});

  for (const std::string& broken :
       {own + "resource-lists/list%5b@name=%22none%22%5d", own + "resource-lists/list",
        own + "resource-lists", own + "resource-lists/list%5b1%5d/entry%5b1%5d",
        own + "resource-lists/list%5b0%5d",
        std::string("http://xcap.example.org/xcap/resource-lists/users/sip:bob@example.org/index/~~/x"),
        std::string("http://xcap.example.org/xcap/pres-rules/users/sip:alice@example.org/index"),
        std::string("nonsense")}) {
    CAPTURE(broken);
    service_with(broken);
    CHECK(documents.define().status == 502);
  }
}

TEST_CASE("a hundred references are followed, and no more") {
  Documents documents;
  std::string all;
  for (int i = 0; i < 200; ++i)
    all +=
        R"(<rl:entry-ref ref="resource-lists/users/sip:alice@example.org/index/~~/resource-lists/list/entry%5b)" +
        std::to_string(i + 1) + R"(%5d"/>)";
  std::string entries;
  for (int i = 0; i < 200; ++i) entries += "<entry uri=\"sip:u" + std::to_string(i) + "@example.org\"/>";
  documents.texts["resource-lists/index"] = lists("<list>" + entries + "</list>");
  documents.texts["rls-services/index"] =
      services("<service uri=\"" + friends + "\"><list>" + all + "</list></service>");
  CHECK(documents.define().members.size() == 100);
}

TEST_CASE("the list of RFC 5367 7; what it need not have is left out") {
  const auto made = define_carried(
      lists(
          R"(<list><entry uri="sip:bill@example.com"/><entry uri="sip:joe@example.org"/>)"
          R"(<entry-ref ref="x"/><external anchor="http://x"/><list><entry uri="sip:ted@example.net"/></list></list>)"),
      500);
  REQUIRE(made.has_value());
  CHECK(uris(*made) == Uris{"sip:bill@example.com", "sip:joe@example.org", "sip:ted@example.net"});
  CHECK(define_carried("<x/>", 500).has_error());
}

TEST_CASE("each document is read once, and a list that refers to itself is one, however it is spelled") {
  const std::string text = lists(
      R"(<list name="all"><display-name>All</display-name><entry uri="sip:bob@example.org"/>)"
      R"(<external anchor="http://x/xcap/resource-lists/users/sip:alice@example.org/index/~~/resource-lists/)"
      R"(list%5b1%5d"/><external anchor="http://y/xcap/resource-lists/users/sip:alice@example.org/index/~~/)"
      R"(resource-lists/list%5b@name=%22all%22%5d"/><external anchor="http://z/xcap/resource-lists/users/)"
      R"(alice@example.org/index/~~/resource-lists/list"/></list>)");
  const std::string service = services(
      "<service uri=\"" + friends +
      R"("><list><rl:external anchor="http://w/xcap/resource-lists/users/sip:alice@example.org/index/~~/)"
      R"(resource-lists/list"/></list></service>)");
  int reads = 0;
  const Source source{.owner = alice,
                      .find =
                          [&](std::string_view usage, std::string_view) {
                            if (usage != "resource-lists") return std::string_view(service);
                            ++reads;
                            return std::string_view(text);
                          },
                      .root = "/xcap",
                      .members_max = 500};
  const Definition made = server::lists::define(source, friends, "presence");
  CHECK(uris(made) == Uris{"sip:bob@example.org"});
  CHECK(reads == 1);
  CHECK(made.names.empty());  // that of a list in it is another's
}
