#include "client/terminal/completion.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "client/control/command.hpp"
#include "client/terminal/characters.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::terminal {
namespace {

using control::Argument;
using control::Specification;
using Type = Argument::Type;
using Words = std::vector<std::string>;

/// The words before the one at the cursor, and that one. A quotation mark is left where it stands: what is
/// quoted is no word of the table.
struct Typed {
  std::vector<std::string_view> done;
  std::string_view last;
};

Typed words_of(std::string_view before) {
  Typed typed;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == '"') quoted = !quoted;
    if (quoted || !is_blank(before[i])) continue;
    if (i > begin) typed.done.push_back(before.substr(begin, i - begin));
    begin = i + 1;
  }
  typed.last = before.substr(begin);
  return typed;
}

/// The first words of commands; the second ones of those that begin with `first`.
Words first_words() {
  Words words;
  for (const Specification& each : control::specifications()) words.emplace_back(cut(each.name, ' ').first);
  return words;
}

Words second_words(std::string_view first) {
  Words words;
  for (const Specification& each : control::specifications())
    if (const auto [one, two] = cut(each.name, ' '); one == first && !two.empty()) words.emplace_back(two);
  return words;
}

Words values_of(const Argument& argument, const Names& names) {
  Words words;
  if (argument.words[0] != '\0') {
    for (const auto each : split(argument.words, '|')) words.emplace_back(each);
    return words;
  }
  const std::string_view name = argument.name;
  switch (argument.type) {
    case Type::address_or_all:
      words = names.users();
      words.emplace_back("all");
      return words;
    case Type::address:
    case Type::target:
    case Type::resource:
    case Type::addresses:
      return names.users();
    case Type::text:
      if (name == "call") return names.calls();
      if (name == "group" || name == "list") return names.groups();
      break;
    case Type::number:
    case Type::flag:
      break;
  }
  return words;
}

/// What fills the place behind the words typed: the argument whose value is missing, or null, and the options
/// that may still be named.
struct Place {
  const Argument* value = nullptr;
  Words options;
  bool in_rest = false;  ///< The rest of the line is a text.
};

Place place_of(const Specification& command, std::span<const std::string_view> given) {
  Place place;
  const auto& arguments = command.arguments;
  std::vector<const Argument*> used;
  const auto positional = [&]() -> const Argument* {
    for (const Argument& each : arguments)
      if (each.required && (std::ranges::find(used, &each) == used.end() || each.type == Type::addresses))
        return &each;
    return nullptr;
  };
  const Argument* awaits = nullptr;  // an option whose value comes next
  for (const std::string_view word : given) {
    if (awaits != nullptr) {
      awaits = nullptr;
    } else if (word.starts_with("--")) {
      const auto found = std::ranges::find(arguments, word.substr(2), &Argument::name);
      if (found == arguments.end()) continue;
      used.push_back(&*found);
      if (found->type != Type::flag) awaits = &*found;
    } else if (const Argument* const next = positional()) {
      if (next->takes_rest) place.in_rest = true;
      if (next->type != Type::addresses) used.push_back(next);
    }
  }
  place.value = awaits != nullptr ? awaits : positional();
  if (place.in_rest || awaits != nullptr) return place;
  for (const Argument& each : arguments)
    if (!each.required && std::ranges::find(used, &each) == used.end())
      place.options.push_back(fmt::format("--{}", each.name));
  return place;
}

void keep_fitting(Words& words, std::string_view beginning) {
  std::erase_if(words, [&](const std::string& each) { return !each.starts_with(beginning); });
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
}

/// "text: the text: all that follows", or what the command is for.
std::string hint_of(const Specification& command, const Place& place) {
  if (place.value != nullptr) return fmt::format("{}: {}", place.value->name, place.value->help);
  return fmt::format("{}: {}", command.name, command.help);
}

}  // namespace

Completion complete(std::string_view before, const Names& names, const std::vector<std::string>& own) {
  const Typed typed = words_of(before);
  Completion completion{.from = before.size() - typed.last.size()};
  auto done = std::span(typed.done);
  const bool explains = !done.empty() && done[0] == "help";
  if (explains) done = done.subspan(1);
  if (done.empty()) {
    completion.words = first_words();
    if (!explains) completion.words.insert(completion.words.end(), own.begin(), own.end());
    keep_fitting(completion.words, typed.last);
    if (completion.words.empty()) completion.hint = "no command begins so; help lists those there are";
    return completion;
  }
  std::size_t taken = 1;
  const Specification* command = control::find_specification(done[0]);
  if (command == nullptr && done.size() > 1) {
    command = control::find_specification(fmt::format("{} {}", done[0], done[1]));
    taken = 2;
  }
  if (command == nullptr) {
    if (done.size() == 1) completion.words = second_words(done[0]);
    keep_fitting(completion.words, typed.last);
    if (completion.words.empty()) completion.hint = fmt::format("{} is no command", shown(done[0]));
    return completion;
  }
  if (explains) return completion;
  const Place place = place_of(*command, done.subspan(std::min(taken, done.size())));
  if (!place.in_rest) {
    Words words = typed.last.starts_with('-') || place.value == nullptr ? place.options
                                                                        : values_of(*place.value, names);
    completion.words.insert(completion.words.end(), words.begin(), words.end());
    keep_fitting(completion.words, typed.last);
  }
  if (completion.words.empty()) completion.hint = hint_of(*command, place);
  return completion;
}

std::string common_beginning(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  std::string common = words.front();
  for (const std::string& each : words) {
    const auto differ = std::ranges::mismatch(common, each);
    common.resize(static_cast<std::size_t>(differ.in1 - common.begin()));
  }
  while (!common.empty() && !is_utf8(common)) common.pop_back();
  return common;
}

}  // namespace beckon::client::terminal
