#include "client/cli/late_options.hpp"

#include <algorithm>

#include "client/control/command.hpp"
#include "client/control/shell_commands.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::cli {
namespace {

const control::Specification* find_command(const std::vector<std::string>& words) {
  const control::Specification* found =
      words.size() > 1 ? control::find_specification(words[0] + " " + words[1]) : nullptr;
  return found || words.empty() ? found : control::find_specification(words[0]);
}

bool takes_rest(const control::Specification* command) {
  return command != nullptr && std::ranges::any_of(command->arguments, &control::Argument::takes_rest);
}

bool has_argument(const control::Specification* command, std::string_view name) {
  return command != nullptr &&
         std::ranges::any_of(command->arguments, [&](const auto& each) { return each.name == name; });
}

bool asks_for_help(std::string_view word) { return word == "--help" || word == "-h"; }

}  // namespace

LateOptions split_late(const CLI::App& app, const std::vector<std::string>& words) {
  LateOptions late;
  const auto* command = find_command(words);
  const bool keeps_text = takes_rest(command);
  const bool helps =
      keeps_text ? words.size() == 2 && asks_for_help(words[1]) : std::ranges::any_of(words, asks_for_help);
  if (helps) {
    late.words = {"help"};
    const std::string two = words.size() > 1 ? words[0] + " " + words[1] : "";
    const bool is_shells = control::find_shell_command(two) != nullptr;
    late.words.push_back(command != nullptr ? command->name : is_shells ? two : words.front());
    return late;
  }
  if (keeps_text) {
    late.words = words;
    return late;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const auto name = word.substr(0, word.find('='));
    const bool is_named = i > 0 && name.starts_with("--") && !has_argument(command, name.substr(2));
    const CLI::Option* option = is_named ? app.get_option_no_throw(std::string(name)) : nullptr;
    (option != nullptr ? late.options : late.words).push_back(words[i]);
    const bool takes_value = option != nullptr && option->get_items_expected_min() > 0;
    if (takes_value && name.size() == word.size() && i + 1 < words.size()) late.options.push_back(words[++i]);
  }
  return late;
}

}  // namespace beckon::client::cli
