#include "client/manual/pages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/control/cause.hpp"
#include "client/control/help.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::manual {
namespace {

using control::Argument;
using control::Specification;

/// The day of the manual's last change by hand; what is generated follows the tables.
constexpr const char* date = "2026-12-01";

/// A text that stands as it is: '-' can be copied, nothing is a request of roff.
std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

std::string bold(std::string_view text) { return "\\fB" + escape(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + escape(text) + "\\fR"; }

std::string head(std::string_view name) {
  return fmt::format(".TH {} 1 {} \"beckon {}\" \"Beckon\"\n", escape(to_upper(name)), date, BECKON_VERSION);
}

std::string section(std::string_view name) { return fmt::format(".SH {}\n", name); }

/// A term and what it means.
std::string entry(const std::string& term, std::string_view meaning) {
  return fmt::format(".TP\n{}\n{}\n", term, escape(meaning));
}

/// The texts of the tables begin small and have no full stop.
std::string sentence(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = to_upper(out[0]);
  return out + '.';
}

std::string synopsis_of(const Specification& command) {
  std::string out = bold("beckon") + " [" + italic("OPTIONS") + "] " + bold(command.name);
  for (const Argument& argument : command.arguments) {
    std::string word;
    if (control::is_named(command, argument)) {
      word = bold(fmt::format("--{}", argument.name));
      if (argument.type != Argument::Type::flag) word += " " + italic(control::form_of(argument));
    } else {
      word = argument.words[0] != '\0' ? bold(argument.words) : italic(argument.name);
      if (argument.type == Argument::Type::addresses) word += "...";
    }
    out += argument.required ? " " + word : " [" + word + "]";
  }
  return out + "\n";
}

std::string arguments_of(const Specification& command) {
  if (command.arguments.empty()) return {};
  std::string out = section("ARGUMENTS");
  for (const Argument& argument : command.arguments) {
    const bool is_named = control::is_named(command, argument);
    std::string term = is_named ? bold(fmt::format("--{}", argument.name)) : italic(argument.name);
    if (argument.type != Argument::Type::flag) term += " (" + escape(control::form_of(argument)) + ")";
    out += entry(term, sentence(argument.help) + (argument.required ? "" : " It may be left out."));
  }
  return out;
}

std::string examples_of(std::span<const control::Example> examples) {
  std::string out = section("EXAMPLES");
  for (const auto& each : examples)
    out += entry(bold(fmt::format("beckon {}", each.line)), sentence(each.what));
  return out;
}

std::string beginning(std::string_view command, std::string_view help) {
  const std::string name = page_name(command);
  return head(name) + section("NAME") + escape(name) + " \\- " + escape(help) + "\n";
}

/// A line of the list of commands.
std::string page_entry(std::string_view command, std::string_view help) {
  return fmt::format(".TP\n.BR {} (1)\n{}\n", escape(page_name(command)), escape(sentence(help)));
}

std::string exit_codes() {
  std::string out = section("EXIT STATUS");
  for (const auto& each : control::causes())
    out +=
        entry(fmt::format("{} ({})", static_cast<int>(each.cause), escape(each.word)), sentence(each.help));
  return out;
}

}  // namespace

std::string page_name(std::string_view command) {
  std::string name = fmt::format("beckon-{}", command);
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string command_page(const Specification& command) {
  std::string out = beginning(command.name, command.help);
  out += section("SYNOPSIS") + synopsis_of(command);
  out += section("DESCRIPTION") + escape(sentence(command.help)) + "\n";
  using Then = Specification::Then;
  if (command.then == Then::stay)
    out += ".PP\nFrom a shell it goes on until it is interrupted.\n";
  else if (command.then == Then::leave)
    out += ".PP\nAt its end it takes back what it began.\n";
  out += arguments_of(command);
  if (const auto examples = control::examples_of(command.name); !examples.empty())
    out += examples_of(examples);
  out += section("EXIT STATUS") + "0 if it succeeded; the others are listed in\n.BR beckon (1).\n";
  return out + section("SEE ALSO") + ".BR beckon (1)\n";
}

std::string shell_page(const control::ShellCommand& command) {
  std::string out = beginning(command.name, command.help);
  const std::string synopsis = command.synopsis;
  out += section("SYNOPSIS") + bold(fmt::format("beckon {}", command.name)) +
         (synopsis.empty() ? "" : " " + escape(synopsis)) + "\n";
  out += section("DESCRIPTION") + escape(sentence(command.help)) + "\n";
  if (command.more[0] != '\0') out += ".PP\n" + escape(command.more) + "\n";
  if (!command.arguments.empty()) out += section("ARGUMENTS");
  for (const auto& each : command.arguments) {
    std::string term = each.is_option() ? bold(each.name) : italic(each.name);
    const std::string value = each.words[0] != '\0' ? each.words : each.value;
    if (!value.empty()) term += " " + italic(value);
    out += entry(term, sentence(each.help));
  }
  out += examples_of(command.examples);
  return out + section("SEE ALSO") + ".BR beckon (1)\n";
}

std::string main_page(const Options& options) {
  std::string out = head("beckon");
  out += section("NAME") + "beckon \\- presence, messages and calls over SIP, for people and scripts\n";
  out += section("SYNOPSIS");
  out += bold("beckon") + " [" + italic("OPTIONS") + "]\n.br\n";
  out += bold("beckon") + " [" + italic("OPTIONS") + "] " + italic("COMMAND") + " ...\n.br\n";
  out += bold("beckon help") + " [" + italic("COMMAND") + "]\n";
  out += section("DESCRIPTION");
  out +=
      "Without a command, commands are typed at a prompt, or read from standard input; with one, it is "
      "executed.\n"
      "At the prompt the Tab key completes commands, values and names, the arrow keys lead through what was\n"
      "typed before, and news appear above the line, with local times.\n"
      "With\n.B \\-\\-json\none JSON object a line goes in and out, for programs.\n";
  out += examples_of(control::first_examples());
  out += section("OPTIONS");
  for (const Option& each : options)
    out += entry(bold(each.name) + (each.value.empty() ? "" : " " + italic(each.value)), sentence(each.help));
  out += section("COMMANDS");
  for (const Specification& each : control::specifications()) out += page_entry(each.name, each.help);
  for (const control::ShellCommand& each : control::shell_commands()) out += page_entry(each.name, each.help);
  out += exit_codes();
  out += section("ENVIRONMENT");
  out += entry(bold("BECKON_PASSWORD"), "The password, where no file has it.");
  out += entry(bold("BECKON_ACCOUNT") + ", " + bold("BECKON_SERVER") + ", " + bold("BECKON_CA"),
               "What --account, --server and --ca say, where they are not given.");
  out += entry(bold("NO_COLOR"), "If it is set, nothing is coloured.");
  out += entry(bold("TZ"), "The zone of the times that people read.");
  out += section("FILES");
  out += entry(italic("~/.config/beckon/accounts.toml"),
               "The accounts, and beside it their passwords, for the owner alone.");
  out += entry(italic("~/.local/share/beckon-client/ACCOUNT"),
               "Keys, pins and what was typed at the prompt, for the owner alone.");
  return out + section("SEE ALSO") + ".BR beckond (1)\n";
}

}  // namespace beckon::client::manual
