#include "client/control/help.hpp"

#include <doctest/doctest.h>

#include "client/control/shell_commands.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client;

TEST_CASE("help names every command, and of one its arguments with their values") {
  const std::string all = control::print_help();
  for (const auto& each : control::specifications()) {
    CAPTURE(each.name);
    CHECK(all.find(std::string("  ") + each.name) != std::string::npos);
    const std::string one = control::print_help(each.name);
    CHECK(one.starts_with(each.name));
    for (const auto& argument : each.arguments) CHECK(one.find(argument.help) != std::string::npos);
  }
  CHECK(control::print_help("allow").find("off|ask|auto") != std::string::npos);
  CHECK(control::print_help("fly") == "There is no command fly\n" + all);
  CHECK(control::print_help("contact ad")
            .starts_with("There is no command contact ad; do you mean contacts?\n"));
  CHECK(control::print_help("account add") == control::print_shell_help("account add"));
  CHECK(control::print_help("account") == control::print_shell_help("account"));
  CHECK_MESSAGE(all.starts_with("Examples:\n  register "), "what one may type comes first");
  CHECK(all.find("[--adaptive-min-rate TEXT]\n") != std::string::npos);  // what is long has a line of its own
  const std::string welcome = control::print_help("welcome");
  CHECK(welcome.find("\n  users ") != std::string::npos);
  CHECK(welcome.find("\n  --text ") != std::string::npos);  // after a list nothing goes by position
}

TEST_CASE("help of the first word of several lists those") {
  CHECK(control::print_help("contacts").find("contacts remove contact [--group TEXT]") != std::string::npos);
  CHECK(control::print_help("contacts").find("publish") == std::string::npos);
  CHECK(control::print_help("contacts add").starts_with("contacts add contact [--name TEXT]"));
}

TEST_CASE("commands have examples, and every example is a command as it may be typed") {
  std::size_t count = 0;
  for (const auto& each : control::specifications()) {
    const auto examples = control::examples_of(each.name);
    CAPTURE(each.name);
    count += examples.empty() ? 0 : 1;
    for (const auto& example : examples) {
      CAPTURE(example.line);
      const auto command = control::parse_line(example.line, "example.org");
      REQUIRE(command.has_value());
      CHECK(command->name() == each.name);
    }
  }
  CHECK(count >= 40);
  for (const auto& example : control::first_examples()) {
    CAPTURE(example.line);
    CHECK(control::parse_line(example.line, "example.org").has_value());
  }
}

TEST_CASE("a command shows in its usage what it allows") {
  const auto usage = [](const char* name) { return control::usage_of(*control::find_specification(name)); };
  CHECK(usage("keep-history") == "keep-history yes|no");
  CHECK(usage("allow") == "allow watcher [--direct off|ask|auto] [--domain]");
  CHECK(usage("wait presence") == "wait presence of open|closed [--within TEXT]");
}

TEST_CASE("help is asked for in several ways, but not by a text") {
  const auto asked = [](std::string_view line) {
    return control::asked_help(split(line, ' ')).value_or("no");
  };
  CHECK(asked("help").empty());
  CHECK(asked("?").empty());
  CHECK(asked("help contacts add") == "contacts add");
  CHECK(asked("message --help") == "message");
  CHECK(asked("contacts -h") == "contacts");
  CHECK(asked("contacts add --help") == "contacts add");
  CHECK(asked("message bob --help") == "no");
  CHECK(asked("message bob hi --help") == "no");
  CHECK(asked("fly --help") == "no");
  CHECK(asked("") == "no");
}

TEST_CASE("what beckon does by itself in a shell is explained there, and refused at the prompt") {
  const std::string all = control::print_shell_help();
  for (const auto& each : control::shell_commands()) {
    CAPTURE(each.name);
    CHECK(all.find(std::string("  ") + each.name) != std::string::npos);
    const std::string one = control::print_shell_help(each.name);
    CHECK(one.starts_with(std::string("beckon ") + each.name));
    for (const auto& argument : each.arguments) CHECK(one.find(argument.help) != std::string::npos);
    REQUIRE_FALSE(each.examples.empty());
    for (const auto& example : each.examples) CHECK(std::string(example.line).starts_with(each.name));
    CHECK(control::find_specification(cut(each.name, ' ').first) == nullptr);
  }
  CHECK(control::print_shell_help("account").find("account remove") != std::string::npos);
  CHECK(control::print_shell_help("account").find("doctor") == std::string::npos);
  CHECK(control::parse_line("account list").error().detail ==
        "account is typed in a shell, not here: beckon account");
  CHECK(control::parse_line("docter").error().detail ==
        "docter; do you mean doctor? `help` lists those there are");
}

TEST_CASE("who mistypes a command is told the one it may have been") {
  CHECK(control::nearest_command("mesage") == "message");
  CHECK(control::nearest_command("regsiter") == "register");
  CHECK(control::nearest_command("contact") == "contacts");
  CHECK(control::nearest_command("frobnicate").empty());
  CHECK(control::parse_line("publsh open").error().detail ==
        "publsh; do you mean publish? `help` lists those there are");
}
