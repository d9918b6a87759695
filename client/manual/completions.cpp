#include "client/manual/completions.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/control/command.hpp"
#include "client/control/help.hpp"
#include "client/control/shell_commands.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::manual {
namespace {

using control::Argument;
using control::ShellCommand;
using control::Specification;

/// 'It''s' as a shell reads it: within single quotation marks.
std::string quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) c == '\'' ? out.append("'\\''") : out.append(1, c);
  return out + "'";
}

/// Fish reads a backslash within them, too.
std::string quote_for_fish(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string with_blanks(std::string_view words) {
  std::string out(words);
  std::ranges::replace(out, '|', ' ');
  return out;
}

struct FirstWord {
  std::string word, help;
  std::string seconds{};  ///< "list add remove", of commands of two words.
};

/// The first words of commands, "help", and what each is for.
std::vector<FirstWord> first_words() {
  std::vector<FirstWord> out;
  const auto add = [&out](std::string_view name, std::string_view help, std::string seconds) {
    const std::string_view first = cut(name, ' ').first;
    if (!out.empty() && out.back().word == first) return;
    const std::string what = seconds.empty() ? std::string(help) : seconds;
    std::erase(seconds, ',');
    out.push_back({std::string(first), what, std::move(seconds)});
  };
  for (const Specification& each : control::specifications())
    add(each.name, each.help, control::second_words(cut(each.name, ' ').first));
  for (const ShellCommand& each : control::shell_commands())
    add(each.name, each.help, control::second_shell_words(cut(each.name, ' ').first));
  add("help", "explain a command, with examples", "");
  return out;
}

std::string joined(const auto& all, const auto& member) {
  std::string out;
  for (const auto& each : all) out.append(out.empty() ? "" : " ").append(member(each));
  return out;
}

std::string options_with_values(const Options& options) {
  std::string out;
  for (const Option& each : options)
    if (!each.value.empty()) out.append(out.empty() ? "" : "|").append(each.name);
  return out.empty() ? "--account" : out;
}

/// For bash and zsh: lines of `case "$key"` that list what may follow a command: `flags` its options,
/// `values` the allowed values of what needs no name.
std::string cases() {
  std::string out;
  for (const Specification& each : control::specifications()) {
    std::string flags, values;
    for (const Argument& argument : each.arguments) {
      if (control::is_named(each, argument))
        flags.append(flags.empty() ? "" : " ").append("--").append(argument.name);
      else if (argument.words[0] != '\0')
        values.append(values.empty() ? "" : " ").append(with_blanks(argument.words));
    }
    out += fmt::format("    {}) flags={} values={} ;;\n", quote(each.name), quote(flags), quote(values));
  }
  for (const ShellCommand& each : control::shell_commands()) {
    std::string flags;
    for (const auto& argument : each.arguments)
      if (argument.is_option()) flags.append(flags.empty() ? "" : " ").append(argument.name);
    out += fmt::format("    {}) flags={} ;;\n", quote(each.name), quote(flags));
  }
  for (const FirstWord& each : first_words())
    if (!each.seconds.empty())
      out += fmt::format("    {}) values={} ;;\n", quote(each.word), quote(each.seconds));
  return out + fmt::format("    help) values={} ;;\n",
                           quote(joined(first_words(), [](const FirstWord& each) { return each.word; })));
}

/// Likewise the values of a command's options.
std::string option_cases() {
  std::string out;
  for (const Specification& each : control::specifications())
    for (const Argument& argument : each.arguments)
      if (control::is_named(each, argument) && argument.words[0] != '\0')
        out += fmt::format("    {}) values={} flags= ;;\n",
                           quote(fmt::format("{} --{}", each.name, argument.name)),
                           quote(with_blanks(argument.words)));
  for (const ShellCommand& each : control::shell_commands())
    for (const auto& argument : each.arguments)
      if (argument.words[0] != '\0')
        out += fmt::format("    {}) values={} flags= ;;\n",
                           quote(fmt::format("{} {}", each.name, argument.name)),
                           quote(with_blanks(argument.words)));
  return out;
}

/// Those of two words, as a pattern: "contacts|rules|wait".
std::string two_word_commands() {
  std::string out;
  for (const FirstWord& each : first_words())
    if (!each.seconds.empty()) out.append(out.empty() ? "" : "|").append(each.word);
  return out;
}

/// What bash and zsh do alike: `key` becomes the command and `before` the word before the cursor. Words are
/// counted from 1 for the first behind "beckon".
std::string find_command(const Options& options, std::string_view word_at, std::string_view count) {
  return fmt::format(
      "  local key='' i=1 flags='' values=''\n"
      "  while [ $i -lt {0} ]; do\n"
      "    case \"{1}\" in\n"
      "      {2}) i=$((i + 2)) ;;\n"
      "      -*) i=$((i + 1)) ;;\n"
      "      *) key=\"{1}\"; i=$((i + 1)); break ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$key\" in {3})\n"
      "    if [ $i -lt {0} ]; then key=\"$key {1}\"; fi ;;\n"
      "  esac\n",
      count, word_at, options_with_values(options), two_word_commands());
}

std::string names_of(const Options& options) {
  return joined(options, [](const Option& each) { return each.name; });
}

constexpr std::string_view made = "# Made of the table of commands when beckon was built.\n";

/// For bash and zsh: sets `flags` and `values` by `key`, the command before the cursor, and `before`, the
/// word before it.
std::string what_follows(const Options& options) {
  std::string out = "  case \"$key\" in\n    '')\n";
  out += fmt::format("      flags={}\n      values={} ;;\n", quote(names_of(options)),
                     quote(joined(first_words(), [](const FirstWord& each) { return each.word; })));
  out += cases() + "  esac\n";
  return out + "  case \"$key $before\" in\n" + option_cases() + "  esac\n";
}

}  // namespace

std::string bash_completion(const Options& options) {
  std::string out = fmt::format("{}_beckon() {{\n", made);
  // Readline breaks words at '@' and ':', too.
  out += "  local line=\"${COMP_LINE:0:COMP_POINT}\" words count cur before\n";
  out += "  read -ra words <<< \"$line\"\n";
  out += "  case \"$line\" in *[[:space:]]) words+=('') ;; esac\n";
  out += "  count=$((${#words[@]} - 1)); cur=\"${words[count]}\"; before=\"${words[count - 1]}\"\n";
  out += find_command(options, "${words[i]}", "$count");
  out += fmt::format("  case \"$before\" in {}) [ -z \"$key\" ] && return ;; esac\n",
                     options_with_values(options));
  out += what_follows(options);
  out += "  case \"$cur\" in -*) values='' ;; esac\n";
  out += "  COMPREPLY=($(compgen -W \"$flags $values\" -- \"$cur\"))\n}\n";
  return out + "complete -o default -F _beckon beckon\n";
}

std::string zsh_completion(const Options& options) {
  std::string out = fmt::format("#compdef beckon\n{}_beckon() {{\n  emulate -L zsh\n", made);
  out += "  local before=\"${words[CURRENT - 1]}\"\n";
  out += find_command(options, "${words[i + 1]}", "$((CURRENT - 1))");
  out += fmt::format("  case \"$before\" in {}) if [ -z \"$key\" ]; then _files; return; fi ;; esac\n",
                     options_with_values(options));
  out += what_follows(options);
  out += "  compadd -- ${=values} ${=flags}\n}\n";
  return out + "if [ \"$funcstack[1]\" = _beckon ]; then _beckon \"$@\"; else compdef _beckon beckon; fi\n";
}

std::string fish_completion(const Options& options) {
  std::string values = options_with_values(options);
  std::ranges::replace(values, '|', ' ');
  std::string twos = two_word_commands();
  std::ranges::replace(twos, '|', ' ');
  std::string out(made);
  out += fmt::format(
      "function __beckon_command --description 'the command before the cursor, of one or two words'\n"
      "  set -l words (commandline -opc)\n"
      "  set -e words[1]\n"
      "  while set -q words[1]\n"
      "    if contains -- $words[1] {}\n"
      "      set -e words[1]\n"
      "    else if not string match -q -- '-*' $words[1]\n"
      "      if contains -- $words[1] {}; and set -q words[2]\n"
      "        echo $words[1] $words[2]\n"
      "      else\n"
      "        echo $words[1]\n"
      "      end\n"
      "      return\n"
      "    end\n"
      "    set -e words[1]\n"
      "  end\n"
      "end\n"
      "function __beckon_is --description 'is this the command?'\n"
      "  test \"$(__beckon_command)\" = \"$argv\"\n"
      "end\n"
      "function __beckon_has_none --description 'is there no command yet, and no option that waits for its "
      "value?'\n"
      "  test -z \"$(__beckon_command)\"; and not contains -- (commandline -opc)[-1] {}\n"
      "end\n",
      values, twos, values);
  for (const Option& each : options)
    out += fmt::format("complete -c beckon -n __beckon_has_none -l {}{} -d {}\n", each.name.substr(2),
                       each.value.empty() ? "" : " -r", quote_for_fish(each.help));
  for (const FirstWord& each : first_words())
    out += fmt::format("complete -c beckon -f -n __beckon_has_none -a {} -d {}\n", each.word,
                       quote_for_fish(each.help));
  for (const FirstWord& each : first_words())
    if (!each.seconds.empty())
      out += fmt::format("complete -c beckon -f -n '__beckon_is {}' -a {}\n", each.word,
                         quote_for_fish(each.seconds));
  for (const ShellCommand& each : control::shell_commands())
    for (const auto& argument : each.arguments) {
      if (!argument.is_option()) continue;
      const std::string values_of_it = with_blanks(argument.words);
      out += fmt::format("complete -c beckon -n '__beckon_is {}' -l {}{}{} -d {}\n", each.name,
                         std::string_view(argument.name).substr(2), argument.value[0] != '\0' ? " -r" : "",
                         values_of_it.empty() ? "" : " -f -a " + quote_for_fish(values_of_it),
                         quote_for_fish(argument.help));
    }
  for (const Specification& each : control::specifications())
    for (const Argument& argument : each.arguments) {
      const std::string when = fmt::format("complete -c beckon -f -n '__beckon_is {}'", each.name);
      const std::string words = with_blanks(argument.words);
      if (control::is_named(each, argument)) {
        out += fmt::format("{} -l {}", when, argument.name);
        if (argument.type != Argument::Type::flag) out += " -r";
        if (!words.empty()) out += " -a " + quote_for_fish(words);
        out += " -d " + quote_for_fish(argument.help) + "\n";
      } else if (!words.empty()) {
        out += fmt::format("{} -a {} -d {}\n", when, quote_for_fish(words), quote_for_fish(argument.help));
      }
    }
  return out +
         fmt::format("complete -c beckon -f -n '__beckon_is help' -a {}\n",
                     quote_for_fish(joined(first_words(), [](const FirstWord& each) { return each.word; })));
}

}  // namespace beckon::client::manual
