#include "server/admin/data_folder.hpp"
#include "server/store/sqlite.hpp"
#include "server/users/user.hpp"
#include "tests/server/admin/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;
using namespace beckon::server::test;

TEST_CASE("tables are aligned for people and the same in JSON") {
  CHECK(print_text(example) ==
        "bindings (2)\n"
        "  aor                    expires\n"
        "  sip:alice@example.org  60\n"
        "  sip:bo@x               3600\n"
        "\n"
        "PIT (0)\n");
  const auto again = parse_json(print_json(example));
  REQUIRE(again.has_value());
  CHECK(print_text(*again) == print_text(example));
  CHECK(parse_json("[]").error() == admin::Errc::bad_answer);
  CHECK(parse_json("{\"a\": 1}").error() == admin::Errc::bad_answer);
  CHECK(parse_json("").error() == admin::Errc::bad_answer);
}

TEST_CASE("a cell without bound does not widen the lines of the others (DESIGN 7)") {
  const std::string endless(100'000, 'x');
  const std::string text =
      print_text({{.name = "PIT",
                   .rows = {{{"contact", endless}, {"note", "a"}}, {{"contact", "sip:b"}, {"note", "c"}}}}});
  CHECK(text.find("\n  " + endless + "  a\n") != std::string::npos);
  CHECK(text.ends_with("\n  sip:b" + std::string(61, ' ') + "c\n"));
}

TEST_CASE(
    "what a device calls itself neither makes the tables unreadable nor moves the administrator's cursor") {
  const std::vector<Table> hostile{
      {.name = "bindings",
       .rows = {{{"agent", "nice\x1b[2J\xff\xfe\u202egone"}, {"aor", "sip:zo\u00eb@x"}}}}};
  const auto told = parse_json(print_json(hostile));
  REQUIRE(told.has_value());
  CHECK(print_text(*told) ==
        "bindings (1)\n"
        "  agent            aor\n"
        "  nice?[2J???gone  sip:zo\u00eb@x\n");
}

TEST_CASE("the shards' tables are put together, and one user's rows picked out") {
  std::vector<Table> two = example;
  two.insert(two.end(), example.begin(), example.end());
  const auto merged = merge(two);
  REQUIRE(merged.size() == 2);
  CHECK(merged[0].rows.size() == 4);
  const auto about = rows_about(merged, "sip:alice@example.org");
  REQUIRE(about.size() == 1);
  CHECK(about[0].rows.size() == 2);
}

TEST_CASE("beckond tables and explain print the answer, or why they were refused") {
  std::vector<std::string> questions;
  std::string answer = print_json(example);
  Asking asking([&](const std::string& question, const ReplyPtr& reply) {
    questions.push_back(question);
    reply->finish(answer);
  });
  CHECK(asking.run(Verb::tables, "") == Exit::done);
  CHECK(asking.run(Verb::tables, "PIT") == Exit::done);
  CHECK(asking.run(Verb::explain, "alice@example.org", true) == Exit::done);
  CHECK(questions == std::vector<std::string>{"tables", "tables", "about sip:alice@example.org"});
  CHECK(asking.out.str() == print_text(example) + "PIT (0)\n" + print_json(example) + '\n');
  CHECK(asking.errors.str().empty());

  struct Row {
    Verb verb;
    std::string argument, answer;
    Exit exit;
    std::string told;
  };
  const Row rows[] = {
      {Verb::tables, "", refusal("too many"), Exit::failed, "refused: too many"},
      {Verb::explain, "alice@example.org", refusal("too many"), Exit::failed, "refused: too many"},
      {Verb::tables, "", "{\"event\":\"refused\"}", Exit::failed, "refused: no reason given"},
      {Verb::tables, "", "{\"event\":\"other\"}", Exit::failed, "the server's answer cannot be read"},
      {Verb::tables, "", "", Exit::failed, "the server's answer cannot be read"},
      {Verb::tables, "none", print_json(example), Exit::usage, "there is no table \"none\""}};
  for (const Row& row : rows) {
    CAPTURE(row.told);
    answer = row.answer;
    asking.out.str("");
    asking.errors.str("");
    CHECK(asking.run(row.verb, row.argument) == row.exit);
    CHECK(asking.errors.str() == "beckond: " + row.told + '\n');
    CHECK(asking.out.str().empty());
  }
}

TEST_CASE("beckond explain --for asks about two, and says so when there is no such user") {
  std::vector<std::string> questions;
  std::string answer =
      R"({"user":true,"presentity":"sip:alice@example.org","watcher":"sip:bob@example.org"})";
  Asking asking([&](const std::string& question, const ReplyPtr& reply) {
    questions.push_back(question);
    reply->finish(answer);
  });
  {
    auto store = store::SqliteUsers::open(users_file(asking.folder.path()));
    REQUIRE(store.has_value());
    SeededRandom random(1);
    const auto user = users::make_user("alice@example.org", "secret", random);
    REQUIRE((*store)->add(std::span(&*user, 1)).has_value());
  }
  CHECK(asking.run(Verb::explain, "Alice", false, "bob@example.ORG") == Exit::done);
  CHECK(asking.out.str().find("alice@example.org as bob@example.org sees it") == 0);
  asking.out.str("");
  CHECK(asking.run(Verb::explain, "alice", true, "bob") == Exit::done);
  CHECK(asking.out.str() == answer + '\n');
  CHECK(questions == std::vector<std::string>(2, "explain sip:alice@example.org sip:bob@example.org"));
  CHECK(asking.errors.str().empty());

  answer = R"({"user":false})";
  asking.out.str("");
  CHECK(asking.run(Verb::explain, "carol", false, "bob") == Exit::failed);
  CHECK(asking.errors.str() == "beckond: there is no user carol@example.org\n");
  asking.errors.str("");
  answer = "{}";  // no row names her
  CHECK(asking.run(Verb::explain, "carol") == Exit::failed);
  CHECK(asking.run(Verb::explain, "alice") == Exit::done);
  CHECK(asking.errors.str() == "beckond: there is no user carol@example.org\n");
  asking.errors.str("");
  answer = "[]";
  CHECK(asking.run(Verb::explain, "alice", false, "bob") == Exit::failed);
  CHECK(asking.errors.str() == "beckond: the server's answer cannot be read\n");
  CHECK(asking.out.str().empty());
}
