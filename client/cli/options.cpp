#include "client/cli/options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "client/cli/account_commands.hpp"
#include "client/cli/account_file.hpp"
#include "client/cli/control_socket.hpp"
#include "client/cli/harness.hpp"
#include "client/cli/late_options.hpp"
#include "client/cli/password.hpp"
#include "client/control/cause.hpp"
#include "client/control/command.hpp"
#include "client/control/shell_commands.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/invitation/invitation.hpp"

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

std::string commands_help() {
  std::string out =
      "One COMMAND follows the options. Without it commands are read from standard input: typed, or with\n"
      "--json as JSON lines:\n";
  out += control::print_help();
  out += "In a shell alone:\n" + control::print_shell_help();
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

/// "help", or "help" and the name of a command; the exit code. Needs no account.
int help(const std::vector<std::string>& words) {
  std::string name;
  for (std::size_t i = 1; i < words.size(); ++i) name.append(name.empty() ? "" : " ").append(words[i]);
  std::cout << control::print_help(name);
  if (words.size() > 1) return control::has_help(name) ? 0 : usage_error;
  std::cout << "In a shell alone:\n"
            << control::print_shell_help()
            << "beckon [--account USER@DOMAIN] [OPTIONS] COMMAND runs one; without it they are typed.\n"
               "beckon --help lists the options.\n";
  return 0;
}

/// What the options say before it is known what they mean together.
struct Given {
  bool trace = false, full = false, writing = false, alone = false;
  std::optional<std::uint32_t> keep_alive{};
  std::string account{}, password_file{}, log_level = "warn", state{}, fingerprint{};
  std::vector<std::string> name_servers{};
};

void declare(CLI::App& app, Options& options, Given& given) {
  app.set_version_flag("--version", "beckon " BECKON_VERSION);
  app.add_option(
         "--account", given.account,
         "your address: alice@example.org, or the name of an account that was added; $BECKON_ACCOUNT; "
         "default: the account of \"beckon account default\"")
      ->envname("BECKON_ACCOUNT");
  app.add_option("--server", options.server_text,
                 "tls:HOST[:PORT], tcp:... or udp:...; $BECKON_SERVER; default: the account's, else the DNS "
                 "records of its domain")
      ->envname("BECKON_SERVER");
  app.add_option("--dns", given.name_servers, "name server ADDRESS:PORT; default /etc/resolv.conf")
      ->allow_extra_args(false);
  app.add_option("--ca", options.ca_file,
                 "PEM file of the authority, or of the server's own certificate; $BECKON_CA")
      ->envname("BECKON_CA");
  app.add_option("--fingerprint", given.fingerprint,
                 "sha256:...: trust the server's certificate that has this fingerprint, and no other");
  app.add_option("--xcap", options.xcap_url, "XCAP root; default https://HOST:5443/xcap");
  app.add_option("--password-file", given.password_file,
                 "first line is the password; default $BECKON_PASSWORD, the account's, or a prompt");
  app.add_option("--state", given.state,
                 "folder of keys and pins; default ~/.local/share/beckon-client/ACCOUNT");
  app.add_option("--play", options.play, "WAV file to play in sessions");
  app.add_option("--record", options.record, "WAV file to record sessions to");
  app.add_option(
         "--keep-alive", given.keep_alive,
         "seconds, 1 to 3600: the longest time between two keep-alives to the server; default 29 over "
         "UDP, 120 over TCP and TLS")
      ->check(CLI::Range(1U, 3600U));
  app.add_flag("!--no-gruu", options.has_gruu_contact,
               "name this device's own address in dialogs, and not its GRUU (RFC 5627)");
  app.add_option("--log", given.log_level, "trace, debug, info, warn, error or off; default warn");
  app.add_flag("--json", options.json,
               "one JSON object a line, in and out (client/control/contract.schema.json)");
  app.add_flag("!--no-read-receipts", options.read_receipts,
               "do not let senders know that their messages were shown on this terminal");
  app.add_flag("--trace", given.trace, "show every SIP message as a row of a ladder diagram, secrets masked");
  app.add_flag("--full", given.full,
               "like --trace, with the whole messages, but for the texts that people write");
  app.add_flag("--texts", given.writing, "like --full, with those texts");
  app.add_flag("--alone", given.alone, "do not use the agent that runs in the background");
  app.add_flag("--stay", options.stay, "after COMMAND, continue until interrupted");
  app.add_flag(
      "--plain-media", options.plain_media,
      "offer and take calls by INVITE without encryption, too, where the server is reached over TLS");
  app.add_option("--media-security", options.media_security,
                 "what calls by INVITE offer: sdes, dtls, or best: sdes first, dtls where that is refused")
      ->check(CLI::IsMember({"best", "sdes", "dtls"}));
  app.add_flag("--direct-loopback", options.direct_loopback, "for tests: direct sessions over loopback");
  app.prefix_command();  // the command begins at the first word that is not an option
  app.footer(commands_help());
}

/// Reads the options, also those behind the command. Words that ask for help become "help ...".
void parse(CLI::App& app, int argc, char** argv, Options& options) {
  app.parse(argc, argv);
  LateOptions late = split_late(app, app.remaining());
  if (!late.options.empty()) {
    const auto words = static_cast<std::ptrdiff_t>(app.remaining().size());
    std::vector<std::string> all(argv + 1, argv + argc - words);
    all.insert(all.end(), late.options.begin(), late.options.end());
    std::ranges::reverse(all);  // as CLI11 takes them
    app.parse(all);
  }
  options.words = std::move(late.words);
}

/// What is missing is taken from the account's entry.
void complete(Options& options, Given& given, const accounts::Entry& entry) {
  given.account = entry.account;
  const bool is_usual_server = options.server_text.empty() || options.server_text == entry.server;
  if (options.server_text.empty()) options.server_text = entry.server;
  if (options.xcap_url.empty() && is_usual_server) options.xcap_url = entry.xcap;
  if (!options.ca_file.empty() || !given.fingerprint.empty()) return;
  given.fingerprint = entry.certificate;
  if (entry.certificate.empty()) options.ca_file = entry.ca;
}

/// These make an agent what it is: with one of them `beckon` is an agent of its own.
bool is_own_agent(const CLI::App& app) {
  return std::ranges::any_of(
      std::array{"--alone", "--server", "--dns", "--ca", "--fingerprint", "--xcap", "--password-file",
                 "--state", "--play", "--record", "--keep-alive", "--no-gruu", "--trace", "--full", "--texts",
                 "--plain-media", "--media-security", "--direct-loopback"},
      [&](const char* name) { return app.count(name) > 0; });
}

/// Why the options cannot be followed; nothing: they can.
std::optional<std::string> check(Options& options, const Given& given) {
  if (given.account.empty())
    return "who are you? Take an account for all times with \"beckon account add LINK\" (\"beckond user "
           "invite\" makes "
           "the link), or give --account USER@DOMAIN";
  const auto read = account::parse_account(given.account);
  if (!read)
    return fmt::format(
        "--account: {} is neither USER@DOMAIN, as alice@example.org, nor an account of `beckon "
        "account list`",
        given.account);
  options.account = *read;
  const auto server = find_server(given.account, *read, options);
  if (!server)
    return fmt::format("--server: {} is not tls:HOST[:PORT], tcp:... or udp:...", options.server_text);
  options.server = *server;
  if (!read_name_servers(given.name_servers, options))
    return fmt::format("--dns: {} is not ADDRESS:PORT, as 192.0.2.53:53",
                       fmt::join(given.name_servers, ", "));
  if (!log::set_level(given.log_level))
    return fmt::format("--log: {} is not trace, debug, info, warn, error or off", given.log_level);
  if (!given.fingerprint.empty()) {
    const auto fingerprint = invitation::parse_fingerprint(given.fingerprint);
    if (!fingerprint)
      return fmt::format("--fingerprint: {} is not sha256: and 64 hexadecimal digits", given.fingerprint);
    if (!options.ca_file.empty()) return "--ca and --fingerprint exclude each other";
    options.fingerprint = *fingerprint;
  }
  if (const auto why = unreadable_file(options); !why.empty()) return why;
  return std::nullopt;
}

std::optional<Options> refuse(const std::string& why) {
  std::cerr << "beckon: " << why << '\n';
  return std::nullopt;
}

}  // namespace

std::optional<Options> read_options(int argc, char** argv, int& exit_code) {
  // The harness has options of its own, and none of an account.
  if (argc > 1 && std::string_view(argv[1]) == "test") {
    exit_code = become_harness(argv + 2);
    return std::nullopt;
  }
  Options options;
  Given given;
  CLI::App app{"beckon, a SIP/SIMPLE user agent for people and scripts"};
  declare(app, options, given);
  try {
    parse(app, argc, argv, options);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : usage_error;
    return std::nullopt;
  }
  const std::string verb = options.words.empty() ? "" : options.words.front();
  if (verb.starts_with("-")) {
    exit_code = usage_error;
    return refuse("there is no option " + verb + "; `beckon --help` lists those there are");
  }
  if (verb == "help") {
    exit_code = help(options.words);
    return std::nullopt;
  }
  const AccountFile file;
  if (verb == "account") {
    exit_code = run_account_command(options.words,
                                    {.account = {},
                                     .server = options.server_text,
                                     .xcap = options.xcap_url,
                                     .certificate = given.fingerprint,
                                     .ca = options.ca_file,
                                     .password_file = given.password_file},
                                    options.json, file);
    return std::nullopt;
  }
  exit_code = usage_error;
  if (verb == "test") return refuse("the options of test stand behind it: beckon test FILE --server URI");
  const auto known = file.read();
  if (!known) return refuse(known.error().text);
  const auto entry = accounts::find(*known, given.account);
  if (!entry) return refuse(entry.error().text);
  if (*entry) complete(options, given, **entry);
  if (const auto why = check(options, given)) return refuse(*why);
  if (given.trace) options.tracing = Tracing::lines;
  if (given.full) options.tracing = Tracing::full;
  if (given.writing) options.tracing = Tracing::writing;
  if (given.keep_alive) options.keep_alive = std::chrono::seconds(*given.keep_alive);
  const std::string& host = options.server.host;
  const bool v6 = host.find(':') != std::string::npos;
  if (options.xcap_url.empty())
    options.xcap_url = fmt::format("https://{}:5443/xcap", v6 ? "[" + host + "]" : host);
  const std::string name = options.account.user + "@" + options.account.domain;
  options.state = given.state.empty() ? default_state_folder(name) : std::filesystem::path(given.state);
  options.socket = control_socket(name);
  options.runs = verb == "run";
  options.examines = verb == "doctor";
  if (options.examines && options.words.size() > 1) return refuse("doctor takes no arguments");
  if (options.examines) return options;
  if (options.runs && options.words.size() > 1) return refuse("run takes no arguments");
  if (options.runs) options.words.clear();
  options.attaches = !options.runs && !is_own_agent(app) && has_agent(options.socket);
  if (options.attaches) return options;
  if (verb == "quit") return refuse("no agent of " + name + " runs in the background");
  auto password = find_password({.file = given.password_file,
                                 .account_file = *entry ? (*entry)->password_file : std::string(),
                                 .stored = file.password_path(name)},
                                given.account);
  if (!password) return refuse(password.error().text);
  options.account.password = std::move(*password);
  return options;
}

std::vector<OptionRow> list_options() {
  Options options;
  Given given;
  CLI::App app;
  declare(app, options, given);
  std::vector<OptionRow> rows;
  for (const CLI::Option* const each : app.get_options()) {
    if (each->get_lnames().empty()) continue;
    const bool is_flag = each->get_expected_max() == 0;
    rows.push_back({"--" + each->get_lnames().front(), is_flag ? "" : "TEXT", each->get_description()});
  }
  return rows;
}

}  // namespace beckon::client::cli
