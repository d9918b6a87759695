#include <doctest/doctest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>

#include "client/control/cause.hpp"
#include "client/control/command.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;
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

boost::json::value schema_of(const control::Argument& argument) {
  using Type = control::Argument::Type;
  boost::json::object out;
  if (argument.type == Type::number) {
    out = {{"type", "integer"}, {"minimum", 0}, {"maximum", 0xffff'ffff}};
  } else if (argument.type == Type::addresses) {
    out = {{"type", "array"}, {"items", {{"type", "string"}}}, {"minItems", 1}};
  } else if (argument.type == Type::flag) {
    out = {{"type", "boolean"}};
  } else if (*argument.words == '\0') {
    out = {{"type", "string"}};
  } else {
    boost::json::array words;
    for (const auto word : split(argument.words, '|')) words.emplace_back(word);
    out = {{"enum", std::move(words)}};
  }
  out["description"] = argument.help;
  return out;
}

/// One command as JSON Schema describes its line.
boost::json::value schema_of(const control::Specification& specification) {
  boost::json::object properties{{"id", {{"type", "string"}}}, {"command", {{"const", specification.name}}}};
  boost::json::array required{"command"};
  for (const auto& argument : specification.arguments) {
    properties[argument.name] = schema_of(argument);
    if (argument.required) required.emplace_back(argument.name);
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false},
          {"description", specification.help}};
}

/// Notes which function was called last.
class Recorder final : public control::Executor {
 public:
  void do_register(const control::Command&, Now) override { last = "register"; }
  void do_unregister(const control::Command&, Now) override { last = "unregister"; }
  void do_publish(const control::Command&, Now) override { last = "publish"; }
  void do_unpublish(const control::Command&, Now) override { last = "unpublish"; }
  void do_subscribe(const control::Command&, Now) override { last = "subscribe"; }
  void do_watch(const control::Command&, Now) override { last = "watch"; }
  void do_watchers(const control::Command&, Now) override { last = "watchers"; }
  void do_welcome(const control::Command&, Now) override { last = "welcome"; }
  void do_unsubscribe(const control::Command&, Now) override { last = "unsubscribe"; }
  void do_allow(const control::Command&, Now) override { last = "allow"; }
  void do_block(const control::Command&, Now) override { last = "block"; }
  void do_politely_block(const control::Command&, Now) override { last = "politely-block"; }
  void do_confirm(const control::Command&, Now) override { last = "confirm"; }
  void do_forget(const control::Command&, Now) override { last = "forget"; }
  void do_rules_show(const control::Command&, Now) override { last = "rules show"; }
  void do_view_as(const control::Command&, Now) override { last = "view-as"; }
  void do_contacts_list(const control::Command&, Now) override { last = "contacts list"; }
  void do_contacts_add(const control::Command&, Now) override { last = "contacts add"; }
  void do_contacts_remove(const control::Command&, Now) override { last = "contacts remove"; }
  void do_contacts_group(const control::Command&, Now) override { last = "contacts group"; }
  void do_message(const control::Command&, Now) override { last = "message"; }
  void do_typing(const control::Command&, Now) override { last = "typing"; }
  void do_inbox(const control::Command&, Now) override { last = "inbox"; }
  void do_history(const control::Command&, Now) override { last = "history"; }
  void do_read(const control::Command&, Now) override { last = "read"; }
  void do_erase(const control::Command&, Now) override { last = "erase"; }
  void do_keep_history(const control::Command&, Now) override { last = "keep-history"; }
  void do_rooms(const control::Command&, Now) override { last = "rooms"; }
  void do_room(const control::Command&, Now) override { last = "room"; }
  void do_media(const control::Command&, Now) override { last = "media"; }
  void do_call(const control::Command&, Now) override { last = "call"; }
  void do_talk(const control::Command&, Now) override { last = "talk"; }
  void do_answer(const control::Command&, Now) override { last = "answer"; }
  void do_reject(const control::Command&, Now) override { last = "reject"; }
  void do_hangup(const control::Command&, Now) override { last = "hangup"; }
  void do_hold(const control::Command&, Now) override { last = "hold"; }
  void do_resume(const control::Command&, Now) override { last = "resume"; }
  void do_dtmf(const control::Command&, Now) override { last = "dtmf"; }
  void do_statistics(const control::Command&, Now) override { last = "statistics"; }
  void do_accept_key(const control::Command&, Now) override { last = "accept-key"; }
  void do_safety_number(const control::Command&, Now) override { last = "safety-number"; }
  void do_wait_presence(const control::Command&, Now) override { last = "wait presence"; }
  void do_wait_message(const control::Command&, Now) override { last = "wait message"; }
  void do_wait_watcher(const control::Command&, Now) override { last = "wait watcher"; }
  void do_wait_audio(const control::Command&, Now) override { last = "wait audio"; }
  void do_snapshot(const control::Command&, Now) override { last = "snapshot"; }
  void do_quit(const control::Command&, Now) override { last = "quit"; }

  std::string_view last;
};

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

TEST_CASE("the schema describes exactly the commands that the program reads, with their arguments") {
  const auto schema = boost::json::parse(read("contract.schema.json"));
  boost::json::array commands;
  for (const auto& each : control::specifications()) commands.push_back(schema_of(each));
  const auto& written = schema.at("$defs").at("command").at("oneOf").as_array();
  CAPTURE(boost::json::serialize(commands));
  REQUIRE(written.size() == commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    CAPTURE(boost::json::serialize(commands[i]));
    CHECK(written[i] == commands[i]);
  }
}

TEST_CASE("each row of the table calls the function of its command, and one row ends the program") {
  Recorder recorder;
  for (const auto& each : control::specifications()) {
    CAPTURE(each.name);
    control::Command command;
    command.specification = &each;
    command.execute(recorder, {});
    CHECK(recorder.last == each.name);
    CHECK(command.name() == each.name);
    CHECK((each.then == control::Specification::Then::quit) == (&each == &control::quit()));
  }
}

TEST_CASE("the README and the schema know every cause") {
  const std::string readme = read("README.md");
  const auto schema = boost::json::parse(read("contract.schema.json"));
  const auto& causes = schema.at("$defs").at("result").at("properties").at("cause").at("enum").as_array();
  REQUIRE(causes.size() == control::causes().size());
  for (std::size_t i = 0; i < causes.size(); ++i) {
    const auto& row = control::causes()[i];
    CAPTURE(row.word);
    CHECK(causes[i].as_string() == row.word);
    const std::string line = "| " + std::to_string(static_cast<int>(row.cause)) + " | `" +
                             std::string(row.word) + "` | " + row.help + " |\n";
    CHECK(readme.find(line) != std::string::npos);
  }
}
