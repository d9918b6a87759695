#include "client/control/command.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "client/control/cause.hpp"

using namespace beckon;
using namespace beckon::client;

TEST_CASE("JSON lines become commands with canonical addresses, or say what is wrong with them") {
  struct Row {
    const char* line;
    const char* arguments;  ///< Of the command, as JSON; null: refused.
    control::Errc error = {};
    const char* detail = "";
  };
  using control::Errc;
  for (
      const Row& row : {
          Row{R"({"id":"7","command":"message","to":"alice@EXAMPLE.org","text":"hi"})",
              R"({"to":"sip:alice@example.org","text":"hi"})"},
          Row{R"({"id":"7","command":"subscribe","to":"sips:a@b:5061;transport=tls","expires":60})",
              R"({"to":"sip:a@b","expires":60})"},
          Row{R"({"id":"7","command":"message","receipts":"ask","to":"sip:a@B;transport=tcp;gr=urn:uuid:1","text":"hi"})",
              R"({"receipts":"ask","to":"sip:a@b;gr=urn:uuid:1","text":"hi"})"},
          Row{R"({"id":"7","command":"typing","to":"<sip:t.1@b;gr>","stop":true})",
              R"({"to":"sip:t.1@b;gr","stop":true})"},
          Row{R"({"id":"7","command":"subscribe","to":"sip:a@b;gr=urn:uuid:1"})", R"({"to":"sip:a@b"})"},
          Row{R"({"id":"7","command":"message","receipts":"maybe","to":"a@b","text":"hi"})", nullptr,
              Errc::bad_argument, "receipts: maybe is not ask|none"},
          Row{R"({"id":"7","command":"snapshot"})", "{}"},
          Row{R"({"id":"7","command":"watchers","log":true})", R"({"log":true})"},
          Row{R"({"id":"7","command":"watchers","log":"yes"})", nullptr, Errc::bad_argument,
              "log: yes is not true|false"},
          Row{R"({"id":"7","command":"welcome","users":["a@B","sip:c@d"],"text":"hi"})",
              R"({"users":["sip:a@b","sip:c@d"],"text":"hi"})"},
          Row{R"({"id":"7","command":"welcome","users":["@Example.org","sip:d"],"text":"hi"})",
              R"({"users":["sip:example.org","sip:d"],"text":"hi"})"},
          Row{R"({"id":"7","command":"unsubscribe","to":"@example.org","package":"reg"})",
              R"({"to":"sip:example.org","package":"reg"})"},
          Row{R"({"id":"7","command":"unsubscribe","to":"@"})", nullptr, Errc::bad_argument,
              "to: @ is not USER@DOMAIN|@DOMAIN"},
          Row{R"({"id":"7","command":"subscribe","to":"@example.org"})", nullptr, Errc::bad_argument,
              "to: @example.org is not USER@DOMAIN"},
          Row{R"({"id":"7","command":"welcome","users":[],"text":"hi"})", nullptr, Errc::bad_argument,
              "users: [] is not USER@DOMAIN|@DOMAIN..."},
          Row{R"({"id":"7","command":"welcome","users":["a@b",5],"text":"hi"})", nullptr, Errc::bad_argument,
              "users: [\"a@b\",5] is not USER@DOMAIN|@DOMAIN..."},
          Row{R"({"id":"7","command":"welcome","users":"a@b","text":"hi"})", nullptr, Errc::bad_argument,
              "users: a@b is not USER@DOMAIN|@DOMAIN..."},
          Row{R"({"id":"7","command":"welcome","users":["a@b"]})", nullptr, Errc::missing_argument,
              "text; welcome users... --text TEXT"},
          Row{R"({"id":"7","command":"fly"})", nullptr, Errc::unknown_command, "fly"},
          Row{R"({"id":"7"})", nullptr, Errc::unknown_command, ""},
          Row{R"({"id":"7","command":"message","to":"alice@example.org"})", nullptr, Errc::missing_argument,
              "text; message [--receipts ask|none] to text"},
          Row{R"({"id":"7","command":"message","to":"alice","text":"hi"})", nullptr, Errc::bad_argument,
              "to: alice is not USER@DOMAIN"},
          Row{R"({"id":"7","command":"message","to":5,"text":"hi"})", nullptr, Errc::bad_argument,
              "to: 5 is not USER@DOMAIN"},
          Row{R"({"id":"7","command":"register","expires":-1})", nullptr, Errc::bad_argument,
              "expires: -1 is not a number from 0 to 4294967295"},
          Row{R"({"id":"7","command":"publish","basic":"maybe"})", nullptr, Errc::bad_argument,
              "basic: maybe is not open|closed"},
          Row{R"({"id":"7","command":"snapshot","colour":"red"})", nullptr, Errc::bad_argument,
              "snapshot has no argument colour"},
      }) {
    CAPTURE(row.line);
    const auto command = control::parse_command(row.line);
    if (row.arguments != nullptr) {
      REQUIRE(command.has_value());
      CHECK(command->id == "7");
      CHECK(command->arguments == boost::json::parse(row.arguments).as_object());
    } else {
      REQUIRE_FALSE(command.has_value());
      CHECK(command.error().id == "7");
      CHECK(command.error().error == row.error);
      CHECK(command.error().detail == row.detail);
    }
  }
}

TEST_CASE("a line that is no JSON object is refused whole") {
  for (const std::string& line :
       {std::string("hello"), std::string("[1]"), std::string("{"), std::string()}) {
    CAPTURE(line.size());
    const auto command = control::parse_command(line);
    REQUIRE_FALSE(command.has_value());
    CHECK(command.error().error == control::Errc::not_json);
  }
  const auto command = control::parse_command("{\"id\":\"" + std::string(control::line_max, 'x') + "\"}");
  REQUIRE_FALSE(command.has_value());
  CHECK(command.error().error == control::Errc::too_long);
}

TEST_CASE("words fill required arguments by position and others by name") {
  const auto parse = [](std::vector<std::string> words) { return control::parse_words(words); };
  const auto message = parse({"message", "bob@example.org", "hi there"});
  REQUIRE(message.has_value());
  CHECK(message->text("to") == "sip:bob@example.org");
  CHECK(message->text("text") == "hi there");
  const auto allow = parse({"allow", "--direct", "auto", "bob@example.org"});
  REQUIRE(allow.has_value());
  CHECK(allow->text("direct") == "auto");
  CHECK(allow->text("watcher") == "sip:bob@example.org");
  const auto subscribe = parse({"subscribe", "a@b", "--expires", "60"});
  REQUIRE(subscribe.has_value());
  CHECK(subscribe->number("expires", 0) == 60);
  const auto paced = parse({"subscribe", "a@b", "--max-rate", "0.2", "--min-rate", "0.01"});
  REQUIRE(paced.has_value());
  CHECK(paced->text("max-rate") == "0.2");
  CHECK(paced->text("min-rate") == "0.01");
  for (const auto& words :
       {std::vector<std::string>{"welcome", "a@b", "c@d", "--text", "hi there"},
        std::vector<std::string>{"welcome", "--text", "hi there", "a@b", "c@d"},
        std::vector<std::string>{"welcome", "a@b", "--text", "hi there", "--users", "c@d"}}) {
    const auto welcome = parse(words);
    REQUIRE(welcome.has_value());
    CHECK(welcome->addresses("users") == std::vector<std::string>{"sip:a@b", "sip:c@d"});
    CHECK(welcome->text("text") == "hi there");
  }
  const auto watchers = parse({"watchers", "--log"});
  REQUIRE(watchers.has_value());
  CHECK(watchers->flag("log"));
  CHECK_FALSE(parse({"watchers"})->flag("log"));
  CHECK_FALSE(parse({"watchers", "--log", "yes"}).has_value());
  CHECK_FALSE(parse({"welcome", "a@b", "c@d"}).has_value());
  CHECK_FALSE(parse({"welcome", "--text", "hi"}).has_value());
  const auto goodbye = parse({"unsubscribe", "a@b", "--package", "reg"});
  REQUIRE(goodbye.has_value());
  CHECK(goodbye->text("package") == "reg");
  CHECK(parse({"subscribe", "a@b", "--package", "reg"}).has_value());
  CHECK_FALSE(parse({"subscribe", "a@b", "--package", "xcap"}).has_value());
  CHECK_FALSE(parse({}).has_value());
  CHECK_FALSE(parse({"message", "bob@example.org"}).has_value());
  CHECK_FALSE(parse({"block", "bob@example.org", "carol@example.org"}).has_value());
  const auto unquoted = parse({"message", "bob@example.org", "hi", "--again"});
  REQUIRE(unquoted.has_value());
  CHECK(unquoted->text("text") == "hi --again");
  CHECK_FALSE(parse({"allow", "bob@example.org", "--direct"}).has_value());
  CHECK_FALSE(parse({"subscribe", "a@b", "--expires", "soon"}).has_value());
}

TEST_CASE("the text of a typed message is the rest of its line, or what stands in quotation marks") {
  struct Row {
    const char* line;
    const char* text;  ///< Null: refused.
  };
  for (const Row& row :
       {Row{"message bob@example.org hello there", "hello there"},
        Row{"  message   bob@example.org   two  blanks  ", "two  blanks"},
        Row{"message bob@example.org \"in  quotes \"", "in  quotes "},
        Row{"message bob@example.org he said \"hi\" twice", "he said \"hi\" twice"},
        Row{"message bob@example.org \"hi\" he said", "\"hi\" he said"},
        Row{"message bob@example.org a 5\" screen", "a 5\" screen"},
        Row{"message bob@example.org 5\"", "5\""}, Row{"message bob@example.org it's --so", "it's --so"},
        Row{"message bob@example.org \"never closed", nullptr},
        Row{"message \"bob@example.org hi", nullptr}}) {
    CAPTURE(row.line);
    const auto command = control::parse_line(row.line);
    REQUIRE(command.has_value() == (row.text != nullptr));
    if (command) CHECK(command->text("text") == row.text);
  }
  const auto note = control::parse_line("publish open --note \"at my desk\"");
  REQUIRE(note.has_value());
  CHECK(note->text("note") == "at my desk");
}

TEST_CASE("a command refused says which one it was, and how it is written") {
  const auto refused = control::parse_line("allow bob@example.org --direct sometimes");
  REQUIRE_FALSE(refused.has_value());
  REQUIRE(refused.error().specification != nullptr);
  CHECK(std::string_view(refused.error().specification->name) == "allow");
  CHECK(refused.error().detail == "direct: sometimes is not off|ask|auto");
  CHECK(control::parse_line("block").error().detail == "watcher; block watcher [--domain]");
  CHECK(control::parse_line("block --colour red").error().detail == "block has no --colour");
}

TEST_CASE("a status has one cause, and causes keep their words") {
  using control::Cause;
  CHECK(control::cause_of(200) == Cause::done);
  CHECK(control::cause_of(407) == Cause::credentials);
  CHECK(control::cause_of(404) == Cause::not_found);
  CHECK(control::cause_of(0) == Cause::unreachable);
  CHECK(control::cause_of(control::unproven) == Cause::untrusted);
  CHECK(control::cause_of(603) == Cause::refused);
  CHECK(control::cause_of(480) == Cause::unavailable);
  CHECK(control::cause_of(503) == Cause::unreachable);
  CHECK(control::cause_of(513) == Cause::failed);
  for (const auto& [cause, word, help] : control::causes()) {
    CHECK(control::to_string(cause) == word);
    CHECK(control::parse_cause(word) == cause);
  }
  CHECK(control::parse_cause("none of them") == Cause::failed);
}

TEST_CASE("a user of the own domain needs no domain") {
  const auto to = [](const char* line) {
    const auto command = control::parse_line(line, "example.org");
    return command ? command->text("to") : "refused: " + command.error().detail;
  };
  CHECK(to("message bob hello there") == "sip:bob@example.org");
  CHECK(to("message bob@elsewhere.example hi") == "sip:bob@elsewhere.example");
  CHECK(to("unsubscribe @elsewhere.example") == "sip:elsewhere.example");
  CHECK(to("unsubscribe bob") == "sip:bob@example.org");
  CHECK(to("message sip:bob hi") == "refused: to: sip:bob is not USER@DOMAIN");
  CHECK_FALSE(control::parse_line("message bob hi").has_value());
}

TEST_CASE("some commands have two words; the first alone says which there are") {
  const auto add = control::parse_line("contacts add bob@b --name \"Bob B\"");
  REQUIRE(add.has_value());
  CHECK(add->name() == "contacts add");
  CHECK(add->text("name") == "Bob B");
  CHECK(control::parse_command(R"({"command":"contacts add","contact":"bob@b"})")->name() == "contacts add");
  for (const char* line : {"contacts", "contacts away", "contacts --name x"}) {
    CAPTURE(line);
    const auto refused = control::parse_line(line);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().detail == "contacts is followed by one of list, add, remove, group");
  }
  CHECK(control::parse_line("away now").error().detail == "away; `help` lists those there are");
}

TEST_CASE("a contact may be named as the address book calls it") {
  using boost::json::array;
  using boost::json::object;
  const auto contact = [](const char* of, const char* name) { return object{{"of", of}, {"name", name}}; };
  control::Naming naming("example.org");
  naming.learn(
      {{"event", "contacts"},
       {"groups",
        array{object{{"group", "friends"},
                     {"contacts",
                      array{contact("sip:bob@example.com", "Bob Dylan"),
                            contact("sip:carol@example.org", "Carol"), contact("sip:ann@example.com", "Ann"),
                            contact("sip:ann@example.net", "Ann"), contact("sip:dave@example.com", "eve"),
                            contact("sip:eve@example.org", "")}}},
              object{{"group", "work"}, {"contacts", array{contact("sip:carol@example.org", "Carol")}}}}}});
  struct Row {
    const char* line;
    const char* to;  ///< Null: refused.
    const char* why = "";
  };
  for (const Row& row :
       {Row{"typing \"Bob Dylan\"", "sip:bob@example.com"}, Row{"typing Carol", "sip:carol@example.org"},
        Row{"typing carol", "sip:carol@example.org"}, Row{"typing frank", "sip:frank@example.org"},
        Row{"typing bob@example.net", "sip:bob@example.net"},
        Row{"typing Ann", nullptr,
            "to: Ann may be ann@example.com or ann@example.net; type the address of the one you mean"},
        Row{"typing eve", nullptr,
            "to: eve may be dave@example.com or eve@example.org; type the address of the one you mean"},
        Row{"typing \"Bob Dilan\"", nullptr,
            "to: Bob Dilan is not USER@DOMAIN, and no contact is called so"}}) {
    CAPTURE(row.line);
    const auto command = control::parse_line(row.line, naming);
    REQUIRE(command.has_value() == (row.to != nullptr));
    if (command)
      CHECK(command->text("to") == row.to);
    else
      CHECK(command.error().detail == row.why);
  }
  CHECK(control::parse_line("allow \"Bob Dylan\"", naming)->text("watcher") == "sip:bob@example.com");
  CHECK(control::parse_line("allow @example.com", naming)->text("watcher") == "sip:example.com");
  CHECK(control::parse_line("message \"Bob Dylan\" hi there", naming)->text("text") == "hi there");
  CHECK(control::parse_line("history Carol", naming)->text("with") == "sip:carol@example.org");
  const auto welcomed =
      control::parse_line("welcome Carol \"Bob Dylan\" --text hi", naming)->addresses("users");
  CHECK(welcomed == std::vector<std::string>{"sip:carol@example.org", "sip:bob@example.com"});
}

TEST_CASE("an address book that cannot be read names nobody") {
  control::Naming naming("example.org");
  naming.learn({{"groups", boost::json::array{1, boost::json::object{{"contacts", boost::json::array{2}}}}}});
  CHECK_FALSE(naming.has_contacts());
  naming.learn({{"groups", 7}});
  CHECK(control::parse_line("typing bob", naming)->text("to") == "sip:bob@example.org");
}
