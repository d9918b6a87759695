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
  for (const Row& row : {
           Row{R"({"id":"7","command":"message","to":"alice@EXAMPLE.org","text":"hi"})",
               R"({"to":"sip:alice@example.org","text":"hi"})"},
           Row{R"({"id":"7","command":"subscribe","to":"sips:a@b:5061;transport=tls","expires":60})",
               R"({"to":"sip:a@b","expires":60})"},
           Row{R"({"id":"7","command":"snapshot"})", "{}"},
           Row{R"({"id":"7","command":"fly"})", nullptr, Errc::unknown_command, "fly"},
           Row{R"({"id":"7"})", nullptr, Errc::unknown_command, ""},
           Row{R"({"id":"7","command":"message","to":"alice@example.org"})", nullptr, Errc::missing_argument,
               "text"},
           Row{R"({"id":"7","command":"message","to":"alice","text":"hi"})", nullptr, Errc::bad_argument,
               "to"},
           Row{R"({"id":"7","command":"message","to":5,"text":"hi"})", nullptr, Errc::bad_argument, "to"},
           Row{R"({"id":"7","command":"register","expires":-1})", nullptr, Errc::bad_argument, "expires"},
           Row{R"({"id":"7","command":"publish","basic":"maybe"})", nullptr, Errc::bad_argument, "basic"},
           Row{R"({"id":"7","command":"snapshot","colour":"red"})", nullptr, Errc::bad_argument, "colour"},
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
  for (const std::string& line : {std::string("hello"), std::string("[1]"), std::string("{"), std::string(),
                                  "{\"id\":\"" + std::string(control::line_max, 'x') + "\"}"}) {
    CAPTURE(line.size());
    const auto command = control::parse_command(line);
    REQUIRE_FALSE(command.has_value());
    CHECK(command.error().error == control::Errc::not_json);
  }
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
  CHECK_FALSE(parse({}).has_value());
  CHECK_FALSE(parse({"message", "bob@example.org"}).has_value());
  CHECK_FALSE(parse({"message", "bob@example.org", "hi", "again"}).has_value());
  CHECK_FALSE(parse({"allow", "bob@example.org", "--direct"}).has_value());
  CHECK_FALSE(parse({"subscribe", "a@b", "--expires", "soon"}).has_value());
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
