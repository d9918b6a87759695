#include <doctest/doctest.h>

#include "client/control/command.hpp"
#include "client/manual/completions.hpp"
#include "client/manual/pages.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client;

namespace {

const manual::Options options{{"--account", "TEXT", "your address: alice@example.org"},
                              {"--json", "", "it's one JSON object a line"}};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("each command has a page with its arguments, their values and examples") {
  for (const auto& each : control::specifications()) {
    CAPTURE(each.name);
    const std::string page = manual::command_page(each);
    CHECK(page.starts_with(".TH BECKON\\-"));
    CHECK(has(page, ".SH SEE ALSO\n.BR beckon (1)\n"));
  }
  const std::string allow = manual::command_page(*control::find_specification("allow"));
  CHECK(has(allow, "\\fB\\-\\-direct\\fR (off|ask|auto)"));
  CHECK(has(allow, "\\fBbeckon allow bob \\-\\-direct auto\\fR"));
  CHECK(manual::page_name("contacts add") == "beckon-contacts-add");
}

TEST_CASE("what beckon does by itself in a shell has its pages, too") {
  for (const auto& each : control::shell_commands()) {
    CAPTURE(each.name);
    const std::string page = manual::shell_page(each);
    CHECK(page.starts_with(".TH BECKON\\-"));
    CHECK(has(page, ".SH EXAMPLES\n"));
  }
  const std::string test = manual::shell_page(*control::find_shell_command("test"));
  CHECK(has(test, "\\fB\\-\\-server\\fR \\fIURI\\fR"));
  CHECK(has(test, "\\fIudp|tcp|tls\\fR"));
}

TEST_CASE("the main page lists options, commands and exit codes") {
  const std::string page = manual::main_page(options);
  CHECK(has(page, "\\fB\\-\\-account\\fR \\fITEXT\\fR"));
  CHECK(has(page, "beckon\\-view\\-as (1)"));
  CHECK(has(page, "beckon\\-account\\-add (1)"));
  CHECK(has(page, "beckon\\-test (1)"));
  CHECK(has(page, "4 (credentials)"));
}

TEST_CASE("no line of a page is taken for a request of roff by accident") {
  std::vector<std::string> pages;
  for (const auto& each : control::specifications()) pages.push_back(manual::command_page(each));
  for (const auto& each : control::shell_commands()) pages.push_back(manual::shell_page(each));
  for (const std::string& page : pages) {
    for (const auto line : split(page, '\n')) {
      CAPTURE(line);
      const bool is_request = line.starts_with(".TH ") || line.starts_with(".SH ") ||
                              line.starts_with(".TP") || line.starts_with(".PP") || line.starts_with(".BR ");
      CHECK((is_request || (!line.starts_with('.') && !line.starts_with('\''))));
    }
  }
}

TEST_CASE("the completions name options, commands and allowed values") {
  for (const std::string& script : {manual::bash_completion(options), manual::zsh_completion(options),
                                    manual::fish_completion(options)}) {
    CAPTURE(script);
    for (const char* each :
         {"account", "politely-block", "off ask auto", "list", "view-as", "doctor", "junit"})
      CHECK(has(script, each));
  }
  CHECK(has(manual::fish_completion(options), "'it\\'s one JSON object a line'"));
}
