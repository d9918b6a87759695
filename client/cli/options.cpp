#include "client/cli/options.hpp"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "client/control/cause.hpp"
#include "client/control/command.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::cli {
namespace {

constexpr int usage_error = static_cast<int>(control::Cause::usage);

/// A folder of the client's own: `beckon` beside it is the server's. One that an older version left in that
/// is moved here.
std::filesystem::path default_state_folder(const std::string& account) {
  namespace fs = std::filesystem;
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  const fs::path all = data != nullptr && *data != '\0'
                           ? fs::path(data)
                           : fs::path(home != nullptr ? home : ".") / ".local/share";
  const fs::path folder = all / "beckon-client" / account, before = all / "beckon" / account;
  std::error_code error;
  if (fs::exists(folder, error) || !fs::exists(before / "keys.json", error)) return folder;
  fs::create_directories(folder.parent_path(), error);
  if (!error) fs::rename(before, folder, error);
  return error ? before : folder;
}

/// Reads a line from the terminal without showing it.
std::string prompt_password(const std::string& account) {
  std::cerr << "Password of " << account << ": " << std::flush;
  termios shown{};
  const bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
  if (terminal) {
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &hidden);
  }
  std::string password;
  std::getline(std::cin, password);
  if (terminal) tcsetattr(STDIN_FILENO, TCSANOW, &shown);
  std::cerr << '\n';
  return password;
}

/// A carriage return at the end of the line is not part of the password.
bool read_password(const std::string& file, std::string& password) {
  std::ifstream in(file);
  if (!std::getline(in, password)) return false;
  if (password.ends_with('\r')) password.pop_back();
  return true;
}

bool find_password(const std::string& file, const std::string& account, std::string& password) {
  if (!file.empty()) return read_password(file, password);
  if (const char* given = std::getenv("BECKON_PASSWORD"); given != nullptr) {
    password = given;
    return true;
  }
  if (isatty(STDIN_FILENO) == 0) return false;
  password = prompt_password(account);
  return true;
}

std::string commands_help() {
  std::string out =
      "One COMMAND follows the options. Without it commands are read from standard input: typed, or with\n"
      "--json as JSON lines:\n";
  out += control::print_help();
  out += "Exit codes:\n";
  for (const auto& each : control::causes()) {
    out += fmt::format("  {:<3} {:<12} {}\n", static_cast<int>(each.cause), each.word, each.help);
  }
  return out;
}

}  // namespace

std::optional<ServerAddress> parse_server(std::string_view text) {
  ServerAddress server;
  const auto [protocol, rest] = cut(text, ':');
  if (protocol == "udp") {
    server.protocol = transaction::Protocol::udp;
  } else if (protocol == "tcp") {
    server.protocol = transaction::Protocol::tcp;
  } else if (protocol == "tls") {
    server.protocol = transaction::Protocol::tls;
  } else {
    return std::nullopt;
  }
  const auto colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  if (has_port) server.port = parse_number<std::uint16_t>(rest.substr(colon + 1));
  server.host = rest.substr(0, has_port ? colon : rest.size());
  if (server.host.starts_with('[') && server.host.ends_with(']')) {
    server.host = server.host.substr(1, server.host.size() - 2);
  }
  if ((has_port && server.port.value_or(0) == 0) || server.host.empty()) return std::nullopt;
  return server;
}

namespace {

/// The server of --server, else of the account's domain.
std::optional<locate::Query> find_server(std::string_view account_text, const account::Account& account,
                                         Options& options) {
  if (options.server_text.empty()) {
    options.server_text = account.domain;
    return locate::Query{.host = account.domain, .secure = account_text.starts_with("sips:")};
  }
  const auto server = parse_server(options.server_text);
  if (!server) return std::nullopt;
  return locate::Query{.host = to_lower(server->host), .port = server->port, .transport = server->protocol};
}

bool read_name_servers(const std::vector<std::string>& texts, Options& options) {
  for (const std::string& text : texts) {
    const auto address = parse_address(text);
    if (!address || address->port == 0) return false;
    options.name_servers.push_back(*address);
  }
  return true;
}

/// What must be readable before anything is sent: why not, or nothing.
std::string unreadable_file(const Options& options) {
  for (const auto& [name, file] : {std::pair{"--ca", options.ca_file}, std::pair{"--play", options.play}}) {
    if (!file.empty() && !std::ifstream(file)) return fmt::format("{} {}: cannot be read", name, file);
  }
  return {};
}

/// "help", or "help" and the name of a command. Needs no account.
void help(const std::vector<std::string>& words) {
  std::string name;
  for (std::size_t i = 1; i < words.size(); ++i) name.append(name.empty() ? "" : " ").append(words[i]);
  std::cout << control::print_help(name);
  if (words.size() > 1) return;
  std::cout << "beckon --account USER@DOMAIN [OPTIONS] COMMAND runs one; without it they are typed.\n"
               "beckon --help lists the options.\n";
}

/// The command line's parser stops at the command, so an option after it is not seen.
bool has_account_after_command(const CLI::App& app) {
  return std::ranges::any_of(app.remaining(), [](const std::string& word) {
    return word == "--account" || word.starts_with("--account=");
  });
}

}  // namespace

std::optional<Options> read_options(int argc, char** argv, int& exit_code) {
  Options options;
  bool trace = false, full = false, writing = false;
  std::optional<std::uint32_t> keep_alive;
  std::string account, password_file, log_level = "warn", state;
  std::vector<std::string> name_servers;
  CLI::App app{"beckon, a SIP/SIMPLE user agent for people and scripts"};
  app.set_version_flag("--version", "beckon " BECKON_VERSION);
  app.add_option("--account", account, "your address: alice@example.org; always needed");
  app.add_option("--server", options.server_text,
                 "tls:HOST[:PORT], tcp:... or udp:...; default: the DNS records of the account's domain");
  app.add_option("--dns", name_servers, "name server ADDRESS:PORT; default /etc/resolv.conf");
  app.add_option("--ca", options.ca_file, "PEM file of the authority, or of the server's own certificate");
  app.add_option("--xcap", options.xcap_url, "XCAP root; default https://HOST:5443/xcap");
  app.add_option("--password-file", password_file,
                 "first line is the password; default $BECKON_PASSWORD, or a prompt");
  app.add_option("--state", state, "folder of keys and pins; default ~/.local/share/beckon-client/ACCOUNT");
  app.add_option("--play", options.play, "WAV file to play in sessions");
  app.add_option("--record", options.record, "WAV file to record sessions to");
  app.add_option(
         "--keep-alive", keep_alive,
         "seconds, 1 to 3600: the longest time between two keep-alives to the server; default 29 over "
         "UDP, 120 over TCP and TLS")
      ->check(CLI::Range(1U, 3600U));
  app.add_flag("!--no-gruu", options.has_gruu_contact,
               "name this device's own address in dialogs, and not its GRUU (RFC 5627)");
  app.add_option("--log", log_level, "trace, debug, info, warn, error or off; default warn");
  app.add_flag("--json", options.json,
               "one JSON object a line, in and out (client/control/contract.schema.json)");
  app.add_flag("!--no-read-receipts", options.read_receipts,
               "do not let senders know that their messages were shown on this terminal");
  app.add_flag("--trace", trace, "show every SIP message as a row of a ladder diagram, secrets masked");
  app.add_flag("--full", full, "like --trace, with the whole messages, but for the texts that people write");
  app.add_flag("--texts", writing, "like --full, with those texts");
  app.add_flag("--stay", options.stay, "after COMMAND, continue until interrupted");
  app.add_flag("--direct-loopback", options.direct_loopback, "for tests: direct sessions over loopback");
  app.prefix_command();  // the command begins at the first word that is not an option
  app.footer(commands_help());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : usage_error;
    return std::nullopt;
  }
  options.words = app.remaining();
  if (!options.words.empty() && options.words.front() == "help") {
    help(options.words);
    exit_code = 0;
    return std::nullopt;
  }
  if (account.empty()) {
    std::cerr << "beckon: --account USER@DOMAIN is missing"
              << (has_account_after_command(app) ? "; options stand before the command\n"
                                                 : ": who are you?\n");
    exit_code = usage_error;
    return std::nullopt;
  }
  if (trace) options.tracing = Tracing::lines;
  if (full) options.tracing = Tracing::full;
  if (writing) options.tracing = Tracing::writing;
  exit_code = usage_error;
  const auto read = account::parse_account(account);
  const auto server = read ? find_server(account, *read, options) : std::nullopt;
  if (!read || !server || !read_name_servers(name_servers, options) || !log::set_level(log_level)) {
    std::cerr << "beckon: "
              << (!read     ? "--account is not an address: " + account
                  : !server ? "--server is not tls:HOST[:PORT], tcp:... or udp:...: " + options.server_text
                  : options.name_servers.size() < name_servers.size()
                      ? "--dns is not ADDRESS:PORT"
                      : "--log has no such level: " + log_level)
              << '\n';
    return std::nullopt;
  }
  if (const auto why = unreadable_file(options); !why.empty()) {
    std::cerr << "beckon: " << why << '\n';
    return std::nullopt;
  }
  options.account = *read;
  options.server = *server;
  if (keep_alive) options.keep_alive = std::chrono::seconds(*keep_alive);
  const bool v6 = server->host.find(':') != std::string::npos;
  if (options.xcap_url.empty()) {
    options.xcap_url = fmt::format("https://{}:5443/xcap", v6 ? "[" + server->host + "]" : server->host);
  }
  options.state = state.empty() ? default_state_folder(options.account.user + "@" + options.account.domain)
                                : std::filesystem::path(state);
  if (!find_password(password_file, account, options.account.password)) {
    std::cerr << "beckon: "
              << (password_file.empty()
                      ? "no password: set BECKON_PASSWORD, give --password-file, or run on a terminal"
                      : "no password in " + password_file)
              << '\n';
    return std::nullopt;
  }
  return options;
}

}  // namespace beckon::client::cli
