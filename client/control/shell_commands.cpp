#include "client/control/shell_commands.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::client::control {
namespace {

const std::vector<ShellCommand>& shell_table() {
  static const std::vector<ShellCommand> table{
      {"account add",
       "[LINK|USER@DOMAIN]",
       "take an account for all times: by the link of an invitation, or by its address",
       {{"LINK", "",
         "the link that `beckond user invite` prints, beckon:...; without it the link is asked for"},
        {"USER@DOMAIN", "",
         "its address; the password is asked for, and --server, --ca and --xcap are kept"}},
       {{"account add", "asks for the link, so that no history of a shell keeps the password in it"},
        {"account add alice@example.org --server tls:sip.example.org", "an account without an invitation"}}},
      {"account list",
       "[--json]",
       "list your accounts, and which is the default",
       {{"--json", "", "one JSON object for each account"}},
       {{"account list", "who you can be"}}},
      {"account default",
       "ACCOUNT",
       "choose who you are where --account is not given",
       {{"ACCOUNT", "", "its address, or its user's name"}},
       {{"account default bob", "bob, from now on"}}},
      {"account remove",
       "ACCOUNT",
       "forget an account and its password; its state stays",
       {{"ACCOUNT", "", "its address, or its user's name"}},
       {{"account remove bob", "bob's account is not used here any more"}}},
      {"run",
       "",
       "be the agent of this account in the background, until \"beckon quit\"",
       {},
       {{"run", "registers, and serves the prompt, one-shot commands and programs"}},
       "One-shot commands and the prompt then act as this device, unless their options describe another one. "
       "A unit of systemd for the user is installed: systemctl --user enable --now beckon."},
      {"doctor",
       "[--json]",
       "examine name, ports, certificate, server, clock and network, and say what to do",
       {{"--json", "", "one JSON object for each check"}},
       {{"doctor", "what is wrong between this machine and the server"}}},
      {"test",
       "[FILE...] [--server URI]",
       "play scenarios of people, and flows of RFCs, against beckond or any SIP server",
       {{"FILE", "", "a scenario, a flow, or a folder of them; without one all that came with beckon"},
        {"--server", "URI",
         "a server that runs: udp:HOST:PORT, tcp:..., tls:...; default: a fresh beckond for each file"},
        {"--accounts", "FILE", "of that server: lines \"alice@example.com password\""},
        {"--domain", "DOMAIN", "of that server; default example.org"},
        {"--ca", "FILE", "of that server: the certificates to trust, PEM"},
        {"--xcap", "URL", "of that server: its XCAP root"},
        {"--transport", "PROTOCOL", "of a server that is started here", "udp|tcp|tls"},
        {"--junit", "FILE", "write the outcome there, too"}},
       {{"test hello.txt", "a scenario of yours, against a fresh beckond"},
        {"test people", "the scenarios that came with beckon"},
        {"test rfc --server udp:sip.example.com:5060 --domain example.com --accounts accounts.txt",
         "the flows of the RFCs, against a server of yours"}},
       "A scenario has a line for each step: alice publishes open; bob watches alice; alice allows bob; bob "
       "sees "
       "alice open within 5s. `beckon test --help` lists all steps and options. It needs python3 and "
       "python3-jsonschema. The exit code is 0 where everything held, 1 where something failed, 2 where a "
       "file "
       "or an option is wrong."},
  };
  return table;
}

std::string print_one(const ShellCommand& command) {
  const std::string synopsis = command.synopsis;
  std::string out =
      fmt::format("beckon {}{}{}\n  {}\n", command.name, synopsis.empty() ? "" : " ", synopsis, command.help);
  for (const auto& each : command.arguments) {
    const std::string value = each.value;
    out += fmt::format("  {:<22} {}", each.name + (value.empty() ? "" : " " + value), each.help);
    out += each.words[0] != '\0' ? fmt::format(" ({})\n", each.words) : "\n";
  }
  if (command.more[0] != '\0') out += fmt::format("  {}\n", command.more);
  out += "Examples:\n";
  for (const Example& each : command.examples)
    out += fmt::format("  {:<40} {}\n", fmt::format("beckon {}", each.line), each.what);
  return out;
}

}  // namespace

std::span<const ShellCommand> shell_commands() { return shell_table(); }

const ShellCommand* find_shell_command(std::string_view name) {
  const auto found = std::ranges::find(shell_table(), name, &ShellCommand::name);
  return found == shell_table().end() ? nullptr : &*found;
}

bool is_shell_word(std::string_view first) {
  return std::ranges::any_of(shell_table(),
                             [&](const ShellCommand& each) { return cut(each.name, ' ').first == first; });
}

std::string second_shell_words(std::string_view first) {
  std::string out;
  for (const ShellCommand& each : shell_table()) {
    const auto [one, two] = cut(each.name, ' ');
    if (one == first && !two.empty()) out.append(out.empty() ? "" : ", ").append(two);
  }
  return out;
}

std::string print_shell_help(std::string_view name) {
  if (const ShellCommand* const one = find_shell_command(name)) return print_one(*one);
  const bool is_some = is_shell_word(name);
  std::string out;
  for (const ShellCommand& each : shell_table()) {
    if (is_some && cut(each.name, ' ').first != name) continue;
    const std::string usage = fmt::format("{} {}", each.name, each.synopsis);
    out += fmt::format("  {:<40} {}\n", usage, each.help);
  }
  return out;
}

}  // namespace beckon::client::control
