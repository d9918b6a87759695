#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>

#include "client/control/cause.hpp"
#include "client/control/command.hpp"

using namespace beckon::client;

namespace {

std::string read(const std::string& name) {
  std::ifstream file(BECKON_CONTRACT "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The arguments as the README's table writes them: required ones as `name`, the others as `[name]`.
std::string arguments_of(const control::Specification& specification) {
  std::string out;
  for (const auto& argument : specification.arguments) {
    const std::string name = argument.name;
    out += (out.empty() ? "" : ", ") + (argument.required ? "`" + name + "`" : "`[" + name + "]`");
    std::string words = argument.words;
    for (std::size_t at = words.find('|'); at != std::string::npos; at = words.find('|', at + 3))
      words.replace(at, 1, " / ");
    if (!words.empty()) out += " " + words;
  }
  return out;
}

}  // namespace

TEST_CASE("the README's table of commands is the one the program reads by") {
  const std::string readme = read("README.md");
  REQUIRE_FALSE(readme.empty());
  for (const auto& each : control::specifications()) {
    const std::string row =
        "| `" + std::string(each.name) + "` | " + arguments_of(each) + " | " + each.help + " |\n";
    CAPTURE(row);
    CHECK(readme.find(row) != std::string::npos);
  }
}

TEST_CASE("the README and the schema know every cause") {
  const std::string readme = read("README.md");
  const auto schema = boost::json::parse(read("contract.schema.json"));
  const auto& causes = schema.at("$defs").at("result").at("properties").at("cause").at("enum").as_array();
  CHECK(causes.size() == 10);
  for (const auto& value : causes) {
    const std::string word(value.as_string());
    const auto cause = control::parse_cause(word);
    CAPTURE(word);
    CHECK(control::to_string(cause) == word);
    CHECK(readme.find("| " + std::to_string(static_cast<int>(cause)) + " | `" + word + "` |") !=
          std::string::npos);
  }
}
