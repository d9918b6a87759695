#include "server/archive/history.hpp"

#include "tests/server/archive/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using beckon::xcap::Method;
using beckon::xcap::Response;

namespace {

class Reader {
 public:
  explicit Reader(ArchiveTown& town) : town_(town) {}

  Response ask(Method method, const std::string& query) {
    const auto target = beckon::xcap::parse_user_target("/history/users/" + alice + query, "/history");
    REQUIRE(target.has_value());
    std::optional<Response> answer;
    archive::History history(town_.shard_of(alice), town_.archive_of(alice));
    history.handle(alice, *target, method, [&](Response response) { answer = std::move(response); });
    town_.world.run();
    REQUIRE(answer.has_value());
    return *answer;
  }
  MessageArchive get(const std::string& query = {}) {
    const auto response = ask(Method::get, query);
    CHECK(response.status == 200);
    CHECK(response.content_type == documents::message_archive_type);
    const auto archive = documents::parse_message_archive(response.body);
    REQUIRE(archive.has_value());
    return *archive;
  }

 private:
  ArchiveTown& town_;
};

}  // namespace

TEST_CASE("the history is read by peer, time, page, and as changes") {
  ArchiveTown town;
  Reader reader(town);
  CHECK(reader.get().messages.empty());
  for (int i = 0; i < 3; ++i) {
    town.note(i == 1 ? carol : bob, alice, std::to_string(i));
    town.world.wait(1s);
  }
  const auto all = reader.get();
  REQUIRE(all.messages.size() == 3);
  CHECK(reader.get("?with=sip:bob@example.org").messages.size() == 2);
  CHECK(reader.get("?with=sip%3Acarol%40example.org").messages.size() == 1);
  town.note("sip:+4930123@example.org", alice, "by number");
  for (const char* number : {"tel:%2B49-30-123", "sip:%2B49-30-123@example.org;user=phone"})
    CHECK(reader.get("?with=" + std::string(number)).messages.size() == 1);
  CHECK(town.erase(alice, {.with = "sip:+4930123@example.org"}) == 200);
  CHECK(reader.ask(Method::get, "?with=tel:1234").status == 400);
  CHECK(reader.get("?since=" + print_time(all.messages[1].time)).messages.size() == 2);
  CHECK(reader.get("?limit=2").messages.size() == 2);
  CHECK_FALSE(reader.get("?limit=2").is_complete);
  CHECK(reader.get("?limit=0").messages.size() == 1);
  CHECK(reader.get("?before=" + std::to_string(all.messages[2].number)).messages.size() == 2);
  CHECK(reader.get("?after=" + std::to_string(all.messages[1].number)).messages.size() == 1);
  CHECK(reader.get("?after=0").messages.size() == 3);
  CHECK(reader.get("?colour=red").messages.size() == 3);
}

TEST_CASE("a page has 50 messages where the request does not say, and 200 at most") {
  ArchiveTown town;
  Reader reader(town);
  for (int i = 0; i < 201; ++i) town.note(bob, alice, "x");
  CHECK(reader.get().messages.size() == 50);
  CHECK(reader.get("?limit=200").messages.size() == 200);
  CHECK(reader.get("?limit=201").messages.size() == 200);
}

TEST_CASE("an answer is no longer than half a mebibyte of texts; the rest is another page") {
  Settings settings = World::default_settings();
  settings.archive.text_octets = 65536;
  ArchiveTown town(settings);
  Reader reader(town);
  for (int i = 0; i < 10; ++i) town.note(bob, alice, std::string(60'000, 'x'));
  const auto page = reader.get();
  CHECK(page.messages.size() == 8);
  CHECK_FALSE(page.is_complete);
  CHECK(reader.get("?after=0").messages.size() == 8);
}

TEST_CASE("messages are marked as read and erased, and keeping is chosen") {
  ArchiveTown town;
  Reader reader(town);
  town.note(bob, alice, "1");
  town.note(carol, alice, "2");
  CHECK(reader.ask(Method::put, "?state=displayed&with=sip:bob@example.org").status == 200);
  CHECK(town.lines(alice) == Lines{"> 1 (displayed)", "> 2 (delivered)"});
  CHECK(reader.ask(Method::del, "?with=sip:bob@example.org").status == 200);
  CHECK(town.lines(alice) == Lines{"> 2 (delivered)"});
  CHECK(reader.ask(Method::put, "?keep=no").status == 200);
  CHECK_FALSE(reader.get().is_kept);
  town.note(bob, alice, "3");
  CHECK(reader.ask(Method::put, "?keep=yes").status == 200);
  CHECK(reader.get().is_kept);
  CHECK(reader.ask(Method::del, "").status == 200);
  CHECK(town.lines(alice).empty());
}

TEST_CASE("HEAD is answered as GET is (RFC 9110 9.3.2)") {
  ArchiveTown town;
  Reader reader(town);
  town.note(bob, alice, "hi");
  for (const char* query : {"", "?after=0", "?limit=1", "?since=noon"}) {
    CAPTURE(query);
    const auto got = reader.ask(Method::get, query), head = reader.ask(Method::head, query);
    CHECK(head.status == got.status);
    CHECK(head.content_type == got.content_type);
    CHECK(head.body == got.body);  // HttpServer says how long it is, and leaves it out
  }
  CHECK(town.lines(alice) == Lines{"> hi (delivered)"});
}

TEST_CASE("what cannot be meant is 400, and what is no method of a history 405") {
  ArchiveTown town;
  Reader reader(town);
  for (const char* query : {"?since=noon", "?with=bob", "?before=x", "?after=-1", "?limit=many", "?number="})
    CHECK(reader.ask(Method::get, query).status == 400);
  town.note(bob, alice, "hi");
  CHECK(reader.ask(Method::put, "").status == 400);
  CHECK(reader.ask(Method::put, "?state=sent").status == 400);
  CHECK(reader.ask(Method::put, "?keep=maybe").status == 400);
  CHECK(reader.ask(Method::del, "?before=7").status == 400);
  CHECK(reader.ask(Method::del, "?since=2026-11-21T04:00:00Z").status == 400);
  // Whatever else was meant, it was not the whole.
  for (const char* query : {"?wiht=sip:bob@example.org", "?number=0", "?with=sip:carol@example.org&from=7"})
    CHECK(reader.ask(Method::del, query).status == 400);
  for (const char* query : {"?state=displayed&wiht=sip:carol@example.org", "?state=displayed&number=0",
                            "?state=displayed&before=0", "?state=displayed&since=2026-11-21T04:00:00Z"})
    CHECK(reader.ask(Method::put, query).status == 400);
  CHECK(town.lines(alice) == Lines{"> hi (delivered)"});
  const auto refused = reader.ask(Method::other, "");
  CHECK(refused.status == 405);
  CHECK(refused.headers.front() == std::pair<std::string, std::string>{"Allow", "GET, HEAD, PUT, DELETE"});
}
