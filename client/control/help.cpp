#include "client/control/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "client/control/shell_commands.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::control {
namespace {

using Type = Argument::Type;

/// By command, in the order of the table.
constexpr Example examples[] = {
    {"register", "this device can be reached"},
    {"publish open", "everybody whom you allow sees that you are there"},
    {"publish open --activity meeting --note \"back at ten\"", "and what you do"},
    {"publish closed --calls none", "you are away, and no call rings"},
    {"publish open --direct auto --sessions 20", "a robot that takes twenty calls at a time"},
    {"unpublish", "nothing is shown of this device any more"},
    {"subscribe bob", "see whether bob is there, from now on"},
    {"subscribe alice --package presence.winfo", "see who watches you, and who asks to (you are alice)"},
    {"subscribe bob --package dialog", "see when bob is on the phone"},
    {"watch friends", "watch all of a group of your contacts"},
    {"watchers --log", "what those who watch you were shown, and when"},
    {"welcome bob carol --text \"good morning\"", "a text whenever a device of theirs comes"},
    {"unsubscribe bob", "stop watching bob"},
    {"allow bob", "bob may see you"},
    {"allow bob --direct auto", "and your device answers bob's calls at once"},
    {"allow @example.com", "everybody of a domain may see you"},
    {"block mallory@example.com", "mallory is refused"},
    {"politely-block mallory", "mallory is shown that you are away"},
    {"confirm @example.com", "you decide about each of that domain"},
    {"forget bob", "your rule about bob is removed"},
    {"rules show", "whom you let see what"},
    {"view-as bob", "what bob sees of you"},
    {"view-as bob --if block", "what bob would see"},
    {"contacts list", "your address book, which all your devices share"},
    {"contacts add bob --name \"Bob Dylan\" --group friends", "a contact, in a group"},
    {"contacts remove bob", "not a contact any more"},
    {"contacts group friends --name \"My friends\"", "a group, and what it is called"},
    {"message bob hello there", "send a text; it waits for bob if bob is away"},
    {"message --receipts ask bob did you read this?", "and be told when it is read"},
    {"typing bob", "bob sees that you write"},
    {"inbox", "what waits for you"},
    {"history bob --since 2026-11-21", "what you and bob wrote"},
    {"history all --limit 10", "the last ten messages, of everybody"},
    {"read bob", "bob's messages are read, on all your devices"},
    {"erase bob --message 1764499999123", "erase one message from the history"},
    {"keep-history no", "the server forgets what is delivered"},
    {"rooms", "the rooms you are in"},
    {"room add lunch --topic \"where to go\"", "a room of your own"},
    {"room invite lunch --member bob", "bob becomes a member"},
    {"message lunch pizza?", "everybody in the room reads it"},
    {"media --play hello.wav --record heard.wav", "what calls play and record"},
    {"call bob", "talk to bob, whom you watch"},
    {"call bob --play hello.wav", "and play a sound"},
    {"talk bob --play hello.wav --record heard.wav --for 10s",
     "ten seconds; the exit code says what came of it"},
    {"talk bob --message \"call me back\"", "and write to bob where nobody answers"},
    {"answer 1", "take the call"},
    {"reject 1", "decline it"},
    {"hangup 1", "end it"},
    {"statistics 1", "how well its packets came through"},
    {"accept-key bob", "trust bob's new device"},
    {"safety-number bob", "60 digits that you and bob compare"},
    {"wait presence bob open --within 5m", "until bob is there; the exit code says whether"},
    {"wait message --from bob --matching yes", "until bob writes yes"},
    {"wait watcher bob --within 1m", "until bob asks to see you"},
    {"wait audio 440 --within 10s", "until this tone is heard"},
    {"snapshot", "all that this program knows"},
    {"quit", "this device is gone"},
};

constexpr Example beginnings[] = {
    {"register", "this device can be reached"},  {"publish open --note \"at my desk\"", "you are there"},
    {"subscribe bob", "is bob there?"},          {"allow bob", "bob may see you"},
    {"message bob hello there", "write to bob"}, {"call bob", "talk to bob"},
};

/// How many characters differ, at least: insertions, deletions and replacements.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = corner + (a[i] == b[j] ? 0 : 1);
      corner = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

void add_examples(std::string& out, std::span<const Example> of) {
  for (const Example& each : of) out += fmt::format("  {:<40} {}\n", each.line, each.what);
}

std::string help_of(const Specification& command) {
  std::string out = fmt::format("{}\n  {}\n", usage_of(command), command.help);
  for (const Argument& argument : command.arguments) {
    out += fmt::format("  {:<20} {}", (is_named(command, argument) ? "--" : "") + std::string(argument.name),
                       argument.help);
    if (argument.words[0] != '\0') out += fmt::format(" ({})", argument.words);
    out += argument.required ? "\n" : " [optional]\n";
  }
  if (const auto lines = examples_of(command.name); !lines.empty()) {
    out += "Examples:\n";
    add_examples(out, lines);
  }
  return out;
}

}  // namespace

std::vector<Example> examples_of(std::string_view command) {
  std::vector<Example> out;
  for (const Example& each : examples)
    if (const std::string_view line = each.line;
        line == command || (line.starts_with(command) && line[command.size()] == ' '))
      out.push_back(each);
  return out;
}

std::span<const Example> first_examples() { return beginnings; }

std::string form_of(const Argument& argument) {
  if (argument.words[0] != '\0') return argument.words;
  switch (argument.type) {
    case Type::number:
      return "NUMBER";
    case Type::address:
    case Type::target:
      return "USER@DOMAIN";
    case Type::address_or_all:
      return "USER@DOMAIN|all";
    case Type::resource:
      return "USER@DOMAIN|@DOMAIN";
    case Type::addresses:
      return "USER@DOMAIN|@DOMAIN...";
    case Type::flag:
      return "true|false";
    case Type::text:
      break;
  }
  return "TEXT";
}

bool is_named(const Specification& command, const Argument& argument) {
  const auto list = std::ranges::find(command.arguments, Type::addresses, &Argument::type);
  return !argument.required || (list != command.arguments.end() && &argument > &*list);
}

std::string usage_of(const Specification& command) {
  std::string usage = command.name;
  for (const Argument& argument : command.arguments) {
    std::string word = argument.words[0] != '\0' ? argument.words : argument.name;
    if (is_named(command, argument)) {
      word = fmt::format("--{}", argument.name);
      if (argument.type != Type::flag) word += ' ' + form_of(argument);
    } else if (argument.type == Type::addresses) {
      word += "...";
    }
    usage += argument.required ? ' ' + word : " [" + word + ']';
  }
  return usage;
}

std::string second_words(std::string_view first) {
  std::string out;
  for (const Specification& each : specifications()) {
    const auto [one, two] = cut(each.name, ' ');
    if (one == first && !two.empty()) out.append(out.empty() ? "" : ", ").append(two);
  }
  return out;
}

std::string nearest_command(std::string_view typed) {
  std::string nearest;
  std::size_t least = std::min<std::size_t>(3, typed.size() / 2 + 1);
  const auto consider = [&](std::string_view first) {
    const std::size_t apart = distance(typed.substr(0, 32), first);
    if (apart >= least) return;
    least = apart;
    nearest = first;
  };
  for (const Specification& each : specifications()) consider(cut(each.name, ' ').first);
  for (const ShellCommand& each : shell_commands()) consider(cut(each.name, ' ').first);
  return nearest;
}

bool has_help(std::string_view name) {
  const bool is_own = name.empty() || name == "help" || name == "who";  // of the prompt
  return is_own || find_specification(name) != nullptr || !second_words(name).empty() ||
         is_shell_word(cut(name, ' ').first);
}

std::string print_help(std::string_view name) {
  if (const Specification* const one = find_specification(name)) return help_of(*one);
  if (const std::string_view first = cut(name, ' ').first; is_shell_word(first))
    return print_shell_help(find_shell_command(name) != nullptr ? name : first);
  std::string out;
  if (!has_help(name)) {
    const std::string near = nearest_command(cut(name, ' ').first);
    out = fmt::format("There is no command {}{}\n", name, near.empty() ? "" : "; do you mean " + near + "?");
  }
  const auto add = [&out](const std::string& usage, std::string_view help) {
    const bool fits = usage.size() <= 40;
    if (!fits) out += fmt::format("  {}\n", usage);
    out += fmt::format("  {:<40} {}\n", fits ? usage : "", help);
  };
  const bool is_first_word = !second_words(name).empty();
  if (!is_first_word) {
    out += "Examples:\n";
    add_examples(out, first_examples());
    out += "Commands:\n";
  }
  for (const auto& each : specifications())
    if (!is_first_word || cut(each.name, ' ').first == name) add(usage_of(each), each.help);
  if (is_first_word) return out;
  add("help [COMMAND], COMMAND --help", "explain one command, with examples, or list all");
  add("who", "at the prompt: whom you watch and what they show, who watches you, your calls");
  return out;
}

std::optional<std::string> asked_help(std::span<const std::string_view> words) {
  const auto join = [](std::span<const std::string_view> some) {
    std::string out;
    for (const auto each : some) out.append(out.empty() ? "" : " ").append(each);
    return out;
  };
  if (words.empty()) return std::nullopt;
  if (words[0] == "help" || words[0] == "?") return join(words.subspan(1));
  for (std::size_t i = 1; i < words.size() && i < 3; ++i)
    if (words[i] == "--help" || words[i] == "-h") {
      // Behind the arguments of a command it may be part of a text.
      const std::string name = join(words.first(i));
      const bool is_name = find_specification(name) != nullptr || !second_words(name).empty();
      return is_name ? std::optional(name) : std::nullopt;
    }
  return std::nullopt;
}

}  // namespace beckon::client::control
